// The audit log: of all profiles, or of one.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { dateTime, plural } from "../core/format.js";
import { changesBetween, changeTable } from "../parts/changes.js";
import { openDialog } from "../parts/dialog.js";
import { profileLink, userLink } from "../parts/links.js";
import { list, textFilter } from "../parts/list.js";
import { userFilter } from "../parts/pick.js";
import { empty, factList, failed, heading } from "../parts/states.js";

/** @typedef {import("../core/types.js").AuditEntry} AuditEntry */

/** @returns {import("./routes.js").View} */
export function auditView() {
  const finding = h("div", { class: "finding", role: "status" });
  const check = h("button", { type: "button", onclick: () => void verify(check, finding) }, "Check the chain");
  const node = h("div", null, heading("Audit log", ["Who did what, chained so that a change of it shows."], [check]), finding, auditList("/api/access-profiles/audit-logs").node);
  return { title: "Audit log", node };
}

/** @param {string} path */
export function auditList(path) {
  return list({
    label: "Audit log",
    path,
    items: "audit_logs",
    filters: [textFilter("action", "Action", "update"), userFilter()],
    columns: /** @type {import("../parts/table.js").Column<AuditEntry>[]} */ ([
      { label: "When", cell: ({ created_at: at }) => h("time", { datetime: at }, dateTime(at)) },
      { label: "Action", main: true, cell: ({ action }) => h("code", null, action) },
      { label: "By", cell: (entry) => [h("span", null, entry.actor), h("div", { class: "muted small" }, actorId(entry))] },
      { label: "About", cell: about },
      { label: "", cell: (entry) => h("button", { type: "button", onclick: () => showEntry(entry) }, "Details") },
    ]),
    whenEmpty: () => empty("Nothing happened yet"),
  });
}

/** By name alone, a key could pass for one that had the name before: this is what stands in the key. @param {AuditEntry} entry */
function actorId(entry) {
  const id = metadata(entry).actor_id;
  return h("code", null, id === "cli" || id === "server" ? id : `tk_mgmt_${id}_…`);
}

/** What else is known of an entry. @param {AuditEntry} entry @returns {{ actor_id: string, request_id: string }} */
function metadata({ metadata: text }) {
  return { actor_id: "", request_id: "", ...parsed(text) };
}

/** @param {string | null} text JSON */
function parsed(text) {
  return text === null ? null : JSON.parse(text);
}

/** @param {AuditEntry} entry */
function about({ access_profile_id: profile, user_id: user }) {
  return [
    profile === null ? null : profileLink(profile),
    profile !== null && user !== null ? ", " : null,
    user === null ? null : userLink(user),
  ];
}

/** @param {AuditEntry} entry */
function showEntry(entry) {
  const close = h("button", { type: "button", class: "primary" }, "Close");
  const opened = openDialog({
    title: entry.action,
    wide: true,
    body: [
      factList([["When", dateTime(entry.created_at)], ["By", h("span", null, entry.actor, " ", actorId(entry))], ["Entry", entry.id], ["Request", h("code", null, metadata(entry).request_id)]]),
      changeTable(changesBetween(parsed(entry.previous_values), parsed(entry.new_values))),
    ],
    actions: [close],
  });
  close.addEventListener("click", opened.close);
}

/** The result stays: whoever looks away for a moment must not miss it. @param {HTMLButtonElement} button @param {HTMLElement} place */
async function verify(button, place) {
  button.disabled = true;
  fill(place);
  try {
    const { data } = await get("/api/access-profiles/audit-logs/verify");
    const said = data.intact ? `Intact: ${plural(data.entries, "entry", "entries")}.` : `Tampered with at entry ${data.entry}: ${data.finding}`;
    fill(place, h("p", { class: data.intact ? "form-note" : "form-problem" }, said));
  } catch (error) {
    fill(place, failed(error, null));
  } finally {
    button.disabled = false;
  }
}
