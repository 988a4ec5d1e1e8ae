// Giving a price, changing one that was given here, and deleting it.

import { get, put, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { Refusal } from "../core/errors.js";
import { dateTime, plural } from "../core/format.js";
import { refresh } from "../core/router.js";
import * as rules from "../core/rules.js";
import { group } from "../form/control.js";
import { moment, optionalCount, text, toggle } from "../form/inputs.js";
import { items } from "../form/lists.js";
import { confirmShown, editDialog } from "../parts/clash.js";
import { formDialog } from "../parts/form-dialog.js";
import { toast } from "../parts/toast.js";
import { ratesControl, ratesOf } from "./price-rates.js";

/** @typedef {import("../core/provider-types.js").Price} Price */
/** @typedef {{ provider: string, model: string }} Model */

/** @param {Model} of */
function pathOf({ provider, model }) {
  return `/api/prices/${encodeURIComponent(provider)}/${encodeURIComponent(model)}`;
}

/** @param {Model} of */
function nameOf({ provider, model }) {
  return `${provider} / ${model}`;
}

/** @param {Partial<Model>} [of] what is known of it already */
export function giveDialog(of = {}) {
  const pattern = "* stands for anything.";
  const named = {
    provider: text({ label: "Provider", hint: pattern, placeholder: "openai", value: of.provider, rule: pieceRule, required: true }),
    model: text({ label: "Model", hint: pattern, placeholder: "gpt-5*", value: of.model, rule: pieceRule, required: true }),
  };
  const from = { valid_from: moment({ label: "Valid from", hint: "Empty: always.", any: true }) };
  formDialog({
    title: "Give a price",
    intro: [h("p", { class: "muted" }, "It goes before the file and the list. Calls that are let in from now on cost it.")],
    wide: true,
    control: priceControl({}, named, from),
    submit: "Give the price",
    send: async (value) => {
      const path = pathOf(value);
      const there = await givenBefore(path);
      const from = value.valid_from;
      // One that always holds would take the place of all.
      const taken = there?.data.prices.find((price) => from === null || isFrom(price, from));
      if (taken) throw new Error(`There is a price of ${nameOf(value)} here already. Edit that one, or give this one from another date on.`);
      await put(path, bodyOf(value, from), { ifMatch: there?.etag });
      toast(`${nameOf(value)} has a price.`);
      refresh();
    },
  });
}

/** Null when nothing was. @param {string} path @returns {Promise<{ data: { prices: Price[] }, etag: string | null } | null>} */
async function givenBefore(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

/** @param {Price} price @param {string | null | undefined} from */
function isFrom({ valid_from: own }, from) {
  return own && from ? Date.parse(own) === Date.parse(from) : !own && !from;
}

/** @param {Price} listed */
export function editPrice(listed) {
  const from = listed.valid_from;
  const thing = (/** @type {{ price?: Price, prices?: Price[] }} */ { price, prices = [] }) => {
    const found = price ?? prices.find((one) => isFrom(one, from));
    if (!found) throw new Error("Somebody took this price away meanwhile. Close this, and give it anew if it should hold.");
    return { ...found, beside: prices.length - 1 };
  };
  return editDialog({
    path: pathOf(listed),
    thing,
    noun: "price",
    wide: true,
    intro: ({ beside }) =>
      h(
        "p",
        { class: "muted" },
        h("strong", null, nameOf(listed)),
        from ? `, from ${dateTime(from)} on` : "",
        !from && beside > 0 ? ` always holds: saved, it takes the place of ${plural(beside, "price")} from later dates on, too.` : "",
      ),
    control: (price) => priceControl(price, {}, {}),
    body: (value) => bodyOf(value, from),
  });
}

/** @param {Price} listed */
export async function deletePrice(listed) {
  const path = pathOf(listed);
  await confirmShown({
    path,
    shown: await get(path),
    question: ({ prices }) => ({
      title: `Delete the price of ${nameOf(listed)}?`,
      dangerous: true,
      body: [
        prices.length > 1 ? h("p", null, `All ${plural(prices.length, "price")} of it that were given here go, those from other dates on too.`) : null,
        h("p", null, "What the file and the list say of it holds again. What was charged stays charged."),
      ],
      action: "Delete",
    }),
    run: async (etag) => {
      await remove(path, { ifMatch: etag });
      toast(`Deleted the price of ${nameOf(listed)}.`);
      refresh();
    },
  });
}

/** @type {rules.Rule} */
function pieceRule(given) {
  return given.trim() === "" ? "is required" : rules.tooLong(given.trim(), 1_000);
}

/**
 * The fields of a price.
 *
 * @param {Partial<Price>} price
 * @param {Record<string, import("../form/control.js").Control<any>>} named  whose it is, where that is not settled
 * @param {Record<string, import("../form/control.js").Control<any>>} last
 * @returns {import("../form/control.js").Control<any>}
 */
function priceControl(price, named, last) {
  const costs = h("div", { class: "stack", hidden: price.free });
  const fields = {
    ...named,
    free: toggle({
      label: "Calls cost nothing",
      value: price.free ?? false,
      changed: (free) => {
        costs.hidden = free;
      },
    }),
    rates: ratesControl(price.rates ?? {}),
    above: items({
      title: "Rates of calls with more input",
      one: "step",
      none: "Every call costs the same rates.",
      value: price.above ?? [],
      look: "card",
      item: (/** @type {Price["above"][number] | undefined} */ tier) =>
        group({
          input_tokens: optionalCount({ label: "Above so many input tokens", hint: "All tokens of such a call then cost the rates below; what is left out keeps its rate.", value: tier?.input_tokens, required: true }),
          rates: ratesControl(tier?.rates ?? {}),
        }),
    }),
    greatest_output: optionalCount({ label: "Greatest output", hint: "Most tokens that one answer may have. Empty: what the list says.", value: price.greatest_output }),
    ...last,
  };
  return group(/** @type {Record<string, import("../form/control.js").Control<any>>} */ (fields), (all) => {
    const nodes = (/** @type {object} */ some) => Object.keys(some).map((name) => all[name].node);
    costs.append(all.rates.node, h("details", { class: "folded", open: (price.above ?? []).length > 0 }, h("summary", null, "Long input"), all.above.node));
    return h("div", { class: "stack" }, h("div", { class: "pair" }, nodes(named)), all.free.node, costs, h("div", { class: "pair" }, all.greatest_output.node, nodes(last)));
  });
}

/** @param {any} value @param {string | null | undefined} from */
function bodyOf({ free, rates, above, greatest_output }, from) {
  const tiers = above.map((/** @type {any} */ { input_tokens, rates }) => ({ input_tokens, rates: ratesOf(rates) }));
  return { free, rates: free ? {} : ratesOf(rates), above: free ? [] : tiers, greatest_output, valid_from: from ?? null };
}
