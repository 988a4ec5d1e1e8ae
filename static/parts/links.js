// Links to things: a link only where the key may go there, the name where it is known.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { link } from "../core/router.js";
import { can } from "../core/session.js";

/** What was asked for since the address changed. @type {Map<string, Promise<string | null>>} */
const asked = new Map();
addEventListener("hashchange", () => asked.clear());

/** @typedef {{ name?: string | null, row?: boolean }} About  `row`: it is the head of a row */

/** A user; without a name it is asked for, and who was deleted keeps the number. @param {string | number} id @param {About} [about] */
export function userLink(id, about = {}) {
  const place = linkTo("Users:View", `/users/${id}`, about.name ?? `user ${id}`, about);
  if (about.name === undefined && can("Users:View")) void named(place, `/api/users/${id}`, (data) => data.name);
  return place;
}

/** A profile; as {@link userLink}. @param {string | number} id @param {About} [about] */
export function profileLink(id, about = {}) {
  const place = linkTo("AccessProfiles:View", `/profiles/${id}`, about.name ?? `profile ${id}`, about);
  if (about.name === undefined && can("AccessProfiles:View")) void named(place, `/api/access-profiles/${id}`, (data) => data.access_profile.name);
  return place;
}

/** An MCP tool group. @param {number} id */
export function toolGroupLink(id) {
  const place = linkTo("VirtualMCPs:View", "/tool-groups", `#${id}`, {});
  if (can("VirtualMCPs:View")) void named(place, `/api/mcp/tool-groups/${id}`, (data) => data.mcp_tool_group.name);
  return place;
}

/** @param {string | number} id @param {About} about */
export function roleLink(id, about) {
  return linkTo("Roles:View", `/roles/${id}`, about.name ?? `role ${id}`, about);
}

/** @param {string} needs @param {string} path @param {string} text @param {About} about */
function linkTo(needs, path, text, { row }) {
  return can(needs) ? h("a", { class: row ? "row-link" : null, href: link(path) }, text) : h("span", null, text);
}

/** @param {HTMLElement} place @param {string} path @param {(data: any) => string} nameIn */
async function named(place, path, nameIn) {
  const waiting = asked.get(path) ?? get(path).then(({ data }) => nameIn(data), () => null);
  asked.set(path, waiting);
  const name = await waiting;
  if (name) place.textContent = name;
}
