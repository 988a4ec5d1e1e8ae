// Every call to the server goes through here: the key, the error body, entity tags, idempotency keys.

import { Refusal, Unreachable } from "./errors.js";

/** @typedef {Record<string, string | number | boolean | null | undefined>} Query */
/** @typedef {{ query?: Query, body?: unknown, ifMatch?: string | null, once?: Once, signal?: AbortSignal, key?: string }} Options */
/** @template T @typedef {{ data: T, etag: string | null }} Answer */

// What stands before every path of the server: nothing, or the path that a proxy gives it.
const BASE = new URL("../..", import.meta.url).pathname.slice(0, -1);

/** The address of the server as this browser reaches it. */
export const ADDRESS = location.origin + BASE;

let key = "";
/** @type {() => void} */
let onUnauthenticated = () => {};

/** The key that calls are made with from now on. @param {string} given */
export function useKey(given) {
  key = given;
}

/** What happens when the server no longer takes the key. @param {() => void} action */
export function whenUnauthenticated(action) {
  onUnauthenticated = action;
}

/**
 * Gives one intent of the user one effect: a call that is sent again, because no answer came, carries the idempotency key it had.
 */
export class Once {
  #body = "";
  #key = "";

  /** The idempotency key for a body; another body is another intent. @param {string} body */
  keyFor(body) {
    if (this.#key === "" || body !== this.#body) {
      this.#body = body;
      this.#key = randomId();
    }
    return this.#key;
  }
}

/** @template T @param {string} path @param {Options} [options] @returns {Promise<Answer<T>>} */
export function get(path, options) {
  return call("GET", path, options);
}

/** @template T @param {string} path @param {unknown} [body] @param {Options} [options] @returns {Promise<Answer<T>>} */
export function post(path, body, options) {
  return call("POST", path, { ...options, body });
}

/** @template T @param {string} path @param {unknown} [body] @param {Options} [options] @returns {Promise<Answer<T>>} */
export function put(path, body, options) {
  return call("PUT", path, { ...options, body });
}

/** @template T @param {string} path @param {Options} [options] @returns {Promise<Answer<T>>} */
export function remove(path, options) {
  return call("DELETE", path, options);
}

/** What the server sends as a file. @param {string} path @param {Options} [options] */
export async function download(path, options) {
  const response = await answered("GET", path, options);
  return response.blob();
}

/**
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Answer<T>>}
 */
async function call(method, path, options) {
  const response = await answered(method, path, options);
  return { data: await response.json().catch(() => null), etag: response.headers.get("etag") };
}

/**
 * An answer that is no refusal.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 */
async function answered(method, path, options = {}) {
  const sentKey = options.key ?? key;
  /** @type {Record<string, string>} */
  const headers = {};
  if (sentKey !== "") headers.authorization = `Bearer ${sentKey}`;
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  if (body !== undefined) headers["content-type"] = "application/json";
  if (options.ifMatch) headers["if-match"] = options.ifMatch;
  if (options.once) headers["idempotency-key"] = options.once.keyFor(`${path} ${body ?? ""}`);
  let response;
  try {
    response = await fetch(BASE + path + queryText(options.query), {
      method,
      headers,
      body,
      cache: "no-store",
      credentials: "omit",
      signal: options.signal,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  // A key that is being tried out, or was replaced in the meantime, signs nobody out.
  if (response.status === 401 && options.key === undefined && sentKey === key) onUnauthenticated();
  throw new Refusal(response.status, answer, response.headers.get("retry-after"));
}

/** A query string; empty values are left out. @param {Query} [query] */
export function queryText(query) {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (pairs.length === 0) return "";
  return `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

/** A command that makes the same call. @param {string} method @param {string} path @param {unknown} [body] */
export function curl(method, path, body) {
  const lines = [`curl -sS -X ${method} ${shell(ADDRESS + path)}`, `  -H "Authorization: Bearer $KEY"`];
  if (body !== undefined) {
    lines.push(`  -H 'Content-Type: application/json'`, `  -d ${shell(JSON.stringify(body, null, 2))}`);
  }
  return lines.join(" \\\n");
}

/** A word for a POSIX shell. @param {string} text */
export function shell(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `crypto.randomUUID` is missing on plain-http hosts. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
