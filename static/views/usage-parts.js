// Usage as charts and tables; for everybody's usage and for one's own.

import { h } from "../core/dom.js";
import { count, plural, roughMoney, shortCount, shortMoney } from "../core/format.js";
import { columnChart } from "../parts/chart.js";
import { panel } from "../parts/states.js";
import { table } from "../parts/table.js";

/** @typedef {import("../core/types.js").UsageRow} UsageRow */
/** @typedef {import("../core/types.js").Usage} Usage */

const DAY_MS = 86_400_000;

/** The sums at a glance. @param {UsageRow} totals */
export function figures(totals) {
  const refused = sumOf(totals.refusals);
  return h(
    "dl",
    { class: "figures" },
    figure("Calls", count(totals.calls)),
    figure("Refused", count(refused), refused > 0 ? refusalText(totals.refusals) : ""),
    figure("Tokens", shortCount(totals.tokens)),
    figure("Cost", roughMoney(totals.cost)),
  );
}

/** @param {string} name @param {string} value @param {string} [about] */
function figure(name, value, about) {
  return h("div", null, h("dt", null, name), h("dd", null, h("span", { class: "figure" }, value), about ? h("span", { class: "muted small" }, about) : null));
}

/** Calls, tokens and cost over the days, with the same as a table. @param {Usage} usage */
export function dayCharts(usage) {
  const days = everyDay(usage);
  const label = (/** @type {UsageRow} */ { day }) => String(day).slice(5);
  const one = (/** @type {"tokens" | "cost"} */ field) => days.map((row) => ({ label: label(row), parts: [{ name: field, value: row[field], tone: /** @type {const} */ ("main") }] }));
  const calls = days.map((row) => ({
    label: label(row),
    parts: [
      { name: "calls", value: row.calls, tone: /** @type {const} */ ("main") },
      { name: "refused", value: sumOf(row.refusals), tone: /** @type {const} */ ("bad") },
    ],
  }));
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "charts" }, columnChart("Calls and refusals", calls, shortCount), columnChart("Cost", one("cost"), roughMoney, shortMoney), columnChart("Tokens", one("tokens"), shortCount)),
    h("details", null, h("summary", null, "The same as a table"), usageTable("Usage by day", "Day", (row) => row.day ?? "", [...usage.usage].reverse())),
  );
}

/**
 * @param {string} caption
 * @param {string} label
 * @param {(row: UsageRow) => import("../core/dom.js").Child} name
 * @param {UsageRow[]} rows
 */
export function usageTable(caption, label, name, rows) {
  if (rows.length === 0) return h("p", { class: "muted" }, "Nothing was used in this time.");
  return table(
    caption,
    [
      { label, main: true, cell: name },
      { label: "Calls", number: true, cell: (row) => count(row.calls) },
      { label: "Refused", number: true, cell: (row) => h("span", { title: refusalText(row.refusals) }, count(sumOf(row.refusals))) },
      { label: "Tokens", number: true, cell: (row) => count(row.tokens) },
      { label: "Cost", number: true, cell: (row) => roughMoney(row.cost) },
    ],
    rows,
  );
}

/** Why calls were refused, in a panel; nothing when none was. @param {UsageRow} totals */
export function refusalPanel(totals) {
  const codes = Object.entries(totals.refusals).sort(([, a], [, b]) => b - a);
  if (codes.length === 0) return null;
  return panel(
    "Refusals by reason",
    table("Refusals by reason", [
      { label: "Reason", main: true, cell: ([code]) => h("code", null, code) },
      { label: "Calls", number: true, cell: ([, number]) => count(number) },
    ], codes),
  );
}

/** @param {Record<string, number>} refusals */
export function sumOf(refusals) {
  return Object.values(refusals ?? {}).reduce((sum, number) => sum + number, 0);
}

/** @param {Record<string, number>} refusals */
function refusalText(refusals) {
  return Object.entries(refusals ?? {}).map(([code, number]) => `${plural(number, "call")} ${code.replaceAll("_", " ")}`).join(", ");
}

/** Days without a call too, or a gap would look like no time. @param {Usage} usage @returns {UsageRow[]} */
export function everyDay({ usage, from, to }) {
  const known = new Map(usage.map((row) => [row.day, row]));
  const [first, last] = [Date.parse(from), Date.parse(to)];
  const days = [];
  for (let at = first; at <= last && days.length < 400; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push(known.get(day) ?? { day, calls: 0, refusals: {}, tokens: 0, cost: 0 });
  }
  return days;
}
