// What is shown where there is nothing to show: loading, empty, failed, not allowed.

import { h } from "../core/dom.js";
import { dateTime, relative } from "../core/format.js";
import { Refusal, Unloaded, Unreachable, explain } from "../core/errors.js";

/** Grey lines in the place of what comes. @param {number} [lines] */
export function loading(lines = 6) {
  const widths = ["w-40", "w-90", "w-75", "w-90", "w-60", "w-75"];
  return h(
    "div",
    { class: "skeleton", role: "status" },
    h("span", { class: "visually-hidden" }, "Loading"),
    Array.from({ length: lines }, (_, at) => h("div", { class: `skeleton-line ${widths[at % widths.length]}` })),
  );
}

/**
 * Nothing is there yet, or nothing fits.
 *
 * @param {string} title
 * @param {string} [text]
 * @param {Node | null} [action]
 */
export function empty(title, text, action) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), text ? h("p", null, text) : null, action);
}

/**
 * Something failed: what the server said, and a way to try again.
 *
 * @param {unknown} error
 * @param {(() => void) | null} again
 */
export function failed(error, again) {
  const requestId = error instanceof Refusal ? error.requestId : "";
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("p", { class: "empty-title" }, titleOf(error)),
    h("p", null, explain(error)),
    requestId ? h("p", { class: "muted small" }, "Request ", h("code", null, requestId)) : null,
    again ? h("button", { type: "button", onclick: again }, "Try again") : null,
  );
}

/** What a failure is called. @param {unknown} error */
export function titleOf(error) {
  if (error instanceof Unreachable) return "No connection";
  if (error instanceof Unloaded) return "This view did not come";
  if (!(error instanceof Refusal)) return "This view has a fault";
  if (error.status === 403) return "Your key may not see this";
  if (error.status === 404) return "Not found";
  return "The server refused";
}

/** The beginning of a view: its title, a line about it, and what can be done. @param {string} title @param {(Node | string | null | false)[]} about @param {(Node | null | false)[]} actions */
export function heading(title, about = [], actions = []) {
  return h(
    "header",
    { class: "heading" },
    h("div", { class: "heading-text" }, h("h1", null, title), about.some(Boolean) ? h("div", { class: "heading-about" }, about) : null),
    actions.some(Boolean) ? h("div", { class: "actions" }, actions) : null,
  );
}

/** A part of a view with a title of its own. @param {string} title @param {...(Node | null | false)} content */
export function panel(title, ...content) {
  return h("section", { class: "panel" }, h("h2", null, title), content);
}

/** A word in a small frame. @param {string} text @param {"ok" | "bad" | "warn" | "quiet" | "accent"} [tone] */
export function badge(text, tone = "quiet") {
  return h("span", { class: `badge badge-${tone}` }, text);
}

/** A moment beside now, with its date where the pointer rests. @param {string} at */
export function when(at) {
  return h("time", { datetime: at, title: dateTime(at) }, relative(at));
}

/** Names and values. @param {[string, Node | string | number | null | false][]} facts */
export function factList(facts) {
  return h(
    "dl",
    { class: "facts" },
    facts
      .filter(([, value]) => value !== null && value !== false)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}
