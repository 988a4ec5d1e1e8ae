// One user: what they hold, how much of it is used, and their virtual keys.

import { get, put, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { date, dateTime } from "../core/format.js";
import * as rules from "../core/rules.js";
import { go, refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, text } from "../form/inputs.js";
import { act } from "../parts/act.js";
import { confirmShown, editDialog } from "../parts/clash.js";
import { confirm } from "../parts/dialog.js";
import { formDialog } from "../parts/form-dialog.js";
import { profileLink, roleLink } from "../parts/links.js";
import { gaugesOf, meter } from "../parts/meter.js";
import { badge, empty, heading, panel } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { assignDialog } from "./assign.js";
import { overrideButton } from "./override.js";
import { copyBadge } from "./profile-holders.js";
import { policy } from "./profile-overview.js";
import { allRoles, roleChoices, showIssued } from "./users.js";
import { newVirtualKeyButton, virtualKeyTable } from "./virtual-keys.js";

/** @typedef {import("../core/types.js").User} User */
/** @typedef {import("../core/types.js").Copy} Copy */

/** @param {import("./routes.js").Place} place @returns {Promise<import("./routes.js").View>} */
export async function userView({ parameters }) {
  const path = `/api/users/${encodeURIComponent(parameters.id)}`;
  const seesCopies = can("AccessProfiles:View");
  const [{ data, etag }, copies, keys] = await Promise.all([
    get(path),
    seesCopies ? get(`${path}/access-profiles`, { query: { limit: 500 } }) : null,
    can("VirtualKeys:View") ? get(`${path}/virtual-keys`, { query: { limit: 500 } }) : null,
  ]);
  /** @type {User} */
  const user = data;
  const node = h(
    "div",
    { class: "stack" },
    head(path, { data, etag }),
    copies ? profiles(user, copies.data.access_profiles) : null,
    keys ? panel("Virtual keys", newVirtualKeyButton(user, copies?.data.access_profiles ?? []), virtualKeyTable(keys.data.virtual_keys)) : null,
  );
  return { title: user.name, node };
}

/** @param {string} path @param {{ data: User, etag: string | null }} shown */
function head(path, shown) {
  const user = shown.data;
  const role = user.role ? roleLink(user.role.id, { name: user.role.name }) : "none";
  const about = [h("span", null, user.email), h("span", null, "Role: ", role), h("span", { class: "muted" }, `id ${user.id}, since ${date(user.created_at)}`)];
  return heading(user.name, about, [
    can("AccessProfiles:Create") ? h("button", { type: "button", class: "primary", onclick: act(() => assignDialog({ user })) }, "Assign a profile") : null,
    can("Users:Update") ? h("button", { type: "button", onclick: act(() => edit(path)) }, "Edit") : null,
    can("Users:Update") && can("Roles:View") ? h("button", { type: "button", onclick: act(() => roleDialog(path, user)) }, "Change role") : null,
    can("Users:Delete") ? h("button", { type: "button", class: "danger", onclick: act(() => askToDelete(path, shown)) }, "Delete") : null,
  ]);
}

/** @param {User} user @param {Copy[]} copies */
function profiles(user, copies) {
  if (copies.length === 0) return panel("Access profiles", empty("They hold no profile", "Assign one, and they get a virtual key."));
  return h("div", { class: "stack" }, copies.map((copy) => copyPanel(user, copy)));
}

/** @param {User} user @param {Copy} copy */
function copyPanel(user, copy) {
  const gauges = gaugesOf(copy);
  const title = h("h2", null, profileLink(copy.parent_profile_id, { name: copy.name }));
  const facts = h(
    "div",
    { class: "heading-about" },
    copyBadge(copy),
    badge(copy.source === "role" ? "by role" : "assigned"),
    h("span", null, `template version ${copy.template_version}`),
    copy.expires_at ? h("span", null, `expires ${dateTime(copy.expires_at)}`) : null,
  );
  const take = can("AccessProfiles:Delete") ? h("button", { type: "button", onclick: () => askToTake(user, copy) }, "Take away") : null;
  return h(
    "section",
    { class: "panel" },
    h("div", { class: "panel-head" }, h("div", null, title, facts), take),
    gauges.length === 0 ? h("p", { class: "muted" }, "It has no limits.") : h("div", { class: "meters" }, gauges.map((gauge) => meter(gauge, overrideButton(user, copy, gauge)))),
    h("details", null, h("summary", null, "Policy of this copy"), policy(copy)),
  );
}

/** @param {string} path */
function edit(path) {
  const control = (/** @type {User} */ user) =>
    group({
      name: text({ label: "Name", value: user.name, rule: rules.name, required: true }),
      email: text({ label: "E-mail", value: user.email, rule: rules.email, required: true, kind: "email" }),
    });
  return editDialog({ path, thing: (data) => data.user ?? data, noun: "user", control });
}

/** @param {string} path @param {User} user */
async function roleDialog(path, user) {
  const roles = await allRoles();
  formDialog({
    title: `Role of ${user.name}`,
    intro: [h("p", { class: "muted" }, "The profiles that came by the old role are taken away with their keys; those of the new role are given. Profiles assigned directly stay.")],
    control: group({ role_id: choice({ label: "Role", value: String(user.role_id ?? ""), choices: [["", "None"], ...roleChoices(roles)] }) }),
    submit: "Change role",
    send: async ({ role_id }) => {
      const { data } = await put(`${path}/role`, { role_id: role_id === "" ? null : Number(role_id) });
      toast(lost("Role changed", data.deleted_vk_names));
      await showIssued(data.virtual_keys, refresh);
    },
  });
}

/** @param {string} path @param {{ data: User, etag: string | null }} shown */
function askToDelete(path, shown) {
  return confirmShown({
    path,
    shown,
    question: (user) => {
      const names = user.access_profiles.map((copy) => copy.name).join(", ");
      return {
        title: `Delete ${user.name}?`,
        dangerous: true,
        body: [h("p", null, "Their profiles and virtual keys go at once; what they used stays in the usage."), names ? h("p", null, `They hold: ${names}`) : null],
        typeToConfirm: user.name,
        action: "Delete",
      };
    },
    run: async (etag, user) => {
      const { data } = await remove(path, { ifMatch: etag });
      toast(lost(`Deleted ${user.name}`, data.deleted_vk_names));
      go("/users");
    },
  });
}

/** @param {User} user @param {Copy} copy */
function askToTake(user, copy) {
  confirm({
    title: `Take ${copy.name} from ${user.name}?`,
    dangerous: true,
    body: [h("p", null, "The copy, its counters and the keys issued with it go at once. Calls with those keys are refused from then on.")],
    action: "Take away",
    run: async () => {
      const { data } = await remove(`/api/users/${user.id}/access-profiles/${copy.parent_profile_id}`);
      toast(lost("Taken away", data.deleted_vk_names));
      refresh();
    },
  });
}

/** @param {string} what @param {string[]} [names] of the keys that went */
function lost(what, names = []) {
  return names.length === 0 ? `${what}.` : `${what}; keys gone: ${names.join(", ")}.`;
}
