// Elements are made one by one, and what a host sent is only ever their text.
const SVG = "http://www.w3.org/2000/svg";
const SIGNS = {fail: "✕", unknown: "?", manual: "!", waived: "~", pass: "✓", not_applicable: "–"};
const byId = (id) => document.getElementById(id);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function drawing(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

const words = (text) => text.replaceAll("_", " ");
const several = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
const hidden = (text) => element("span", {class: "hidden"}, text);

function statusChip(status) {
  return element("span", {class: `status ${status}`},
    element("span", {class: "sign", "aria-hidden": "true"}, SIGNS[status]), words(status));
}

function severityChip(severity) {
  const height = {critical: 4, high: 3, medium: 2, low: 1}[severity];
  const bars = [0, 1, 2, 3].map((bar) => drawing("rect", {
    x: bar * 4, y: 9 - bar * 3, width: 3, height: 3 + bar * 3, class: bar < height ? "on" : "off",
  }));
  return element("span", {class: `severity severity-${severity}`},
    drawing("svg", {class: "level", viewBox: "0 0 16 12", width: 16, height: 12, "aria-hidden": "true"}, ...bars),
    severity);
}

function meter(percent, before) {
  const bar = drawing("svg", {class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true"},
    drawing("rect", {class: "bar-track", x: 0, y: 2, width: 100, height: 6}),
    drawing("rect", {class: "bar-value", x: 0, y: 2, width: percent || 0, height: 6}));
  if (before !== null && before !== undefined) {
    bar.append(drawing("rect", {class: "bar-before", x: Math.max(before - 0.4, 0), y: 0, width: 0.8, height: 10}));
  }
  return bar;
}

const percentText = (percent) => (percent === null ? "–" : `${percent} %`);
const moment = (epoch) => (epoch === null || epoch === undefined ? "never"
  : `${new Date(epoch * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`);

function itemText(item) {
  if (item === null) return "none";
  if (typeof item !== "object") return String(item);
  if (Array.isArray(item)) return item.map(itemText).join(", ");
  return Object.entries(item).filter(([, value]) => value !== null && value !== "").map(([key, value]) => `${key}: ${itemText(value)}`).join(", ");
}

// A table with a head; each row is a list of cells, the first one its heading.
function table(attributes, head, rows) {
  const cells = (row) => row.map((cell, index) => (cell instanceof HTMLTableCellElement ? cell
    : element(index ? "td" : "th", index ? null : {scope: "row"}, cell)));
  return element("table", attributes,
    element("thead", null, element("tr", null, head.map((cell) => (cell instanceof HTMLTableCellElement ? cell
      : element("th", {scope: "col"}, cell))))),
    element("tbody", null, rows.map((row) => (row instanceof HTMLTableRowElement ? row : element("tr", null, cells(row))))));
}

// A wide table scrolls by itself, also by keyboard.
const scrolling = (label, child) => element("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": label}, child);
const numberCell = (...children) => element("td", {class: "number"}, ...children);

// Some of many: what is not shown is not in the page.
function paged(size, total, draw, what) {
  const body = element("div");
  const place = element("span", {role: "status"});
  let page = 0;
  const last = Math.max(Math.ceil(total / size) - 1, 0);
  const back = element("button", {type: "button", onclick: () => show(page - 1)}, "← Back");
  const forth = element("button", {type: "button", onclick: () => show(page + 1)}, "Next →");
  function show(wanted) {
    page = Math.min(Math.max(wanted, 0), last);
    const first = page * size;
    const end = Math.min(first + size, total);
    body.replaceChildren(draw(first, end));
    place.textContent = total ? `${(first + 1).toLocaleString("en")}–${end.toLocaleString("en")} of ${several(total, what)}` : `no ${what}`;
    back.disabled = page === 0;
    forth.disabled = page === last;
  }
  show(0);
  const bar = last ? element("nav", {class: "pager", "aria-label": "Pages"}, back, place, forth)
    : element("p", {class: "pager quiet"}, place);
  return element("div", null, bar, body);
}
