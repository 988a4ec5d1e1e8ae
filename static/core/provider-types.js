// The shapes of answers about prices and upstreams, for the type checker. Nothing here runs.

/**
 * Dollars by kind: for a million tokens or characters, for one picture, search or call, for an hour of sound.
 * @typedef {Record<string, number>} Rates
 */

/**
 * @typedef {object} Price
 * @property {string} provider
 * @property {string} model
 * @property {"list" | "file" | "api"} origin
 * @property {string} priced_by
 * @property {boolean} free
 * @property {Rates} rates
 * @property {{ input_tokens: number, rates: Rates }[]} above
 * @property {number} [greatest_output]
 * @property {number} [context_window]
 * @property {string} [valid_from]
 */
/** @typedef {{ prices: Price[], price?: Price, unknown: "deny" | "tokens", version: string, date: string }} PricePage */

/**
 * @typedef {object} Upstream
 * @property {string} name
 * @property {string} provider
 * @property {string} base_url
 * @property {"openai" | "anthropic" | "gemini" | "azure"} dialect
 * @property {string} [api_key_file]
 * @property {string} [api_key_variable]
 * @property {boolean} free
 * @property {string[]} unmetered_paths
 * @property {string[]} headers
 * @property {"unused" | "answering" | "failing"} state
 * @property {number} answers
 * @property {number} errors
 * @property {number} failures
 * @property {{ at: string, status: number, latency_ms: number }} [last_answer]
 * @property {{ at: string, reason: string, message: string }} [last_failure]
 */

export {};
