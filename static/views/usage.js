// Everybody's usage: over time, by user, profile, provider and model, and what is near its limit.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { Refusal, explain } from "../core/errors.js";
import { count } from "../core/format.js";
import { go, link } from "../core/router.js";
import { profileLink, userLink } from "../parts/links.js";
import { PROFILE, USER, idOf, nameOf, suggestions } from "../parts/pick.js";
import { failed, heading, loading, panel } from "../parts/states.js";
import { tabs } from "../parts/tabs.js";
import { nearLimits } from "./usage-near.js";
import { dayCharts, figures, refusalPanel, usageTable } from "./usage-parts.js";
import { keyOf, seriesCharts } from "./usage-series.js";

/** @typedef {import("../core/types.js").UsageRow} UsageRow */
/** @typedef {import("./usage-series.js").Dimension} Dimension */
/** @typedef {{ from: string, to: string, user_id: string, access_profile_id: string }} Filter */
/** @typedef {{ node: HTMLElement, show: (field: string, message: string) => boolean }} FilterForm */

const PATH = "/api/usage";
const MOST = 500;
const DAY_MS = 86_400_000;
/** @type {Record<Dimension, string>} */
const DIMENSIONS = { user: "Users", access_profile: "Profiles", provider: "Providers", model: "Models" };

/** @param {import("./routes.js").Place} place @returns {Promise<import("./routes.js").View>} */
export async function usageView({ query }) {
  const filter = readFilter(query);
  const by = /** @type {Dimension} */ (Object.keys(DIMENSIONS).find((name) => name === query.get("by")) ?? "user");
  const form = filterForm(filter, by);
  const content = h("div", { class: "stack" });
  try {
    fill(content, ...(await report(filter, by)));
  } catch (error) {
    const violations = error instanceof Refusal ? error.violations : [];
    // What a field can say leaves the form there to be put right.
    if (violations.filter(({ param, message }) => form.show(param, message)).length === 0) throw error;
  }
  return { title: "Usage", node: h("div", { class: "stack" }, heading("Usage"), form.node, content) };
}

/** @param {Filter} filter @param {Dimension} by */
async function report(filter, by) {
  const asked = { ...filter, limit: MOST };
  const [days, rows] = await Promise.all([get(PATH, { query: { ...asked, group_by: "day" } }), get(PATH, { query: { ...asked, group_by: by } })]);
  const here = (/** @type {string} */ name) => link("/usage", { ...filter, by: name }).slice(1);
  const ranked = byCost(rows.data.usage);
  const unseen = rows.data.total_count - ranked.length;
  return [
    figures(days.data.totals),
    panel("Near a limit", nearLimits()),
    panel("Over time", dayCharts(days.data)),
    refusalPanel(days.data.totals),
    panel(
      "By whom and for what",
      tabs("Dimension", Object.entries(DIMENSIONS).map(([name, text]) => ({ path: here(name), text, current: name === by }))),
      series(by, filter, days.data, ranked),
      usageTable(DIMENSIONS[by], DIMENSIONS[by].slice(0, -1), (row) => linkOf(by, row), ranked),
      unseen > 0 ? h("p", { class: "muted" }, `${count(unseen)} more are not shown here. Narrow it down with the filter, or ask the API.`) : null,
    ),
  ];
}

/** @param {Dimension} by @param {Filter} filter @param {import("../core/types.js").Usage} days @param {UsageRow[]} ranked */
function series(by, filter, days, ranked) {
  const place = h("div", null, loading(4));
  const named = ranked.map((row) => ({ key: keyOf(by, row), name: textOf(by, row) }));
  const load = () => {
    seriesCharts(by, filter, days, named).then(
      (drawn) => fill(place, drawn),
      (error) => fill(place, failed(error, load)),
    );
  };
  load();
  return place;
}

/** @param {URLSearchParams} query @returns {Filter} */
function readFilter(query) {
  const day = (/** @type {number} */ ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
  return {
    from: query.get("from") ?? day(29),
    to: query.get("to") ?? day(0),
    user_id: query.get("user_id") ?? "",
    access_profile_id: query.get("access_profile_id") ?? "",
  };
}

/** @param {Filter} filter @param {string} by @returns {FilterForm} */
function filterForm(filter, by) {
  /** @type {Map<string, { input: HTMLInputElement, problem: HTMLElement }>} */
  const fields = new Map();
  const field = (/** @type {keyof Filter} */ name, /** @type {string} */ label, /** @type {Record<string, unknown>} */ props) => {
    const id = `usage-${name}`;
    const problem = h("p", { class: "problem", id: `${id}-problem`, role: "alert", hidden: true });
    const input = h("input", { id, value: filter[name], "aria-describedby": problem.id, ...props });
    fields.set(name, { input, problem });
    return h("div", { class: "toolbar-field" }, h("label", { for: id }, label), input, problem);
  };
  const named = (/** @type {keyof Filter} */ name, /** @type {import("../parts/pick.js").Kind} */ kind) => {
    const place = field(name, kind.label, { type: "text", placeholder: kind.placeholder, autocomplete: "off" });
    const input = fields.get(name)?.input;
    if (!input) return place;
    void nameOf(kind, filter[name]).then((known) => {
      if (input.value === filter[name]) input.value = known;
    });
    place.append(suggestions(kind, input));
    return place;
  };
  const node = h(
    "form",
    { class: "toolbar" },
    field("from", "From", { type: "date" }),
    field("to", "To", { type: "date" }),
    named("user_id", USER),
    named("access_profile_id", PROFILE),
    h("button", { type: "submit" }, "Show"),
  );
  const show = (/** @type {string} */ name, /** @type {string} */ message) => {
    const place = fields.get(name);
    if (!place) return false;
    place.problem.textContent = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
    place.problem.hidden = false;
    place.input.setAttribute("aria-invalid", "true");
    return true;
  };
  const idIn = async (/** @type {string} */ name, /** @type {import("../parts/pick.js").Kind} */ kind) => {
    try {
      return await idOf(kind, fields.get(name)?.input.value ?? "");
    } catch (error) {
      show(name, explain(error));
      fields.get(name)?.input.focus();
      return null;
    }
  };
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const { input, problem } of fields.values()) {
      problem.hidden = true;
      input.removeAttribute("aria-invalid");
    }
    const [user_id, access_profile_id] = await Promise.all([idIn("user_id", USER), idIn("access_profile_id", PROFILE)]);
    if (user_id === null || access_profile_id === null) return;
    go("/usage", { from: fields.get("from")?.input.value, to: fields.get("to")?.input.value, user_id, access_profile_id, by });
  });
  return { node, show };
}

/** @param {UsageRow[]} rows */
function byCost(rows) {
  return [...rows].sort((a, b) => b.cost - a.cost || b.calls - a.calls);
}

/** What was deleted keeps its number. @param {Dimension} by @param {UsageRow} row */
function textOf(by, row) {
  if (row.is_other) return "further names";
  if (by === "user") return row.user_name ?? `user ${row.user_id}`;
  if (by === "access_profile") return row.access_profile_name ?? `profile ${row.access_profile_id}`;
  return row[by] ?? "";
}

/** @param {Dimension} by @param {UsageRow} row */
function linkOf(by, row) {
  if (keyOf(by, row) === "") return h("span", { class: "muted" }, "none");
  if (by === "user") return userLink(row.user_id ?? "", { name: row.user_name ?? null });
  if (by === "access_profile") return profileLink(row.access_profile_id ?? 0, { name: row.access_profile_name ?? null });
  return textOf(by, row);
}
