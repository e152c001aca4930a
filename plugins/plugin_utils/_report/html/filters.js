// One search and some choices above a list. They are kept in the address, so that a view can be sent to somebody.
const AREA = {name: "area", label: "Area", choices: DATA.areas};
const SEVERITY = {name: "severity", label: "Severity", choices: DATA.severities};
const STATUS = {name: "status", label: "Status", choices: DATA.statuses};
const CHANGE = {name: "change", label: "Change", choices: DATA.changeNames};

function filters(route, choices, placeholder, changed) {
  const state = {search: route.query.get("search") || ""};
  for (const {name, choices: known} of choices) {
    const value = route.query.get(name) || "";
    state[name] = known.includes(value) ? value : "";
  }
  function update() {
    const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
    history.replaceState(null, "", `#/${route.path.map(encodeURIComponent).join("/")}${query.size ? `?${query}` : ""}`);
    changed(state);
  }
  let waiting = 0;
  const search = element("input", {type: "search", id: "search", placeholder, value: state.search, autocomplete: "off",
    spellcheck: "false", oninput: () => {
      state.search = search.value;
      clearTimeout(waiting);
      waiting = setTimeout(update, 120);
    }});
  const selects = choices.map(({name, label, choices: known}) => {
    const select = element("select", {id: `filter-${name}`, onchange: () => {
      state[name] = select.value;
      update();
    }}, element("option", {value: ""}, "all"), known.map((value) => element("option", {value, selected: state[name] === value}, words(value))));
    return element("div", null, element("label", {for: `filter-${name}`}, label), select);
  });
  const form = element("form", {class: "filters", role: "search", onsubmit: (event) => event.preventDefault()},
    element("div", {class: "grow"}, element("label", {for: "search"}, "Search ", element("kbd", null, "/")), search), selects);
  changed(state);
  return form;
}

const matches = (text, search) => search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
const controlMatches = (control, state, cluster) => (!state.area || control.area === state.area)
  && (!state.severity || (cluster ? severityOf(cluster, control) : control.severity) === state.severity);
