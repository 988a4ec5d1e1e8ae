// Tables. Where one would not fit, each row becomes a card, so the roles are written out: a card is still a row to a screen reader.

import { h } from "../core/dom.js";
import { scrolls } from "./scroll.js";

/** @typedef {import("../core/dom.js").Child} Child */

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: Row) => Child | Child[]} cell
 * @property {boolean} [number]  aligned to the right
 * @property {boolean} [main]  the head of the row
 * @property {string} [sort]  the field that the server sorts by
 */

/**
 * @template Row
 * @param {string} caption  what the table shows, for those who can't see it
 * @param {Column<Row>[]} columns
 * @param {Row[]} rows
 * @param {(column: Column<Row>) => Element} [head]  a head cell of its own
 */
export function table(caption, columns, rows, head = headCell) {
  const drawn = h(
    "table",
    { class: "table", role: "table" },
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map(head))),
    h("tbody", { role: "rowgroup" }, rows.map((row) => tableRow(columns, row))),
  );
  return scrolls(h("div", { class: `table-frame ${roomFor(columns)}` }, drawn), caption);
}

/** How much room the columns need; where there is less, each row becomes a card. @param {Column<any>[]} columns */
function roomFor(columns) {
  const words = columns.reduce((sum, { number }) => sum + (number ? 0.5 : 1), 0);
  return words > 5 ? "room-much" : words > 3 ? "room-some" : "room-little";
}

/** @template Row @param {Column<Row>[]} columns @param {Row} row */
function tableRow(columns, row) {
  return h(
    "tr",
    { role: "row" },
    columns.map((column) => {
      const content = h("div", { class: "cell" }, column.cell(row));
      if (column.main) return h("th", { scope: "row", role: "rowheader", class: "main-cell" }, content);
      return h("td", { role: "cell", class: column.number ? "number" : null, "data-label": column.label }, content);
    }),
  );
}

/** @template Row @param {Column<Row>} column @returns {Element} */
export function headCell(column) {
  return h("th", { scope: "col", role: "columnheader", class: column.number ? "number" : null }, column.label);
}
