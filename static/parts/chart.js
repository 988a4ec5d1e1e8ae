// Columns over time, as inline SVG that is placed by attributes alone. Whoever can't see it has the table beside it.

import { h, svg } from "../core/dom.js";

const WIDTH = 360;
const HEIGHT = 150;
const BOTTOM = 22;
const TOP = 8;
/** About the width of a character of the axis. */
const CHARACTER = 7.2;

/** @typedef {"main" | "bad" | "1" | "2" | "3" | "4" | "5" | "other"} Tone */

/**
 * @typedef {object} Column
 * @property {string} label  under the column
 * @property {{ name: string, value: number, tone: Tone }[]} parts  from below
 */

/**
 * @param {string} title
 * @param {Column[]} columns
 * @param {(value: number) => string} show
 * @param {(value: number) => string} [axis]  shorter, for the axis
 */
export function columnChart(title, columns, show, axis = show) {
  const sums = columns.map(({ parts }) => parts.reduce((sum, part) => sum + part.value, 0));
  const top = niceCeiling(Math.max(0, ...sums));
  const lines = [0, top / 2, top].map((value) => ({ value, label: axis(value) }));
  const left = 10 + CHARACTER * Math.max(...lines.map(({ label }) => label.length));
  const step = (WIDTH - left) / Math.max(1, columns.length);
  const y = (/** @type {number} */ value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const drawing = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${summary(columns, sums, show)}` },
    lines.map(({ value, label }) => gridLine(left, y(value), label)),
    columns.map((column, at) => drawColumn(column, left + at * step, step, y, show)),
    dateLabels(columns, left, step),
  );
  return h("figure", { class: "chart-frame" }, h("figcaption", null, title), drawing);
}

/** What the colours mean. @param {{ name: string, tone: Tone }[]} entries */
export function legend(entries) {
  const dot = (/** @type {Tone} */ tone) => svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { class: `chart-${tone}`, width: 10, height: 10, rx: 2 }));
  return h("ul", { class: "legend" }, entries.map(({ name, tone }) => h("li", null, dot(tone), h("span", null, name))));
}

/** @param {number} left @param {number} y @param {string} label */
function gridLine(left, y, label) {
  return svg("g", null, svg("line", { class: "chart-grid", x1: left, x2: WIDTH, y1: y, y2: y }), svg("text", { class: "chart-label", x: left - 6, y: y + 4, "text-anchor": "end" }, label));
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

/** As many as fit; the last must not stand out. @param {Column[]} columns @param {number} left @param {number} step */
function dateLabels(columns, left, step) {
  const every = Math.max(1, Math.ceil(52 / step));
  return columns.map(({ label }, at) => {
    const middle = left + at * step + step / 2;
    if (at % every !== 0) return null;
    const fits = middle + (label.length * CHARACTER) / 2 <= WIDTH;
    return svg("text", { class: "chart-label", x: fits ? middle : WIDTH, y: HEIGHT - 6, "text-anchor": fits ? "middle" : "end" }, label);
  });
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
