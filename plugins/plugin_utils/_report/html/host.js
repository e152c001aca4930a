// The page of one cluster.
const ATTENTION = ["fail", "unknown", "manual", "waived"];

function itemsOf(items, count) {
  if (!items.length) return "";
  const shown = items.slice(0, 200);
  const flat = shown.every((item) => item !== null && typeof item === "object" && !Array.isArray(item));
  const keys = flat ? [...new Set(shown.flatMap(Object.keys))] : [];
  const list = flat && keys.length <= 8
    ? scrolling("Items", table({class: "items"}, keys, shown.map((item) => keys.map((key) => element("td", null,
      item[key] === null || item[key] === undefined ? "" : element("code", null, itemText(item[key])))))))
    : element("ul", {class: "items"}, shown.map((item) => element("li", null, element("code", null, itemText(item)))));
  const more = Math.max(count, items.length) - shown.length;
  return [list, more > 0 ? element("p", {class: "quiet"}, `and ${several(more, "more item")}`) : ""];
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Some browsers have no clipboard for files: then what is to be copied is selected.
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function fixOf(fix) {
  if (!fix || !fix[1]) return "";
  const [role, line] = fix;
  const button = element("button", {type: "button", class: "copy", onclick: () => copy(button, line)}, "Copy");
  return element("div", {class: "fix"}, element("p", {class: "label"}, "Fix, in the playbook", role ? element("span", {class: "quiet"}, ` · role ${role}`) : ""),
    element("div", {class: "fix-line"}, element("pre", {tabindex: 0, role: "group", "aria-label": "Line for the playbook"},
      element("code", null, line)), button));
}

function referencesOf(control) {
  if (!control.references.length) return element("p", {class: "quiet small"}, "In no benchmark that was seen: unmapped.");
  return element("ul", {class: "references"}, control.references.map(([name, title, source]) => element("li", null,
    element("strong", null, name), ` ${title} `, source ? element("span", {class: "quiet"}, `(seen in ${source})`) : "")));
}

function waivedOf(waived) {
  if (!waived.length) return "";
  return element("div", null, element("p", {class: "label"}, "Waived"), element("ul", {class: "waived"}, waived.map(([item, why]) =>
    element("li", null, element("code", null, itemText(item)), element("br"), why))));
}

function findingBox(finding, open) {
  const {control, status} = finding;
  const box = element("details", {class: `finding ${status}`, open, "data-control": control.id},
    element("summary", null, statusChip(status), severityChip(finding.severity),
      element("span", {class: "finding-title"}, element("span", {class: "id"}, control.id), " ", control.title),
      status === "fail" && finding.count ? element("span", {class: "count"}, several(finding.count, "item")) : ""));
  // What nobody opens is not made.
  const fill = () => {
    if (!box.open || box.childElementCount > 1) return;
    box.append(element("div", {class: "finding-body"},
      finding.evidence ? element("p", {class: "evidence"}, finding.evidence) : "",
      finding.reason ? element("p", null, finding.reason) : "",
      itemsOf(finding.items, finding.count), waivedOf(finding.waived),
      status === "pass" || status === "not_applicable" ? "" : fixOf(finding.fix),
      control.rationale ? element("p", {class: "quiet"}, control.rationale) : "",
      referencesOf(control),
      element("p", {class: "small"}, element("a", {href: controlPath(control.id)}, "This control on all hosts"))));
  };
  box.addEventListener("toggle", fill);
  fill();
  return box;
}

function findingsPart(cluster, details, wanted) {
  const all = details.present.map(details.finding);
  const rank = (finding) => DATA.statuses.indexOf(finding.status) * 10 + DATA.severities.indexOf(finding.severity);
  all.sort((left, right) => rank(left) - rank(right));
  const list = element("div", {class: "findings"});
  const choices = [["attention", "What wants attention", (one) => ATTENTION.includes(one.status)],
    ["pass", "Passed", (one) => one.status === "pass"], ["all", "All", () => true]];
  function show(name) {
    const found = all.filter(choices.find(([known]) => known === name)[2]);
    list.replaceChildren(...(found.length ? found.map((finding) => findingBox(finding, finding.control.id === wanted
      || (!wanted && finding.status === "fail" && finding.severity === "critical"))) : [element("p", {class: "quiet"}, "Nothing.")]));
    for (const button of bar.children) button.setAttribute("aria-pressed", String(button.dataset.name === name));
  }
  const bar = element("div", {class: "choice", role: "group", "aria-label": "Which findings"}, choices.map(([name, label, test]) =>
    element("button", {type: "button", "data-name": name, onclick: () => show(name)}, `${label} (${all.filter(test).length})`)));
  show(wanted && !ATTENTION.includes(all.find((one) => one.control.id === wanted)?.status) ? "all" : "attention");
  return element("section", {class: "card"}, element("h2", null, "Findings"), bar, list);
}

function areasPart(cluster) {
  return element("section", {class: "card"}, element("h2", null, "Score by area"), table({class: "areas"},
    ["Area", hidden("Share"), element("th", {scope: "col", class: "number"}, "Score")],
    DATA.areas.map((area, index) => [area, element("td", {class: "bar-cell"}, meter(cluster.areas[index])),
      numberCell(percentText(cluster.areas[index]))])));
}

function factsPart(cluster, details) {
  const facts = [["Version", cluster.version || "not known"], ["Profile", cluster.profile], ["State", cluster.recovery === null ? "not known" : cluster.recovery ? "standby" : "primary"],
    ["Managed by", cluster.managed.join(", ") || (cluster.error ? "not known" : "nobody else")], ["Looked at", moment(cluster.gathered)]];
  const listOf = (rows) => element("dl", {class: "facts"}, rows.map(([name, value]) => element("div", null, element("dt", null, name), element("dd", null, value))));
  return element("section", {class: "card"}, element("h2", null, "Cluster"), listOf(facts), details.follows.length
    ? element("details", {class: "small"}, element("summary", null, "Where benchmarks contradict each other"),
      listOf(details.follows.map(([topic, benchmark, says]) => [topic, `follows ${benchmark}: ${says}`]))) : "");
}

function hostView(route) {
  const [, host, name, wanted] = route.path;
  const cluster = summaries.find((one) => one.host === host && one.cluster === name);
  if (!cluster) return ["Not found", element("p", null, "This report has no such cluster.")];
  const details = detailsOf(cluster);
  const heading = element("div", {class: "host-head"},
    element("p", {class: "figure"}, percentText(cluster.percent)),
    element("p", null, DATA.severities.map((severity) => element("span",
      {class: `count-chip ${cluster.failures[severity] ? `severity-${severity}` : "zero"}`}, `${cluster.failures[severity]} ${severity}`)),
    cluster.before === null ? "" : element("span", {class: "quiet"}, ` · ${percentText(cluster.before)} before`)));
  return [cluster.name, cluster.error ? element("p", {class: "note"}, element("strong", null, "Not assessed: "), cluster.error) : "", heading,
    element("div", {class: "columns"}, areasPart(cluster), factsPart(cluster, details)),
    findingsPart(cluster, details, wanted), accessPart(details.hba), certificatesPart(details.certificates), backupsPart(details.backups)];
}
