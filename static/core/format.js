// How values are shown.

const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 9 });
const WHOLE_DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const COUNT = new Intl.NumberFormat("en-US");
const SHORT_COUNT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const SHORT_DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", notation: "compact", minimumFractionDigits: 0, maximumSignificantDigits: 2 });
const DATE_TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const UNITS = { s: "second", m: "minute", h: "hour", d: "day", w: "week", M: "month", Q: "quarter", Y: "year" };
const BYTES = /** @type {const} */ ([["B", 1], ["KiB", 2 ** 10], ["MiB", 2 ** 20], ["GiB", 2 ** 30], ["TiB", 2 ** 40]]);
const SECONDS = /** @type {const} */ ([["w", 604_800], ["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]]);

/** An amount of dollars, exact. @param {number | null | undefined} dollars */
export function money(dollars) {
  if (dollars === null || dollars === undefined) return "–";
  return Number.isInteger(dollars) ? WHOLE_DOLLARS.format(dollars) : DOLLARS.format(dollars);
}

/** An amount of dollars, cut to what a glance needs. @param {number} dollars */
export function roughMoney(dollars) {
  const digits = dollars !== 0 && Math.abs(dollars) < 0.01 ? 4 : 2;
  return dollars.toLocaleString("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: digits });
}

/** $1.2K, for the axis of a chart. @param {number} dollars */
export function shortMoney(dollars) {
  return SHORT_DOLLARS.format(dollars);
}

/** @param {number | null | undefined} number */
export function count(number) {
  return number === null || number === undefined ? "–" : COUNT.format(number);
}

/** 1.2M. @param {number} number */
export function shortCount(number) {
  return SHORT_COUNT.format(number);
}

/** `1.2 MiB`. @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const step = BYTES.findLastIndex(([, one]) => bytes >= one);
  const [unit, one] = BYTES[Math.max(0, step)];
  const value = bytes / one;
  return `${value < 10 && one > 1 ? value.toFixed(1) : count(Math.round(value))} ${unit}`;
}

/** `1 profile`, `2 profiles`. @param {number} number @param {string} one @param {string} [many] */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** @param {string | null | undefined} time */
export function dateTime(time) {
  return time ? DATE_TIME.format(new Date(time)) : "–";
}

/** @param {string | null | undefined} time */
export function date(time) {
  return time ? DATE.format(new Date(time)) : "–";
}

/** `in 3 hours`, `2 days ago`. @param {string | null | undefined} time @param {number} [now] */
export function relative(time, now = Date.now()) {
  if (!time) return "–";
  const seconds = (new Date(time).getTime() - now) / 1_000;
  const size = Math.abs(seconds);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (size < 60) return seconds < 0 ? "just now" : "in a moment";
  if (size < 3_600) return format.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return format.format(Math.round(seconds / 3_600), "hour");
  if (size < 60 * 86_400) return format.format(Math.round(seconds / 86_400), "day");
  return date(time);
}

/** `Budget per month`, `Prepaid budget`. @param {string} what @param {string | null | undefined} every its reset duration */
export function limitName(what, every) {
  return every === "never" ? `Prepaid ${what[0].toLowerCase()}${what.slice(1)}` : `${what} per ${duration(every)}`;
}

/** `1M` → `a month`, `3h` → `3 hours`. @param {string | null | undefined} duration */
export function duration(duration) {
  const parts = /^(\d+)([smhdwMQY])$/.exec(duration ?? "");
  if (!parts) return duration ?? "–";
  const unit = UNITS[/** @type {keyof typeof UNITS} */ (parts[2])];
  return parts[1] === "1" ? unit : `${parts[1]} ${unit}s`;
}

/** Nanoseconds → `30d`; empty when off. @param {number | null | undefined} nanoseconds */
export function interval(nanoseconds) {
  const seconds = Math.round((nanoseconds ?? 0) / 1e9);
  if (seconds === 0) return "";
  for (const [unit, length] of SECONDS) {
    if (seconds % length === 0 && !(unit === "w")) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}

/** The value of a `datetime-local` input in this browser's zone. @param {string | null | undefined} time */
export function localInput(time) {
  if (!time) return "";
  const at = new Date(time);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
