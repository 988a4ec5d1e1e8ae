// Who is signed in, and what they may do. The key is in memory; in the tab's own storage only when that was asked for.

import { get, post, useKey, whenUnauthenticated } from "./api.js";

const STORED = "tollkeeper.key";

/** @typedef {"none" | "management" | "virtual"} Kind */

/** @type {{ kind: Kind, id: number, name: string, scopes: string[], expiresAt: string | null }} */
const current = { kind: "none", id: 0, name: "", scopes: [], expiresAt: null };

/** @returns {Kind} */
export function kind() {
  return current.kind;
}

/** The name of the key that is signed in. */
export function name() {
  return current.name;
}

/** Whether this is the management key that is signed in. @param {number} id */
export function isOwn(id) {
  return current.kind === "management" && current.id === id;
}

/** From when on the management key is refused that is signed in. */
export function expiresAt() {
  return current.expiresAt;
}

/** Whether the key holds a permission, such as `Users:View`. @param {string} permission */
export function can(permission) {
  return current.scopes.includes("*") || current.scopes.includes(permission);
}

/** Whether the key holds every permission, those of later versions included. */
export function canEverything() {
  return current.scopes.includes("*");
}

/**
 * Signs in, or throws what the server says.
 *
 * @param {string} given
 * @param {boolean} remember
 */
export async function signIn(given, remember) {
  const key = given.trim();
  if (key.startsWith("tk_vk_")) {
    const { data } = await get("/v1/quota", { key, query: { limit: 1 } });
    Object.assign(current, { kind: "virtual", name: data.virtual_key.name, scopes: [] });
  } else {
    const { data } = await get("/api/session", { key });
    become(data.api_key);
  }
  useKey(key);
  store(remember ? key : null);
}

/** Signs in with the code of a link, which works once; or throws what the server says, and everything stays as it was. @param {string} code */
export async function redeem(code) {
  const { data } = await post("/api/session", { code }, { key: "" });
  become(data.api_key);
  useKey(data.key);
  store(null);
}

/** @param {{ id: number, name: string, scope_names: string[], expires_at: string | null }} key */
function become({ id, name, scope_names: scopes, expires_at: expiresAt }) {
  Object.assign(current, { kind: "management", id, name, scopes, expiresAt });
}

/** Signs in with what the tab remembers, if it does. */
export async function resume() {
  const key = stored();
  if (key) await signIn(key, true);
}

/** Forgets everything; what is left in memory goes with the reload. */
export function signOut() {
  store(null);
  useKey("");
  Object.assign(current, { kind: "none", name: "", scopes: [] });
  history.replaceState(null, "", location.pathname);
  location.reload();
}

/** What happens when the key stops working. @param {() => void} action */
export function whenEnded(action) {
  whenUnauthenticated(() => {
    if (current.kind === "none") return;
    store(null);
    useKey("");
    Object.assign(current, { kind: "none", name: "", scopes: [] });
    action();
  });
}

/** @returns {string | null} */
function stored() {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** @param {string | null} key */
function store(key) {
  try {
    if (key === null) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, key);
  } catch {
    // Without storage the key stays in memory alone.
  }
}
