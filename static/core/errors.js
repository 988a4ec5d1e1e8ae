// What can go wrong with a call, in the server's own words.

/**
 * A broken rule and its place: `budgets[1].reset_duration`.
 * @typedef {{ code: string, message: string, param: string }} Violation
 */

/** The server refused. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {any} body
   * @param {string | null} retryAfter
   */
  constructor(status, body, retryAfter) {
    super(body?.error?.message ?? `the server answered ${status}`);
    this.status = status;
    /** @type {string} */
    this.code = body?.error?.code ?? "";
    /** @type {Violation[]} */
    this.violations = (body?.extra_fields?.errors ?? []).filter(
      (/** @type {Violation} */ violation) => typeof violation?.message === "string",
    );
    if (this.violations.length === 0 && body?.error?.param) this.violations = [body.error];
    /** @type {string} */
    this.requestId = body?.event_id ?? "";
    this.retryAfter = retryAfter;
  }
}

/** Nothing answered. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer. Is it running, and is this device online?");
  }
}

/** A part of the page did not come, though somebody answers. */
export class Unloaded extends Error {
  constructor() {
    super("A part of this page did not come; the server may be of another version than when the page was loaded. Trying again loads the page anew.");
  }
}

/** What the page says about a failure. @param {unknown} error */
export function explain(error) {
  if (error instanceof Refusal) {
    const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
    return sentence(error.message) + wait;
  }
  return error instanceof Error ? error.message : String(error);
}

/** @param {string} text */
function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === "") return trimmed;
  const whole = /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  // A message that begins with the path of a value keeps it as it is.
  return /^[a-z_]+[.[:]/.test(whole) ? whole : whole[0].toUpperCase() + whole.slice(1);
}
