// Short messages that go away by themselves. They live in a live region, so that a screen reader says them.

import { byId, h } from "../core/dom.js";

const SHOWN_MS = 6_000;

/** Says that something was done. @param {string} text */
export function toast(text) {
  const close = h("button", { class: "toast-close", type: "button", "aria-label": "Dismiss" }, "×");
  const note = h("div", { class: "toast" }, h("span", null, text), close);
  const remove = () => note.remove();
  close.addEventListener("click", remove);
  byId("toasts").append(note);
  setTimeout(remove, SHOWN_MS);
}
