// Usage over time by user, profile, provider or model: who used most as stacked columns, the others as one, and all of it as a table.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, roughMoney, shortCount, shortMoney } from "../core/format.js";
import { columnChart, legend } from "../parts/chart.js";
import { table } from "../parts/table.js";
import { everyDay, sumOf } from "./usage-parts.js";

/** @typedef {import("../core/types.js").UsageRow} UsageRow */
/** @typedef {import("../core/types.js").Usage} Usage */
/** @typedef {"user" | "access_profile" | "provider" | "model"} Dimension */
/** @typedef {{ key: string, name: string }} Named */
/** @typedef {Named & { tone: import("../parts/chart.js").Tone, days: Map<string, UsageRow> }} Series */

const PATH = "/api/usage";
const SHOWN = 5;
const MOST = 500;
/** More rows than this are not asked for, to draw a chart. */
const MOST_PAGES = 10;
/** In place of a name that the server counts further ones under; no name has a control character. */
const OTHERS = "\u0001";

/** What tells the rows of a dimension apart; empty for what was refused before it was known. @param {Dimension} by @param {UsageRow} row */
export function keyOf(by, row) {
  if (row.is_other) return OTHERS;
  return String((by === "user" ? row.user_id : by === "access_profile" ? row.access_profile_id : row[by]) ?? "");
}

/**
 * The charts of a dimension, or why there are none.
 *
 * @param {Dimension} by
 * @param {Record<string, string>} filter
 * @param {Usage} total  by day
 * @param {Named[]} ranked  who used most first
 */
export async function seriesCharts(by, filter, total, ranked) {
  const chosen = ranked.filter(({ key }) => key !== "").slice(0, SHOWN);
  if (chosen.length === 0) return null;
  const days = by === "user" || by === "access_profile" ? await oneByOne(by, filter, chosen) : await together(by, filter, chosen);
  if (!days) return h("p", { class: "muted" }, "There is too much to draw it over time. Choose fewer days.");
  const all = everyDay(total);
  /** @type {Series[]} */
  const series = chosen.map((one, at) => ({ ...one, tone: /** @type {const} */ (["1", "2", "3", "4", "5"])[at], days: days[at] }));
  const others = rest(all, series);
  if ([...others.values()].some((row) => row.calls > 0 || sumOf(row.refusals) > 0)) series.push({ key: "", name: "all others", tone: "other", days: others });
  return h(
    "div",
    { class: "stack" },
    legend(series),
    h(
      "div",
      { class: "charts charts-pairs" },
      chart("Calls", all, series, (row) => row.calls, shortCount),
      chart("Refusals", all, series, (row) => sumOf(row.refusals), shortCount),
      chart("Cost", all, series, (row) => row.cost, roughMoney, shortMoney),
      chart("Tokens", all, series, (row) => row.tokens, shortCount),
    ),
    h("details", null, h("summary", null, "These charts as a table"), daysTable(all, series)),
  );
}

/** Each has a filter of its own, so that it does not matter how many there are. @param {"user" | "access_profile"} by @param {Record<string, string>} filter @param {Named[]} chosen */
async function oneByOne(by, filter, chosen) {
  const answers = await Promise.all(chosen.map(({ key }) => get(PATH, { query: { ...filter, [`${by}_id`]: key, group_by: "day", limit: MOST } })));
  return answers.map(({ data }) => new Map(data.usage.map((/** @type {UsageRow} */ row) => [row.day, row])));
}

/** @param {Dimension} by @param {Record<string, string>} filter @param {Named[]} chosen */
async function together(by, filter, chosen) {
  const days = chosen.map(() => new Map());
  for (let page = 0; ; page += 1) {
    if (page === MOST_PAGES) return null;
    const { data } = await get(PATH, { query: { ...filter, group_by: `day,${by}`, limit: MOST, offset: page * MOST } });
    for (const row of data.usage) days[chosen.findIndex(({ key }) => key === keyOf(by, row))]?.set(row.day, row);
    if ((page + 1) * MOST >= data.total_count) return days;
  }
}

/** What is left of each day. @param {UsageRow[]} all @param {Series[]} series @returns {Map<string, UsageRow>} */
function rest(all, series) {
  return new Map(
    all.map((row) => {
      const known = series.flatMap(({ days }) => days.get(row.day ?? "") ?? []);
      const left = (/** @type {(row: UsageRow) => number} */ of) => Math.max(0, of(row) - known.reduce((sum, one) => sum + of(one), 0));
      // Sums of fractions of dollars differ in their last digits.
      const cost = Math.round(left(({ cost }) => cost) * 1e6) / 1e6;
      return [row.day ?? "", { calls: left(({ calls }) => calls), refusals: { all: left(({ refusals }) => sumOf(refusals)) }, tokens: left(({ tokens }) => tokens), cost }];
    }),
  );
}

/**
 * @param {string} title
 * @param {UsageRow[]} all
 * @param {Series[]} series
 * @param {(row: UsageRow) => number} of
 * @param {(value: number) => string} show
 * @param {(value: number) => string} [axis]
 */
function chart(title, all, series, of, show, axis) {
  const columns = all.map(({ day = "" }) => ({
    label: day.slice(5),
    parts: series.flatMap(({ name, tone, days }) => {
      const row = days.get(day);
      return row && of(row) > 0 ? [{ name, tone, value: of(row) }] : [];
    }),
  }));
  return columnChart(title, columns, show, axis);
}

/** @param {UsageRow[]} all @param {Series[]} series */
function daysTable(all, series) {
  const rows = [...all].reverse().flatMap(({ day = "" }) =>
    series.flatMap(({ name, days }) => {
      const row = days.get(day);
      return row && (row.calls > 0 || sumOf(row.refusals) > 0) ? [{ ...row, day, name }] : [];
    }),
  );
  return table(
    "Over time",
    [
      { label: "Day", cell: ({ day }) => h("time", { datetime: day }, day) },
      { label: "Whose", main: true, cell: ({ name }) => name },
      { label: "Calls", number: true, cell: ({ calls }) => count(calls) },
      { label: "Refused", number: true, cell: ({ refusals }) => count(sumOf(refusals)) },
      { label: "Tokens", number: true, cell: ({ tokens }) => count(tokens) },
      { label: "Cost", number: true, cell: ({ cost }) => roughMoney(cost) },
    ],
    rows,
  );
}
