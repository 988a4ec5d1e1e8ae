// Tabs that are links: each has an address of its own.

import { h } from "../core/dom.js";
import { link } from "../core/router.js";

/** @param {string} label @param {{ path: string, text: string, current: boolean }[]} tabs */
export function tabs(label, tabs) {
  return h(
    "nav",
    { class: "tabs", "aria-label": label },
    h(
      "ul",
      null,
      tabs.map(({ path, text, current }) => h("li", null, h("a", { href: link(path), "aria-current": current ? "page" : null }, text))),
    ),
  );
}
