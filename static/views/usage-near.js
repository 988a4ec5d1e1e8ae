// What is near its limit, over everybody, the fullest first.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count } from "../core/format.js";
import { act } from "../parts/act.js";
import { profileLink, userLink } from "../parts/links.js";
import { meter } from "../parts/meter.js";
import { empty, failed, loading } from "../parts/states.js";

/** @typedef {import("../core/types.js").NearLimit} NearLimit */

const FIRST = 6;
const MORE = 60;

/** A place that fills itself. */
export function nearLimits() {
  const place = h("div", { class: "stack" }, loading(3));
  void begin(place);
  return place;
}

/** @param {HTMLElement} place */
async function begin(place) {
  try {
    const { limits, total } = await page(FIRST, 0);
    if (limits.length === 0) {
      fill(place, empty("Nobody is near a limit", "Of every budget and limit more than a fifth is left."));
      return;
    }
    const meters = h("div", { class: "meters" }, limits.map(nearLimit));
    const about = h("p", { class: "muted small" });
    const button = h("button", { type: "button" }, "Show more");
    const say = (/** @type {number} */ all) => {
      const shown = meters.childElementCount;
      fill(about, `The fullest ${count(shown)} of ${count(all)}, whatever the filter.`);
      button.hidden = shown >= all;
    };
    const more = async () => {
      const before = meters.childElementCount;
      const next = await page(MORE, before);
      meters.append(...next.limits.map(nearLimit));
      // Nothing more came although there was more: some have been reset meanwhile.
      say(next.limits.length === 0 ? before : next.total);
      const first = meters.children[before]?.querySelector("a");
      if (button.hidden) first?.focus();
    };
    button.addEventListener("click", act(more));
    say(total);
    fill(place, meters, h("div", { class: "actions" }, about, button));
  } catch (error) {
    fill(place, failed(error, () => void begin(place)));
  }
}

/** @param {number} limit @param {number} offset @returns {Promise<{ limits: NearLimit[], total: number }>} */
async function page(limit, offset) {
  const { data } = await get("/api/usage/near-limits", { query: { limit, offset } });
  return { limits: data.limits, total: data.total_count };
}

/** @param {NearLimit} near */
function nearLimit(near) {
  const { kind, scope, reset_duration: every, effective_max_limit: limit, used, held, resets_at: resetsAt, id } = near;
  return h(
    "div",
    null,
    h("p", { class: "small near-whose" }, userLink(near.user_id, { name: near.user_name ?? null }), " · ", profileLink(near.access_profile_id, { name: near.access_profile_name ?? null })),
    meter({ kind, scope, every, limit, used, held, resetsAt, id, budget: null }),
  );
}
