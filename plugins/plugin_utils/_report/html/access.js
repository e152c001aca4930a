// A part of a cluster's page: who can connect from where.
const listed = (value) => (Array.isArray(value) ? value.map(itemText).join(", ") : itemText(value ?? ""));
const unseen = (title, what) => element("section", {class: "card"}, element("h2", null, title), element("p", {class: "quiet"}, what));

function whatShadows(numbers, places) {
  const found = [numbers ?? []].flat();
  return found.length ? `: what it is about is taken by line ${found.map((number) => places.get(number) ?? itemText(number)).join(", ")}` : "";
}

function accessPart(hba) {
  const title = "Who can connect from where";
  if (!hba || !hba.rules) return unseen(title, "The rules could not be read.");
  const who = (hba.who || []).map(([from, type, databases, users, method]) => [from === "socket" ? "the host itself, by the socket" : listed(from), listed(users), listed(databases), type,
    element("code", {class: method === "trust" ? "danger" : ""}, listed(method))]);
  // Where files are included, a line is one of a file.
  const divided = new Set(hba.rules.map(([, file]) => file)).size > 1;
  const placeOf = (file, line) => (divided && file ? `${itemText(file).split("/").at(-1)}:${line}` : `${line}`);
  const places = new Map(hba.rules.map(([number, file, line]) => [number, placeOf(file, line ?? number ?? "")]));
  const rules = hba.rules.map(([number, file, line, text, method, reachable, shadowed]) => element("tr", {class: reachable === false ? "unreachable" : ""},
    element("td", {class: "number", title: file}, placeOf(file, line ?? number ?? "")),
    element("td", null, element(reachable === false ? "del" : "span", null, element("code", null, text || ""))),
    element("td", null, reachable === false ? `never reached${whatShadows(shadowed, places)}` : method === "reject" ? "refuses" : "lets in")));
  const remarks = (hba.findings || []).map(([file, line, severity, message]) => element("li", null, line === null ? "" : element("strong", null, `Line ${placeOf(file, line)}: `),
    message || "", element("span", {class: "quiet"}, ` (${severity})`)));
  return element("section", {class: "card"}, element("h2", null, title),
    who.length ? scrolling("Who can connect", table({class: "who"}, ["From", "Roles", "Databases", "Connection", "Proof"], who))
      : element("p", {class: "quiet"}, "Nobody, as far as the rules tell."),
    element("h3", null, "Rules of pg_hba.conf"),
    scrolling("Rules", table({class: "rules"}, [element("th", {scope: "col", class: "number"}, "Line"), "Rule", "What it does"], rules)),
    remarks.length ? [element("h3", null, "Remarks"), element("ul", {class: "remarks"}, remarks)] : "");
}
