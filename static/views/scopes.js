// The permissions of a management key: a grid of resources and operations. What one's own key lacks can't be given.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { can, canEverything } from "../core/session.js";
import { field } from "../form/control.js";
import { scrolls } from "../parts/scroll.js";

/** @param {string[]} chosen @returns {Promise<import("../form/control.js").Control<string[]>>} */
export async function scopesControl(chosen) {
  const { data } = await get("/api/rbac/permissions");
  /** @type {{ name: string, resource: string, operation: string }[]} */
  const permissions = data.permissions;
  const everything = h("input", { type: "checkbox", checked: chosen.includes("*"), disabled: !canEverything() });
  const boxes = new Map(permissions.map(({ name }) => [name, box(name, chosen)]));
  const resources = [...new Set(permissions.map(({ resource }) => resource))];
  // Not every resource has each of them.
  const operations = [...new Set(permissions.map(({ operation }) => operation))];
  const grid = h(
    "table",
    { class: "scopes" },
    h("thead", null, h("tr", null, h("td", null), operations.map((operation) => h("th", { scope: "col" }, operation)))),
    h("tbody", null, resources.map((resource) => h("tr", null, h("th", { scope: "row" }, resource), operations.map((operation) => h("td", null, boxes.get(`${resource}:${operation}`)))))),
  );
  const showGrid = () => {
    grid.hidden = everything.checked;
  };
  everything.addEventListener("change", showGrid);
  showGrid();
  const frame = h(
    "div",
    { role: "group", class: "scopes-frame" },
    h("label", { class: "toggle" }, everything, h("span", null, "Everything, also what later versions add")),
    scrolls(h("div", { class: "table-frame" }, grid), "Permissions"),
  );
  return field({
    label: "May",
    input: frame,
    group: true,
    hint: canEverything() ? undefined : "Your key can give what it holds itself.",
    read: () => (everything.checked ? ["*"] : [...boxes].filter(([, { checked }]) => checked).map(([name]) => name)),
  });
}

/** @param {string} name @param {string[]} chosen */
function box(name, chosen) {
  return h("input", { type: "checkbox", "aria-label": name, checked: chosen.includes(name), disabled: !can(name) && !chosen.includes(name) });
}
