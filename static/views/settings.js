// What the server goes by, and where each setting is from. They are changed where they stand, not here.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { badge, heading } from "../parts/states.js";
import { table } from "../parts/table.js";

/** @typedef {import("../core/server-types.js").Setting} Setting */

/** @returns {Promise<import("./routes.js").View>} */
export async function settingsView() {
  const { data } = await get("/api/settings");
  const list = /** @type {import("../core/server-types.js").SettingList} */ (data);
  const waiting = new Set(list.needs_restart);
  const about = ["What the server goes by. Change them in the file, by variables or flags; most hold from the next start on."];
  const columns = /** @type {import("../parts/table.js").Column<Setting>[]} */ ([
    { label: "Setting", main: true, cell: ({ name }) => h("code", null, name) },
    {
      label: "Value",
      cell: ({ name, value }) => [
        value === undefined ? h("span", { class: "muted" }, "not set") : h("code", { class: "value" }, shown(value)),
        waiting.has(name) ? h("div", { class: "small" }, "Changed since; the change holds from the next start on.") : null,
      ],
    },
    { label: "From", cell: ({ origin, place }) => [badge(origin, origin === "default" ? "quiet" : "accent"), place ? h("div", { class: "small" }, h("code", null, place)) : null] },
  ]);
  return { title: "Settings", node: h("div", { class: "stack" }, heading("Settings", about), table("Settings", columns, list.settings)) };
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
