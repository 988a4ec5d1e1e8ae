// Making and changing an access profile.

import { Once, curl, get, post, put } from "../core/api.js";
import { h } from "../core/dom.js";
import { Refusal } from "../core/errors.js";
import { go, link } from "../core/router.js";
import { can } from "../core/session.js";
import { form } from "../form/form.js";
import { showCommand } from "../parts/copy.js";
import { heading } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { resolveClash } from "./profile-clash.js";
import { profileControl } from "./profile-fields.js";

/** @typedef {import("../core/types.js").Profile} Profile */

/** @returns {Promise<import("./routes.js").View>} */
export async function newProfileView() {
  const control = profileControl({}, { creating: true, toolGroups: await toolGroups() });
  const once = new Once();
  const made = form({
    control,
    submit: "Create profile",
    cancel: () => go("/profiles"),
    send: async (value) => {
      const { data } = await post("/api/access-profiles", bodyOf(value), { once });
      toast(`Created ${data.access_profile.name}.`);
      go(`/profiles/${data.access_profile.id}`);
    },
  });
  made.actions.append(commandButton("POST", "/api/access-profiles", () => bodyOf(control.read())));
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
  const saved = (/** @type {Profile} */ profile) => {
    toast(profile.version === before.version ? "Nothing had changed." : `Saved as version ${profile.version}.`);
    go(page);
  };
  const made = form({
    control,
    submit: "Save",
    cancel: () => go(page),
    send: async (value) => {
      const body = bodyOf(value);
      try {
        saved((await put(path, body, { ifMatch: etag })).data.access_profile);
      } catch (error) {
        if (!(error instanceof Refusal && error.status === 412)) throw error;
        await resolveClash({ path, before, mine: body, saved, dropped: () => go(page) });
      }
    },
  });
  made.actions.append(commandButton("PUT", path, () => bodyOf(control.read())));
  const back = h("a", { href: link(page) }, before.name);
  return { title: `Edit ${before.name}`, node: h("div", { class: "narrow" }, heading("Edit access profile", [back, ` version ${before.version}`]), made.node) };
}

/** What is sent for what the form holds. @param {any} value */
function bodyOf(value) {
  const rotates = value.auto_rotation_interval !== "";
  return { ...value, next_rotation_at: rotates ? value.next_rotation_at : null };
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
