/* The lineage graph's nodes and flows, and where they belong: dagre lays them out from left to right, what is read, who
   reads it, what they write. Drawing is graph.js's. */
"use strict";

const TALL = 30, WIDEST = 240, GAP = 10, FAR = 90;
const SIGNS = { PASS: "✓", WARN: "!", ERROR: "?", FAIL: "✕" };

/* ---- what there is ---- */

const isData = (node) => node.kind === "dataset" || node.kind === "table";
const degree = (node) => node.before.length + node.behind.length;

function linked(graph) {
  const made = graph.nodes.map((node) => ({ ...node, before: [], behind: [] }));
  for (const [from, to, events, last] of graph.flows) {
    const flow = { from: made[from], to: made[to], events, last };
    flow.from.behind.push(flow);
    flow.to.before.push(flow);
  }
  return made;
}

/* All that a node is built from, itself, and all that is built from it. */
function lineage(node) {
  const found = new Set([node]);
  for (const [side, end] of [["before", "from"], ["behind", "to"]]) {
    const seen = new Set([node]), left = [node];
    while (left.length) {
      for (const flow of left.pop()[side]) {
        if (!seen.has(flow[end])) { seen.add(flow[end]); left.push(flow[end]); }
      }
    }
    seen.forEach((each) => found.add(each));
  }
  return found;
}

function described(node) {
  const parts = [node.name, node.kind === "outside" ? "outside of Airflow" : node.kind];
  if (node.live) parts.push(`r${node.live} is live${node.verdict ? `, ${node.verdict}` : ""}`);
  parts.push(...(isData(node)
    ? [`read by ${node.behind.length}`, `written by ${node.before.length}`]
    : [`reads ${node.before.length}`, `writes ${node.behind.length}`]));
  return parts.join(", ");
}

/* ---- where it is ---- */

const brush = document.createElement("canvas").getContext("2d");

function shortened(text, room) {
  if (brush.measureText(text).width <= room) return text;
  let kept = text.length; /* of a long name both ends tell most */
  const cut = () => `${text.slice(0, Math.ceil(kept * 0.4))}…${text.slice(text.length - Math.floor(kept * 0.6))}`;
  while (kept > 4 && brush.measureText(cut()).width > room) kept -= 1;
  return cut();
}

function measure(node) {
  node.mark = node.live && SIGNS[node.verdict] ? SIGNS[node.verdict] : "";
  node.tail = node.live ? `r${node.live}` : "";
  const beside = 24 + (node.mark ? 15 : 0) + (node.tail ? brush.measureText(node.tail).width + 7 : 0);
  node.label = shortened(node.name, WIDEST - beside);
  node.width = Math.ceil(brush.measureText(node.label).width + beside);
}

/* Give each drawn node its middle (x, y) and each flow its points, in a picture of about the shape width / height. */
function place(drawn, flows, shape) {
  const layout = new dagre.graphlib.Graph();
  /* Of many nodes the tighter ranking takes three times as long and looks the same. */
  layout.setGraph({ rankdir: "LR", nodesep: GAP, edgesep: GAP, ranksep: FAR, ranker: drawn.length > 150 ? "tight-tree" : "network-simplex" });
  drawn.forEach((node, index) => { node.index = index; layout.setNode(String(index), { width: node.width, height: TALL }); });
  for (const flow of flows) layout.setEdge(String(flow.from.index), String(flow.to.index), {});
  dagre.layout(layout);
  drawn.forEach((node, index) => Object.assign(node, { x: layout.node(String(index)).x, y: layout.node(String(index)).y }));
  for (const flow of flows) flow.points = layout.edge(String(flow.from.index), String(flow.to.index)).points;
  const size = bounds(drawn);
  if (size.height / size.width > 2 / shape && size.height > 1400) pack(layout, drawn, flows, shape);
}

/* A tall graph's columns are broken into several beside each other, until it has the window's shape. */
function pack(layout, drawn, flows, shape) {
  const columns = new Map();
  drawn.forEach((node, index) => {
    const at = layout.node(String(index));
    node.order = at.order;
    columns.set(at.rank, [...(columns.get(at.rank) || []), node]);
  });
  const ranks = [...columns.keys()].sort((a, b) => a - b).map((rank) => columns.get(rank).sort((a, b) => a.order - b.order));
  const widths = ranks.map((column) => Math.max(...column.map((node) => node.width)) + GAP * 2);
  const width = (rows) => ranks.reduce((sum, column, i) => sum + Math.ceil(column.length / rows) * widths[i] + FAR, 0);
  let rows = Math.max(...ranks.map((column) => column.length));
  while (rows > 8 && width(rows) / (rows * (TALL + GAP)) < shape) rows -= 1;
  let left = 0;
  ranks.forEach((column, i) => {
    const across = Math.ceil(column.length / rows), top = (rows - Math.ceil(column.length / across)) / 2;
    column.forEach((node, j) => {
      node.x = left + (j % across + 0.5) * widths[i];
      node.y = (top + Math.floor(j / across)) * (TALL + GAP);
    });
    left += across * widths[i] + FAR;
  });
  for (const flow of flows) flow.points = null;
}

function bounds(some) {
  const left = Math.min(...some.map((node) => node.x - node.width / 2)), right = Math.max(...some.map((node) => node.x + node.width / 2));
  const top = Math.min(...some.map((node) => node.y)) - TALL / 2, bottom = Math.max(...some.map((node) => node.y)) + TALL / 2;
  return { left, top, width: right - left, height: bottom - top };
}

function curve({ from, to, points }) {
  const start = [from.x + from.width / 2, from.y], end = [to.x - to.width / 2 - 3, to.y];
  if (!points || points.length < 4) {
    const bend = Math.max(30, Math.abs(end[0] - start[0]) / 2);
    return `M${start}C${[start[0] + bend, start[1]]},${[end[0] - bend, end[1]]},${end}`;
  }
  const via = points.slice(1, -1).map(({ x, y }) => [x, y]);
  let path = `M${start}`;
  via.forEach((point, i) => {
    const next = via[i + 1];
    path += next ? `Q${point},${[(point[0] + next[0]) / 2, (point[1] + next[1]) / 2]}` : `Q${point},${end}`;
  });
  return path;
}
