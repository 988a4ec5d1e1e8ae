// The roles that give a profile to their users.

import { get, post, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { plural } from "../core/format.js";
import { refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, toggle } from "../form/inputs.js";
import { act } from "../parts/act.js";
import { confirm } from "../parts/dialog.js";
import { formDialog } from "../parts/form-dialog.js";
import { roleLink } from "../parts/links.js";
import { badge, empty } from "../parts/states.js";
import { table } from "../parts/table.js";
import { toast } from "../parts/toast.js";

/** @typedef {import("../core/types.js").ProfileDetail} ProfileDetail */
/** @typedef {ProfileDetail["roles"][number]} Attachment */

/** @param {string} path @param {ProfileDetail} detail */
export function rolesTab(path, { roles }) {
  const mayAttach = can("AccessProfiles:Create") && can("Roles:View");
  const attach = mayAttach ? h("button", { type: "button", class: "primary", onclick: act(() => attachDialog(path, roles)) }, "Attach to a role") : null;
  if (roles.length === 0) return empty("No role gives this profile", "Attach it to a role, and whoever has or gets that role can have it.", attach);
  return h("div", { class: "stack" }, h("div", { class: "actions" }, attach), table("Roles", columns(path), roles));
}

/** @param {string} path @returns {import("../parts/table.js").Column<Attachment>[]} */
function columns(path) {
  return [
    { label: "Role", main: true, cell: (role) => roleLink(role.role_id, { name: role.role_name, row: true }) },
    { label: "Given to newcomers", cell: (role) => (role.is_default ? badge("yes", "ok") : badge("no")) },
    {
      label: "",
      cell: (role) => (can("AccessProfiles:Delete") ? h("button", { type: "button", onclick: () => detach(path, role) }, "Detach") : null),
    },
  ];
}

/** @param {string} path @param {Attachment[]} attached */
async function attachDialog(path, attached) {
  const { data } = await get("/api/rbac/roles", { query: { limit: 500, sort: "name" } });
  /** @type {import("../core/types.js").Role[]} */
  const roles = data.roles;
  if (roles.length === 0) {
    toast("There is no role yet. Make one under People › Roles.");
    return;
  }
  const label = (/** @type {import("../core/types.js").Role} */ role) => {
    const has = attached.some((one) => one.role_id === role.id) ? ", attached already" : "";
    return `${role.name} (${plural(role.user_count, "user")}${has})`;
  };
  formDialog({
    title: "Attach to a role",
    control: group({
      role_ids: choice({ label: "Role", value: String(roles[0].id), choices: roles.map((role) => /** @type {[string, string]} */ ([String(role.id), label(role)])) }),
      is_default: toggle({ label: "Give it to users who get the role from now on", value: true }),
      apply_to_existing: toggle({
        label: "Give it to users who have the role now",
        hint: "Each gets a copy and one virtual key. The keys are not shown; rotate a key to hand it out.",
        value: false,
      }),
    }),
    submit: "Attach",
    send: async ({ role_ids, is_default, apply_to_existing }, once) => {
      const { data: answer } = await post(`${path}/roles`, { role_ids: [Number(role_ids)], is_default, apply_to_existing }, { once });
      toast(apply_to_existing ? `Attached; ${plural(answer.users_applied, "user")} got it.` : "Attached.");
      refresh();
    },
  });
}

/** @param {string} path @param {Attachment} role */
function detach(path, role) {
  confirm({
    title: "Detach from the role?",
    body: [h("p", null, `Users with the role ${role.role_name} keep the copies they have until they leave it. Newcomers no longer get one.`)],
    action: "Detach",
    run: async () => {
      await remove(`${path}/roles/${role.role_id}`);
      toast("Detached.");
      refresh();
    },
  });
}
