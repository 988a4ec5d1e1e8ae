// Who holds a profile, and how much of it they have used.

import { h } from "../core/dom.js";
import { date } from "../core/format.js";
import { userLink } from "../parts/links.js";
import { list } from "../parts/list.js";
import { fullest } from "../parts/meter.js";
import { badge, empty } from "../parts/states.js";

/** @typedef {import("../core/types.js").Holder} Holder */

/** @param {string} path of the profile */
export function holdersTab(path) {
  return list({
    label: "Holders",
    path: `${path}/users`,
    items: "holders",
    columns: /** @type {import("../parts/table.js").Column<Holder>[]} */ ([
      {
        label: "User",
        main: true,
        cell: ({ user }) => [userLink(user.id, { name: user.name, row: true }), user.email ? h("div", { class: "muted small" }, user.email) : null],
      },
      { label: "Fullest limit", cell: ({ access_profile: copy }) => fullest(copy) },
      { label: "State", cell: ({ access_profile: copy }) => copyBadge(copy) },
      { label: "Came by", cell: ({ access_profile: copy }) => (copy.source === "role" ? "role" : "assignment") },
      { label: "Expires", cell: ({ access_profile: copy }) => date(copy.expires_at) },
      { label: "Template version", number: true, cell: ({ access_profile: copy }) => copy.template_version },
    ]),
    whenEmpty: () => empty("Nobody holds it yet", "Assign it to a user, or attach it to a role."),
  }).node;
}

/** @param {{ is_active: boolean, expires_at: string | null }} copy */
export function copyBadge({ is_active: active, expires_at: expiry }) {
  if (active) return badge("active", "ok");
  return badge(expiry && new Date(expiry) <= new Date() ? "expired" : "inactive", "bad");
}
