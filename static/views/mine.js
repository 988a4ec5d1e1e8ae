// What the holder of a virtual key sees: their own limits and usage.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { dateTime } from "../core/format.js";
import { gaugesOf, meter } from "../parts/meter.js";
import { badge, empty, heading, panel } from "../parts/states.js";
import { copyBadge } from "./profile-holders.js";
import { policy } from "./profile-overview.js";
import { dayCharts, figures, refusalPanel } from "./usage-parts.js";

/** @typedef {import("../core/types.js").Copy} Copy */

/** @returns {Promise<import("./routes.js").View>} */
export async function mineView() {
  const [quota, usage] = await Promise.all([get("/v1/quota", { query: { limit: 500 } }), get("/v1/quota/usage", { query: { group_by: "day", limit: 500 } })]);
  const { virtual_key: key, access_profiles: copies } = quota.data;
  const about = [key.is_active ? badge("active", "ok") : badge("inactive", "bad"), key.expires_at ? h("span", null, `expires ${dateTime(key.expires_at)}`) : null];
  const node = h(
    "div",
    { class: "stack" },
    heading(key.name, about),
    copies.length === 0 ? empty("You hold no profile", "Nothing can be called with this key.") : copies.map(copyPanel),
    h("h2", null, "Your usage"),
    figures(usage.data.totals),
    panel("Over time", dayCharts(usage.data)),
    refusalPanel(usage.data.totals),
  );
  return { title: "Your limits", node };
}

/** @param {Copy} copy */
function copyPanel(copy) {
  const gauges = gaugesOf(copy);
  return h(
    "section",
    { class: "panel" },
    h("h2", null, copy.name),
    h("div", { class: "heading-about" }, copyBadge(copy), copy.expires_at ? h("span", null, `expires ${dateTime(copy.expires_at)}`) : null),
    gauges.length === 0 ? h("p", { class: "muted" }, "No limits.") : h("div", { class: "meters" }, gauges.map((gauge) => meter(gauge))),
    h("details", null, h("summary", null, "What you may use"), policy(copy)),
  );
}
