// What calls are charged by, and the rates of it: shown, and typed.

import { h } from "../core/dom.js";
import { count, money } from "../core/format.js";
import { group } from "../form/control.js";
import { optionalDollars } from "../form/inputs.js";

/** @typedef {import("../core/provider-types.js").Price} Price */
/** @typedef {import("../core/provider-types.js").Rates} Rates */
/** @typedef {{ name: string, label: string, per: string }} Kind */

const TOKENS = "a million tokens";

/** Those that matter most; a rate that is left out is that of what it is some of. @type {Kind[]} */
const FIRST = [
  { name: "input", label: "Input", per: TOKENS },
  { name: "cached_input", label: "Cached input", per: TOKENS },
  { name: "output", label: "Output", per: TOKENS },
];

/** @type {Kind[]} */
const MORE = [
  { name: "cache_write", label: "Written to a cache", per: TOKENS },
  { name: "cache_write_1h", label: "Written to a cache of an hour", per: TOKENS },
  { name: "audio_input", label: "Sound in the input", per: TOKENS },
  { name: "cached_audio_input", label: "Cached sound in the input", per: TOKENS },
  { name: "image_input", label: "Pictures in the input", per: TOKENS },
  { name: "cached_image_input", label: "Cached pictures in the input", per: TOKENS },
  { name: "video_input", label: "Films in the input", per: TOKENS },
  { name: "reasoning", label: "Reasoning", per: TOKENS },
  { name: "audio_output", label: "Sound in the output", per: TOKENS },
  { name: "image_output", label: "Pictures in the output", per: TOKENS },
  { name: "video_output", label: "Films in the output", per: TOKENS },
  { name: "input_character", label: "Text read aloud", per: "a million characters" },
  { name: "audio_hour", label: "Sound by the time it lasts", per: "an hour" },
  { name: "image", label: "Pictures made", per: "a picture" },
  { name: "web_search", label: "Searches of the web", per: "a search" },
  { name: "request", label: "The call itself", per: "a call" },
];

const KNOWN = new Map([...FIRST, ...MORE].map((kind) => [kind.name, kind]));

/** What a kind is called; one of a later version by its own name. @param {string} name @returns {Kind} */
function kindOf(name) {
  return KNOWN.get(name) ?? { name, label: name.replaceAll("_", " "), per: "" };
}

/** The rate of one kind, for its column. @param {Price} price @param {"input" | "output"} name */
export function rateCell({ free, rates }, name) {
  if (free) return h("span", { class: "muted" }, "free");
  return rates[name] === undefined ? h("span", { class: "muted" }, "–") : money(rates[name]);
}

/** Every rate but those of input and output. @param {Price} price */
export function otherRates(price) {
  const kinds = Object.keys(price.rates).filter((name) => name !== "input" && name !== "output");
  const lines = [...kinds.map((name) => `${kindOf(name).label}: ${rate(name, price.rates[name])}`), ...tierTexts(price)];
  if (lines.length === 0) return h("span", { class: "muted" }, "–");
  const shown = h("ul", { class: "plain-list small" }, lines.map((line) => h("li", null, line)));
  return lines.length < 4 ? shown : h("details", { class: "small" }, h("summary", null, `${lines.length} rates`), shown);
}

/** Every rate with its name. @param {Price} price @returns {[string, string][]} */
export function rateFacts(price) {
  const rates = Object.entries(price.rates).map(([name, dollars]) => /** @type {[string, string]} */ ([kindOf(name).label, `${money(dollars)} ${kindOf(name).per}`]));
  return [...rates, ...tierTexts(price).map((text) => /** @type {[string, string]} */ (["Long input", text]))];
}

/** @param {Price} price */
function tierTexts({ above }) {
  return above.map((tier) => {
    const rates = Object.entries(tier.rates).map(([name, dollars]) => `${kindOf(name).label.toLowerCase()} ${rate(name, dollars)}`);
    return `above ${count(tier.input_tokens)} input tokens: ${rates.join(", ")}`;
  });
}

/** @param {string} name @param {number} dollars */
function rate(name, dollars) {
  const { per } = kindOf(name);
  return per === TOKENS ? money(dollars) : `${money(dollars)} ${per}`;
}

/** Rates as they are typed; those that are left out have none. @param {Rates} rates @returns {import("../form/control.js").Control<Record<string, number | null>>} */
export function ratesControl(rates) {
  const input = (/** @type {Kind} */ { name, label, per }) => [name, optionalDollars({ label, hint: `Dollars for ${per}.`, value: rates[name] })];
  const more = MORE.map(({ name }) => name);
  return group(Object.fromEntries([...FIRST, ...MORE].map(input)), (fields) =>
    h(
      "div",
      { class: "stack" },
      h("div", { class: "pair" }, FIRST.map(({ name }) => fields[name].node)),
      h(
        "details",
        { class: "folded", open: more.some((name) => rates[name] !== undefined) },
        h("summary", null, "More kinds"),
        h("div", { class: "pair" }, more.map((name) => fields[name].node)),
      ),
    ),
  );
}

/** What was typed, without what was left out. @param {Record<string, number | null>} typed @returns {Rates} */
export function ratesOf(typed) {
  return /** @type {Rates} */ (Object.fromEntries(Object.entries(typed).filter(([, dollars]) => dollars !== null)));
}
