// One access profile: what it allows, who holds it, and how it came to be.

import { curl, get, post, put, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { dateTime, plural } from "../core/format.js";
import * as rules from "../core/rules.js";
import { go, link, refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { longText, text } from "../form/inputs.js";
import { act } from "../parts/act.js";
import { confirmShown } from "../parts/clash.js";
import { codeBlock, showCommand } from "../parts/copy.js";
import { formDialog } from "../parts/form-dialog.js";
import { menu } from "../parts/menu.js";
import { empty, heading } from "../parts/states.js";
import { tabs } from "../parts/tabs.js";
import { toast } from "../parts/toast.js";
import { auditList } from "./audit.js";
import { assignDialog } from "./assign.js";
import { holdersTab } from "./profile-holders.js";
import { overviewTab } from "./profile-overview.js";
import { rolesTab } from "./profile-roles.js";
import { versionsTab } from "./profile-versions.js";
import { stateBadge } from "./profiles.js";
import { propagateDialog } from "./propagate.js";

/** @typedef {import("../core/types.js").ProfileDetail} ProfileDetail */
/** @typedef {{ path: string, page: string, etag: string | null, detail: ProfileDetail }} Shown */

/** @type {Record<string, { text: string, show: (shown: Shown) => Node | Promise<Node> }>} */
const TABS = {
  overview: { text: "Overview", show: ({ detail }) => overviewTab(detail) },
  holders: { text: "Holders", show: ({ path }) => holdersTab(path) },
  roles: { text: "Roles", show: ({ path, detail }) => rolesTab(path, detail) },
  versions: { text: "Versions", show: ({ path, detail }) => versionsTab(path, detail.access_profile) },
  audit: { text: "Audit", show: ({ path }) => auditList(`${path}/audit-logs`).node },
  json: { text: "JSON", show: jsonTab },
};

/** @param {import("./routes.js").Place} place @returns {Promise<import("./routes.js").View>} */
export async function profileView({ parameters }) {
  const page = `/profiles/${parameters.id}`;
  const path = `/api/access-profiles/${encodeURIComponent(parameters.id)}`;
  const { data, etag } = await get(path);
  /** @type {Shown} */
  const shown = { path, page, etag, detail: data };
  const open = parameters.tab ?? "overview";
  const tab = TABS[open];
  const content = tab ? await tab.show(shown) : empty("There is no such page");
  const bar = tabs("Parts of the profile", Object.entries(TABS).map(([name, { text }]) => ({ path: name === "overview" ? page : `${page}/${name}`, text, current: name === open })));
  return { title: data.access_profile.name, node: h("div", null, head(shown), bar, content) };
}

/** @param {Shown} shown */
function head(shown) {
  const { access_profile: profile, user_count: holders } = shown.detail;
  const about = [
    stateBadge(profile.is_active),
    h("span", null, `version ${profile.version}`),
    h("span", null, plural(holders, "holder")),
    h("span", { title: dateTime(profile.updated_at) }, `changed ${dateTime(profile.updated_at)}`),
  ];
  return heading(profile.name, about, [
    can("AccessProfiles:Update") ? h("a", { class: "button primary", href: link(`${shown.page}/edit`) }, "Edit") : null,
    can("AccessProfiles:Create") && profile.is_active ? h("button", { type: "button", onclick: act(() => assignDialog({ profile })) }, "Assign") : null,
    can("AccessProfiles:Create") ? h("button", { type: "button", onclick: () => propagateDialog(shown.path, shown.detail) }, "Propagate") : null,
    menu("More", moreActions(shown)),
  ]);
}

/** @param {Shown} shown */
function moreActions(shown) {
  const { path, detail } = shown;
  const profile = detail.access_profile;
  const action = (/** @type {string} */ text, /** @type {() => unknown} */ onclick, /** @type {string} */ css = "") => h("button", { type: "button", class: css || null, onclick: act(onclick) }, text);
  return [
    can("AccessProfiles:Create") && action("Duplicate", () => duplicate(path, profile.name)),
    can("AccessProfiles:Update") && action(profile.is_active ? "Deactivate" : "Activate", () => setActive(shown)),
    action("Copy as curl", () => showCommand("Create this profile elsewhere", curl("POST", "/api/access-profiles", { access_profile: profile }), "KEY is your management key.")),
    can("AccessProfiles:Delete") && action("Delete", () => askToDelete(shown), "danger"),
  ].filter((one) => one !== false);
}

/** @param {string} path @param {string} name */
function duplicate(path, name) {
  formDialog({
    title: "Duplicate the profile",
    intro: [h("p", { class: "muted" }, "The copy has the same policy, and no holders or roles.")],
    control: group({
      name: text({ label: "Name", value: `${name} copy`, rule: rules.name, required: true }),
      description: longText({ label: "Description", hint: "Empty: that of the original." }),
    }),
    submit: "Duplicate",
    send: async ({ name, description }, once) => {
      const body = description.trim() === "" ? { name } : { name, description };
      const { data } = await post(`${path}/clone`, body, { once });
      toast(`Created ${data.access_profile.name}.`);
      go(`/profiles/${data.access_profile.id}`);
    },
  });
}

/** @param {Shown} shown */
function setActive({ path, etag, detail }) {
  const active = detail.access_profile.is_active;
  return confirmShown({
    path,
    shown: { data: detail, etag },
    question: ({ access_profile: { name } }) => ({
      title: `${active ? "Deactivate" : "Activate"} ${name}?`,
      body: [h("p", null, active ? "It can't be assigned any more. Whoever holds it keeps it, and their keys keep working." : "It can be assigned again.")],
      action: active ? "Deactivate" : "Activate",
    }),
    run: async (etag) => {
      await put(`${path}/${active ? "deactivate" : "activate"}`, undefined, { ifMatch: etag });
      toast(active ? "Deactivated." : "Activated.");
      refresh();
    },
  });
}

/** Shows who would lose it first: as long as there are any, the server refuses. @param {Shown} shown */
function askToDelete({ path, page, etag, detail }) {
  return confirmShown({
    path,
    shown: { data: detail, etag },
    question: async ({ access_profile: profile, user_count: holders, roles }) => ({
      title: "Delete the profile?",
      dangerous: true,
      impossible: holders > 0,
      body: [
        h("p", null, "Its versions go with it; the audit log keeps what happened."),
        holders > 0 ? h("p", { class: "form-problem" }, `${plural(holders, "user")} ${holders === 1 ? "holds" : "hold"} it and would lose it. Take it from them first: `, h("a", { href: link(`${page}/holders`) }, "its holders")) : null,
        holders > 0 ? await holderNames(path, holders) : null,
        roles.length > 0 ? h("p", null, `Roles that give it: ${roles.map((role) => role.role_name).join(", ")}`) : null,
      ],
      typeToConfirm: profile.name,
      action: "Delete",
    }),
    run: async (etag, { access_profile: profile }) => {
      await remove(path, { ifMatch: etag });
      toast(`Deleted ${profile.name}.`);
      go("/profiles");
    },
  });
}

/** @param {string} path @param {number} holders */
async function holderNames(path, holders) {
  try {
    const { data } = await get(`${path}/users`, { query: { limit: 10 } });
    const names = data.holders.map((/** @type {import("../core/types.js").Holder} */ holder) => h("li", null, holder.user.name ? `${holder.user.name} (${holder.user.email})` : `user ${holder.user.id}`));
    return h("ul", null, names, holders > 10 ? h("li", null, `and ${holders - 10} more`) : null);
  } catch {
    return null;
  }
}

/** @param {Shown} shown */
function jsonTab({ path, detail }) {
  return h(
    "div",
    { class: "stack" },
    codeBlock(JSON.stringify(detail, null, 2), "The profile as JSON"),
    h("h2", null, "As curl"),
    codeBlock(curl("GET", path), "A command that reads the profile"),
  );
}
