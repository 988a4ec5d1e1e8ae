// What differs between two states of a profile, in words: for versions, audit entries and clashing edits.

import { h } from "../core/dom.js";
import { duration, interval, money } from "../core/format.js";
import { scrolls } from "./scroll.js";

/** @typedef {{ place: string, before: string | null, after: string | null }} Change */
/** A step of a JSON Patch (RFC 6902). @typedef {{ op: string, path: string, value?: unknown }} Step */

/** Fields that say nothing about the policy. */
const LEFT_OUT = new Set(["id", "version", "scope", "created_at", "updated_at", "current_usage", "last_reset", "token_current_usage", "request_current_usage", "token_last_reset", "request_last_reset", "last_rotation_at"]);
/** By what the items of a list are told apart, so that moving one is no change of all behind it. */
const NAMES = ["provider_name", "reset_duration", "tool_group_id", "mcp_server_id"];

/** What differs between two values, field by field. @param {unknown} before @param {unknown} after @returns {Change[]} */
export function changesBetween(before, after) {
  const [was, is] = [flatten(before), flatten(after)];
  const places = [...new Set([...was.keys(), ...is.keys()])];
  return places
    .map((place) => ({ place, before: was.get(place) ?? null, after: is.get(place) ?? null }))
    .filter((change) => change.before !== change.after);
}

/** @param {Change[]} changes @param {{ before: string, after: string }} [titles] */
export function changeTable(changes, titles = { before: "Before", after: "After" }) {
  if (changes.length === 0) return h("p", { class: "muted" }, "Nothing differs.");
  const drawn = h(
    "table",
    { class: "changes", role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Field", titles.before, titles.after].map((title) => h("th", { scope: "col", role: "columnheader" }, title)))),
    h("tbody", { role: "rowgroup" }, changes.map((change) => row(change, titles))),
  );
  return scrolls(h("div", { class: "table-frame" }, drawn), "What differs");
}

/** What a JSON Patch does, value by value; what was there before it does not say. @param {Step[]} patch */
export function patchTable(patch) {
  const head = h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Field", "Becomes"].map((title) => h("th", { scope: "col", role: "columnheader" }, title))));
  const drawn = h("table", { class: "changes", role: "table" }, head, h("tbody", { role: "rowgroup" }, patch.flatMap(stepRows)));
  return scrolls(h("div", { class: "table-frame" }, drawn), "What changes");
}

/** @param {Step} step */
function stepRows({ op, path, value }) {
  const names = path.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const place = names.map((name) => (/^\d+$/.test(name) ? `${Number(name) + 1}` : words(name))).join(" › ");
  /** @type {Map<string, string>} */
  const becomes = new Map();
  walk(value, place, names.findLast((name) => !/^\d+$/.test(name)) ?? "", becomes);
  const gone = op === "remove" || becomes.size === 0;
  const rows = gone ? [[place, h("del", null, op === "remove" ? "removed" : "nothing")]] : [...becomes].map(([at, text]) => [at, h("ins", null, text)]);
  return rows.map(([at, text]) => h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, at), h("td", { role: "cell", "data-label": "Becomes" }, text)));
}

/** @param {Change} change @param {{ before: string, after: string }} titles */
function row({ place, before, after }, titles) {
  const nothing = () => h("span", { class: "muted" }, "nothing");
  return h(
    "tr",
    { role: "row" },
    h("th", { scope: "row", role: "rowheader" }, place),
    h("td", { role: "cell", "data-label": titles.before }, before === null ? nothing() : h("del", null, before)),
    h("td", { role: "cell", "data-label": titles.after }, after === null ? nothing() : h("ins", null, after)),
  );
}

/** Every value with its place in words. @param {unknown} value @returns {Map<string, string>} */
function flatten(value) {
  /** @type {Map<string, string>} */
  const flat = new Map();
  walk(value, "", "", flat);
  return flat;
}

/** @param {unknown} value @param {string} place @param {string} field @param {Map<string, string>} flat */
function walk(value, place, field, flat) {
  if (value === null || value === undefined || value === "") return;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object")) {
      if (value.length > 0) flat.set(place, value.join(", "));
      return;
    }
    for (const [at, item] of value.entries()) walk(item, `${place} › ${itemName(item, at)}`, field, flat);
  } else if (typeof value === "object") {
    const entries = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
    for (const [name, inner] of entries) walk(inner, place ? `${place} › ${words(name)}` : words(name), name, flat);
  } else {
    flat.set(place, shown(field, value));
  }
}

/** @param {any} item @param {number} at */
function itemName(item, at) {
  if (item?.mcp_client_id) return `${item.mcp_client_id} / ${item.tool_name}`;
  const name = NAMES.find((known) => item?.[known] !== undefined);
  if (!name) return `${at + 1}`;
  return name === "reset_duration" ? (item[name] === "never" ? "prepaid" : `per ${duration(item[name])}`) : String(item[name]);
}

/** @param {string} field @param {unknown} value */
function shown(field, value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (field === "max_limit" && typeof value === "number") return money(value);
  if (field === "auto_rotation_interval" && typeof value === "number") return interval(value) || "off";
  return String(value);
}

/** @param {string} name */
function words(name) {
  return name.replaceAll("_", " ");
}
