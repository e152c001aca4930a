// What a hardening would change. Both sides of a change are shown where somebody opens it.
function driftView(route) {
  const components = [...new Set(DRIFT.map((one) => one.component))].sort();
  const component = {name: "component", label: "Component", choices: components};
  const list = element("div", {class: "card"});
  const bar = filters(route, [SEVERITY, component], "host, file or role", (state) => {
    const found = DRIFT.filter((one) => matches(one.text, state.search) && (!state.severity || one.severity === state.severity)
      && (!state.component || one.component === state.component));
    list.replaceChildren(paged(100, found.length, (first, end) => scrolling("Drift", table(null,
      ["Cluster", "Severity", "Component", "What would change"], found.slice(first, end).map((one) => [
        element("th", {scope: "row"}, hostLink(one)), severityChip(one.severity), words(one.component), element("td", null, driftChange(one))]))), "difference"));
  });
  const hosts = new Set(DRIFT.map((one) => one.host)).size;
  return ["Drift", element("p", {class: "lead"}, `${several(hosts, "host")} of ${DATA.drift.hosts} ${hosts === 1 ? "differs" : "differ"} from what the inventory wants, as of ${moment(DATA.drift.generated)}.`), bar, list];
}

function driftChange(one) {
  const told = [one.subject ? element("strong", null, one.subject) : "", one.subject ? element("br") : "", one.description];
  const [statement, before, after] = details().drift[one.index];
  if (!statement && !before && !after) return told;
  const sides = [["Statement", statement], ["Is", before], ["Would be", after]].filter(([, text]) => text);
  return [...told, element("details", null, element("summary", null, "Show"),
    element("dl", null, sides.map(([name, text]) => element("div", null, element("dt", null, name), element("dd", null, element("pre", {tabindex: 0}, element("code", null, text)))))))];
}
