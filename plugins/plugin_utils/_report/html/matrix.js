// Controls by clusters. Only some clusters are in the page at once, and arrow keys walk over the cells.
const MATRIX_COLUMNS = 20;
const STEPS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

function matrixCell(cluster, control) {
  const status = statusOf(cluster, control);
  if (!status) return element("td");
  return element("td", {class: `cell ${status}`}, element("a", {
    href: `${hostPath(cluster.host, cluster.cluster)}/${encodeURIComponent(control.id)}`, tabindex: -1,
    "aria-label": words(status), title: `${cluster.name}\n${control.id} ${control.title}\n${words(status)}`,
  }, SIGNS[status]));
}

function walk(event) {
  const cell = event.target.closest("td.cell");
  if (!cell || !(event.key in STEPS)) return;
  event.preventDefault();
  const [down, right] = STEPS[event.key];
  let row = cell.parentElement;
  const column = cell.cellIndex + right;
  do row = down > 0 ? row.nextElementSibling : down < 0 ? row.previousElementSibling : row;
  while (row && down && !row.querySelector("td.cell"));
  const link = row && row.cells[column] && row.cells[column].querySelector("td.cell > a");
  if (!link) return;
  cell.querySelector("a").tabIndex = -1;
  link.tabIndex = 0;
  link.focus();
}

function matrixTable(clusters, controls) {
  const rows = [];
  let area = null;
  for (const control of controls) {
    if (control.area !== area) {
      area = control.area;
      rows.push(element("tr", {class: "area-row"}, element("th", {scope: "rowgroup", colspan: clusters.length + 1}, element("span", null, area))));
    }
    rows.push(element("tr", null, element("th", {scope: "row"}, element("div", {title: control.title},
      element("a", {href: controlPath(control.id)}, control.id), control.title)), clusters.map((cluster) => matrixCell(cluster, control))));
  }
  const made = table({class: "matrix"}, [element("th", {scope: "col"}, "Control"), ...clusters.map((cluster) => element("th", {scope: "col", class: "upright"},
    element("a", {href: hostPath(cluster.host, cluster.cluster), title: cluster.name}, cluster.host || "unnamed", element("span", {class: "quiet"}, ` ${cluster.cluster}`))))], rows);
  made.addEventListener("keydown", walk);
  const first = made.querySelector("td.cell a");
  if (first) first.tabIndex = 0;
  return made;
}

function matrixView(route) {
  const list = element("div", {class: "card"});
  const ordered = [...summaries].sort(byUrgency);
  const bar = filters(route, [STATUS, SEVERITY, AREA], "host, control or title", (state) => {
    const concerned = (control) => !state.status || ordered.some((cluster) => statusOf(cluster, control) === state.status);
    let clusters = ordered.filter((cluster) => matches(cluster.text, state.search));
    let controls = CONTROLS.filter((control) => controlMatches(control, state) && concerned(control));
    // What is looked for is a host, or else a control.
    if (!clusters.length) {
      clusters = ordered;
      controls = controls.filter((control) => matches(control.text, state.search));
    }
    list.replaceChildren(controls.length ? paged(MATRIX_COLUMNS, clusters.length, (first, end) => scrolling("Controls by clusters",
      matrixTable(clusters.slice(first, end), controls)), "cluster") : element("p", {class: "quiet"}, "No control is like that."));
  });
  const legend = element("ul", {class: "legend"}, DATA.statuses.map((status) => element("li", null, statusChip(status))));
  return ["Controls by hosts", bar, legend, list];
}
