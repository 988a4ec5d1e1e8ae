// A list of the server's: search, filters, sorting and pages. All of that stands in the address, so that Back and a bookmark work.

import { get } from "../core/api.js";
import { fill, h, uniqueId } from "../core/dom.js";
import { count } from "../core/format.js";
import { here, note } from "../core/router.js";
import { empty, failed, loading } from "./states.js";
import { headCell, table } from "./table.js";

const PAGE = 25;
const TYPING_MS = 200;

/** @typedef {{ name: string, label: string, control: (value: string, changed: (value: string) => void) => HTMLElement, beside?: (control: HTMLElement) => Node }} Filter */

/**
 * @template Row
 * @typedef {object} ListOptions
 * @property {string} label  what is listed: "Access profiles"
 * @property {string} path
 * @property {string} items  the field of the answer
 * @property {Record<string, string>} [fixed]  parameters that are always sent
 * @property {import("./table.js").Column<Row>[]} columns
 * @property {string} [search]  the placeholder of the search field; none without it
 * @property {Filter[]} [filters]
 * @property {string} [beside]  a field of the answer with a value for each item; the rows get it as `beside`
 * @property {(data: any) => void} [answered]  what is done with each answer beside
 * @property {() => Node} whenEmpty  when there is nothing at all
 */

/** @template Row @param {ListOptions<Row>} options */
export function list(options) {
  return new List(options).start();
}

/** @template Row */
class List {
  /** @param {ListOptions<Row>} options */
  constructor(options) {
    this.options = options;
    this.query = here().query;
    this.body = h("div", { class: "list-body" }, loading());
    this.pager = h("div", { class: "pager" });
    /** @type {AbortController | null} */
    this.running = null;
  }

  start() {
    const root = h("div", { class: "list" }, this.toolbar(), this.body, this.pager);
    void this.load();
    return { node: root, reload: () => this.load() };
  }

  toolbar() {
    const { search, filters = [] } = this.options;
    if (!search && filters.length === 0) return null;
    return h(
      "div",
      { class: "toolbar", role: "search" },
      search ? this.searchField(search) : null,
      filters.map((filter) => {
        const control = filter.control(this.value(filter.name), (value) => this.set(filter.name, value, "push"));
        control.id = uniqueId("filter");
        return h("div", { class: "toolbar-field" }, h("label", { for: control.id }, filter.label), control, filter.beside?.(control));
      }),
    );
  }

  /** @param {string} placeholder */
  searchField(placeholder) {
    const id = uniqueId("search");
    const input = h("input", { id, type: "search", class: "search", placeholder, maxlength: 255, value: this.value("search"), "data-search": true });
    let timer = 0;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      // Whoever went on meanwhile has another address now.
      timer = setTimeout(() => input.isConnected && this.set("search", input.value.trim(), "replace"), TYPING_MS);
    });
    return h("div", { class: "toolbar-field grow" }, h("label", { for: id }, "Search ", h("kbd", null, "/")), input);
  }

  /** @param {string} name */
  value(name) {
    return this.query.get(name) ?? "";
  }

  /** @param {string} name @param {string} value @param {"push" | "replace"} how */
  set(name, value, how) {
    if (value) this.query.set(name, value);
    else this.query.delete(name);
    if (name !== "offset") this.query.delete("offset");
    note(Object.fromEntries(this.query), how);
    void this.load();
  }

  async load() {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.body.setAttribute("aria-busy", "true");
    const { path, items, beside, fixed = {} } = this.options;
    const query = { ...Object.fromEntries(this.query), ...fixed, limit: PAGE };
    try {
      const { data } = await get(path, { query, signal: running.signal });
      if (running.signal.aborted) return;
      const rows = beside ? data[items].map((/** @type {Row} */ row, /** @type {number} */ at) => ({ ...row, beside: data[beside]?.[at] })) : data[items];
      this.options.answered?.(data);
      this.show(rows, data.total_count);
    } catch (error) {
      if (running.signal.aborted) return;
      fill(this.body, failed(error, () => void this.load()));
      fill(this.pager);
    } finally {
      if (this.running === running) this.body.removeAttribute("aria-busy");
    }
  }

  /** @param {Row[]} rows @param {number} total */
  show(rows, total) {
    if (rows.length === 0 && total > 0) {
      const first = h("button", { type: "button", onclick: () => this.set("offset", "", "push") }, "To the first page");
      fill(this.body, empty("The list ends before this page", `It has ${count(total)} in all.`, first));
      fill(this.pager);
      return;
    }
    const narrowed = [...this.query.keys()].some((name) => name !== "sort");
    if (rows.length === 0) {
      const nothing = empty("Nothing fits", "No entry has all of that. Try a shorter search or fewer filters.");
      fill(this.body, narrowed ? nothing : this.options.whenEmpty());
    } else {
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.sort : undefined;
      fill(this.body, table(this.options.label, this.options.columns, rows, (column) => this.headCell(column)));
      if (focused) this.focusSort(focused);
    }
    this.showPager(rows.length, total);
  }

  /** @param {string} field */
  focusSort(field) {
    for (const button of this.body.querySelectorAll("button")) {
      if (button.dataset.sort === field) button.focus();
    }
  }

  /** @param {import("./table.js").Column<Row>} column @returns {Element} */
  headCell(column) {
    const field = column.sort;
    if (!field) return headCell(column);
    const sorted = this.value("sort");
    const direction = sorted === field ? "ascending" : sorted === `-${field}` ? "descending" : "none";
    const arrow = { ascending: " ↑", descending: " ↓", none: "" }[direction];
    const button = h(
      "button",
      {
        type: "button",
        class: "sort",
        "data-sort": field,
        onclick: () => this.set("sort", direction === "ascending" ? `-${field}` : field, "push"),
      },
      column.label,
      h("span", { "aria-hidden": "true" }, arrow),
    );
    const css = column.number ? "number" : null;
    return h("th", { scope: "col", role: "columnheader", class: css, "aria-sort": direction }, button);
  }

  /** @param {number} shown @param {number} total */
  showPager(shown, total) {
    const offset = Number(this.value("offset")) || 0;
    const turn = (/** @type {number} */ to) => () => this.set("offset", to > 0 ? String(to) : "", "push");
    const range = shown === 0 ? "" : `${count(offset + 1)}–${count(offset + shown)} of ${count(total)}`;
    const pages = total > PAGE || offset > 0;
    fill(
      this.pager,
      h("span", { class: "muted", role: "status" }, range),
      pages && h("button", { type: "button", disabled: offset === 0, onclick: turn(Math.max(0, offset - PAGE)) }, "Previous"),
      pages && h("button", { type: "button", disabled: offset + shown >= total, onclick: turn(offset + PAGE) }, "Next"),
    );
  }
}

/**
 * A filter with a few choices.
 *
 * @param {string} name
 * @param {string} label
 * @param {[value: string, text: string][]} choices
 * @returns {Filter}
 */
export function choiceFilter(name, label, choices) {
  return {
    name,
    label,
    control: (value, changed) => {
      const select = h("select", null, choices.map(([given, text]) => h("option", { value: given, selected: given === value }, text)));
      select.addEventListener("change", () => changed(select.value));
      return select;
    },
  };
}

/** A filter that is typed, and taken when the field is left or Enter is pressed. @param {string} name @param {string} label @param {string} placeholder @returns {Filter} */
export function textFilter(name, label, placeholder) {
  return {
    name,
    label,
    control: (value, changed) => {
      const input = h("input", { type: "text", value, placeholder, maxlength: 255 });
      input.addEventListener("change", () => changed(input.value.trim()));
      return input;
    },
  };
}
