// Everybody's usage: over time, by user, profile, provider and model, and what is near its limit.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { fullness, gaugesOf, meter } from "../parts/meter.js";
import { empty, failed, heading, loading, panel } from "../parts/states.js";
import { tabs } from "../parts/tabs.js";
import { dayCharts, figures, refusalPanel, usageTable } from "./usage-parts.js";

/** @typedef {import("../core/types.js").UsageRow} UsageRow */
/** @typedef {import("../core/types.js").Copy} Copy */
/** @typedef {"user" | "access_profile" | "provider" | "model"} Dimension */

const PATH = "/api/usage";
const MOST = 500;
const SPENDERS = 10;
const DAY_MS = 86_400_000;
/** @type {Record<Dimension, string>} */
const DIMENSIONS = { user: "Users", access_profile: "Profiles", provider: "Providers", model: "Models" };

/** @param {import("./routes.js").Place} place @returns {Promise<import("./routes.js").View>} */
export async function usageView({ query }) {
  const filter = readFilter(query);
  const by = /** @type {Dimension} */ (Object.keys(DIMENSIONS).find((name) => name === query.get("by")) ?? "user");
  const asked = { ...filter, limit: MOST };
  const [days, rows] = await Promise.all([
    get(PATH, { query: { ...asked, group_by: "day" } }),
    get(PATH, { query: { ...asked, group_by: by } }),
  ]);
  const near = h("div", null, loading(3));
  void showNear(near, filter);
  const here = (/** @type {string} */ name) => link("/usage", { ...filter, by: name }).slice(1);
  const node = h(
    "div",
    { class: "stack" },
    heading("Usage"),
    filterForm(filter, by),
    figures(days.data.totals),
    panel("Near a limit", near),
    panel("Over time", dayCharts(days.data)),
    refusalPanel(days.data.totals),
    panel(
      "By whom and for what",
      tabs("Dimension", Object.entries(DIMENSIONS).map(([name, text]) => ({ path: here(name), text, current: name === by }))),
      usageTable(DIMENSIONS[by], DIMENSIONS[by].slice(0, -1), (row) => nameOf(by, row), byCost(rows.data.usage)),
    ),
  );
  return { title: "Usage", node };
}

/** @param {URLSearchParams} query */
function readFilter(query) {
  const day = (/** @type {number} */ ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
  return {
    from: query.get("from") ?? day(29),
    to: query.get("to") ?? day(0),
    user_id: query.get("user_id") ?? "",
    access_profile_id: query.get("access_profile_id") ?? "",
  };
}

/** @param {ReturnType<typeof readFilter>} filter @param {string} by */
function filterForm(filter, by) {
  const input = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ type, /** @type {string} */ value) =>
    h("div", { class: "toolbar-field" }, h("label", { for: `usage-${name}` }, label), h("input", { id: `usage-${name}`, name, type, value }));
  const form = h(
    "form",
    { class: "toolbar" },
    input("from", "From", "date", filter.from),
    input("to", "To", "date", filter.to),
    input("user_id", "User id", "text", filter.user_id),
    input("access_profile_id", "Profile id", "text", filter.access_profile_id),
    h("button", { type: "submit" }, "Show"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = new FormData(form);
    go("/usage", { ...Object.fromEntries([...chosen].map(([name, value]) => [name, String(value).trim()])), by });
  });
  return form;
}

/** @param {UsageRow[]} rows */
function byCost(rows) {
  return [...rows].sort((a, b) => b.cost - a.cost || b.calls - a.calls);
}

/** @param {Dimension} by @param {UsageRow} row */
function nameOf(by, row) {
  if (by === "provider" || by === "model") return row[by] || h("span", { class: "muted" }, "none");
  const id = by === "user" ? row.user_id : row.access_profile_id;
  if (id === null || id === undefined) return h("span", { class: "muted" }, "none");
  const [path, page, field] = by === "user" ? ["/api/users", "/users", "user"] : ["/api/access-profiles", "/profiles", "access_profile"];
  const place = h("a", { href: link(`${page}/${id}`) }, `${by === "user" ? "user" : "profile"} ${id}`);
  if (by !== "user" || can("Users:View")) {
    // What was deleted keeps its number.
    get(`${path}/${id}`).then(
      ({ data }) => fill(place, data[field].name),
      () => {},
    );
  }
  return place;
}

/** The fullest limits among the users who spent most. @param {HTMLElement} place @param {ReturnType<typeof readFilter>} filter */
async function showNear(place, filter) {
  try {
    const { data } = await get(PATH, { query: { ...filter, group_by: "user", limit: MOST } });
    const users = byCost(data.usage).slice(0, SPENDERS).map((row) => row.user_id).filter((id) => id);
    const copies = (await Promise.all(users.map(copiesOf))).flat();
    const gauges = copies.flatMap((copy) => gaugesOf(copy).map((gauge) => ({ copy, gauge })));
    gauges.sort((a, b) => fullness(b.gauge) - fullness(a.gauge));
    const near = gauges.slice(0, 6);
    fill(
      place,
      near.length === 0
        ? empty("Nobody is near a limit", "Nothing was spent in this time.")
        : h("div", { class: "meters" }, near.map(({ copy, gauge }) => h("div", null, h("p", { class: "small" }, nameOf("user", { user_id: copy.user_id, calls: 0, refusals: {}, tokens: 0, cost: 0 }), ` · ${copy.name}`), meter(gauge)))),
    );
  } catch (error) {
    fill(place, failed(error, () => void showNear(place, filter)));
  }
}

/** @param {string | undefined} user @returns {Promise<Copy[]>} */
async function copiesOf(user) {
  try {
    return (await get(`/api/users/${user}/access-profiles`)).data.access_profiles;
  } catch {
    // The user was deleted; the history stays.
    return [];
  }
}
