// A new secret. It is shown once, so the dialog stays until the user says that it is stored.

import { h } from "../core/dom.js";
import { codeBlock, copyButton, downloadButton } from "./copy.js";
import { openDialog } from "./dialog.js";

/**
 * @param {object} secret
 * @param {string} secret.title
 * @param {string} secret.name  what it is called; the download is named after it
 * @param {string} secret.value
 * @param {string} secret.curl  a command that uses it
 * @returns {Promise<void>} when it is stored
 */
export function showSecret(secret) {
  return showSecrets(secret.title, [secret]);
}

/**
 * @param {string} title
 * @param {{ name: string, value: string, curl: string }[]} secrets
 * @returns {Promise<void>}
 */
export function showSecrets(title, secrets) {
  return new Promise((resolve) => {
    const stored = h("button", { type: "button", class: "primary" }, "I stored it");
    const { close } = openDialog({
      title,
      wide: true,
      mustAnswer: true,
      body: [h("p", null, "This is the only time it is shown. Store it before you close this."), ...secrets.map(one)],
      actions: [stored],
      onclosed: () => {
        removeEventListener("beforeunload", hold);
        resolve();
      },
    });
    addEventListener("beforeunload", hold);
    stored.addEventListener("click", close);
  });
}

/** Asks before the page is left. @param {BeforeUnloadEvent} event */
function hold(event) {
  event.preventDefault();
}

/** @param {{ name: string, value: string, curl: string }} secret */
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

/** A command that uses a management key. @param {string} key */
export function managementCurl(key) {
  return `KEY='${key}'\ncurl -sS '${location.origin}/api/session' -H "Authorization: Bearer $KEY"`;
}

/** A command that uses a virtual key. @param {string} key */
export function virtualCurl(key) {
  return `KEY='${key}'\ncurl -sS '${location.origin}/v1/quota' -H "Authorization: Bearer $KEY"`;
}
