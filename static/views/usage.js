// Everybody's usage: over time, by user, profile, provider and model, and what is near its limit.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count } from "../core/format.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { meter } from "../parts/meter.js";
import { empty, failed, heading, loading, panel } from "../parts/states.js";
import { tabs } from "../parts/tabs.js";
import { dayCharts, figures, refusalPanel, usageTable } from "./usage-parts.js";

/** @typedef {import("../core/types.js").UsageRow} UsageRow */
/** @typedef {import("../core/types.js").NearLimit} NearLimit */
/** @typedef {"user" | "access_profile" | "provider" | "model"} Dimension */

const PATH = "/api/usage";
const MOST = 500;
const NEAR = 6;
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
  void showNear(near);
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
  if (by === "user") return row.user_id ? userLink(row.user_id, row.user_name) : none();
  if (by === "access_profile") return row.access_profile_id ? profileLink(row.access_profile_id, row.access_profile_name) : none();
  return row[by] || none();
}

/** What was deleted keeps its number. @param {string} id @param {string | null} [name] */
function userLink(id, name) {
  const text = name ?? `user ${id}`;
  return can("Users:View") ? h("a", { href: link(`/users/${id}`) }, text) : h("span", null, text);
}

/** @param {number} id @param {string | null} [name] */
function profileLink(id, name) {
  return h("a", { href: link(`/profiles/${id}`) }, name ?? `profile ${id}`);
}

function none() {
  return h("span", { class: "muted" }, "none");
}

/** The fullest limits of all. @param {HTMLElement} place */
async function showNear(place) {
  try {
    const { data } = await get(`${PATH}/near-limits`, { query: { limit: NEAR } });
    /** @type {{ limits: NearLimit[], total_count: number }} */
    const { limits, total_count: total } = data;
    if (limits.length === 0) {
      fill(place, empty("Nobody is near a limit", "Of every budget and limit more than a fifth is left."));
      return;
    }
    const more = total > limits.length ? h("p", { class: "muted small" }, `The fullest ${limits.length} of ${count(total)}.`) : null;
    fill(place, h("div", { class: "meters" }, limits.map(nearLimit)), more);
  } catch (error) {
    fill(place, failed(error, () => void showNear(place)));
  }
}

/** @param {NearLimit} near */
function nearLimit(near) {
  const { kind, scope, reset_duration: every, effective_max_limit: limit, used, held, resets_at: resetsAt, id } = near;
  return h(
    "div",
    null,
    h("p", { class: "small" }, userLink(near.user_id, near.user_name), " · ", profileLink(near.access_profile_id, near.access_profile_name)),
    meter({ kind, scope, every, limit, used, held, resetsAt, id, budget: null }),
  );
}
