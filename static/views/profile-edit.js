// Making and changing an access profile.

import { curl, get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { dateTime } from "../core/format.js";
import { guard, release } from "../core/leave.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { form } from "../form/form.js";
import { save } from "../parts/clash.js";
import { showCommand } from "../parts/copy.js";
import { heading } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { profileControl } from "./profile-fields.js";

/** @typedef {import("../core/types.js").Profile} Profile */

/** A new profile begins with a line that lets calls through as soon as it names a provider. */
const FIRST_LINE = { id: 0, provider_name: "", all_models_allowed: true, allowed_models: [], blacklisted_models: [], budgets: [] };

/** @returns {Promise<import("./routes.js").View>} */
export async function newProfileView() {
  const control = profileControl({ provider_configs: [FIRST_LINE] }, { creating: true, toolGroups: await toolGroups() });
  const made = form({
    control,
    submit: "Create profile",
    cancel: () => go("/profiles"),
    send: async (value, once) => {
      const { data } = await post("/api/access-profiles", bodyOf(value), { once });
      release();
      toast(`Created ${data.access_profile.name}.`);
      go(`/profiles/${data.access_profile.id}`);
    },
  });
  made.actions.append(commandButton("POST", "/api/access-profiles", () => bodyOf(control.read())));
  guard(made.node, control.read);
  return { title: "New profile", node: h("div", { class: "narrow" }, heading("New access profile"), made.node) };
}

/** @param {import("./routes.js").Place} place @returns {Promise<import("./routes.js").View>} */
export async function editProfileView({ parameters }) {
  const path = `/api/access-profiles/${encodeURIComponent(parameters.id)}`;
  const page = `/profiles/${parameters.id}`;
  const [{ data, etag }, groups] = await Promise.all([get(path), toolGroups()]);
  /** @type {Profile} */
  const before = data.access_profile;
  const control = profileControl(before, { creating: false, toolGroups: groups });
  const place = { path, thing: (/** @type {any} */ data) => data.access_profile, noun: "profile", happened, shown, after: "Saving yours makes a new version; theirs stays in the history and can be restored." };
  const made = form({
    control,
    submit: "Save",
    cancel: () => go(page),
    send: async (value) => {
      const stored = await save(place, { before, etag, body: bodyOf(value) });
      if (!stored) return;
      release();
      const { version } = stored.thing;
      if (stored.mine) toast(version === before.version ? "Nothing had changed." : `Saved as version ${version}.`);
      go(page);
    },
  });
  made.actions.append(commandButton("PUT", path, () => bodyOf(control.read())));
  guard(made.node, control.read);
  const back = h("a", { href: link(page) }, before.name);
  return { title: `Edit ${before.name}`, node: h("div", { class: "narrow" }, heading("Edit access profile", [back, ` version ${before.version}`]), made.node) };
}

/** What is sent for what the form holds. @param {any} value */
function bodyOf(value) {
  const { next_rotation_at: next, ...rest } = value;
  // Only a profile that does not rotate keys has no date: left out, it is as the server has it.
  if (value.auto_rotation_interval === "") return { ...rest, next_rotation_at: null };
  return next === null ? rest : value;
}

/** @param {Profile} before @param {Profile} theirs */
function happened(before, theirs) {
  return `While you were editing version ${before.version}, version ${theirs.version} was saved (${dateTime(theirs.updated_at)}).`;
}

/** What was typed, in the form in which the server would show it. @param {any} body */
function shown(body) {
  const parts = /^(\d+)([smhdw])$/.exec(body.auto_rotation_interval);
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
  const nanoseconds = parts ? Number(parts[1]) * seconds[/** @type {keyof typeof seconds} */ (parts[2])] * 1e9 : 0;
  return { ...body, auto_rotation_interval: nanoseconds };
}

/** @returns {Promise<import("../core/types.js").ToolGroup[]>} */
async function toolGroups() {
  if (!can("VirtualMCPs:View")) return [];
  try {
    return (await get("/api/mcp/tool-groups", { query: { limit: 500 } })).data.mcp_tool_groups;
  } catch {
    // The ids can be typed too.
    return [];
  }
}

/** @param {string} method @param {string} path @param {() => unknown} body */
function commandButton(method, path, body) {
  const show = () => showCommand("As curl", curl(method, path, body()), "KEY is your management key.");
  return h("button", { type: "button", class: "plain end", onclick: show }, "Copy as curl");
}
