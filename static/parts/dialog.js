// Dialogs: a question, a form, something to read. Focus goes in and comes back; Escape closes, except where that would lose a secret.

import { h, uniqueId } from "../core/dom.js";
import { explain } from "../core/errors.js";
import { scrolls } from "./scroll.js";

/**
 * @typedef {object} DialogOptions
 * @property {string} title
 * @property {(Node | string | null)[]} body
 * @property {Node[]} actions
 * @property {boolean} [wide]
 * @property {boolean} [mustAnswer]  neither Escape nor a click outside closes it
 * @property {() => void} [onclosed]
 */

/** Opens a dialog; answers it with a way to close it. @param {DialogOptions} options */
export function openDialog(options) {
  const title = uniqueId("dialog-title");
  const back = document.activeElement;
  const dialog = h(
    "dialog",
    { class: options.wide ? "dialog dialog-wide" : "dialog", "aria-labelledby": title, "data-stays": options.mustAnswer },
    h("h2", { id: title }, options.title),
    scrolls(h("div", { class: "dialog-body" }, options.body), options.title),
    h("div", { class: "dialog-actions" }, options.actions),
  );
  dialog.addEventListener("cancel", (event) => {
    if (options.mustAnswer) event.preventDefault();
  });
  dialog.addEventListener("keydown", (event) => {
    // A second Escape would close it in spite of `cancel`.
    if (options.mustAnswer && event.key === "Escape") event.preventDefault();
  });
  dialog.addEventListener("click", ({ target }) => {
    // A link to where we are already changes no address.
    if (!options.mustAnswer && target instanceof Element && target.closest('a[href^="#"]')) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (back instanceof HTMLElement && back.isConnected) back.focus();
    options.onclosed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close: () => dialog.close() };
}

/** Closes what belongs to a view that is left; what must be answered stays, whatever the address says. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    if (dialog.dataset.stays === undefined) dialog.close();
  }
}

/** A button that closes its dialog. @param {string} [text] */
export function cancelButton(text = "Cancel") {
  return h("button", { type: "button", onclick: (/** @type {Event} */ event) => dialogOf(event)?.close() }, text);
}

/** @param {Event} event */
function dialogOf(event) {
  return event.target instanceof Element ? event.target.closest("dialog") : null;
}

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {(Node | string | null)[]} body
 * @property {string} action  the word on the button
 * @property {() => Promise<void | (() => void)>} run  may answer what is done once the dialog is closed
 * @property {boolean} [dangerous]
 * @property {string} [typeToConfirm]  what must be typed before the button works
 * @property {string} [otherwise]  the word on the button that leaves everything as it is; one of the two must then be pressed
 * @property {boolean} [impossible]  the body says why it can't be done; the button stays off
 */

/** Asks before something is done, does it while the dialog stays open, and shows there why it failed. @param {Question} options */
export function confirm(options) {
  const problem = h("p", { class: "form-problem", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: options.dangerous ? "danger" : "primary" }, options.action);
  const expected = options.impossible ? undefined : options.typeToConfirm;
  const id = uniqueId("confirm");
  const typed = expected === undefined ? null : h("input", { id, type: "text", autocomplete: "off", spellcheck: "false" });
  const fits = () => !options.impossible && (!typed || typed.value.trim() === expected?.trim());
  button.disabled = !fits();
  typed?.addEventListener("input", () => {
    button.disabled = !fits();
  });
  const form = h(
    "form",
    { id: uniqueId("form"), class: "confirm" },
    options.body,
    typed ? h("div", { class: "field" }, h("label", { for: id }, "Type ", h("strong", null, expected), " to confirm"), typed) : null,
    problem,
  );
  button.setAttribute("form", form.id);
  const actions = [cancelButton(options.otherwise), button];
  const { close } = openDialog({ title: options.title, body: [form], actions, mustAnswer: options.otherwise !== undefined });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!fits()) return;
    button.disabled = true;
    problem.hidden = true;
    try {
      const next = await options.run();
      close();
      next?.();
    } catch (error) {
      problem.textContent = explain(error);
      problem.hidden = false;
      button.disabled = false;
    }
  });
}
