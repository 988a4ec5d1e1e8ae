// Lists in a form: words as small tokens, and items with fields of their own. What is added or removed without typing says so with an
// `input` event, as typing does: whoever listens to a form hears of every change.

import { fill, h, uniqueId } from "../core/dom.js";
import { field, under } from "./control.js";

/**
 * Words: tags, models. Enter or a comma adds what is typed, Backspace in the empty field removes the last.
 *
 * @param {{ label: string, hint?: string, placeholder?: string, value: string[], commas?: (typed: string) => boolean, check?: (words: string[]) => string | null, helped?: (input: HTMLInputElement) => Node }} options
 *   `commas` says whether they separate, `helped` adds suggestions
 * @returns {import("./control.js").Control<string[]>}
 */
export function tokens(options) {
  const words = [...options.value];
  const splits = options.commas ?? (() => true);
  const input = h("input", { type: "text", class: "token-input", autocomplete: "off", spellcheck: "false", placeholder: options.placeholder });
  const chips = h("ul", { class: "token-list" });
  const frame = h("div", { class: "tokens" }, chips, input, options.helped?.(input));
  const draw = () => fill(chips, words.map((word, at) => chip(word, at)));
  const chip = (/** @type {string} */ word, /** @type {number} */ at) =>
    h(
      "li",
      { class: "token" },
      h("span", null, word),
      h("button", { type: "button", "aria-label": `Remove ${word}`, onclick: () => drop(at) }, "×"),
    );
  const drop = (/** @type {number} */ at) => {
    words.splice(at, 1);
    draw();
    input.focus();
    changed(input);
  };
  const take = () => {
    // Drawn anew without need, a button would vanish under the finger that presses it.
    if (input.value.trim() === "") return;
    const typed = splits(input.value) ? input.value.split(",") : [input.value];
    for (const word of typed.map((piece) => piece.trim())) {
      if (word !== "" && !words.includes(word)) words.push(word);
    }
    input.value = "";
    draw();
    changed(input);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim() !== "") {
      event.preventDefault();
      take();
    } else if (event.key === "," && splits(input.value)) {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && input.value === "" && words.length > 0) {
      drop(words.length - 1);
    }
  });
  input.addEventListener("blur", take);
  draw();
  return field({
    ...options,
    input,
    frame,
    read: () => {
      take();
      return [...words];
    },
    check: () => {
      take();
      return options.check?.(words) ?? null;
    },
  });
}

/** @param {Element} element */
function changed(element) {
  element.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Items that can be added and removed: a list in the body.
 *
 * @template Value, Item
 * @param {object} options
 * @param {string} options.title  the name of the list
 * @param {string} options.one  the name of an item: "budget"
 * @param {string} options.none  what is said when it is empty
 * @param {Item[]} options.value
 * @param {(item: Item | undefined) => import("./control.js").Control<Value>} options.item  the fields of an item; of a new one without
 * @param {(value: Value) => string | null} [options.unique]  two items must not have the same
 * @param {string} [options.twice]  what is said when they do
 * @param {string} [options.twiceAt]  the field at which it is said
 * @param {"card" | "row"} [options.look]
 * @returns {import("./control.js").Control<Value[]>}
 */
export function items(options) {
  /** @type {{ control: import("./control.js").Control<Value>, node: HTMLElement }[]} */
  const entries = [];
  const body = h("div", { class: "items" });
  const add = h("button", { type: "button", class: "add" }, `Add ${options.one}`);
  const none = h("p", { class: "muted items-none" }, options.none);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const titleId = uniqueId("items");
  const node = h(
    "div",
    { class: "items-frame", role: "group", "aria-labelledby": titleId },
    h("div", { class: "items-head" }, h("span", { class: "label", id: titleId }, options.title)),
    none,
    body,
    problem,
    add,
  );
  const refresh = () => {
    none.hidden = entries.length > 0;
  };
  const insert = (/** @type {Item | undefined} */ item) => {
    const control = options.item(item);
    const remove = h("button", { type: "button", class: "plain remove", "aria-label": `Remove ${options.one}` }, options.look === "card" ? `Remove ${options.one}` : "Remove");
    const entry = { control, node: h("div", { class: `item item-${options.look ?? "row"}`, role: "group", "aria-label": options.one }, control.node, remove) };
    remove.addEventListener("click", () => {
      entries.splice(entries.indexOf(entry), 1);
      entry.node.remove();
      refresh();
      add.focus();
      changed(add);
    });
    entries.push(entry);
    body.append(entry.node);
    refresh();
    return entry;
  };
  add.addEventListener("click", () => {
    const { node: added } = insert(undefined);
    changed(add);
    const first = added.querySelector("input, select, textarea");
    if (first instanceof HTMLElement) first.focus();
  });
  options.value.forEach(insert);
  refresh();
  return {
    node,
    read: () => entries.map(({ control }) => control.read()),
    check: () => [...entries.flatMap(({ control }, at) => under(at, control.check())), ...twice()],
    show: (path, message) => {
      const [at, ...rest] = path;
      const entry = typeof at === "number" ? entries[at] : undefined;
      if (entry) return entry.control.show(rest, message);
      problem.textContent = message;
      problem.hidden = false;
      return add;
    },
    clear: () => {
      problem.hidden = true;
      entries.forEach(({ control }) => control.clear());
    },
  };

  function twice() {
    const { unique } = options;
    if (!unique) return [];
    const seen = new Set();
    /** @type {import("./control.js").Problem[]} */
    const found = [];
    for (const [at, { control }] of entries.entries()) {
      const key = unique(control.read());
      if (key === null) continue;
      if (seen.has(key)) found.push({ path: options.twiceAt ? [at, options.twiceAt] : [at], message: options.twice ?? "is there already" });
      seen.add(key);
    }
    return found;
  }
}
