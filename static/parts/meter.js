// How much of a limit is used: a bar with words beside it.

import { h, svg } from "../core/dom.js";
import { count, limitName, money, relative, dateTime } from "../core/format.js";
import { badge } from "./states.js";

/**
 * One limit of a copy, whatever kind it is.
 * @typedef {object} Gauge
 * @property {"budget" | "tokens" | "requests"} kind
 * @property {string} scope  `total` or `provider:<name>`
 * @property {string} every  its reset duration
 * @property {number} limit  what binds now
 * @property {number} used
 * @property {number} held
 * @property {string | null | undefined} resetsAt
 * @property {string} id
 * @property {import("../core/types.js").Budget | null} budget
 */

/** Every limit of a copy, the fullest first. @param {import("../core/types.js").Policy} copy @returns {Gauge[]} */
export function gaugesOf(copy) {
  const own = gaugesIn("total", copy.budgets, copy.rate_limit);
  const providers = copy.provider_configs.flatMap((line) => gaugesIn(`provider:${line.provider_name}`, line.budgets, line.rate_limit));
  return [...own, ...providers].sort((a, b) => fullness(b) - fullness(a));
}

/** @param {string} scope @param {import("../core/types.js").Budget[]} budgets @param {import("../core/types.js").RateLimit | undefined} rate @returns {Gauge[]} */
function gaugesIn(scope, budgets, rate) {
  /** @type {Gauge[]} */
  const gauges = budgets.map((budget) => ({
    kind: "budget",
    scope,
    every: budget.reset_duration,
    limit: budget.effective_max_limit ?? budget.max_limit,
    used: budget.current_usage ?? 0,
    held: budget.held ?? 0,
    resetsAt: budget.resets_at,
    id: budget.id ?? "",
    budget,
  }));
  const shared = { scope, id: rate?.id ?? "", budget: null };
  if (rate?.token_max_limit) {
    const { token_max_limit: limit, token_reset_duration: every } = rate;
    gauges.push({ ...shared, kind: "tokens", every: every ?? "1h", limit, used: rate.token_current_usage ?? 0, held: rate.token_held ?? 0, resetsAt: rate.token_resets_at });
  }
  if (rate?.request_max_limit) {
    const { request_max_limit: limit, request_reset_duration: every } = rate;
    gauges.push({ ...shared, kind: "requests", every: every ?? "1h", limit, used: rate.request_current_usage ?? 0, held: rate.request_held ?? 0, resetsAt: rate.request_resets_at });
  }
  return gauges;
}

/** The share that is used or held; a limit of 0 is always full. @param {Pick<Gauge, "used" | "held" | "limit">} gauge */
export function fullness(gauge) {
  return gauge.limit > 0 ? (gauge.used + gauge.held) / gauge.limit : 1;
}

/** The fullest limit of a copy as one bar, for tables. @param {import("../core/types.js").Policy} copy */
export function fullest(copy) {
  const [first] = gaugesOf(copy);
  return first ? meter(first) : h("span", { class: "muted" }, "no limits");
}

/** One limit. @param {Gauge} gauge @param {Node | null} [action] */
export function meter(gauge, action) {
  const share = fullness(gauge);
  const tone = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "ok";
  const show = gauge.kind === "budget" ? money : count;
  const unit = gauge.kind === "budget" ? "" : ` ${gauge.kind}`;
  const held = gauge.held > 0 ? `, ${show(gauge.held)} held` : "";
  const amounts = `${show(gauge.used)} of ${show(gauge.limit)}${unit}${held}`;
  return h(
    "div",
    { class: "meter" },
    h("div", { class: "meter-head" }, h("span", { class: "meter-name" }, nameOf(gauge)), override(gauge), h("span", { class: `meter-share tone-${tone}` }, `${Math.round(share * 100)} %`)),
    bar(gauge, tone),
    h("div", { class: "meter-foot" }, h("span", null, amounts), resets(gauge), action),
  );
}

/** When it has room again. @param {Gauge} gauge */
function resets({ every, resetsAt }) {
  if (resetsAt) return h("span", { class: "muted", title: dateTime(resetsAt) }, `resets ${relative(resetsAt)}`);
  return every === "never" ? h("span", { class: "muted" }, "never resets") : null;
}

/** `$ a month`, `requests every 3 hours · openai`. @param {Pick<Gauge, "kind" | "every" | "scope">} gauge */
export function nameOf({ kind, every, scope }) {
  const what = { budget: "Budget", tokens: "Tokens", requests: "Requests" }[kind];
  const where = scope.startsWith("provider:") ? ` · ${scope.slice("provider:".length)}` : "";
  return `${limitName(what, every)}${where}`;
}

/** @param {Gauge} gauge @param {string} tone */
function bar(gauge, tone) {
  const limit = gauge.limit > 0 ? gauge.limit : 1;
  const used = gauge.limit > 0 ? Math.min(100, (gauge.used / limit) * 100) : 100;
  const held = Math.min(100 - used, (gauge.held / limit) * 100);
  return svg(
    "svg",
    { class: `bar bar-${tone}`, viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "bar-ground", width: 100, height: 6 }),
    svg("rect", { class: "bar-used", width: used, height: 6 }),
    svg("rect", { class: "bar-held", x: used, width: Math.max(0, held), height: 6 }),
  );
}

/** @param {Gauge} gauge */
function override({ budget }) {
  if (!budget?.override_amount) return null;
  const cycles = budget.override_mode === "cycles" ? `, ${budget.override_cycles_remaining} of ${budget.override_cycles_total} windows left` : "";
  return badge(`+${money(budget.override_amount)}${cycles}`, "accent");
}
