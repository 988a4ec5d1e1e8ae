// Copying text and saving files, on plain-http hosts too.

import { h } from "../core/dom.js";
import { openDialog } from "./dialog.js";

/**
 * A button that copies. Where the browser offers no clipboard (plain http), it selects the text and asks for the old way; when
 * that fails too, the selected text can be copied by hand.
 *
 * @param {HTMLElement} source  an element that shows the text
 * @param {string} [label]
 */
export function copyButton(source, label = "Copy") {
  const button = h("button", { type: "button" }, label);
  button.addEventListener("click", async () => {
    const copied = await copyFrom(source);
    button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => {
      button.textContent = label;
    }, 2_500);
  });
  return button;
}

/** @param {HTMLElement} source */
async function copyFrom(source) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(source.textContent ?? "");
      return true;
    }
  } catch {
    // Not permitted: the old way is left.
  }
  const selection = getSelection();
  if (!selection) return false;
  selection.selectAllChildren(source);
  return document.execCommand("copy");
}

/** A button that saves text as a file. @param {string} name @param {string} text @param {string} [label] */
export function downloadButton(name, text, label = "Download") {
  return h("button", { type: "button", onclick: () => save(name, new Blob([text], { type: "text/plain" })) }, label);
}

/** Has the browser save a file. @param {string} name @param {Blob} content */
export function save(name, content) {
  const address = URL.createObjectURL(content);
  const anchor = h("a", { href: address, download: name });
  anchor.click();
  URL.revokeObjectURL(address);
}

/** Text in a frame, with a button that copies it. @param {string} text @param {string} label what it is, for those who can't see it */
export function codeBlock(text, label) {
  const code = h("code", null, text);
  return h(
    "div",
    { class: "code-block" },
    h("pre", { tabindex: "0", role: "region", "aria-label": label }, code),
    h("div", { class: "code-actions" }, copyButton(code)),
  );
}

/** Shows a command in a dialog. @param {string} title @param {string} command @param {string} [note] */
export function showCommand(title, command, note) {
  const done = h("button", { type: "button", class: "primary" }, "Close");
  const { close } = openDialog({
    title,
    wide: true,
    body: [note ? h("p", { class: "muted" }, note) : null, codeBlock(command, title)],
    actions: [done],
  });
  done.addEventListener("click", close);
}
