// What runs out and what is backed up on the page of a cluster, drawn as on the pages of the fleet. Where things are on an axis
// comes with the data; what the drawing shows stands beside it in words.
function timeline(label, axis, heads, rows) {
  const marks = DATA.axes[axis].flatMap(([text, x]) => [drawing("line", {class: "grid", x1: x, x2: x, y1: 20, y2: 26}),
    drawing("text", {x, y: 14, "text-anchor": "middle"}, text)]);
  const scale = element("th", {scope: "col", class: "time"}, heads.at(-1), drawing("svg", {class: "axis", viewBox: "0 0 600 26", "aria-hidden": "true"}, ...marks));
  return scrolling(label, table({class: "timeline of-host"}, [...heads.slice(0, -1), scale], rows));
}

function track(axis, height, attributes, ...drawn) {
  const grid = DATA.axes[axis].map(([, x]) => drawing("line", {class: "grid", x1: x, x2: x, y1: 0, y2: height}));
  return element("td", {class: "time"}, drawing("svg", {viewBox: `0 0 600 ${height}`, "aria-hidden": "true", ...attributes}, ...grid, ...drawn));
}

function lifeOf(state, start, end) {
  return end ? drawing("rect", {class: `life ${state}`, x: start, y: 6, width: Math.max(end - start, 6), height: 8})
    : drawing("path", {class: `life ${state}`, d: "M14 3 L0 10 L14 17 z"});
}

function certificatesPart(rows) {
  const title = "Certificates and revocation lists";
  if (!rows || !rows.length) return unseen(title, rows ? "No certificate is known." : "Nobody could look at them.");
  return element("section", {class: "card"}, element("h2", null, title), timeline(title, "certificates", ["What", "Valid until", "Time left"],
    rows.map(([what, subject, path, until, left, state, start, end, reason]) => [
      element("th", {scope: "row"}, element("strong", null, what), subject ? [element("br"), element("span", {class: "small"}, subject)] : "",
        path ? [element("br"), element("code", {class: "quiet small"}, path)] : ""),
      element("td", null, element("span", {class: `state ${state}`}, words(state)), " ", element("span", {class: "small"}, left), element("br"),
        element("span", {class: "small"}, until), reason ? [element("br"), element("span", {class: "small"}, reason)] : ""),
      track("certificates", 20, {class: "track", preserveAspectRatio: "none"}, lifeOf(state, start, end))])));
}

const MOMENTS = ["succeeded", "verified", "restored"];
function markOf(name, x, y) {
  if (name === "succeeded") return drawing("circle", {class: `mark ${name}`, cx: x, cy: y, r: 7});
  if (name === "verified") return drawing("rect", {class: `mark ${name}`, x: x - 6, y: y - 6, width: 12, height: 12, transform: `rotate(45 ${x} ${y})`});
  return drawing("path", {class: `mark ${name}`, d: `M${x - 8} ${y + 7} L${x} ${y - 8} L${x + 8} ${y + 7} z`});
}

function backupsPart(view) {
  const [jobs, tools] = view || [null, []];
  const title = "Backups and restore drills";
  const others = tools.length ? element("p", {class: "quiet"}, `Other tools: ${tools.join(", ")}`) : "";
  if (!jobs || !jobs.length) return element("section", {class: "card"}, element("h2", null, title),
    element("p", {class: "quiet"}, jobs ? "No job is known." : "Nobody could look at them."), others);
  return element("section", {class: "card"}, element("h2", null, title), timeline(title, "backups", ["Job", "When, in UTC", "How long ago"],
    jobs.map(([job, failed, facts, moments]) => [
      element("th", {scope: "row"}, element("strong", null, job), failed ? [" ", element("span", {class: "state expired"}, failed)] : "",
        element("br"), element("span", {class: "quiet small"}, facts.join(", "))),
      element("td", null, element("dl", {class: "when"}, moments.map(([position, ago], index) => element("div", null,
        element("dt", null, drawing("svg", {class: "key", viewBox: "0 0 20 20", "aria-hidden": "true"}, markOf(MOMENTS[index], 10, 10)), MOMENTS[index]), element("dd", {class: position === null ? "never" : null}, ago))))),
      track("backups", 66, {class: "track tall"}, ...moments.flatMap(([position], index) => (position === null ? []
        : [markOf(MOMENTS[index], position, 11 + 22 * index)])))])), others);
}
