// All access profiles.

import { h } from "../core/dom.js";
import { count, duration, money, shortCount } from "../core/format.js";
import { link } from "../core/router.js";
import { can } from "../core/session.js";
import { choiceFilter, list, textFilter } from "../parts/list.js";
import { badge, empty, heading, when } from "../parts/states.js";

/** @typedef {import("../core/types.js").Profile} Profile */

/** @returns {import("./routes.js").View} */
export function profilesView() {
  const profiles = list({
    label: "Access profiles",
    path: "/api/access-profiles",
    items: "access_profiles",
    search: "Name or description",
    filters: [
      textFilter("tags", "Tags", "team, eu"),
      choiceFilter("is_active", "State", [["", "All"], ["true", "Active"], ["false", "Inactive"]]),
    ],
    columns: columns(),
    beside: "user_counts",
    whenEmpty: () => empty("No access profile yet", "A profile says which providers, models and tools may be used, and how much of them.", createLink()),
  });
  const node = h("div", null, heading("Access profiles", [], [createLink()]), profiles.node);
  return { title: "Access profiles", node };
}

function createLink() {
  return can("AccessProfiles:Create") ? h("a", { class: "button primary", href: "#/profiles/new" }, "New profile") : null;
}

/** @returns {import("../parts/table.js").Column<Profile & { beside?: number }>[]} */
function columns() {
  return [
    { label: "Name", sort: "name", main: true, cell: nameCell },
    { label: "State", cell: (profile) => stateBadge(profile.is_active) },
    { label: "Providers", cell: ({ provider_configs: lines }) => several(lines.map((line) => line.provider_name), "none") },
    { label: "Budgets", cell: (profile) => several(budgetTexts(profile), "none") },
    { label: "Limits", cell: (profile) => several(limitTexts(profile), "none") },
    { label: "Holders", number: true, cell: ({ beside: holders }) => count(holders) },
    { label: "Version", number: true, cell: ({ version }) => count(version) },
    { label: "Updated", sort: "updated_at", cell: ({ updated_at: at }) => when(at) },
  ];
}

/** @param {Profile} profile */
function nameCell(profile) {
  const tags = profile.tags.slice(0, 4).map((tag) => h("span", { class: "tag" }, tag));
  const more = profile.tags.length > 4 ? h("span", { class: "tag" }, `+${profile.tags.length - 4}`) : null;
  return [
    h("a", { class: "row-link", href: link(`/profiles/${profile.id}`) }, profile.name),
    tags.length > 0 ? h("div", { class: "tags" }, tags, more) : null,
  ];
}

/** @param {boolean} active */
export function stateBadge(active) {
  return active ? badge("active", "ok") : badge("inactive", "quiet");
}

/** The first few, and how many more. @param {string[]} texts @param {string} none */
export function several(texts, none) {
  if (texts.length === 0) return h("span", { class: "muted" }, none);
  const [first, second] = texts;
  const more = texts.length > 2 ? ` +${texts.length - 2}` : "";
  return h("span", { title: texts.join("\n") }, [first, second].filter(Boolean).join(", ") + more);
}

/** @param {Profile} profile */
function budgetTexts(profile) {
  const text = (/** @type {import("../core/types.js").Budget} */ budget) => budget.reset_duration === "never" ? `${money(budget.max_limit)} prepaid` : `${money(budget.max_limit)} / ${duration(budget.reset_duration)}`;
  const lines = profile.provider_configs.flatMap((line) => line.budgets.map((budget) => `${text(budget)} (${line.provider_name})`));
  return [...profile.budgets.map(text), ...lines];
}

/** @param {Profile} profile */
function limitTexts(profile) {
  const limits = [profile.rate_limit, ...profile.provider_configs.map((line) => line.rate_limit)];
  return limits.flatMap((limit) => [
    ...(limit?.request_max_limit ? [`${shortCount(limit.request_max_limit)} req / ${duration(limit.request_reset_duration)}`] : []),
    ...(limit?.token_max_limit ? [`${shortCount(limit.token_max_limit)} tok / ${duration(limit.token_reset_duration)}`] : []),
  ]);
}
