// A button that opens a few more actions. Choosing one, Escape and a press elsewhere close it.

import { h } from "../core/dom.js";

/** @param {string} label @param {Node[]} actions */
export function menu(label, actions) {
  const summary = h("summary", { class: "button" }, label);
  const details = h("details", { class: "more" }, summary, h("div", { class: "more-menu" }, actions));
  const close = () => {
    details.open = false;
  };
  // Before the action runs: the dialog that it opens gives the focus back to where it was, and the button will be hidden.
  const chosen = (/** @type {MouseEvent} */ event) => {
    if (!(event.target instanceof HTMLButtonElement)) return;
    summary.focus();
    close();
  };
  details.addEventListener("click", chosen, { capture: true });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    close();
    summary.focus();
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !details.contains(event.relatedTarget)) close();
  });
  const elsewhere = (/** @type {PointerEvent} */ event) => {
    if (event.target instanceof Node && !details.contains(event.target)) close();
  };
  details.addEventListener("toggle", () => {
    if (details.open) document.addEventListener("pointerdown", elsewhere);
    else document.removeEventListener("pointerdown", elsewhere);
  });
  return details;
}
