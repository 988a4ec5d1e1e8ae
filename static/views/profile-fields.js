// The fields of an access profile, in the shape of the body that is sent.

import { h } from "../core/dom.js";
import { interval } from "../core/format.js";
import * as rules from "../core/rules.js";
import { group } from "../form/control.js";
import { choice, dollars, duration, longText, moment, optionalCount, text, toggle } from "../form/inputs.js";
import { items, tokens } from "../form/lists.js";

/** @typedef {import("../core/types.js").Profile} Profile */
/** @typedef {import("../core/types.js").Budget} Budget */
/** @typedef {import("../core/types.js").ToolGroup} ToolGroup */
/** @template T @typedef {import("../form/control.js").Control<T>} Control */

/**
 * @param {Partial<Profile>} profile
 * @param {{ creating: boolean, toolGroups: ToolGroup[] }} about
 */
export function profileControl(profile, { creating, toolGroups }) {
  /** @type {Record<string, Control<any>>} */
  const controls = {
    name: text({ label: "Name", value: profile.name, rule: rules.name, required: true }),
    description: longText({ label: "Description", value: profile.description }),
    tags: tokens({ label: "Tags", hint: "Enter or a comma adds one.", value: profile.tags ?? [] }),
    provider_configs: items({
      title: "Providers",
      one: "provider",
      none: "No provider: nothing can be called with this profile yet.",
      value: profile.provider_configs ?? [],
      item: providerControl,
      unique: (line) => line.provider_name.toLowerCase() || null,
      twice: "there is already a line for this provider",
      twiceAt: "provider_name",
      look: "card",
    }),
    budgets: budgetsControl("Budgets over all providers", profile.budgets ?? []),
    rate_limit: rateLimitControl("Limits over all providers", profile.rate_limit ?? null),
    calendar_aligned: toggle({
      label: "Start windows at calendar boundaries",
      hint: "Midnight, Monday, the first of the month. Otherwise they count from when the profile was assigned, as prepaid budgets always do.",
      value: profile.calendar_aligned ?? false,
    }),
    mcp_tool_groups: toolGroupsControl(profile.mcp_tool_groups ?? [], toolGroups),
    mcp_servers: items({
      title: "Whole MCP servers",
      one: "server",
      none: "None: no server is granted as a whole.",
      value: profile.mcp_servers ?? [],
      item: (link) => group({ mcp_server_id: text({ label: "Server id", value: link?.mcp_server_id, rule: rules.name }) }),
      unique: (link) => link.mcp_server_id || null,
      twice: "this server is already listed",
      twiceAt: "mcp_server_id",
    }),
    mcp_tool_overrides: items({
      title: "Single MCP tools",
      one: "tool",
      none: "None: no single tool is added or taken away.",
      value: profile.mcp_tool_overrides ?? [],
      item: toolControl,
      unique: (tool) => (tool.tool_name ? JSON.stringify([tool.mcp_client_id, tool.tool_name]) : null),
      twice: "this tool is already listed",
      twiceAt: "tool_name",
    }),
    auto_rotation_interval: text({
      label: "Rotate the holders' keys every",
      hint: "Such as 30d or 12h; empty: never.",
      placeholder: "never",
      value: interval(profile.auto_rotation_interval),
      rule: (given) => (given.trim() === "" ? null : rules.rotationInterval(given)),
    }),
    next_rotation_at: moment({ label: "Next rotation", hint: "Empty: one interval from now, or as it is where the interval stays.", value: profile.next_rotation_at }),
  };
  if (creating) controls.is_active = toggle({ label: "Active: it can be assigned at once", value: profile.is_active ?? true });
  return group(controls, arrange);
}

/** @param {Record<string, Control<any>>} fields */
function arrange(fields) {
  return h(
    "div",
    { class: "sections" },
    section("About", "", [fields.name, fields.description, fields.tags, ...(fields.is_active ? [fields.is_active] : [])]),
    section("Providers and models", "Only providers listed here may be used. A model pattern is a name, a name with *, or regex: and an expression.", [fields.provider_configs]),
    section("Spending and pace", "All limits hold together: a call must fit into every one that applies.", [fields.budgets, fields.rate_limit, fields.calendar_aligned]),
    section("MCP tools", "", [fields.mcp_tool_groups, fields.mcp_servers, fields.mcp_tool_overrides]),
    section("Key rotation", "", [h("div", { class: "pair" }, fields.auto_rotation_interval.node, fields.next_rotation_at.node)]),
  );
}

/** @param {string} title @param {string} about @param {(Control<any> | HTMLElement)[]} content */
function section(title, about, content) {
  return h(
    "section",
    { class: "form-section panel" },
    h("h2", null, title),
    about ? h("p", { class: "muted" }, about) : null,
    content.map((part) => (part instanceof HTMLElement ? part : part.node)),
  );
}

const PATTERNS = "Enter or a comma adds one; * stands for anything.";

/** An expression may have commas of its own. @param {string} typed */
function separates(typed) {
  return !typed.trimStart().startsWith("regex:");
}

/** @param {import("../core/types.js").ProviderConfig} [line] */
function providerControl(line) {
  const allowed = tokens({ label: "Allowed models", hint: `Empty: none of its models. ${PATTERNS}`, placeholder: "gpt-5*", value: line?.allowed_models ?? [], commas: separates });
  const setAll = (/** @type {boolean} */ on) => {
    allowed.node.hidden = on;
  };
  const controls = {
    provider_name: text({ label: "Provider", placeholder: "openai", value: line?.provider_name, rule: rules.name, required: true }),
    all_models_allowed: toggle({ label: "All models", value: line?.all_models_allowed ?? false, changed: setAll }),
    allowed_models: allowed,
    blacklisted_models: tokens({ label: "Blocked models", hint: `Stronger than what is allowed. ${PATTERNS}`, value: line?.blacklisted_models ?? [], commas: separates }),
    budgets: budgetsControl("Budgets of this provider", line?.budgets ?? []),
    rate_limit: rateLimitControl("Limits of this provider", line?.rate_limit ?? null),
  };
  setAll(line?.all_models_allowed ?? false);
  return group(controls, (fields) =>
    h(
      "div",
      { class: "stack" },
      h("div", { class: "pair" }, fields.provider_name.node, fields.all_models_allowed.node),
      h("div", { class: "pair" }, fields.allowed_models.node, fields.blacklisted_models.node),
      fields.budgets.node,
      fields.rate_limit.node,
    ),
  );
}

/** @param {string} title @param {Budget[]} value @returns {Control<Budget[]>} */
function budgetsControl(title, value) {
  return items({
    title,
    one: "budget",
    none: "None: spending is not limited here.",
    value,
    item: budgetControl,
    unique: (budget) => budget.reset_duration,
    twice: "there is already a budget with this reset duration",
    twiceAt: "reset_duration",
  });
}

/** @param {Budget} [budget] @returns {Control<Budget>} */
function budgetControl(budget) {
  const quarter = quarterControl(budget);
  const showQuarter = (/** @type {string} */ every) => {
    quarter.node.hidden = every !== "1Q";
  };
  const controls = {
    max_limit: dollars({ label: "Dollars", value: budget?.max_limit }),
    reset_duration: duration({ label: "Reset every", value: budget?.reset_duration ?? "1M", ofBudget: true, changed: showQuarter }),
    reset_config: quarter,
  };
  showQuarter(budget?.reset_duration ?? "1M");
  const all = group(controls, () => h("div", { class: "line" }, controls.max_limit.node, controls.reset_duration.node, quarter.node));
  const read = () => {
    const { max_limit, reset_duration, reset_config } = all.read();
    return { max_limit, reset_duration, reset_config: reset_duration === "1Q" ? (reset_config ?? undefined) : undefined };
  };
  return { ...all, read };
}

/** When the quarters of a fiscal year begin. @param {Budget} [budget] @returns {Control<{ quarter_start_month: number } | null>} */
function quarterControl(budget) {
  const months = Array.from({ length: 12 }, (_, at) => new Date(2000, at, 1).toLocaleString("en", { month: "long" }));
  /** @type {[string, string][]} */
  const choices = [["", "January (calendar)"], ...months.map((month, at) => /** @type {[string, string]} */ ([String(at + 1), month]))];
  const month = choice({ label: "Fiscal year starts in", value: String(budget?.reset_config?.quarter_start_month ?? ""), choices });
  return {
    ...month,
    read: () => {
      const chosen = month.read();
      return chosen === "" ? null : { quarter_start_month: Number(chosen) };
    },
  };
}

/** @param {string} title @param {import("../core/types.js").RateLimit | null} value @returns {Control<import("../core/types.js").RateLimit | null>} */
function rateLimitControl(title, value) {
  const controls = {
    request_max_limit: optionalCount({ label: "Requests", hint: "Empty: no limit.", value: value?.request_max_limit }),
    request_reset_duration: duration({ label: "Reset requests every", value: value?.request_reset_duration ?? "1h" }),
    token_max_limit: optionalCount({ label: "Tokens", hint: "Empty: no limit.", value: value?.token_max_limit }),
    token_reset_duration: duration({ label: "Reset tokens every", value: value?.token_reset_duration ?? "1h" }),
  };
  const all = group(controls, (fields) =>
    h(
      "fieldset",
      { class: "items-frame plain-fieldset" },
      h("legend", { class: "label" }, title),
      h(
        "div",
        { class: "limits" },
        h("div", { class: "line" }, fields.request_max_limit.node, fields.request_reset_duration.node),
        h("div", { class: "line" }, fields.token_max_limit.node, fields.token_reset_duration.node),
      ),
    ),
  );
  const read = () => {
    const limit = all.read();
    if (limit.request_max_limit === null && limit.token_max_limit === null) return null;
    return {
      request_max_limit: limit.request_max_limit,
      request_reset_duration: limit.request_max_limit === null ? undefined : limit.request_reset_duration,
      token_max_limit: limit.token_max_limit,
      token_reset_duration: limit.token_max_limit === null ? undefined : limit.token_reset_duration,
    };
  };
  return { ...all, read };
}

/** @param {{ tool_group_id: number }[]} value @param {ToolGroup[]} known */
function toolGroupsControl(value, known) {
  return items({
    title: "MCP tool groups",
    one: "tool group",
    none: "None: no tool group is granted.",
    value,
    item: (link) => {
      const id = link?.tool_group_id;
      const control = known.length > 0 && (id === undefined || known.some((one) => one.id === id)) ? chosen(known, id) : typed(id);
      return group({ tool_group_id: control });
    },
    unique: (link) => (link.tool_group_id === null ? null : String(link.tool_group_id)),
    twice: "this tool group is already listed",
    twiceAt: "tool_group_id",
  });
}

/** @param {ToolGroup[]} known @param {number} [id] @returns {Control<number | null>} */
function chosen(known, id) {
  const choices = known.map((one) => /** @type {[string, string]} */ ([String(one.id), one.enabled ? one.name : `${one.name} (disabled)`]));
  const control = choice({ label: "Tool group", value: String(id ?? known[0].id), choices });
  return { ...control, read: () => Number(control.read()) };
}

/** @param {number} [id] @returns {Control<number | null>} */
function typed(id) {
  return optionalCount({ label: "Id of the tool group", value: id, required: true });
}

/** @param {import("../core/types.js").ToolOverride} [tool] */
function toolControl(tool) {
  const controls = {
    mcp_client_id: text({ label: "Server", value: tool?.mcp_client_id, rule: rules.name }),
    tool_name: text({ label: "Tool", value: tool?.tool_name, rule: rules.name }),
    action: choice({ label: "Action", value: tool?.action ?? "include", choices: [["include", "include"], ["exclude", "exclude"]] }),
  };
  return group(controls, (fields) => h("div", { class: "line" }, fields.mcp_client_id.node, fields.tool_name.node, fields.action.node));
}
