// One role: its profiles and its users.

import { get, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { date, plural } from "../core/format.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { act } from "../parts/act.js";
import { confirmShown, editDialog } from "../parts/clash.js";
import { profileLink } from "../parts/links.js";
import { list } from "../parts/list.js";
import { badge, empty, heading, panel } from "../parts/states.js";
import { table } from "../parts/table.js";
import { toast } from "../parts/toast.js";
import { roleControl } from "./roles.js";

/** @typedef {import("../core/types.js").Role} Role */
/** @typedef {import("../core/types.js").User} User */

/** @param {import("./routes.js").Place} place @returns {Promise<import("./routes.js").View>} */
export async function roleView({ parameters }) {
  const path = `/api/rbac/roles/${encodeURIComponent(parameters.id)}`;
  const { data, etag } = await get(path);
  /** @type {Role} */
  const role = data.role;
  const about = [h("span", null, plural(role.user_count, "user")), h("span", { class: "muted" }, `since ${date(role.created_at)}`)];
  const head = heading(role.name, about, [
    can("Roles:Update") ? h("button", { type: "button", onclick: act(() => edit(path)) }, "Edit") : null,
    can("Roles:Delete") ? h("button", { type: "button", class: "danger", onclick: act(() => askToDelete(path, { data, etag })) }, "Delete") : null,
  ]);
  const node = h(
    "div",
    { class: "stack" },
    head,
    role.description ? h("p", { class: "description" }, role.description) : null,
    panel("Profiles it gives", profiles(role)),
    can("Users:View") ? panel("Users", users(role)) : null,
  );
  return { title: role.name, node };
}

/** @param {Role} role */
function profiles({ access_profiles: profiles }) {
  if (profiles.length === 0) return empty("None", "Attach a profile to the role: open the profile, then Roles.");
  return table(
    "Profiles",
    [
      { label: "Profile", main: true, cell: (one) => profileLink(one.access_profile_id, { name: one.name, row: true }) },
      { label: "Given to newcomers", cell: (one) => (one.is_default ? badge("yes", "ok") : badge("no")) },
    ],
    profiles,
  );
}

/** @param {Role} role */
function users(role) {
  return list({
    label: "Users",
    path: "/api/governance/users",
    items: "users",
    fixed: { role_id: String(role.id) },
    columns: /** @type {import("../parts/table.js").Column<User>[]} */ ([
      { label: "Name", sort: "name", main: true, cell: ({ id, name }) => h("a", { class: "row-link", href: link(`/users/${id}`) }, name) },
      { label: "E-mail", sort: "email", cell: ({ email }) => email },
    ]),
    whenEmpty: () => empty("Nobody has this role"),
  }).node;
}

/** @param {string} path */
function edit(path) {
  return editDialog({ path, thing: (data) => data.role, noun: "role", control: roleControl });
}

/** @param {string} path @param {{ data: { role: Role }, etag: string | null }} shown */
function askToDelete(path, shown) {
  return confirmShown({
    path,
    shown,
    question: ({ role }) => ({
      title: `Delete the role ${role.name}?`,
      dangerous: true,
      body: [role.user_count > 0 ? h("p", { class: "form-problem" }, `${plural(role.user_count, "user")} have it, so the server will refuse.`) : null],
      typeToConfirm: role.name,
      action: "Delete",
    }),
    run: async (etag, { role }) => {
      await remove(path, { ifMatch: etag });
      toast(`Deleted ${role.name}.`);
      go("/roles");
    },
  });
}
