// All users.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import * as rules from "../core/rules.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, text } from "../form/inputs.js";
import { formDialog } from "../parts/form-dialog.js";
import { choiceFilter, list } from "../parts/list.js";
import { empty, heading, when } from "../parts/states.js";
import { showVirtualKeys } from "../parts/secret.js";
import { toast } from "../parts/toast.js";
import { several } from "./profiles.js";

/** @typedef {import("../core/types.js").User} User */
/** @typedef {import("../core/types.js").Role} Role */

/** @returns {Promise<import("./routes.js").View>} */
export async function usersView() {
  const roles = await allRoles();
  const create = () => (can("Users:Create") ? h("button", { type: "button", class: "primary", onclick: () => createDialog(roles) }, "New user") : null);
  const users = list({
    label: "Users",
    path: "/api/governance/users",
    items: "users",
    search: "Name or e-mail",
    filters: roles.length > 0 ? [choiceFilter("role_id", "Role", [["", "All"], ...roleChoices(roles)])] : [],
    columns: /** @type {import("../parts/table.js").Column<User>[]} */ ([
      { label: "Name", sort: "name", main: true, cell: ({ id, name }) => h("a", { class: "row-link", href: link(`/users/${id}`) }, name) },
      { label: "E-mail", sort: "email", cell: ({ email }) => email },
      { label: "Role", cell: ({ role }) => role?.name ?? h("span", { class: "muted" }, "none") },
      { label: "Profiles", cell: ({ access_profiles: copies }) => several(copies.map((copy) => copy.name), "none") },
      { label: "Since", sort: "created_at", cell: ({ created_at: at }) => when(at) },
    ]),
    whenEmpty: () => empty("No user yet", "A user is who holds profiles and virtual keys; they sign in nowhere.", create()),
  });
  return { title: "Users", node: h("div", null, heading("Users", [], [create()]), users.node) };
}

/** @returns {Promise<Role[]>} */
export async function allRoles() {
  if (!can("Roles:View")) return [];
  return (await get("/api/rbac/roles", { query: { limit: 500, sort: "name" } })).data.roles;
}

/** @param {Role[]} roles @returns {[string, string][]} */
export function roleChoices(roles) {
  return roles.map((role) => [String(role.id), role.name]);
}

/** @param {Role[]} roles */
function createDialog(roles) {
  formDialog({
    title: "New user",
    control: group({
      name: text({ label: "Name", rule: rules.name, required: true }),
      email: text({ label: "E-mail", rule: rules.email, required: true, kind: "email" }),
      role_id: choice({ label: "Role", hint: "The profiles that the role gives to newcomers are assigned at once.", value: "", choices: [["", "None"], ...roleChoices(roles)] }),
    }),
    submit: "Create user",
    send: async ({ name, email, role_id }, once) => {
      const body = { name, email, ...(role_id ? { role_id: Number(role_id) } : {}) };
      const { data } = await post("/api/users", body, { once });
      toast(`Created ${data.user.name}.`);
      await showIssued(data.virtual_keys, () => go(`/users/${data.user.id}`));
    },
  });
}

/** Keys that came with a change, and what follows it. @param {{ name: string, value: string }[] | undefined} keys @param {() => void} next */
export async function showIssued(keys, next) {
  if (!keys || keys.length === 0) next();
  else await showVirtualKeys("New virtual keys", keys.map(({ name, value }) => ({ name, value })), next);
}
