// The list of clusters, which every head of a column sorts.
const WHO_COLUMNS = [
  {key: "name", label: "Cluster", value: (one) => one.name, ascending: true},
  {key: "percent", label: "Score", value: (one) => one.percent ?? -1, ascending: true},
];
const FAILURE_COLUMNS = [
  ...DATA.severities.map((severity) => ({
    key: severity, label: severity, value: (one) => one.failures[severity], ascending: false, number: true,
  })),
  {key: "unknown", label: "unknown", value: (one) => one.unknown, ascending: false, number: true},
  {key: "version", label: "Version", value: (one) => one.version, ascending: true},
  {key: "profile", label: "Profile", value: (one) => one.profile, ascending: true},
];
const AREA_COLUMNS = DATA.areas.map((area, index) => ({
  key: area, label: area, value: (one) => one.areas[index] ?? -1, ascending: true, number: true,
}));
const UNKNOWN = String(DATA.statuses.indexOf("unknown"));
const summaries = CLUSTERS.map((cluster) => ({
  ...cluster, failures: failures(cluster), unknown: cluster.statuses.split(UNKNOWN).length - 1,
}));
const urgency = (one) => [one.error ? 0 : 1, ...DATA.severities.map((severity) => -one.failures[severity]), one.percent ?? -1];

function byUrgency(left, right) {
  const [first, second] = [urgency(left), urgency(right)];
  const index = first.findIndex((value, position) => value !== second[position]);
  return index < 0 ? left.index - right.index : first[index] - second[index];
}

const nameCell = (one) => element("th", {scope: "row"}, hostLink(one), one.error ? element("span", {class: "tag"}, "not assessed") : "",
  one.recovery ? element("span", {class: "tag"}, "standby") : "");

// How much is missing is told by the number and by how strong its ground is.
function heatCell(percent) {
  const level = percent === null ? "none" : [25, 50, 75, 90, 101].findIndex((limit) => percent < limit);
  return element("td", {class: `heat heat-${level}`}, percentText(percent));
}

function hostRow(one, byArea) {
  const who = [nameCell(one), element("td", {class: "score-cell"}, element("div", null, meter(one.percent, one.before), element("span", null, percentText(one.percent))))];
  if (byArea) return [...who, ...one.areas.map(heatCell)];
  return [...who,
    ...DATA.severities.map((severity) => element("td", {class: `number ${one.failures[severity] ? `some-${severity}` : "zero"}`},
      String(one.failures[severity]))),
    element("td", {class: `number ${one.unknown ? "" : "zero"}`}, String(one.unknown)),
    ...[one.version, one.profile].map((text) => element("td", {class: "word", title: text}, text)),
  ];
}

function hostsView(route) {
  const list = element("div", {class: "card"});
  let sorting = null;
  let byArea = false;
  let rows = summaries;
  const ordered = () => [...rows].sort(sorting === null ? byUrgency : (left, right) => {
    const [first, second] = [left, right].map(sorting.column.value);
    return (first < second ? -1 : first > second ? 1 : left.index - right.index) * (sorting.ascending ? 1 : -1);
  });
  function head(column) {
    const active = sorting !== null && sorting.column === column;
    const button = element("button", {type: "button", class: "sort", "data-key": column.key, onclick: () => {
      sorting = {column, ascending: active ? !sorting.ascending : column.ascending};
      draw();
      list.querySelector(`button[data-key="${column.key}"]`).focus();
    }}, column.label, element("span", {"aria-hidden": "true"}, active ? (sorting.ascending ? " ▲" : " ▼") : ""));
    return element("th", {scope: "col", class: column.number ? "number" : "",
      "aria-sort": active ? (sorting.ascending ? "ascending" : "descending") : null}, button);
  }
  function draw() {
    const found = ordered();
    list.replaceChildren(paged(100, found.length, (first, end) => scrolling("Clusters",
      table({class: "hosts"}, [...WHO_COLUMNS, ...(byArea ? AREA_COLUMNS : FAILURE_COLUMNS)].map(head),
        found.slice(first, end).map((one) => hostRow(one, byArea)))), "cluster"));
    for (const button of choice.children) button.setAttribute("aria-pressed", String((button.dataset.name === "areas") === byArea));
  }
  const choice = element("div", {class: "choice alone", role: "group", "aria-label": "Which columns"}, [["failures", "Failures"], ["areas", "Score by area"]].map(
    ([name, label]) => element("button", {type: "button", "data-name": name, onclick: () => {
      byArea = name === "areas";
      sorting = null;
      draw();
    }}, label)));
  const bar = filters(route, [STATUS, SEVERITY, AREA], "host, version or profile", (state) => {
    rows = summaries.filter((one) => matches(one.text, state.search) && (!(state.status || state.severity || state.area)
      || CONTROLS.some((control) => controlMatches(control, state, one) && statusOf(one, control) === (state.status || "fail"))));
    draw();
  });
  return ["Hosts", bar, choice, list];
}

const rankOf = (control) => DATA.severities.indexOf(control.severity);

function drawWorst() {
  const worst = [...summaries].sort(byUrgency).slice(0, 8).map((one) => [nameCell(one),
    ...["critical", "high"].map((severity) => element("td", {class: `number ${one.failures[severity] ? `some-${severity}` : "zero"}`}, String(one.failures[severity]))),
    ...[one.percent, ...one.areas].map(heatCell)]);
  byId("worst-hosts").append(worst.length ? scrolling("Hosts to look at first", table({class: "worst"}, ["Cluster",
    ...["critical", "high", "all", ...DATA.areas].map((name) => element("th", {scope: "col", class: "number"}, name))], worst)) : element("p", null, "No host."),
  summaries.length > worst.length ? element("p", {class: "small"}, element("a", {href: "#/hosts"}, `All ${several(summaries.length, "cluster")}`)) : "");
  const controls = CONTROLS.map((control) => ({control, count: CLUSTERS.filter((one) => statusOf(one, control) === "fail").length}))
    .filter(({count}) => count).sort((left, right) => right.count - left.count || rankOf(left.control) - rankOf(right.control)).slice(0, 6)
    .map(({control, count}) => element("li", null, element("div", null, controlLink(control)),
      element("span", {class: "badges"}, severityChip(control.severity), element("span", {class: "count"}, several(count, "cluster")))));
  byId("worst-controls").append(controls.length ? element("ul", {class: "ranking"}, controls) : element("p", null, "Nothing fails."));
}
