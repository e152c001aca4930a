// The list of controls, and the page of one of them.
function countsOf(control) {
  const counts = Object.fromEntries(DATA.statuses.map((name) => [name, 0]));
  for (const cluster of CLUSTERS) {
    const status = statusOf(cluster, control);
    if (status) counts[status] += 1;
  }
  return counts;
}

function sharesOf(counts) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0) || 1;
  let start = 0;
  const parts = DATA.statuses.filter((status) => counts[status]).map((status) => {
    const width = 1000 * counts[status] / total;
    const part = drawing("rect", {class: `fill-${status}`, x: start, y: 0, width, height: 20});
    start += width;
    return part;
  });
  return drawing("svg", {class: "shares slim", viewBox: "0 0 1000 20", preserveAspectRatio: "none", "aria-hidden": "true"}, ...parts);
}

function controlsView(route) {
  const list = element("div", {class: "card"});
  const counted = CONTROLS.map((control) => ({control, counts: countsOf(control)}));
  const bar = filters(route, [STATUS, SEVERITY, AREA], "control or title", (state) => {
    const found = counted.filter(({control, counts}) => matches(control.text, state.search) && controlMatches(control, state)
      && (!state.status || counts[state.status]));
    list.replaceChildren(paged(200, found.length, (first, end) => scrolling("Controls", table({class: "controls"},
      ["Control", "Area", "Severity", element("th", {scope: "col"}, hidden("Shares")), ...["fail", "unknown", "pass"].map((name) =>
        element("th", {scope: "col", class: "number"}, name))],
      found.slice(first, end).map(({control, counts}) => [element("th", {scope: "row"}, element("a", {href: controlPath(control.id)}, control.id),
        element("br"), element("span", {class: "title"}, control.title)), control.area, severityChip(control.severity),
      element("td", {class: "bar-cell"}, sharesOf(counts)), ...["fail", "unknown", "pass"].map((name) => element("td",
        {class: `number ${counts[name] ? "" : "zero"}`}, String(counts[name])))]))), "control"));
  });
  return ["Controls", bar, list];
}

function controlView(route) {
  const control = CONTROLS.find((one) => one.id === route.path[1]);
  if (!control) return ["Not found", element("p", null, "This report has no such control.")];
  const groups = DATA.statuses.map((status) => {
    const found = CLUSTERS.filter((cluster) => statusOf(cluster, control) === status);
    if (!found.length) return "";
    return element("section", {class: "card"}, element("h2", null, statusChip(status), ` ${several(found.length, "cluster")}`),
      paged(50, found.length, (first, end) => element("ul", {class: "control-hosts"}, found.slice(first, end).map((cluster) => {
        const finding = ATTENTION.includes(status) ? detailsOf(cluster).finding(control) : null;
        return element("li", null, element("a", {href: `${hostPath(cluster.host, cluster.cluster)}/${encodeURIComponent(control.id)}`}, cluster.name),
          finding ? element("span", {class: "quiet"}, ` ${finding.evidence || finding.reason}`) : "");
      })), "cluster"));
  });
  return [`${control.id} ${control.title}`, element("p", {class: "lead"}, severityChip(control.severity), ` · ${control.area}`),
    element("section", {class: "card"}, element("h2", null, "Why"), element("p", null, control.rationale || "No reason is given."), referencesOf(control)), groups];
}
