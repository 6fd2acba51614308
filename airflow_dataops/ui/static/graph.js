/* The lineage graph of the Usage page, drawn as SVG, so that the page's own colours, focus and links work in it. */
"use strict";

const MOST = 600; /* nodes that are drawn at once: more nobody can read */
const READABLE = 0.8; /* the zoom at which names are read */
const TONES = { PASS: "good", WARN: "warn", ERROR: "error", FAIL: "bad" };
const OLD = 31 * 86400e3;

const $ = (id) => document.getElementById(id);
const svg = (name, attributes = {}, ...inside) => fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, inside);
const html = (name, attributes = {}, ...inside) => fill(document.createElement(name), attributes, inside);
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

function fill(element, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

let nodes = []; /* all of them, the whole graph */
let drawn = []; /* those that are in the picture */
let flows = []; /* the flows between those */
let centre = null; /* the node whose lineage alone is drawn */
let chosen = null; /* the node whose details are shown */
let view = { x: 0, y: 0, zoom: 1, moved: false };
let lit = null; /* the nodes that stand out, where some do */
let picture, names;

/* ---- drawing ---- */

function draw() {
  const whole = centre ? [...lineage(centre)] : nodes;
  const most = [...whole].sort((a, b) => degree(b) - degree(a)).slice(0, MOST);
  if (centre && !most.includes(centre)) most.push(centre);
  const shown = new Set(most);
  drawn = nodes.filter((node) => shown.has(node));
  flows = drawn.flatMap((node) => node.behind).filter((flow) => shown.has(flow.to));
  drawn.forEach(measure);
  const room = $("graph").getBoundingClientRect();
  place(drawn, flows, room.width / room.height);

  const now = Date.now();
  lit = null;
  picture = svg("g");
  for (const flow of flows) {
    flow.element = svg("path", { d: curve(flow), class: now - Date.parse(flow.last) > OLD ? "flow old" : "flow", "marker-end": "url(#tip)" });
    picture.append(flow.element);
  }
  for (const node of drawn) picture.append(shape(node));
  names = svg("g", { class: "names", "aria-hidden": "true" });
  const tip = svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" }, svg("path", { d: "M0 0L8 4L0 8Z", class: "tip" }));
  $("graph").replaceChildren(svg("defs", {}, tip), picture, names);
  drawn.find((node) => node === chosen)?.element.setAttribute("tabindex", "0");
  if (!drawn.includes(chosen)) (centre || first()).element.setAttribute("tabindex", "0");
  $("whole").hidden = !centre;
  view.moved = false;
  fit();
  told();
  listed();
}

function shape(node) {
  const kind = isData(node) ? node.kind : node.kind === "outside" ? "who away" : "who";
  const x = -node.width / 2, y = -TALL / 2;
  const inside = [svg("rect", { class: "box", x, y, width: node.width, height: TALL, rx: isData(node) ? 5 : TALL / 2 })];
  if (node.kind === "dataset") inside.push(svg("path", { class: "bar", d: `M${x + 5} ${y}a5 5 0 0 0 -5 5v${TALL - 10}a5 5 0 0 0 5 5z` }));
  if (node.mark) inside.push(svg("text", { class: "mark", x: x + 12, y: 4.5 }, node.mark));
  inside.push(svg("text", { x: x + (node.mark ? 27 : 12), y: 4.5 }, node.label));
  if (node.tail) inside.push(svg("text", { class: "tail", x: -x - 12, y: 4.5, "text-anchor": "end" }, node.tail));
  node.element = svg("g", {
    class: `node ${kind} ${TONES[node.verdict] || "quiet"}`, transform: `translate(${node.x} ${node.y})`,
    role: "button", tabindex: "-1", "aria-label": described(node),
  }, svg("title", {}, described(node)), ...inside);
  node.element.addEventListener("click", () => { if (!dragged) choose(node); });
  node.element.addEventListener("focus", () => {
    for (const each of $("graph").querySelectorAll("[tabindex='0']")) each.setAttribute("tabindex", "-1");
    node.element.setAttribute("tabindex", "0");
  });
  return node.element;
}

/* Where the keyboard comes in: what most is built from. */
function first() {
  const left = Math.min(...drawn.map((node) => node.x));
  return drawn.reduce((best, node) => (node.x < left + 1 && degree(node) > degree(best) ? node : best), drawn.find((node) => node.x < left + 1));
}

function told() {
  const of = centre ? `Before and behind ${centre.name}: ` : "";
  const more = !centre && drawn.length < nodes.length ? ` The ${drawn.length} most used of ${nodes.length.toLocaleString("en")} are drawn; Find leads to the others.` : "";
  $("said").textContent = `${of}${counted(drawn.length, "node")}, ${counted(flows.length, "flow")}.${more}`;
}

/* ---- looking ---- */

function look() {
  picture.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.zoom})`);
  $("graph").classList.toggle("far", view.zoom < 0.45);
  landmarks();
}

function fit() {
  const room = $("graph").getBoundingClientRect(), size = bounds(drawn), edge = 24;
  if (!room.width) return;
  view.zoom = Math.min(1.15, (room.width - 2 * edge) / size.width, (room.height - 2 * edge) / size.height);
  view.x = (room.width - size.width * view.zoom) / 2 - size.left * view.zoom;
  view.y = (room.height - size.height * view.zoom) / 2 - size.top * view.zoom;
  look();
}

function zoom(factor, x, y) {
  const room = $("graph").getBoundingClientRect();
  [x, y] = [x ?? room.width / 2, y ?? room.height / 2];
  const after = Math.min(3, Math.max(0.05, view.zoom * factor));
  view.x = x - (x - view.x) * (after / view.zoom);
  view.y = y - (y - view.y) * (after / view.zoom);
  view.zoom = after;
  view.moved = true;
  look();
}

/* Bring a node into sight, at a zoom at which its name can be read. */
function reveal(node) {
  const room = $("graph").getBoundingClientRect();
  const x = view.x + node.x * view.zoom, y = view.y + node.y * view.zoom;
  const seen = x > 80 && x < room.width - 80 && y > 30 && y < room.height - 30;
  if (seen && view.zoom >= READABLE * 0.75) return;
  view.zoom = Math.max(view.zoom, READABLE);
  view.x = room.width / 2 - node.x * view.zoom;
  view.y = room.height / 2 - node.y * view.zoom;
  view.moved = true;
  look();
}

/* From afar no name inside a node can be read: those of the troubled and of the most used stand over them, as cities do
   on a map. */
function landmarks() {
  names.replaceChildren();
  if (view.zoom >= 0.45) return;
  const taken = [];
  const trouble = (node) => ["WARN", "ERROR", "FAIL"].indexOf(node.verdict) + 1;
  for (const node of drawn.filter((each) => !lit || lit.has(each)).sort((a, b) => trouble(b) - trouble(a) || degree(b) - degree(a)).slice(0, 60)) {
    const label = `${trouble(node) ? `${node.mark} ` : ""}${node.label}`, width = brush.measureText(label).width + 12;
    const x = view.x + node.x * view.zoom, y = view.y + node.y * view.zoom;
    const box = [x - width / 2, y - 11, x + width / 2, y + 11];
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
    taken.push(box);
    names.append(svg("g", { transform: `translate(${x} ${y})`, class: TONES[node.verdict] || "quiet" },
      svg("rect", { x: -width / 2, y: -10, width, height: 20, rx: isData(node) ? 4 : 10 }),
      svg("text", { y: 4.5, "text-anchor": "middle" }, label)));
    if (taken.length >= 24) break;
  }
}

/* ---- one node ---- */

function light(some) {
  lit = some;
  $("graph").classList.toggle("lit", Boolean(lit));
  for (const node of drawn) node.element.classList.toggle("on", Boolean(lit?.has(node)));
  for (const flow of flows) flow.element.classList.toggle("on", Boolean(lit?.has(flow.from) && lit.has(flow.to)));
  landmarks();
}

function choose(node, anew = false) {
  chosen = node;
  told();
  for (const each of drawn) each.element.setAttribute("aria-pressed", String(each === node));
  light(node && lineage(node));
  $("details").hidden = !node;
  if (!node) return;
  $("details").replaceChildren(...details(node));
  times();
  if (anew) fit();
  reveal(node);
  node.element.focus({ preventScroll: true });
}

function details(node) {
  const root = document.querySelector(".lineage").dataset.root;
  const close = html("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => leaveDetails(true));
  const kind = html("p", { class: "line" }, html("span", { class: "badge quiet" }, node.kind === "outside" ? "outside of Airflow" : node.kind));
  if (node.verdict) kind.append(html("span", { class: `badge ${TONES[node.verdict]}` }, `${SIGNS[node.verdict]} ${node.verdict}`));
  const found = [close, html("h2", {}, node.name), kind];
  if (node.live) {
    const release = html("a", { href: `${root}releases/${encodeURIComponent(node.name)}/${node.live}` }, `r${node.live}`);
    found.push(html("p", { class: "small" }, release, " is live since ", html("time", { datetime: node.since }, node.since)));
  }
  const links = html("p", { class: "line" });
  if (isData(node)) links.append(html("a", { class: "main", href: `${root}usage/of?name=${encodeURIComponent(node.name)}` }, "Open its page"));
  if (node.dag) links.append(html("a", { class: "main", "data-airflow": "", href: `${root}../dags/${encodeURIComponent(node.dag)}` }, "Open the DAG"));
  const only = html("button", { type: "button" }, node === centre ? "Whole graph" : "Only its lineage");
  only.addEventListener("click", () => onlyLineage(node === centre ? null : node));
  links.append(only);
  found.push(links);
  const data = isData(node);
  found.push(...neighbours(data ? "Read by" : "Reads", data ? node.behind : node.before, data ? "to" : "from", data ? "Nobody is known to read it." : "Nothing."));
  found.push(...neighbours(data ? "Written by" : "Writes", data ? node.before : node.behind, data ? "from" : "to", data ? "Nobody is known to write it." : "Nothing."));
  return found;
}

function neighbours(title, some, end, none) {
  if (!some.length) return [html("h3", {}, title), html("p", { class: "muted small" }, none)];
  const sorted = [...some].sort((a, b) => Date.parse(b.last) - Date.parse(a.last));
  return [html("h3", {}, `${title} ${some.length}`), html("ul", { class: "plain" }, ...sorted.map((flow) => {
    const button = html("button", { type: "button", class: "link" }, flow[end].name);
    button.addEventListener("click", () => go(flow[end]));
    return html("li", {}, button, html("span", { class: "muted small" }, ` ${flow.events.toLocaleString("en")} ×, last `, html("time", { datetime: flow.last }, flow.last)));
  }))];
}

/* Show a node wherever it is, in the picture or not. */
function go(node) {
  if (!drawn.includes(node)) { onlyLineage(node); return; }
  choose(node);
}

function onlyLineage(node) {
  const stay = node || chosen || centre;
  centre = node;
  draw();
  choose(stay && drawn.includes(stay) ? stay : null, true);
}

function leaveDetails(back) {
  const node = chosen;
  choose(null);
  if (back && node) node.element.focus({ preventScroll: true });
}

/* ---- hands ---- */

function beside(node, key) {
  const nearest = (some) => some.filter((each) => drawn.includes(each)).sort((a, b) => Math.abs(a.y - node.y) - Math.abs(b.y - node.y))[0];
  if (key === "ArrowRight") return nearest(node.behind.map((flow) => flow.to));
  if (key === "ArrowLeft") return nearest(node.before.map((flow) => flow.from));
  const down = key === "ArrowDown" ? 1 : -1;
  const column = drawn.filter((each) => Math.abs(each.x - node.x) < (each.width + node.width) / 2 && (each.y - node.y) * down > 1);
  return nearest(column);
}

function pressed(event) {
  const node = drawn.find((each) => each.element === event.target.closest?.(".node"));
  if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow")) {
    const next = beside(node, event.key);
    if (next) {
      if (chosen) choose(next);
      else { reveal(next); next.element.focus({ preventScroll: true }); }
    }
  } else if (event.key === "Enter" || event.key === " ") {
    choose(node);
    $("details").querySelector("a, button:not(.close)")?.focus();
  } else if (event.key === "f" || event.key === "F") {
    onlyLineage(centre === node ? null : node);
  } else if (event.key === "+" || event.key === "=") zoom(1.3);
  else if (event.key === "-") zoom(1 / 1.3);
  else if (event.key === "0") fit();
  else if (event.key === "Escape") {
    if (chosen) leaveDetails(true);
    else $("find").focus();
  } else return;
  event.preventDefault();
}

let dragged = false, hold = null;

function drag() {
  const canvas = $("graph");
  canvas.addEventListener("pointerdown", (event) => { if (!event.button) { hold = { x: event.clientX, y: event.clientY }; dragged = false; } });
  canvas.addEventListener("pointermove", (event) => {
    if (!hold || !event.buttons) return;
    const [x, y] = [event.clientX - hold.x, event.clientY - hold.y];
    if (!dragged && Math.hypot(x, y) < 5) return;
    if (!dragged) canvas.setPointerCapture(event.pointerId);
    dragged = true;
    view.x += x; view.y += y; view.moved = true;
    hold = { x: event.clientX, y: event.clientY };
    look();
  });
  canvas.addEventListener("pointerup", () => { hold = null; });
  canvas.addEventListener("click", (event) => { if (!dragged && !event.target.closest(".node")) choose(null); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const room = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX - room.left, event.clientY - room.top);
  }, { passive: false });
}

function found(text) {
  const wanted = text.trim().toLowerCase();
  return wanted ? nodes.filter((node) => node.name.toLowerCase().includes(wanted)).sort((a, b) => a.name.length - b.name.length) : [];
}

function searching() {
  const text = $("find").value, matches = found(text);
  if (!text.trim()) { light(chosen && lineage(chosen)); told(); return; }
  light(new Set(matches));
  $("said").textContent = matches.length ? `${counted(matches.length, "node")} of that name. Enter leads to ${matches[0].name}.` : "No node of that name.";
}

/* ---- the same as a list ---- */

function listed() {
  const list = $("list").querySelector("ul");
  list.replaceChildren();
  if (!$("list").open) return;
  for (const node of drawn) {
    const button = html("button", { type: "button", class: "link" }, node.name);
    button.addEventListener("click", () => choose(node));
    const called = (some, end) => some.map((flow) => flow[end].name).join(", ") || "nobody";
    const rest = isData(node)
      ? `; read by ${called(node.behind, "to")}; written by ${called(node.before, "from")}`
      : `; reads ${called(node.before, "from")}; writes ${called(node.behind, "to")}`;
    list.append(html("li", {}, button, ` ${node.kind}${node.verdict ? `, ${node.verdict}` : ""}${rest.replaceAll("reads nobody", "reads nothing").replaceAll("writes nobody", "writes nothing")}`));
  }
}

async function begin() {
  const page = document.querySelector(".lineage");
  const answer = await fetch(`${page.dataset.root}usage/graph.json?by=${page.dataset.by}`);
  if (!answer.ok) { $("said").textContent = "The graph could not be loaded. Reload this page; log in to Airflow again if that does not help."; return; }
  nodes = linked(await answer.json());
  if (!nodes.length) {
    page.querySelector("form").hidden = true;
    page.querySelector(".empty").hidden = false;
    return;
  }
  for (const hidden of page.querySelectorAll(".canvas, .keys, .legend, #list")) hidden.hidden = false;
  brush.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  $("names").append(...nodes.map((node) => html("option", { value: node.name })));
  const asked = page.dataset.focus;
  centre = nodes.find((node) => asked && isData(node) && node.name === asked) || null;
  draw();
  if (centre) choose(centre, true);
  drag();
  $("graph").addEventListener("keydown", pressed);
  $("details").addEventListener("keydown", (event) => { if (event.key === "Escape") leaveDetails(true); });
  $("nearer").addEventListener("click", () => zoom(1.3));
  $("farther").addEventListener("click", () => zoom(1 / 1.3));
  $("fit").addEventListener("click", fit);
  $("whole").addEventListener("click", () => onlyLineage(null));
  $("find").addEventListener("input", searching);
  $("find").form.addEventListener("submit", (event) => {
    if (document.activeElement !== $("find")) return; /* the choice of consumers: loads the page */
    event.preventDefault();
    const [match] = found($("find").value);
    if (match) go(match);
  });
  $("list").addEventListener("toggle", listed);
  new ResizeObserver(() => { if (!view.moved) fit(); }).observe($("graph"));
  page.dataset.ready = "";
}

begin();
