// A new secret. It is shown once, so the dialog stays until the user says that it is stored.

import { ADDRESS } from "../core/api.js";
import { h } from "../core/dom.js";
import { go, link } from "../core/router.js";
import { codeBlock, copyButton, downloadButton } from "./copy.js";
import { openDialog } from "./dialog.js";

/** What it is called, after which the download is named, and the secret. @typedef {{ name: string, value: string }} Secret */

/** Shows a management key; then it is stored. @param {string} title @param {Secret} secret @returns {Promise<unknown>} */
export function showManagementKey(title, secret) {
  return show(title, [{ ...secret, curl: managementCurl(secret.value) }]);
}

/**
 * Shows virtual keys, and the way to where they are used.
 *
 * @param {string} title
 * @param {Secret[]} secrets
 * @param {() => void} next  what follows once they are stored, unless their reader goes to where they are used
 */
export async function showVirtualKeys(title, secrets, next) {
  const connect = h("a", { class: "button", href: link("/connect") }, "I stored it: connect a client");
  const leaves = await show(title, secrets.map((secret) => ({ ...secret, curl: virtualCurl(secret.value) })), connect);
  if (leaves) go("/connect");
  else next();
}

/**
 * @param {string} title
 * @param {(Secret & { curl: string })[]} secrets  each with a command that uses it
 * @param {HTMLElement} [elsewhere]  closes it too
 * @returns {Promise<boolean>} when they are stored: whether by the way elsewhere
 */
function show(title, secrets, elsewhere) {
  return new Promise((resolve) => {
    let leaves = false;
    const stored = h("button", { type: "button", class: "primary" }, "I stored it");
    const { close } = openDialog({
      title,
      wide: true,
      mustAnswer: true,
      body: [h("p", null, "This is the only time it is shown. Store it before you close this."), ...secrets.map(one)],
      actions: elsewhere ? [elsewhere, stored] : [stored],
      onclosed: () => {
        removeEventListener("beforeunload", hold);
        resolve(leaves);
      },
    });
    addEventListener("beforeunload", hold);
    stored.addEventListener("click", close);
    elsewhere?.addEventListener("click", (event) => {
      event.preventDefault();
      leaves = true;
      close();
    });
  });
}

/** Asks before the page is left. @param {BeforeUnloadEvent} event */
function hold(event) {
  event.preventDefault();
}

/** @param {Secret & { curl: string }} secret */
function one(secret) {
  const value = h("code", { class: "secret-value" }, secret.value);
  const file = `${secret.name.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60) || "key"}.txt`;
  return h(
    "section",
    { class: "secret" },
    h("h3", null, secret.name),
    h("p", { class: "secret-frame" }, value),
    h("div", { class: "actions" }, copyButton(value), downloadButton(file, `${secret.value}\n`)),
    h("details", null, h("summary", null, "Use it with curl"), codeBlock(secret.curl, "A command that uses the key")),
  );
}

/** @param {string} key */
function managementCurl(key) {
  return `KEY='${key}'\ncurl -sS '${ADDRESS}/api/session' -H "Authorization: Bearer $KEY"`;
}

/** @param {string} key */
function virtualCurl(key) {
  return `KEY='${key}'\ncurl -sS '${ADDRESS}/v1/quota' -H "Authorization: Bearer $KEY"`;
}
