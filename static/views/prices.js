// What calls cost: the operator's prices before those of the list, and what a single call would cost.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, date, dateTime } from "../core/format.js";
import * as rules from "../core/rules.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { form } from "../form/form.js";
import { text } from "../form/inputs.js";
import { act } from "../parts/act.js";
import { list, textFilter } from "../parts/list.js";
import { badge, empty, factList, heading, panel } from "../parts/states.js";
import { deletePrice, editPrice, giveDialog } from "./price-edit.js";
import { otherRates, rateCell, rateFacts } from "./price-rates.js";

/** @typedef {import("../core/provider-types.js").Price} Price */
/** @typedef {import("../core/provider-types.js").PricePage} PricePage */
/** @typedef {{ provider: string, model: string }} Model */

const PATH = "/api/prices";

const ORIGINS = /** @type {const} */ ({ list: ["list", "quiet"], file: ["file", "accent"], api: ["here", "accent"] });

/** @returns {import("./routes.js").View} */
export function pricesView() {
  const about = h("span");
  const give = can("Settings:Update") ? h("button", { type: "button", class: "primary", onclick: () => giveDialog() }, "Give a price") : null;
  const prices = list({
    label: "Prices",
    path: PATH,
    items: "prices",
    search: "Provider or model",
    filters: [textFilter("provider", "Provider", "openai"), textFilter("model", "Model", "gpt-5")],
    answered: (/** @type {PricePage} */ page) => fill(about, listText(page)),
    columns: /** @type {import("../parts/table.js").Column<Price>[]} */ ([
      { label: "Model", main: true, cell: ({ provider, model }) => [h("span", null, model), h("div", { class: "muted small" }, provider)] },
      { label: "Said by", cell: origin },
      { label: "Input", number: true, cell: (price) => rateCell(price, "input") },
      { label: "Output", number: true, cell: (price) => rateCell(price, "output") },
      { label: "Other rates", cell: otherRates },
      { label: "Greatest output", number: true, cell: ({ greatest_output: most }) => count(most) },
      { label: "", cell: actions },
    ]),
    whenEmpty: () => empty("No price", "The list that the program brings is empty."),
  });
  const explained = "Dollars for a million tokens, where nothing else is said. The operator's own prices come first and go before the list.";
  const node = h("div", { class: "stack" }, heading("Prices", [about], [give]), lookUp(), h("p", { class: "muted" }, explained), prices.node);
  return { title: "Prices", node };
}

/** @param {PricePage} page */
function listText({ version, date: day, unknown }) {
  const fate = unknown === "deny" ? "Calls of models without a price are refused." : "Calls of models without a price pass, and only their tokens are counted.";
  return `The list is of ${date(day)} (version ${version}). ${fate}`;
}

/** @param {Price} price */
function origin({ origin, valid_from: from }) {
  const [name, tone] = ORIGINS[origin];
  return [badge(name, tone), from ? h("div", { class: "muted small" }, "from ", h("time", { datetime: from, title: dateTime(from) }, date(from))) : null];
}

/** What was given here can be changed here. @param {Price} price */
function actions(price) {
  if (price.origin !== "api" || !(can("Settings:Update") || can("Settings:Delete"))) return null;
  return h(
    "div",
    { class: "actions" },
    can("Settings:Update") && h("button", { type: "button", onclick: act(() => editPrice(price)) }, "Edit"),
    can("Settings:Delete") && h("button", { type: "button", class: "danger", onclick: act(() => deletePrice(price)) }, "Delete"),
  );
}

/** What a call of one model costs, whoever says so. */
function lookUp() {
  const result = h("div", { class: "answer", "aria-live": "polite" });
  const control = group(
    {
      provider: text({ label: "Provider of the call", placeholder: "openai", rule: rules.name, required: true }),
      model: text({ label: "Model of the call", placeholder: "gpt-5-mini", rule: rules.name, required: true }),
    },
    (fields) => h("div", { class: "pair" }, fields.provider.node, fields.model.node),
  );
  const asked = form({
    control,
    submit: "Look up",
    send: async (of) => {
      const { data } = await get(PATH, { query: { ...of, limit: 1 } });
      fill(result, verdict(of, data));
    },
  });
  asked.node.addEventListener("submit", () => fill(result), { capture: true });
  return panel("What does a call cost?", h("div", null, asked.node, result));
}

/** @param {Model} of @param {PricePage} page */
function verdict(of, { price, unknown, version }) {
  const name = `${of.provider} / ${of.model}`;
  if (!price) return nobodyKnows(of, name, unknown);
  const who = { list: `the list, version ${version}`, file: "the file of the operator", api: "the operator, here" }[price.origin];
  return h(
    "section",
    { class: "verdict verdict-ok" },
    h("h3", null, price.free ? `${name} costs nothing` : `What ${name} costs`),
    factList([
      ...rateFacts(price),
      ["Greatest output", price.greatest_output ? `${count(price.greatest_output)} tokens` : null],
      ["Valid from", price.valid_from ? dateTime(price.valid_from) : null],
      ["Said by", h("span", null, who, price.origin === "list" ? null : [" (", h("code", null, price.priced_by), ")"])],
    ]),
  );
}

/** @param {Model} of @param {string} name @param {"deny" | "tokens"} unknown */
function nobodyKnows(of, name, unknown) {
  const fate = unknown === "deny" ? "Calls of it are refused, unless their upstream is free." : "Calls of it pass, and only their tokens are counted.";
  const here = can("Settings:Update") ? "Give it a price here" : "Let somebody give it a price here";
  return h(
    "section",
    { class: "verdict verdict-bad" },
    h("h3", null, `Nobody knows what ${name} costs`),
    h("p", null, `${fate} ${here}, or in the file that prices.file of the settings names.`),
    can("Settings:Update") ? h("div", null, h("button", { type: "button", onclick: () => giveDialog(of) }, "Give it a price")) : null,
  );
}
