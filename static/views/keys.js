// Management keys.

import { post, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { date, dateTime } from "../core/format.js";
import * as rules from "../core/rules.js";
import { refresh } from "../core/router.js";
import { can, expiresAt, isOwn } from "../core/session.js";
import { group } from "../form/control.js";
import { longText, moment, text } from "../form/inputs.js";
import { act } from "../parts/act.js";
import { editDialog } from "../parts/clash.js";
import { confirm } from "../parts/dialog.js";
import { formDialog } from "../parts/form-dialog.js";
import { choiceFilter, list } from "../parts/list.js";
import { showManagementKey } from "../parts/secret.js";
import { badge, empty, heading, when } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { scopesControl } from "./scopes.js";

/** @typedef {import("../core/types.js").ApiKey} ApiKey */

const PATH = "/api/api-keys";

/** @returns {import("./routes.js").View} */
export function keysView() {
  const create = can("APIKeys:Create") ? h("button", { type: "button", class: "primary", onclick: act(createDialog) }, "New key") : null;
  const keys = list({
    label: "Management keys",
    path: PATH,
    items: "api_keys",
    search: "Name or description",
    filters: [choiceFilter("state", "State", [["", "All"], ["active", "Active"], ["expired", "Expired"]])],
    columns: /** @type {import("../parts/table.js").Column<ApiKey>[]} */ ([
      { label: "Name", sort: "name", main: true, cell: ({ name, description, key_prefix }) => [h("span", null, name), h("div", { class: "muted small" }, h("code", null, key_prefix), description ? ` · ${description}` : null)] },
      { label: "State", cell: ({ state, previous_key_expires_at: grace }) => [badge(state, state === "active" ? "ok" : "bad"), grace ? h("div", { class: "muted small" }, `old secret until ${dateTime(grace)}`) : null] },
      { label: "May", cell: ({ scope_names: names }) => scopeText(names) },
      { label: "Expires", sort: "expires_at", cell: (key) => date(key.expires_at) },
      { label: "Last used", sort: "last_used_at", cell: ({ last_used_at: at }) => (at ? when(at) : h("span", { class: "muted" }, "never")) },
      { label: "", cell: actions },
    ]),
    whenEmpty: () => empty("No key"),
  });
  const node = h("div", null, heading("Management keys", ["What opens this page and the management API. Virtual keys, which call models, are under People."], [create]), keys.node);
  return { title: "Management keys", node };
}

/** @param {string[]} names */
function scopeText(names) {
  if (names.includes("*")) return badge("everything", "accent");
  if (names.length === 0) return h("span", { class: "muted" }, "nothing");
  const resources = new Map();
  for (const name of names) {
    const [resource, operation] = name.split(":");
    resources.set(resource, [...(resources.get(resource) ?? []), operation.toLowerCase()]);
  }
  return h("ul", { class: "plain-list small" }, [...resources].map(([resource, operations]) => h("li", null, `${resource}: ${operations.join(", ")}`)));
}

/** @param {ApiKey} key */
function actions(key) {
  return h(
    "div",
    { class: "actions" },
    can("APIKeys:Update") && h("button", { type: "button", onclick: () => rotate(key) }, "Rotate"),
    can("APIKeys:Update") && h("button", { type: "button", onclick: act(() => edit(key)) }, "Edit"),
    can("APIKeys:Delete") && h("button", { type: "button", class: "danger", onclick: () => revoke(key) }, "Revoke"),
  );
}

/** A key whose permissions are their names, as the form has them. @param {{ api_key: ApiKey }} data */
function named({ api_key: key }) {
  return { ...key, scopes: key.scope_names };
}

/** @param {{ name?: string, description?: string, scopes?: string[], expires_at?: string | null }} key */
async function keyControl(key) {
  return group({
    name: text({ label: "Name", value: key.name, rule: rules.name, required: true }),
    description: longText({ label: "Description", value: key.description }),
    scopes: await scopesControl(key.scopes ?? []),
    expires_at: moment({ label: "Expires", hint: lifeHint(), value: key.expires_at }),
  });
}

/** What may be said of the expiry of a key. */
function lifeHint() {
  const own = expiresAt();
  if (own === null) return "Empty: never.";
  return `A key can't outlast the one that makes it: you are signed in until ${dateTime(own)}. For one that lasts, sign in with a lasting key, or use tollkeeper keys create on the machine of the server.`;
}

async function createDialog() {
  formDialog({
    title: "New management key",
    wide: true,
    control: await keyControl({ expires_at: expiresAt() }),
    submit: "Make the key",
    send: async (value, once) => {
      const { data } = await post(PATH, bodyOf(value), { once });
      reveal("The new management key", data);
    },
  });
}

/** An empty text clears the date. @param {{ expires_at: string | null }} value */
function bodyOf(value) {
  return { ...value, expires_at: value.expires_at ?? "" };
}

/** @param {ApiKey} listed */
function edit(listed) {
  return editDialog({ path: `${PATH}/${listed.id}`, thing: named, noun: "management key", wide: true, control: keyControl, body: bodyOf });
}

/** @param {ApiKey} key */
function rotate(key) {
  formDialog({
    title: `Rotate ${key.name}`,
    intro: [h("p", { class: "muted" }, "It gets a new secret, which is shown once.", isOwn(key.id) ? " You are signed in with this key: sign in again with the new one." : "")],
    control: group({ grace: text({ label: "The old secret works for", hint: "Such as 24h; empty: not at all.", value: "24h", rule: rules.grace }) }),
    submit: "Rotate",
    send: async ({ grace }, once) => {
      const { data } = await post(`${PATH}/${key.id}/rotate`, grace === "" ? {} : { grace }, { once });
      reveal("The new secret", data);
    },
  });
}

/** @param {ApiKey} key */
function revoke(key) {
  confirm({
    title: `Revoke ${key.name}?`,
    dangerous: true,
    body: [
      isOwn(key.id) ? h("p", { class: "form-problem" }, "You are signed in with this key: this page needs another one afterwards.") : null,
      h("p", null, "It is refused from the moment this is done. Whoever uses it needs another."),
    ],
    action: "Revoke",
    run: async () => {
      await remove(`${PATH}/${key.id}`);
      toast(`Revoked ${key.name}.`);
      refresh();
    },
  });
}

/** @param {string} title @param {{ api_key: ApiKey, key: string }} made */
function reveal(title, { api_key, key }) {
  void showManagementKey(title, { name: api_key.name, value: key }).then(refresh);
}
