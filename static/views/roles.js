// All roles.

import { post } from "../core/api.js";
import { h } from "../core/dom.js";
import { count } from "../core/format.js";
import * as rules from "../core/rules.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { longText, text } from "../form/inputs.js";
import { formDialog } from "../parts/form-dialog.js";
import { list } from "../parts/list.js";
import { empty, heading } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { several } from "./profiles.js";

/** @typedef {import("../core/types.js").Role} Role */

/** @returns {import("./routes.js").View} */
export function rolesView() {
  const create = () => (can("Roles:Create") ? h("button", { type: "button", class: "primary", onclick: createDialog }, "New role") : null);
  const roles = list({
    label: "Roles",
    path: "/api/rbac/roles",
    items: "roles",
    search: "Name or description",
    columns: /** @type {import("../parts/table.js").Column<Role>[]} */ ([
      { label: "Name", sort: "name", main: true, cell: ({ id, name }) => h("a", { class: "row-link", href: link(`/roles/${id}`) }, name) },
      { label: "Description", cell: ({ description }) => h("span", { class: "cut" }, description) },
      { label: "Users", number: true, cell: (role) => count(role.user_count) },
      { label: "Profiles", cell: ({ access_profiles: profiles }) => several(profiles.map((profile) => profile.name), "none") },
    ]),
    whenEmpty: () => empty("No role yet", "A role gives its profiles to everybody who has it. It gives no permission here.", create()),
  });
  return { title: "Roles", node: h("div", null, heading("Roles", [], [create()]), roles.node) };
}

/** @param {Partial<Role>} [role] */
export function roleControl(role) {
  return group({
    name: text({ label: "Name", value: role?.name, rule: rules.name, required: true }),
    description: longText({ label: "Description", value: role?.description }),
  });
}

function createDialog() {
  formDialog({
    title: "New role",
    control: roleControl(),
    submit: "Create role",
    send: async (value, once) => {
      const { data } = await post("/api/rbac/roles", value, { once });
      toast(`Created ${data.role.name}.`);
      go(`/roles/${data.role.id}`);
    },
  });
}
