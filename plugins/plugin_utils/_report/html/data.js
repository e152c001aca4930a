// What the page shows. The details of clusters are read when the first one is opened.
const DATA = JSON.parse(byId("overview-data").textContent);
const CONTROLS = DATA.controls.map(([id, title, area, severity, rationale, references], index) => ({
  index, id, title, area, severity: DATA.severities[severity], rationale, references,
  text: `${id} ${title}`.toLowerCase(),
}));
const CLUSTERS = DATA.clusters.map((cluster, index) => ({
  ...cluster, index, name: `${cluster.host} ${cluster.cluster}`.trim(),
  text: `${cluster.host} ${cluster.cluster} ${cluster.profile} ${cluster.version}`.toLowerCase(),
}));
const CHANGES = DATA.changes.map(([change, severity, host, cluster, control, title, added, removed]) => ({
  change: DATA.changeNames[change], severity: DATA.severities[severity], host, cluster, control, title, added, removed,
  text: `${host} ${cluster} ${control} ${title}`.toLowerCase(),
}));
const DRIFT = (DATA.drift ? DATA.drift.rows : []).map(([severity, host, cluster, component, subject, description], index) => ({
  index, severity: DATA.severities[severity], host, cluster, component, subject, description,
  text: `${host} ${cluster} ${component} ${subject} ${description}`.toLowerCase(),
}));

const statusOf = (cluster, control) => DATA.statuses[cluster.statuses[control.index]];
// The inventory may give a control another severity on some hosts.
const severityOf = (cluster, control) => DATA.severities[cluster.own?.[control.index]] ?? control.severity;
const hostPath = (host, cluster) => `#/host/${encodeURIComponent(host)}/${encodeURIComponent(cluster)}`;
const controlPath = (id) => `#/control/${encodeURIComponent(id)}`;
// Changes and drift may tell of clusters that this report does not have, or of a host as a whole.
const pageOf = new Map();
for (const {host, cluster} of CLUSTERS) {
  pageOf.set(host, pageOf.has(host) ? null : hostPath(host, cluster));
  pageOf.set(`${host}\n${cluster}`, hostPath(host, cluster));
}
const hostLink = ({host, cluster}) => {
  const href = pageOf.get(`${host}\n${cluster}`) ?? (cluster ? null : pageOf.get(host));
  return [element(href ? "a" : "span", {href}, host || "unnamed"), " ", element("span", {class: "quiet"}, cluster)];
};
const controlLink = (control) => [
  element("a", {href: controlPath(control.id)}, control.id), " ", element("span", null, control.title),
];

function failures(cluster) {
  const counts = Object.fromEntries(DATA.severities.map((name) => [name, 0]));
  for (const control of CONTROLS) if (statusOf(cluster, control) === "fail") counts[severityOf(cluster, control)] += 1;
  return counts;
}

let read = null;
function details() {
  if (!read) {
    read = JSON.parse(byId("details-data").textContent);
    byId("details-data").remove();
  }
  return read;
}

function detailsOf(cluster) {
  const all = details();
  const [findings, hba, certificates, backups, follows] = all.clusters[cluster.index];
  return {
    finding: (control) => {
      const [severity, evidence, reason, items, count, waived, fix] = all.findings[findings[control.index]];
      return {control, status: statusOf(cluster, control), severity: DATA.severities[severity], evidence, reason, items,
        count, waived, fix};
    },
    present: CONTROLS.filter((control) => findings[control.index] >= 0),
    hba: all.views[hba], certificates: all.views[certificates], backups: all.views[backups], follows: all.views[follows],
  };
}
