// The address says what is shown: #/hosts?severity=high, #/host/NAME/CLUSTER/CONTROL.
const MADE = ["overview", "certificates", "backups"]; // these are in the page already
const VIEWS = {hosts: hostsView, host: hostView, controls: controlsView, control: controlView, matrix: matrixView, changes: changesView, drift: driftView,
  waivers: waiversView, open: openView};
const TAB_OF = {host: "hosts", control: "controls"};
const TITLE = document.title;

function routeOf(hash) {
  const [path, query] = hash.replace(/^#\//, "").split("?");
  const decoded = (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  return {path: path.split("/").map(decoded), query: new URLSearchParams(query || "")};
}

function show(first) {
  const here = location.hash;
  if (here && !here.startsWith("#/")) return; // the link over the navigation
  const route = routeOf(here || "#/overview");
  const name = Object.hasOwn(VIEWS, route.path[0]) || MADE.includes(route.path[0]) ? route.path[0] : "overview";
  for (const id of MADE) byId(id).hidden = id !== name;
  const view = byId("view");
  view.hidden = MADE.includes(name);
  if (view.hidden) {
    view.replaceChildren();
  } else {
    const [title, ...parts] = VIEWS[name](route);
    view.replaceChildren(element("h1", {tabindex: -1, id: "view-title"}, title), ...parts.flat().filter((part) => part !== ""));
    view.setAttribute("aria-labelledby", "view-title");
  }
  const heading = document.querySelector(view.hidden ? `#${name} h1` : "#view h1");
  document.title = name === "overview" ? TITLE : `${heading.textContent} · ${TITLE}`;
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.getAttribute("href") === `#/${TAB_OF[name] || name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (first) return;
  heading.focus({preventScroll: true});
  scrollTo(0, 0);
  const wanted = route.path[3] && document.querySelector("details.finding[open]");
  if (wanted) wanted.scrollIntoView({block: "center"});
}

addEventListener("hashchange", () => show(false));
addEventListener("keydown", (event) => {
  const search = byId("search");
  if (event.key !== "/" || !search || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  event.preventDefault();
  search.focus();
});
addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll("main section:not([hidden]) details:not([open])")) {
    if (box.classList.contains("pass") || box.classList.contains("not_applicable")) continue;
    box.open = true;
    box.dispatchEvent(new Event("toggle")); // the browser's own comes too late for what is printed
  }
});
drawWorst();
show(true);
