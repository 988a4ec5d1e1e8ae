// Backups: which there are, whether one could be restored, making one and taking one away from here.

import { Once, download, get, post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { dateTime, size } from "../core/format.js";
import { refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { text } from "../form/inputs.js";
import { group } from "../form/control.js";
import { act } from "../parts/act.js";
import { save } from "../parts/copy.js";
import { formDialog } from "../parts/form-dialog.js";
import { badge, empty, factList, heading, panel, when } from "../parts/states.js";
import { table } from "../parts/table.js";
import { toast } from "../parts/toast.js";

/** @typedef {import("../core/server-types.js").Backup} Backup */
/** @typedef {import("../core/server-types.js").Backups} Backups */
/** @typedef {import("../core/server-types.js").Drill} Drill */

const PATH = "/api/backups";

/** @returns {Promise<import("./routes.js").View>} */
export async function backupsView() {
  const { data } = await get(PATH);
  /** @type {Backups} */
  const backups = data;
  const finding = h("div", { class: "finding", role: "status" });
  const make = can("Backups:Create") ? h("button", { type: "button", class: "primary", onclick: act(() => makeOne(finding)) }, "Make a backup") : null;
  const about = ["All that a restore needs, each in one file. The keys of providers are in none."];
  const node = h("div", { class: "stack" }, heading("Backups", about, [make]), finding, standing(backups), listed(backups, finding));
  return { title: "Backups", node };
}

/** @param {Backups} backups */
function standing({ directory, encrypted, next_at: next, last_good: good, last_failure: failure, last_drill: drill }) {
  return panel(
    "How it stands",
    factList([
      ["Last good one", good ? h("span", null, when(good.at), ", ", size(good.bytes)) : badge("none yet", "warn")],
      ["Last drill", drill ? drillText(drill) : "none yet"],
      ["Last failure", failure ? h("span", null, when(failure.at), ": ", failure.why) : null],
      ["Next one", next ? when(next) : "none by itself"],
      ["Folder", h("code", null, directory)],
      ["There", encrypted ? "encrypted" : "not encrypted: it is as secret as the database"],
    ]),
  );
}

/** @param {boolean} passed */
export function drillBadge(passed) {
  return passed ? badge("✓ passed", "ok") : badge("✕ failed", "bad");
}

/** @param {Drill} drill */
function drillText({ name, at, passed, why }) {
  return h("span", null, drillBadge(passed), " ", when(at), ", ", h("code", null, name), why ? `: ${why}` : "");
}


/** @param {Backups} backups @param {HTMLElement} finding */
function listed({ backups, encrypted }, finding) {
  if (backups.length === 0) return empty("No backup yet", "The first one is made a while after the start, unless that is switched off.");
  return table(
    "Backups",
    /** @type {import("../parts/table.js").Column<Backup>[]} */ ([
      { label: "Backup", main: true, cell: ({ name }) => h("code", null, name) },
      { label: "Made", cell: ({ made_at: at }) => h("time", { datetime: at }, dateTime(at)) },
      { label: "By", cell: ({ origin }) => (origin === "asked" ? "somebody" : "schedule") },
      { label: "Size", number: true, cell: ({ bytes }) => size(bytes) },
      { label: "State", cell: ({ sound, encrypted }) => [sound ? badge("✓ sound", "ok") : badge("✕ not sound", "bad"), " ", encrypted ? badge("encrypted") : null] },
      { label: "", cell: (backup) => actions(backup, encrypted, finding) },
    ]),
    backups,
  );
}

/** @param {Backup} backup @param {boolean} encrypted @param {HTMLElement} finding */
function actions(backup, encrypted, finding) {
  const drill = h("button", { type: "button", onclick: act(() => tryOut(backup, finding)) }, "Drill");
  const take = h("button", { type: "button", onclick: act(() => (encrypted || backup.encrypted ? takeAway(backup) : askForWhom(backup))) }, "Download");
  return h("div", { class: "actions" }, can("Backups:Create") && drill, can("Backups:Download") && take);
}

/** @param {HTMLElement} finding */
async function makeOne(finding) {
  fill(finding, h("p", { class: "form-note" }, "A backup is being made and checked…"));
  try {
    const { data } = await post(PATH, undefined, { once: new Once() });
    toast(data.findings.length === 0 ? `Made ${data.backup.name}.` : `${data.backup.name} is not sound: ${data.findings[0]}`);
    refresh();
  } finally {
    fill(finding);
  }
}

/** The result stays: whoever looks away for a moment must not miss it. @param {Backup} backup @param {HTMLElement} finding */
async function tryOut({ name }, finding) {
  fill(finding, h("p", { class: "form-note" }, `${name} is being restored for a try…`));
  try {
    const { data } = await post(`${PATH}/${encodeURIComponent(name)}/drill`, undefined, { once: new Once() });
    /** @type {Drill} */
    const drill = data.drill;
    const said = drill.passed ? `${name} can be restored.` : `${name} can't be restored: ${drill.why}`;
    fill(finding, h("p", { class: drill.passed ? "form-note" : "form-problem" }, said));
  } catch (error) {
    fill(finding);
    throw error;
  }
}

/** @param {Backup} backup @param {string} [recipient] */
async function takeAway({ name }, recipient) {
  const content = await download(`${PATH}/${encodeURIComponent(name)}`, { query: { recipient } });
  save(name.endsWith(".age") ? name : `${name}.age`, content);
}

/** @param {Backup} backup */
function askForWhom(backup) {
  const recipient = text({ label: "Public key", hint: "Of age, as age-keygen prints it. Only its holder can open what is downloaded.", placeholder: "age1…", required: true });
  formDialog({
    title: "For whom?",
    intro: [h("p", { class: "muted" }, "A backup leaves the server encrypted, and the settings name nobody whom it is for.")],
    control: group({ recipient }),
    submit: "Download",
    send: async ({ recipient }) => takeAway(backup, recipient),
  });
}
