// Giving a profile to a user. Begins at the profile or at the user; what is not given is chosen.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { go, refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, moment, text } from "../form/inputs.js";
import { formDialog } from "../parts/form-dialog.js";
import { showSecret, virtualCurl } from "../parts/secret.js";
import { toast } from "../parts/toast.js";

const LISTED = 500;

/** @typedef {{ id: string | number, name: string }} Named */

/** @param {{ profile?: Named, user?: Named }} about */
export async function assignDialog({ profile, user }) {
  const users = user ? [] : await namesOf("/api/users", "users", can("Users:View"));
  const profiles = profile ? [] : await namesOf("/api/access-profiles", "access_profiles", true, { is_active: true });
  const control = group({
    user_id: user ? fixed(user) : chooser("User", users, "Id of the user"),
    access_profile_id: profile ? fixed(profile) : chooser("Profile", profiles, "Id of the profile"),
    expires_at: moment({ label: "Expires", hint: "Empty: never." }),
  });
  formDialog({
    title: profile ? `Assign ${profile.name}` : `Assign a profile to ${user?.name ?? "a user"}`,
    intro: [h("p", { class: "muted" }, "The user gets a copy of the policy and a virtual key, which is shown once.")],
    control,
    submit: "Assign",
    send: async ({ user_id, access_profile_id, expires_at }, once) => {
      const body = { access_profile_id: Number(access_profile_id), ...(expires_at ? { expires_at } : {}) };
      const { data } = await post(`/api/users/${encodeURIComponent(user_id)}/access-profiles`, body, { once });
      toast("Assigned.");
      const { name, value } = data.virtual_key;
      void showSecret({ title: "The new virtual key", name, value, curl: virtualCurl(value) }).then(() => (user ? refresh() : go(`/users/${user_id}`)));
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

/** @param {string} label @param {Named[]} things @param {string} otherwise */
function chooser(label, things, otherwise) {
  if (things.length === 0 || things.length >= LISTED) return text({ label: otherwise, required: true, rule: (given) => (/^[1-9]\d*$/.test(given.trim()) ? null : "expected an id, such as 17") });
  return choice({ label, value: String(things[0].id), choices: things.map(({ id, name }) => /** @type {[string, string]} */ ([String(id), name])) });
}
