// Naming a user or a profile: by what people call it, with suggestions while it is typed, or by its id.

import { get } from "../core/api.js";
import { fill, h, uniqueId } from "../core/dom.js";
import { can } from "../core/session.js";

const TYPING_MS = 150;
const SUGGESTED = 8;

/**
 * What can be named.
 * @typedef {object} Kind
 * @property {string} label
 * @property {string} placeholder
 * @property {string} path
 * @property {string} items  the field of a list
 * @property {(data: any) => any} thing  a single one in its answer
 * @property {string} needs  the permission to look it up; without it only ids are understood
 * @property {string} one
 * @property {(thing: any) => string} name  which no other has
 * @property {(thing: any) => string} about
 */

/** @type {Kind} */
export const USER = { label: "User", placeholder: "name, e-mail or id", path: "/api/governance/users", items: "users", thing: (data) => data, needs: "Users:View", one: "user", name: ({ email }) => email, about: ({ name }) => name };

/** @type {Kind} */
export const PROFILE = {
  label: "Profile",
  placeholder: "name or id",
  path: "/api/access-profiles",
  items: "access_profiles",
  thing: (data) => data.access_profile,
  needs: "AccessProfiles:View",
  one: "profile",
  name: ({ name }) => name,
  about: ({ id }) => `id ${id}`,
};

/** The suggestions for a field, to be put beside it. @param {Kind} kind @param {HTMLInputElement} input */
export function suggestions(kind, input) {
  const options = h("datalist", { id: uniqueId("suggestions") });
  if (!can(kind.needs)) return options;
  input.setAttribute("list", options.id);
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const search = input.value.trim();
      if (search === "" || !input.isConnected) return;
      // Without suggestions, what is typed is understood as well.
      const found = await fitting(kind, search, SUGGESTED).catch(() => []);
      fill(options, found.map((thing) => h("option", { value: kind.name(thing) }, kind.about(thing))));
    }, TYPING_MS);
  });
  return options;
}

/** The id of what was typed; throws a sentence when it is not clear who or what is meant. @param {Kind} kind @param {string} typed */
export async function idOf(kind, typed) {
  const text = typed.trim();
  if (text === "" || /^[1-9]\d*$/.test(text)) return text;
  if (!can(kind.needs)) throw new Error(`expected the id of a ${kind.one}, such as 17`);
  const found = await fitting(kind, text, SUGGESTED);
  const exact = found.filter((thing) => kind.name(thing).toLowerCase() === text.toLowerCase());
  const [first, ...others] = exact.length > 0 ? exact : found;
  if (!first) throw new Error(`no ${kind.one} is called ${text}`);
  if (others.length > 0) throw new Error(`more than one ${kind.one} fits ${text}: ${found.slice(0, 3).map(kind.name).join(", ")}`);
  return String(first.id);
}

/** How people call what has an id; the id when that can't be found out. @param {Kind} kind @param {string} id */
export async function nameOf(kind, id) {
  if (id === "" || !can(kind.needs)) return id;
  try {
    return kind.name(kind.thing((await get(`${kind.path}/${encodeURIComponent(id)}`)).data));
  } catch {
    return id;
  }
}

/** @param {Kind} kind @param {string} search @param {number} limit @returns {Promise<any[]>} */
async function fitting(kind, search, limit) {
  return (await get(kind.path, { query: { search, limit } })).data[kind.items];
}

/** A filter of a list by a user. @returns {import("./list.js").Filter} */
export function userFilter() {
  return {
    name: "user_id",
    label: USER.label,
    control: (value, changed) => {
      const input = h("input", { type: "text", value, placeholder: USER.placeholder, maxlength: 255, autocomplete: "off" });
      void nameOf(USER, value).then((name) => {
        if (input.value === value) input.value = name;
      });
      input.addEventListener("change", async () => {
        try {
          const id = await idOf(USER, input.value);
          input.setCustomValidity("");
          changed(id);
        } catch (error) {
          input.setCustomValidity(error instanceof Error ? error.message : String(error));
          input.reportValidity();
        }
      });
      input.addEventListener("input", () => input.setCustomValidity(""));
      return input;
    },
    beside: (input) => suggestions(USER, /** @type {HTMLInputElement} */ (input)),
  };
}
