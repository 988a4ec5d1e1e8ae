// Giving a profile to a user. Begins at the profile or at the user; what is not given is chosen.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { go, refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, moment, text } from "../form/inputs.js";
import { formDialog } from "../parts/form-dialog.js";
import { PROFILE, USER, idOf, suggestions } from "../parts/pick.js";
import { showVirtualKeys } from "../parts/secret.js";
import { toast } from "../parts/toast.js";

const LISTED = 500;

/** @typedef {{ id: string | number, name: string }} Named */

/** @param {{ profile?: Named, user?: Named }} about */
export async function assignDialog({ profile, user }) {
  const users = user ? [] : await namesOf("/api/governance/users", "users", can("Users:View"));
  const profiles = profile ? [] : await namesOf("/api/access-profiles", "access_profiles", true, { is_active: true });
  const control = group({
    user_id: user ? fixed(user) : chooser(USER, users),
    access_profile_id: profile ? fixed(profile) : chooser(PROFILE, profiles),
    expires_at: moment({ label: "Expires", hint: "Empty: never." }),
  });
  formDialog({
    title: profile ? `Assign ${profile.name}` : `Assign a profile to ${user?.name ?? "a user"}`,
    intro: [h("p", { class: "muted" }, "The user gets a copy of the policy and a virtual key, which is shown once.")],
    control,
    submit: "Assign",
    send: async (given, once) => {
      const [userId, profileId] = [await idOf(USER, given.user_id), await idOf(PROFILE, given.access_profile_id)];
      const body = { access_profile_id: Number(profileId), ...(given.expires_at ? { expires_at: given.expires_at } : {}) };
      const { data } = await post(`/api/users/${encodeURIComponent(userId)}/access-profiles`, body, { once });
      toast("Assigned.");
      const { name, value } = data.virtual_key;
      void showVirtualKeys("The new virtual key", [{ name, value }], () => (user ? refresh() : go(`/users/${userId}`)));
    },
  });
}

/** @param {string} path @param {string} items @param {boolean} allowed @param {Record<string, boolean>} [query] @returns {Promise<Named[]>} */
async function namesOf(path, items, allowed, query = {}) {
  if (!allowed) return [];
  const { data } = await get(path, { query: { ...query, limit: LISTED, sort: "name" } });
  return data[items];
}

/** What is settled already. @param {Named} thing @returns {import("../form/control.js").Control<string>} */
function fixed({ id }) {
  return { node: h("div", { hidden: true }), read: () => String(id), check: () => [], show: () => null, clear: () => {} };
}

/**
 * Few are chosen from a list; of many, or of those that the key may not list, one is named.
 *
 * @param {import("../parts/pick.js").Kind} kind @param {Named[]} things
 */
function chooser(kind, things) {
  if (things.length > 0 && things.length < LISTED) {
    return choice({ label: kind.label, value: String(things[0].id), choices: things.map(({ id, name }) => /** @type {[string, string]} */ ([String(id), name])) });
  }
  if (things.length === 0) return text({ label: `Id of the ${kind.one}`, required: true, rule: (given) => (/^[1-9]\d*$/.test(given.trim()) ? null : "expected an id, such as 17") });
  const { label, placeholder } = kind;
  return text({ label, placeholder, required: true, rule: (given) => (given.trim() === "" ? "is required" : null), helped: (input) => suggestions(kind, input) });
}
