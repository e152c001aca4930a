// What changed, what somebody answers for, and what nobody knows.
function changesView(route) {
  const list = element("div", {class: "card"});
  const bar = filters(route, [CHANGE, SEVERITY], "host or control", (state) => {
    const found = CHANGES.filter((one) => matches(one.text, state.search) && (!state.change || one.change === state.change)
      && (!state.severity || one.severity === state.severity));
    list.replaceChildren(paged(100, found.length, (first, end) => scrolling("Changes", table({class: "changes-table"},
      ["Change", "Severity", "Cluster", "Control", "Items"], found.slice(first, end).map((one) => [
        element("span", {class: `change-chip ${one.change}`}, one.change), severityChip(one.severity), element("td", null, hostLink(one)),
        element("td", null, controlLink({id: one.control, title: one.title})),
        element("td", null, one.change === "still" && (one.added || one.removed) ? `${one.added} more, ${one.removed} less` : "")]))), "change"));
  });
  return ["Changes since the earlier report", bar, list];
}

// Of a cluster that could not be looked at, one sentence says what a row for each control would.
const isAway = (cluster) => cluster.error && [...cluster.statuses].every((status) => status === UNKNOWN || status === "-");

function pairs(wanted) {
  const found = [];
  for (const cluster of CLUSTERS.filter((one) => !isAway(one))) {
    for (const control of CONTROLS) if (wanted.includes(statusOf(cluster, control))) found.push({cluster, control});
  }
  return found;
}

function sitesWaivers() {
  if (!DATA.waivers.length) return "";
  const rows = DATA.waivers.map(([control, hosts, when, reason, approved, expires, used, state, kind]) => [
    element("th", {scope: "row"}, element("a", {href: controlPath(control || "")}, control || ""), element("br"), element("span", {class: "quiet"}, itemText(hosts ?? ""), when ? ` when ${itemText(when)}` : "")),
    element("span", {class: `state ${kind}`.trim()}, state),
    element("td", {class: "number"}, String(used)), itemText(expires ?? "never"), itemText(approved ?? ""), itemText(reason ?? "")]);
  return element("div", {class: "card"}, element("h2", null, "Of the site"), scrolling("Waivers of the site", table(null,
    ["Control and hosts", "State", element("th", {scope: "col", class: "number"}, "Items"), "Until", "Approved by", "Why"], rows)));
}

function waiversView(route) {
  const all = CLUSTERS.flatMap((cluster) => {
    const details = detailsOf(cluster);
    return details.present.map(details.finding).flatMap((finding) => finding.waived.map(([item, why]) => ({
      cluster, control: finding.control, item, why, text: `${cluster.text} ${finding.control.text} ${why}`.toLowerCase(),
    })));
  });
  const list = element("div", {class: "card"});
  const bar = filters(route, [SEVERITY, AREA], "host, control or reason", (state) => {
    const found = all.filter((one) => matches(one.text, state.search) && controlMatches(one.control, state, one.cluster));
    list.replaceChildren(element("h2", null, "Items that are waived"), paged(100, found.length, (first, end) => scrolling("Waived items", table(null, ["Cluster", "Control", "Item", "Why"],
      found.slice(first, end).map((one) => [element("th", {scope: "row"}, hostLink(one.cluster)), element("td", null, controlLink(one.control)),
        element("code", null, itemText(one.item)), one.why]))), "item"));
  });
  return ["Waivers", element("p", {class: "lead"}, "What somebody answers for. A waiver that has expired or fits nothing is a finding itself."), sitesWaivers(), bar, list];
}

function openView(route) {
  const all = pairs(["unknown", "manual"]);
  const list = element("div", {class: "card"});
  const known = {...STATUS, choices: ["unknown", "manual"]};
  const bar = filters(route, [known, SEVERITY, AREA], "host or control", (state) => {
    const found = all.filter(({cluster, control}) => matches(`${cluster.text} ${control.text}`, state.search) && controlMatches(control, state, cluster)
      && (!state.status || statusOf(cluster, control) === state.status));
    list.replaceChildren(paged(100, found.length, (first, end) => scrolling("Open questions", table(null, ["Cluster", "Status", "Severity", "Control", "What to look at"],
      found.slice(first, end).map(({cluster, control}) => [element("th", {scope: "row"}, hostLink(cluster)), statusChip(statusOf(cluster, control)),
        severityChip(severityOf(cluster, control)), element("td", null, controlLink(control)), detailsOf(cluster).finding(control).reason]))), "open question"));
  });
  const away = CLUSTERS.filter(isAway);
  const unseenOnes = away.length ? element("div", {class: "note"}, element("p", null, element("strong", null, `${several(away.length, "cluster")} could not be assessed: everything is unknown.`)),
    paged(20, away.length, (first, end) => element("ul", {class: "control-hosts"}, away.slice(first, end).map((one) => element("li", null, hostLink(one),
      element("span", null, ` ${one.error}`)))), "cluster")) : "";
  return ["Open questions", element("p", {class: "lead"}, "What could not be read is unknown, never passed; and some things a person has to look at."), unseenOnes, bar, list];
}
