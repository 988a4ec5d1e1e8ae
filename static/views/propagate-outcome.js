// What a dry run of a propagation found out: what would become of the policies, for whom, and who would be over a limit or lose an
// override at once.

import { h } from "../core/dom.js";
import { count, limitName, money, plural } from "../core/format.js";
import { patchTable } from "../parts/changes.js";
import { userLink } from "../parts/links.js";
import { badge } from "../parts/states.js";
import { table } from "../parts/table.js";

/** @typedef {{ id: string, scope: string, kind: string, reset_duration: string, used: number, held: number, effective_max_limit: number }} Exceeded */
/** @typedef {{ users: number, patch: import("../parts/changes.js").Step[] }} SharedChange */
/** @typedef {{ user_id: string, fields: string[], policy_change: number | null, lost_overrides: string[] }} UserChange */
/**
 * @typedef {object} DryRun
 * @property {number} affected_users
 * @property {number} skipped_users
 * @property {UserChange[]} changes
 * @property {number} changes_total
 * @property {SharedChange[]} policy_changes
 * @property {{ user_id: string, limits: Exceeded[] }[]} would_exceed
 * @property {number} would_exceed_total
 */

/** @param {DryRun} run */
export function outcome(run) {
  const summary = `${plural(run.affected_users, "user")} would change, ${count(run.skipped_users)} have it already.`;
  const losing = run.changes.filter((change) => change.lost_overrides.length > 0).length;
  return [
    h(
      "p",
      null,
      h("strong", null, summary),
      " ",
      run.would_exceed_total > 0 ? badge(`${plural(run.would_exceed_total, "user")} over a limit at once`, "bad") : null,
      " ",
      losing > 0 ? badge(`${plural(losing, "user")} losing an override`, "bad") : null,
    ),
    ...run.policy_changes.map((change, at) => policyChange(change, at, run.policy_changes.length)),
    ...who(run),
  ];
}

/** What would become of a policy that users share. @param {SharedChange} change @param {number} at @param {number} of */
function policyChange({ users, patch }, at, of) {
  const name = of > 1 ? `Change ${at + 1}, of ${plural(users, "user")}` : `What changes, for ${plural(users, "user")}`;
  return h("details", { open: at === 0 }, h("summary", null, name), patchTable(patch));
}

/** @param {DryRun} run */
function who({ changes, changes_total: total, policy_changes: policies, would_exceed: exceeding }) {
  if (changes.length === 0) return [];
  const over = new Map(exceeding.map((one) => [one.user_id, one.limits]));
  return [
    total > changes.length ? h("p", { class: "muted small" }, `The first ${count(changes.length)} of ${count(total)} are listed.`) : null,
    table(
      "Who would change",
      [
        { label: "User", main: true, cell: ({ user_id: id }) => userLink(id) },
        { label: "Changes", cell: (change) => fields(change, policies.length) },
        { label: "Over at once", cell: ({ user_id: id }) => listed((over.get(id) ?? []).map(exceededText)) },
        { label: "Overrides lost", cell: ({ lost_overrides: lost }) => listed(lost.map((id) => `that of the budget ${id}`)) },
      ],
      changes,
    ),
  ];
}

/** @param {UserChange} change @param {number} policies */
function fields({ fields: changed, policy_change: policy }, policies) {
  const names = changed.map((field) => field.replaceAll("_", " ")).join(", ");
  return policies > 1 && policy !== null ? `${names} (change ${policy + 1})` : names;
}

/** @param {string[]} texts */
function listed(texts) {
  if (texts.length === 0) return h("span", { class: "muted" }, "no");
  return h("ul", { class: "plain-list" }, texts.map((text) => h("li", { class: "tone-bad" }, text)));
}

/** @param {Exceeded} limit */
function exceededText({ kind, reset_duration: every, used, held, effective_max_limit: limit }) {
  const show = kind === "budget" ? money : count;
  return `${limitName(kind, every)}: ${show(used + held)} of ${show(limit)}`;
}
