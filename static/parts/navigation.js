// The navigation: only places that the key may see.

import { byId, fill, h } from "../core/dom.js";
import { here, link, refresh } from "../core/router.js";
import { kind } from "../core/session.js";
import { menuOf } from "../views/routes.js";

const navigation = byId("navigation");
const button = byId("menu-button");

button.addEventListener("click", () => setOpen(!navigation.classList.contains("open")));
navigation.addEventListener("click", (event) => {
  if (!(event.target instanceof HTMLAnchorElement)) return;
  setOpen(false);
  // The address does not change, but whoever presses it wants to see what is new.
  if (event.target.hash !== "" && event.target.hash === location.hash) refresh();
});
navigation.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  setOpen(false);
  button.focus();
});

document.addEventListener("pointerdown", ({ target }) => {
  if (target instanceof Node && !navigation.contains(target) && !button.contains(target)) setOpen(false);
});

/** Draws it for who is signed in and where we are. */
export function showNavigation() {
  const signedIn = kind() !== "none";
  navigation.hidden = !signedIn;
  button.hidden = !signedIn;
  fill(navigation, signedIn ? menuOf().map(section) : null);
}

export function closeNavigation() {
  setOpen(false);
}

/** @param {boolean} open */
function setOpen(open) {
  navigation.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
}

/** @param {{ title: string, entries: { path: string, text: string }[] }} section */
function section({ title, entries }) {
  return h("div", { class: "menu" }, h("h2", { class: "menu-title" }, title), h("ul", null, entries.map(entry)));
}

/** @param {{ path: string, text: string }} entry */
function entry({ path, text }) {
  const outside = !path.startsWith("/");
  const current = !outside && `${here().path}/`.startsWith(`${path}/`);
  return h("li", null, h("a", { href: outside ? path : link(path), "aria-current": current ? "page" : null }, text));
}
