// What a profile allows, in words.

import { h } from "../core/dom.js";
import { count, dateTime, duration, interval, limitName, money } from "../core/format.js";
import { toolGroupLink } from "../parts/links.js";
import { badge, factList, panel } from "../parts/states.js";
import { table } from "../parts/table.js";

/** @typedef {import("../core/types.js").Policy} Policy */
/** @typedef {import("../core/types.js").ProviderConfig} ProviderConfig */

/** @param {import("../core/types.js").ProfileDetail} detail */
export function overviewTab({ access_profile: profile, unresolved_references: unresolved, warnings = [] }) {
  return h(
    "div",
    { class: "stack" },
    profile.description ? h("p", { class: "description" }, profile.description) : null,
    profile.tags.length > 0 ? h("div", { class: "tags" }, profile.tags.map((tag) => h("span", { class: "tag" }, tag))) : null,
    warningNote(warnings),
    unresolvedNote(unresolved),
    policy(profile, panel("Key rotation", rotation(profile))),
  );
}

/** The policy of a template or a copy. @param {Policy} policy @param {Node | null} [beside] */
export function policy(policy, beside = null) {
  /** @type {[string, string]} */
  const windows = ["Windows", policy.calendar_aligned ? "start at calendar boundaries" : "count from the assignment"];
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "columns" }, panel("Over all providers", factList([...limitFacts(policy.budgets, policy.rate_limit), windows])), panel("MCP tools", mcp(policy)), beside),
    panel("Providers", policy.provider_configs.length === 0 ? h("p", { class: "muted" }, "None: nothing can be called.") : providers(policy.provider_configs)),
  );
}

/** @param {Policy["budgets"][number]} budget */
function budgetName({ reset_duration: every, reset_config: config }) {
  const start = config ? new Date(2000, config.quarter_start_month - 1, 1).toLocaleString("en", { month: "long" }) : null;
  return `${limitName("Budget", every)}${start ? `, fiscal year from ${start}` : ""}`;
}

/** @param {Policy["budgets"]} budgets @param {Policy["rate_limit"]} rate @returns {[string, string][]} */
function limitFacts(budgets, rate) {
  /** @type {[string, string][]} */
  const facts = budgets.map((budget) => [budgetName(budget), money(budget.max_limit)]);
  if (budgets.length === 0) facts.push(["Budget", "not limited"]);
  if (rate?.request_max_limit) facts.push([`Requests per ${duration(rate.request_reset_duration)}`, count(rate.request_max_limit)]);
  if (rate?.token_max_limit) facts.push([`Tokens per ${duration(rate.token_reset_duration)}`, count(rate.token_max_limit)]);
  if (!rate?.request_max_limit && !rate?.token_max_limit) facts.push(["Rate", "not limited"]);
  return facts;
}

/** @param {ProviderConfig[]} lines */
function providers(lines) {
  return table(
    "Providers",
    [
      { label: "Provider", main: true, cell: (line) => line.provider_name },
      { label: "Models", cell: models },
      { label: "Own limits", cell: (line) => ownLimits(line) },
    ],
    lines,
  );
}

/** @param {ProviderConfig} line */
function models(line) {
  const allowed = line.all_models_allowed ? [h("span", null, "all")] : line.allowed_models.map((model) => h("code", { class: "model" }, model));
  const blocked = line.blacklisted_models.map((model) => h("del", null, h("code", { class: "model" }, model)));
  if (allowed.length + blocked.length === 0) return h("span", { class: "muted" }, "none");
  return h("div", { class: "models" }, allowed, blocked);
}

/** @param {ProviderConfig} line */
function ownLimits(line) {
  if (line.budgets.length === 0 && !line.rate_limit) return h("span", { class: "muted" }, "none");
  const facts = limitFacts(line.budgets, line.rate_limit).filter(([, value]) => value !== "not limited");
  return h("ul", { class: "plain-list" }, facts.map(([name, value]) => h("li", null, `${value} · ${name[0].toLowerCase()}${name.slice(1)}`)));
}

/** @param {Policy} policy */
function mcp({ mcp_tool_groups: groups, mcp_servers: servers, mcp_tool_overrides: tools }) {
  if (groups.length + servers.length + tools.length === 0) return h("p", { class: "muted" }, "None may be called.");
  return factList([
    ["Tool groups", groups.length > 0 && h("ul", { class: "plain-list" }, groups.map((link) => h("li", null, toolGroupLink(link.tool_group_id))))],
    ["Whole servers", servers.length > 0 && servers.map((link) => link.mcp_server_id).join(", ")],
    ["Single tools", tools.length > 0 && h("ul", { class: "plain-list" }, tools.map((tool) => h("li", null, badge(tool.action, tool.action === "exclude" ? "bad" : "ok"), ` ${tool.mcp_client_id} / ${tool.tool_name}`)))],
  ]);
}

/** @param {import("../core/types.js").Profile} profile */
function rotation(profile) {
  const every = interval(profile.auto_rotation_interval);
  if (!every) return h("p", { class: "muted" }, "The holders' keys are not rotated.");
  return factList([
    ["Every", duration(every)],
    ["Next", dateTime(profile.next_rotation_at)],
    ["Last", dateTime(profile.last_rotation_at)],
  ]);
}

/** What is stored and lets nothing through: also what one sees after saving it. @param {{ message: string }[]} warnings */
function warningNote(warnings) {
  if (warnings.length === 0) return null;
  return h(
    "div",
    { class: "note", role: "status" },
    h("p", null, "This is stored as it was sent, but it lets nothing through:"),
    h("ul", null, warnings.map(({ message }) => h("li", null, message))),
  );
}

/** @param {Record<string, unknown>[]} references */
function unresolvedNote(references) {
  if (references.length === 0) return null;
  return h(
    "div",
    { class: "note" },
    h("p", null, "It names MCP things that are not known here. They grant nothing by themselves; a gateway may know them."),
    h("ul", null, references.map((reference) => h("li", null, h("code", null, Object.values(reference).join(" "))))),
  );
}
