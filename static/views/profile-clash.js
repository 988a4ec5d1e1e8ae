// Somebody else saved first: shows what differs, and both ways on.

import { get, put } from "../core/api.js";
import { h } from "../core/dom.js";
import { explain } from "../core/errors.js";
import { dateTime } from "../core/format.js";
import { changeTable, changesBetween } from "../parts/changes.js";
import { cancelButton, openDialog } from "../parts/dialog.js";
import { toast } from "../parts/toast.js";

/** @typedef {import("../core/types.js").Profile} Profile */

/**
 * @param {object} clash
 * @param {string} clash.path
 * @param {Profile} clash.before  what the edit began with
 * @param {Record<string, unknown>} clash.mine  what was to be saved
 * @param {(profile: Profile) => void} clash.saved
 * @param {() => void} clash.dropped
 */
export async function resolveClash({ path, before, mine, saved, dropped }) {
  const { data, etag } = await get(path);
  /** @type {Profile} */
  const theirs = data.access_profile;
  const problem = h("p", { class: "form-problem", role: "alert", hidden: true });
  const overwrite = h("button", { type: "button", class: "danger" }, "Save mine over it");
  const take = h("button", { type: "button", class: "primary" }, "Take theirs");
  const { close } = openDialog({
    title: "Somebody else saved this profile",
    wide: true,
    body: [
      h("p", null, `While you were editing version ${before.version}, version ${theirs.version} was saved (${dateTime(theirs.updated_at)}).`),
      h("h3", null, "What they changed"),
      changeTable(changesBetween(policyOf(before), policyOf(theirs)), { before: `Version ${before.version}`, after: `Version ${theirs.version}` }),
      h("h3", null, "Where yours differs from theirs"),
      changeTable(changesBetween(policyOf(theirs), comparable(mine, theirs)), { before: "Theirs", after: "Yours" }),
      h("p", { class: "muted" }, "Saving yours makes a new version; theirs stays in the history and can be restored."),
      problem,
    ],
    actions: [cancelButton("Keep editing"), take, overwrite],
  });
  take.addEventListener("click", () => {
    close();
    toast("Your edit was dropped; this is theirs.");
    dropped();
  });
  overwrite.addEventListener("click", async () => {
    overwrite.disabled = true;
    try {
      const answer = await put(path, mine, { ifMatch: etag });
      close();
      saved(answer.data.access_profile);
    } catch (error) {
      problem.textContent = explain(error);
      problem.hidden = false;
      overwrite.disabled = false;
    }
  });
}

/** The fields that an edit is about. @param {Profile} profile */
function policyOf(profile) {
  const { is_active: _state, ...rest } = profile;
  return rest;
}

/** What was typed, in the form in which the server would show it. @param {Record<string, any>} mine @param {Profile} theirs */
function comparable(mine, theirs) {
  const typed = String(mine.auto_rotation_interval ?? "");
  const parts = /^(\d+)([smhdw])$/.exec(typed);
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
  const nanoseconds = parts ? Number(parts[1]) * seconds[/** @type {keyof typeof seconds} */ (parts[2])] * 1e9 : 0;
  return { ...policyOf(theirs), ...mine, auto_rotation_interval: nanoseconds };
}
