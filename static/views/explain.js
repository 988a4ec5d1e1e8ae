// What would happen to a call, and why; nothing is counted.

import { curl, post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, money, relative } from "../core/format.js";
import { group } from "../form/control.js";
import { form } from "../form/form.js";
import { dollars, optionalCount, text } from "../form/inputs.js";
import * as rules from "../core/rules.js";
import { showCommand } from "../parts/copy.js";
import { profileLink, userLink } from "../parts/links.js";
import { nameOf } from "../parts/meter.js";
import { badge, factList, heading, panel } from "../parts/states.js";
import { table } from "../parts/table.js";

/** @typedef {import("../core/types.js").LimitFact} LimitFact */
/** @typedef {import("../core/types.js").Explanation} Explanation */
/** @typedef {Explanation["steps"][number]} Step */
/** @typedef {Explanation["access_profiles"][number]} ExplainedProfile */

const PATH = "/v1/explain";

/** @param {import("./routes.js").Place} place @returns {import("./routes.js").View} */
export function explainView({ query }) {
  const result = h("div", { class: "stack", "aria-live": "polite" });
  const id = query.get("virtual_key_id");
  const control = group(
    {
      virtual_key: text({ label: "Virtual key or its id", hint: "The id is enough: it stands in the list of virtual keys. A key is sent with this question and kept nowhere.", placeholder: "tk_vk_…", value: id ?? "", kind: id ? "text" : "password", rule: rules.name, required: true }),
      provider: text({ label: "Provider", hint: "Empty: whichever grants it.", placeholder: "openai" }),
      model: text({ label: "Model", placeholder: "gpt-5", rule: rules.name, required: true }),
      mcp_server: text({ label: "MCP server" }),
      mcp_tool: text({ label: "MCP tool" }),
      estimated_tokens: optionalCount({ label: "Estimated tokens" }),
      estimated_cost: dollars({ label: "Estimated dollars", rule: (given) => (given.trim() === "" ? null : rules.money(given)) }),
    },
    (fields) =>
      h(
        "div",
        { class: "stack panel" },
        fields.virtual_key.node,
        h("div", { class: "pair" }, fields.provider.node, fields.model.node),
        h("div", { class: "pair" }, fields.mcp_server.node, fields.mcp_tool.node),
        h("div", { class: "pair" }, fields.estimated_tokens.node, fields.estimated_cost.node),
      ),
  );
  const asked = form({
    control,
    submit: "Explain",
    send: async (value) => {
      const { data } = await post(PATH, bodyOf(value));
      fill(result, verdict(data));
      result.scrollIntoView({ block: "nearest" });
    },
  });
  asked.node.addEventListener("submit", () => fill(result), { capture: true });
  const command = () => {
    const body = bodyOf(control.read());
    const shown = body.virtual_key_id ? body : { ...body, virtual_key: "tk_vk_…" };
    showCommand("As curl", curl("POST", PATH, shown), body.virtual_key_id ? "KEY is your management key." : "KEY is your management key; put the virtual key in its place.");
  };
  asked.actions.append(h("button", { type: "button", class: "plain end", onclick: command }, "Copy as curl"));
  const node = h("div", { class: "narrow stack" }, heading("Explain a call", ["What would happen to it, and why. Nothing is counted."]), asked.node, result);
  return { title: "Explain a call", node };
}

/** What is left out is not asked about; what is no key is the id of one, alone or as lists show it. @param {Record<string, string | number | null>} value */
function bodyOf({ virtual_key: key, ...asked }) {
  const masked = /^tk_vk_([^_]+)_\*+$/.exec(String(key));
  const named = masked ? { virtual_key_id: masked[1] } : String(key).startsWith("tk_") ? { virtual_key: key } : { virtual_key_id: key };
  return Object.fromEntries(Object.entries({ ...named, ...asked }).filter(([, given]) => given !== "" && given !== null && given !== 0));
}

/** @param {Explanation} answer */
function verdict(answer) {
  return [
    h(
      "section",
      { class: `verdict ${answer.allowed ? "verdict-ok" : "verdict-bad"}` },
      h("h2", null, answer.allowed ? "It would be allowed" : `It would be refused: ${answer.status_code} `, answer.type ? h("code", null, answer.type) : null),
      answer.message ? h("p", null, answer.message) : null,
      factList([
        ["Key", answer.virtual_key ? `${answer.virtual_key.name ?? answer.virtual_key.id} (${answer.virtual_key.status})` : null],
        ["User", answer.user_id ? userLink(answer.user_id) : null],
        ["Profile", answer.access_profile_id ? profileLink(answer.access_profile_id) : null],
        ["Provider", answer.provider ?? null],
      ]),
    ),
    panel("Steps", h("ol", { class: "steps" }, answer.steps.map(step))),
    answer.access_profiles.map(profile),
  ].flat();
}

/** @param {Step} one */
function step({ step: kind, subject, outcome, detail }) {
  return h(
    "li",
    null,
    badge(words(outcome), toneOf(outcome)),
    " ",
    h("strong", null, [words(kind), subject].filter(Boolean).join(" ")),
    detail ? `: ${detail}` : null,
  );
}

/** @param {string} outcome @returns {"ok" | "bad"} */
function toneOf(outcome) {
  return ["granted", "fits", "estimated"].includes(outcome) ? "ok" : "bad";
}

/** `model_blocked` as people read it. @param {string} code */
function words(code) {
  return code.replaceAll("_", " ");
}

/** @param {ExplainedProfile} one */
function profile(one) {
  return panel(
    one.name,
    h("p", null, badge(words(one.outcome), toneOf(one.outcome)), " ", one.message ?? ""),
    one.mcp ? h("p", null, "MCP tool: ", badge(words(one.mcp.outcome), toneOf(one.mcp.outcome)), ` because of ${words(one.mcp.rule)}`) : null,
    one.providers.length > 0 ? providers(one.providers) : null,
    one.limits.length > 0 ? limits(one.limits) : null,
  );
}

/** @param {ExplainedProfile["providers"]} lines */
function providers(lines) {
  return table(
    "Providers",
    [
      { label: "Provider", main: true, cell: (line) => line.provider },
      { label: "Outcome", cell: (line) => badge(words(line.outcome), toneOf(line.outcome)) },
      { label: "Because of", cell: (line) => [line.rule ? words(line.rule) : null, line.pattern ? h("code", null, ` ${line.pattern}`) : null] },
    ],
    lines,
  );
}

/** @param {LimitFact[]} facts */
function limits(facts) {
  const amount = (/** @type {LimitFact} */ fact, /** @type {number | undefined} */ value) => (fact.kind === "budget" ? money(value ?? 0) : count(value ?? 0));
  return table(
    "Limits",
    [
      { label: "Limit", main: true, cell: (fact) => nameOf({ kind: fact.kind, every: fact.reset_duration, scope: fact.scope }) },
      { label: "Asked", number: true, cell: (fact) => amount(fact, fact.asked) },
      { label: "Used", number: true, cell: (fact) => amount(fact, fact.used) },
      { label: "Held", number: true, cell: (fact) => amount(fact, fact.held) },
      { label: "Left", number: true, cell: (fact) => amount(fact, fact.remaining) },
      { label: "Resets", cell: (fact) => (fact.reset_duration === "never" ? "never" : relative(fact.resets_at)) },
      { label: "Fits", cell: (fact) => (fact.fits === false ? badge("no", "bad") : badge("yes", "ok")) },
    ],
    facts,
  );
}
