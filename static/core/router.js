// The address: `#/profiles/12/versions?page=2`. The server only knows `/`, so everything stands in the fragment.

import { arrive, leave } from "./leave.js";

/**
 * @typedef {object} Place
 * @property {string} path
 * @property {Record<string, string>} parameters  what stands for `:id` in the pattern
 * @property {URLSearchParams} query
 */

/**
 * @template T
 * @typedef {{ pattern: string } & T} Route
 */

/** Where the address points. */
export function here() {
  const text = location.hash.replace(/^#/, "") || "/";
  const [path, query = ""] = splitOnce(text, "?");
  return { path: path.startsWith("/") ? path : "/", query: new URLSearchParams(query) };
}

/**
 * The first route that fits, with what stands for its parameters.
 *
 * @template {{ pattern: string }} R
 * @param {R[]} routes
 * @returns {{ route: R, place: Place } | null}
 */
export function match(routes) {
  const { path, query } = here();
  for (const route of routes) {
    const parameters = fit(route.pattern, path);
    if (parameters) return { route, place: { path, parameters, query } };
  }
  return null;
}

/** The address of a place, for a link. @param {string} path @param {Record<string, unknown>} [query] */
export function link(path, query = {}) {
  const kept = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") kept.set(name, String(value));
  }
  const text = kept.toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

/** Goes to a place. @param {string} path @param {Record<string, unknown>} [query] */
export function go(path, query) {
  location.hash = link(path, query);
}

/** Shows the place again, with what is stored now. */
export function refresh() {
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/**
 * Notes the state of a list in the address without leaving the page.
 *
 * @param {Record<string, unknown>} query
 * @param {"push" | "replace"} how  `push` where Back should come through it
 */
export function note(query, how) {
  const address = link(here().path, query);
  if (address === location.hash) return;
  if (how === "push") {
    leave();
    history.pushState(null, "", address);
    arrive();
  } else {
    history.replaceState(history.state, "", address);
  }
}

/** @param {string} pattern @param {string} path */
function fit(pattern, path) {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  /** @type {Record<string, string>} */
  const parameters = {};
  for (const [at, piece] of wanted.entries()) {
    if (piece.startsWith(":")) {
      if (given[at] === "") return null;
      parameters[piece.slice(1)] = decode(given[at]);
    } else if (piece !== given[at]) {
      return null;
    }
  }
  return parameters;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} text @param {string} separator */
function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
