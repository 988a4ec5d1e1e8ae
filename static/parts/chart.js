// Columns over time, as inline SVG that is placed by attributes alone. Whoever can't see it has the table beside it.

import { h, svg } from "../core/dom.js";

const WIDTH = 360;
const HEIGHT = 150;
const LEFT = 46;
const BOTTOM = 22;
const TOP = 8;

/**
 * @typedef {object} Column
 * @property {string} label  under the column
 * @property {{ name: string, value: number, tone: "main" | "bad" }[]} parts  from below
 */

/** @param {string} title @param {Column[]} columns @param {(value: number) => string} show */
export function columnChart(title, columns, show) {
  const sums = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part.value, 0));
  const top = niceCeiling(Math.max(0, ...sums));
  const step = (WIDTH - LEFT) / Math.max(1, columns.length);
  const y = (/** @type {number} */ value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const drawing = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${summary(columns, sums, show)}` },
    [0, top / 2, top].map((value) => gridLine(y(value), show(value))),
    columns.map((column, at) => drawColumn(column, LEFT + at * step, step, y, show)),
    dateLabels(columns, step),
  );
  return h("figure", { class: "chart-frame" }, h("figcaption", null, title), drawing);
}

/** @param {number} y @param {string} label */
function gridLine(y, label) {
  return svg("g", null, svg("line", { class: "chart-grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }), svg("text", { class: "chart-label", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, label));
}

/** @param {Column} column @param {number} x @param {number} step @param {(value: number) => number} y @param {(value: number) => string} show */
function drawColumn({ label, parts }, x, step, y, show) {
  const width = Math.max(1, Math.min(28, step * 0.7));
  let below = 0;
  const drawn = parts.map((part) => {
    const from = y(below);
    below += part.value;
    return svg("rect", { class: `chart-${part.tone}`, x: x + (step - width) / 2, y: y(below), width, height: Math.max(0, from - y(below)), rx: 1.5 });
  });
  const text = `${label}: ${parts.map((part) => `${part.name} ${show(part.value)}`).join(", ")}`;
  // The whole strip answers the pointer, so that a low column can be read too.
  return svg("g", { class: "chart-column" }, svg("title", null, text), svg("rect", { class: "chart-strip", x, y: TOP, width: step, height: HEIGHT - TOP - BOTTOM }), drawn);
}

/** As many as fit. @param {Column[]} columns @param {number} step */
function dateLabels(columns, step) {
  const every = Math.max(1, Math.ceil(52 / step));
  return columns.map(({ label }, at) => (at % every === 0 ? svg("text", { class: "chart-label", x: LEFT + at * step + step / 2, y: HEIGHT - 6, "text-anchor": "middle" }, label) : null));
}

/** @param {Column[]} columns @param {number[]} sums @param {(value: number) => string} show */
function summary(columns, sums, show) {
  if (columns.length === 0) return "nothing";
  const most = sums.indexOf(Math.max(...sums));
  return `${columns.length} days, at most ${show(sums[most])} on ${columns[most].label}`;
}

/** 1, 2, 5, 10, 20 … @param {number} value */
function niceCeiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value) ?? value;
}
