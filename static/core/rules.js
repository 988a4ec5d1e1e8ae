// The server's rules for single values, so that a slip is seen before anything is sent. Each answers a sentence, or null.

const MAX_SECONDS = 100 * 365 * 86_400;
const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, M: 2_592_000, Q: 7_776_000, Y: 31_536_000 };
const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** @typedef {(text: string) => string | null} Rule */

/** @type {Rule} */
export function name(text) {
  const trimmed = text.trim();
  if (trimmed === "") return "is required";
  return tooLong(trimmed, 255);
}

/** At most this many characters, as the server counts them. @param {string} text @param {number} max */
export function tooLong(text, max) {
  const length = Array.from(text).length;
  return length > max ? `must have at most ${max} characters, has ${length}` : null;
}

/** @type {Rule} */
export function money(text) {
  const trimmed = text.trim();
  if (trimmed === "") return "is required";
  if (!/^\d+(\.\d+)?$/.test(trimmed)) return "expected an amount of US dollars, such as 25 or 0.5";
  if (Number(trimmed) > 1e9) return "must be at most 1000000000 dollars";
  if (Number(trimmed) > 0 && Number(trimmed) < 1e-9) return "must be 0 or at least 0.000000001 dollars";
  if (trimmed.replace(".", "").replace(/^0+/, "").length > 15) return "has more digits than a browser can keep exactly";
  return null;
}

/** @type {Rule} */
export function positiveMoney(text) {
  return money(text) ?? (Number(text) > 0 ? null : "must be more than 0 dollars");
}

/** A limit: 1 or more, whole. @type {Rule} */
export function limit(text) {
  const trimmed = text.trim();
  if (!/^\d+$/.test(trimmed) || Number(trimmed) < 1) return "expected a whole number of 1 or more";
  return Number(trimmed) > MAX_COUNT ? `must be at most ${MAX_COUNT}` : null;
}

/** A number with a unit. @param {string} text @param {boolean} ofBudget whether quarters and `never` are allowed */
export function duration(text, ofBudget) {
  if (text === "never" && ofBudget) return null;
  const parts = /^([1-9]\d*)([smhdwMQY])$/.exec(text.trim());
  if (!parts) return "expected a whole number of 1 or more";
  if (parts[2] === "Q" && !ofBudget) return "quarters are for budgets only";
  const seconds = Number(parts[1]) * UNIT_SECONDS[/** @type {keyof typeof UNIT_SECONDS} */ (parts[2])];
  return seconds > MAX_SECONDS ? "must be at most 100 years" : null;
}

/** The interval of a rotation. @type {Rule} */
export function rotationInterval(text) {
  const parts = /^([1-9]\d*)([smhdw])$/.exec(text.trim());
  if (!parts) return "expected a span such as 30d or 12h (units s, m, h, d, w)";
  const seconds = Number(parts[1]) * UNIT_SECONDS[/** @type {keyof typeof UNIT_SECONDS} */ (parts[2])];
  return seconds < 3_600 || seconds > 365 * 86_400 ? "must be from 1h to 365d" : null;
}

/** How long an old secret still works: up to 30 days. @type {Rule} */
export function grace(text) {
  if (text.trim() === "" || text.trim() === "0") return null;
  const parts = /^([1-9]\d*)([smhdw])$/.exec(text.trim());
  if (!parts) return "expected a span such as 24h (units s, m, h, d, w)";
  const seconds = Number(parts[1]) * UNIT_SECONDS[/** @type {keyof typeof UNIT_SECONDS} */ (parts[2])];
  return seconds > 30 * 86_400 ? "must be at most 30d" : null;
}

/** @type {Rule} */
export function email(text) {
  const trimmed = text.trim();
  if (trimmed === "") return "is required";
  const [local, domain, ...more] = trimmed.split("@");
  const whole = local !== "" && domain && more.length === 0 && !/\s/.test(trimmed) && domain.split(".").every((label) => label !== "");
  if (!whole) return "expected an e-mail address such as ada@example.org";
  return tooLong(trimmed, 254);
}

/** A moment that has not passed. @param {string} text the value of a `datetime-local` input @param {number} [now] */
export function future(text, now = Date.now()) {
  if (text === "") return null;
  return new Date(text).getTime() > now ? null : "must lie in the future";
}
