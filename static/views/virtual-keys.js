// Virtual keys: all of them, and those of one user.

import { post, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { date, dateTime } from "../core/format.js";
import * as rules from "../core/rules.js";
import { link, refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, longText, moment, text } from "../form/inputs.js";
import { act } from "../parts/act.js";
import { editDialog } from "../parts/clash.js";
import { confirm } from "../parts/dialog.js";
import { formDialog } from "../parts/form-dialog.js";
import { userLink } from "../parts/links.js";
import { list } from "../parts/list.js";
import { userFilter } from "../parts/pick.js";
import { badge, empty, heading } from "../parts/states.js";
import { showVirtualKeys } from "../parts/secret.js";
import { table } from "../parts/table.js";
import { toast } from "../parts/toast.js";

/** @typedef {import("../core/types.js").VirtualKey} VirtualKey */
/** @typedef {import("../parts/table.js").Column<VirtualKey>} Column */

/** @returns {import("./routes.js").View} */
export function virtualKeysView() {
  const keys = list({
    label: "Virtual keys",
    path: "/api/virtual-keys",
    items: "virtual_keys",
    search: "Name",
    filters: [userFilter()],
    columns: columns(/** @type {Column} */ ({ label: "User", cell: (key) => userLink(key.user_id) })),
    whenEmpty: () => empty("No virtual key yet", "Whoever is assigned a profile gets one."),
  });
  return { title: "Virtual keys", node: h("div", null, heading("Virtual keys", ["What people's tools send to a gateway."]), keys.node) };
}

/** @param {VirtualKey[]} keys */
export function virtualKeyTable(keys) {
  return keys.length === 0 ? h("p", { class: "muted" }, "None.") : table("Virtual keys", columns(), keys);
}

/** @param {Column[]} more @returns {Column[]} */
function columns(...more) {
  return [
    { label: "Name", main: true, cell: ({ name, description }) => [h("span", null, name), description ? h("div", { class: "muted small" }, description) : null] },
    { label: "Key", cell: ({ value }) => h("code", null, value) },
    { label: "State", cell: (key) => [key.is_active ? badge("active", "ok") : badge("inactive", "bad"), " ", key.is_access_profile_managed ? badge("managed") : null] },
    { label: "Expires", cell: (key) => date(key.expires_at) },
    { label: "Rotated", cell: (key) => (key.previous_value_expires_at ? `old secret until ${dateTime(key.previous_value_expires_at)}` : date(key.rotated_at)) },
    ...more,
    { label: "", cell: actions },
  ];
}

/** @param {VirtualKey} key */
function actions(key) {
  return h(
    "div",
    { class: "actions" },
    can("Decisions:Create") && h("a", { href: link("/explain", { virtual_key_id: key.id }) }, "Explain"),
    can("VirtualKeys:Update") && h("button", { type: "button", onclick: () => rotate(key) }, "Rotate"),
    can("VirtualKeys:Update") && h("button", { type: "button", onclick: act(() => edit(key)) }, "Edit"),
    can("VirtualKeys:Delete") && h("button", { type: "button", class: "danger", onclick: () => revoke(key) }, "Revoke"),
  );
}

/** @param {{ id: string, name: string }} user @param {import("../core/types.js").Copy[]} copies */
export function newVirtualKeyButton(user, copies) {
  if (!can("VirtualKeys:Create") || copies.length === 0) return null;
  return h("button", { type: "button", onclick: () => create(user, copies) }, "New virtual key");
}

/** @param {{ id: string, name: string }} user @param {import("../core/types.js").Copy[]} copies */
function create(user, copies) {
  const choices = copies.map((copy) => /** @type {[string, string]} */ ([String(copy.parent_profile_id), copy.name]));
  formDialog({
    title: `New virtual key for ${user.name}`,
    control: group({
      profile: choice({ label: "Issued under", hint: "It works with every profile they hold, and is deleted with this one.", value: "", choices: [["", "the user at large"], ...choices] }),
      ...nameFields(),
      expires_at: moment({ label: "Expires", hint: "Empty: never." }),
    }),
    submit: "Make the key",
    send: async ({ profile, name, description, expires_at }, once) => {
      const under = profile === "" ? "" : `/access-profiles/${profile}`;
      const body = { ...(name ? { name } : {}), ...(description ? { description } : {}), ...(expires_at ? { expires_at } : {}) };
      const { data } = await post(`/api/users/${user.id}${under}/virtual-keys`, body, { once });
      reveal("The new virtual key", data.virtual_key);
    },
  });
}

/** @param {VirtualKey} [key] */
function nameFields(key) {
  return {
    name: text({ label: "Name", hint: key ? undefined : "Empty: the names of the user and the profile.", value: key?.name, max: 255 }),
    description: longText({ label: "Description", value: key?.description }),
  };
}

/** An empty text clears the date, which a managed key has none of. @param {{ expires_at?: string | null }} value */
function bodyOf(value) {
  return "expires_at" in value ? { ...value, expires_at: value.expires_at ?? "" } : value;
}

/** @param {VirtualKey} listed */
function edit(listed) {
  const control = (/** @type {VirtualKey} */ key) => {
    const fields = { ...nameFields(key), ...(key.is_access_profile_managed ? {} : { expires_at: moment({ label: "Expires", value: key.expires_at }) }) };
    return group(/** @type {Record<string, import("../form/control.js").Control<any>>} */ (fields));
  };
  const intro = (/** @type {VirtualKey} */ key) => (key.is_access_profile_managed ? h("p", { class: "muted" }, "A managed key expires with the profile it came with.") : null);
  return editDialog({ path: `/api/virtual-keys/${listed.id}`, thing: (data) => data.virtual_key, noun: "virtual key", control, intro, body: bodyOf });
}

/** @param {VirtualKey} key */
function rotate(key) {
  formDialog({
    title: `Rotate ${key.name}`,
    intro: [h("p", { class: "muted" }, "It gets a new secret, which is shown once.")],
    control: group({ grace: text({ label: "The old secret works for", hint: "Such as 24h; empty: not at all.", value: "24h", rule: rules.grace }) }),
    submit: "Rotate",
    send: async ({ grace }, once) => {
      const { data } = await post(`/api/virtual-keys/${key.id}/rotate`, grace === "" ? {} : { grace }, { once });
      reveal("The new secret", data.virtual_key);
    },
  });
}

/** @param {VirtualKey} key */
function revoke(key) {
  confirm({
    title: `Revoke ${key.name}?`,
    dangerous: true,
    body: [h("p", null, "Calls with it are refused from the moment this is done.")],
    action: "Revoke",
    run: async () => {
      await remove(`/api/users/${key.user_id}/access-profiles/virtual-keys/${key.id}`);
      toast(`Revoked ${key.name}.`);
      refresh();
    },
  });
}

/** @param {string} title @param {{ name: string, value: string }} key */
function reveal(title, { name, value }) {
  void showVirtualKeys(title, [{ name, value }], refresh);
}
