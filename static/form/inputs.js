// Single values: text, choices, switches, amounts, durations, moments.

import { h } from "../core/dom.js";
import { localInput } from "../core/format.js";
import * as rules from "../core/rules.js";
import { field } from "./control.js";

/** @typedef {{ label: string, hint?: string, placeholder?: string, value?: string, max?: number, rule?: rules.Rule, required?: boolean, kind?: string, list?: string, helped?: (input: HTMLInputElement) => Node }} TextOptions  `helped` adds suggestions */

/** @param {TextOptions} options @returns {import("./control.js").Control<string>} */
export function text(options) {
  const input = h("input", {
    type: options.kind ?? "text",
    value: options.value ?? "",
    placeholder: options.placeholder,
    autocomplete: "off",
    spellcheck: "false",
    "aria-required": options.required ? "true" : null,
    list: options.list,
  });
  return field({
    ...options,
    input,
    frame: options.helped ? h("div", null, input, options.helped(input)) : undefined,
    read: () => input.value.trim(),
    check: () => (options.rule ? options.rule(input.value) : rules.tooLong(input.value.trim(), options.max ?? 255)),
  });
}

/** @param {TextOptions} options @returns {import("./control.js").Control<string>} */
export function longText(options) {
  const input = h("textarea", { rows: 2, placeholder: options.placeholder }, options.value ?? "");
  return field({
    ...options,
    input,
    read: () => input.value,
    check: () => rules.tooLong(input.value, options.max ?? 10_000),
  });
}

/** @param {{ label: string, hint?: string, value: string, choices: [string, string][] }} options @returns {import("./control.js").Control<string>} */
export function choice(options) {
  const input = h("select", null, options.choices.map(([value, shown]) => h("option", { value, selected: value === options.value }, shown)));
  return field({ ...options, input, read: () => input.value });
}

/** @param {{ label: string, hint?: string, value: boolean, changed?: (on: boolean) => void }} options @returns {import("./control.js").Control<boolean>} */
export function toggle(options) {
  const input = h("input", { type: "checkbox", checked: options.value });
  input.addEventListener("change", () => options.changed?.(input.checked));
  return field({ ...options, input, look: "toggle", read: () => input.checked });
}

/** Dollars. @param {{ label: string, hint?: string, value?: number | null, rule?: rules.Rule }} options @returns {import("./control.js").Control<number>} */
export function dollars(options) {
  const { input, frame } = dollarInput(options.value);
  return field({
    ...options,
    input,
    frame,
    read: () => Number(input.value.trim()),
    check: () => (options.rule ?? rules.money)(input.value),
  });
}

/** Dollars that may be left out, which is not the same as none. @param {{ label: string, hint?: string, value?: number | null }} options @returns {import("./control.js").Control<number | null>} */
export function optionalDollars(options) {
  const { input, frame } = dollarInput(options.value);
  const isEmpty = () => input.value.trim() === "";
  return field({
    ...options,
    input,
    frame,
    read: () => (isEmpty() ? null : Number(input.value.trim())),
    check: () => (isEmpty() ? null : rules.money(input.value)),
  });
}

/** @param {number | null | undefined} value */
function dollarInput(value) {
  const text = value === null || value === undefined ? "" : plain(value);
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", value: text });
  return { input, frame: h("div", { class: "affixed" }, h("span", { class: "affix", "aria-hidden": "true" }, "$"), input) };
}

/** A whole number that may be left out. @param {{ label: string, hint?: string, value?: number | null, required?: boolean }} options @returns {import("./control.js").Control<number | null>} */
export function optionalCount(options) {
  const input = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", value: options.value ?? "" });
  const read = () => (input.value.trim() === "" ? null : Number(input.value.trim()));
  const check = () => (input.value.trim() === "" ? (options.required ? "is required" : null) : rules.limit(input.value));
  return field({ ...options, input, read, check });
}

const UNITS = /** @type {[string, string][]} */ ([
  ["s", "seconds"],
  ["m", "minutes"],
  ["h", "hours"],
  ["d", "days"],
  ["w", "weeks"],
  ["M", "months"],
  ["Q", "quarters"],
  ["Y", "years"],
]);

/**
 * A number and a unit: `3h`. That of a budget may be in quarters, and `never`.
 *
 * @param {{ label: string, hint?: string, value: string, ofBudget?: boolean, changed?: (value: string) => void }} options
 * @returns {import("./control.js").Control<string>}
 */
export function duration(options) {
  const parts = options.value === "never" ? ["", "1", "never"] : (/^(\d+)([smhdwMQY])$/.exec(options.value) ?? ["", "1", "h"]);
  const number = h("input", { type: "text", inputmode: "numeric", class: "duration-count", "aria-label": `${options.label}: number`, value: parts[1] });
  const units = options.ofBudget ? [...UNITS, ["never", "never (prepaid)"]] : UNITS.filter(([unit]) => unit !== "Q");
  const unit = h("select", { "aria-label": `${options.label}: unit` }, units.map(([value, shown]) => h("option", { value, selected: value === parts[2] }, shown)));
  const frame = h("div", { class: "duration", role: "group" }, number, unit);
  const read = () => (unit.value === "never" ? "never" : `${number.value.trim()}${unit.value}`);
  const show = () => {
    number.hidden = unit.value === "never";
  };
  frame.addEventListener("input", () => {
    show();
    options.changed?.(read());
  });
  show();
  return field({
    ...options,
    input: frame,
    group: true,
    read,
    check: () => rules.duration(read(), options.ofBudget ?? false),
  });
}

/** A moment, or none; one that is to come, unless any will do. @param {{ label: string, hint?: string, value?: string | null, any?: boolean }} options @returns {import("./control.js").Control<string | null>} */
export function moment(options) {
  const before = localInput(options.value);
  const input = h("input", { type: "datetime-local", value: before });
  const unchanged = () => input.value === before;
  return field({
    ...options,
    input,
    read: () => {
      if (input.value === "") return null;
      // The input knows minutes; what nobody touched keeps its seconds.
      return unchanged() && options.value ? options.value : new Date(input.value).toISOString();
    },
    check: () => (options.any || unchanged() ? null : rules.future(input.value)),
  });
}

/** A number without an exponent. @param {number} value */
function plain(value) {
  const text = String(value);
  return text.includes("e") ? value.toFixed(9).replace(/0+$/, "") : text;
}
