// Raising one budget of one user for a while.

import { put, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { money } from "../core/format.js";
import * as rules from "../core/rules.js";
import { refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { choice, dollars, text } from "../form/inputs.js";
import { confirm } from "../parts/dialog.js";
import { formDialog } from "../parts/form-dialog.js";
import { nameOf } from "../parts/meter.js";
import { toast } from "../parts/toast.js";

/**
 * The button beside a budget; nothing for other limits.
 *
 * @param {{ id: string, name: string }} user
 * @param {import("../core/types.js").Copy} copy
 * @param {import("../parts/meter.js").Gauge} gauge
 */
export function overrideButton(user, copy, gauge) {
  if (!gauge.budget) return null;
  const path = `/api/users/${user.id}/access-profiles/${copy.parent_profile_id}/budgets/${encodeURIComponent(gauge.id)}/override`;
  const raised = Boolean(gauge.budget.override_amount);
  return h(
    "span",
    { class: "meter-actions" },
    can("AccessProfiles:Update") && h("button", { type: "button", class: "plain", onclick: () => raise(path, gauge) }, raised ? "Change override" : "Raise"),
    raised && can("AccessProfiles:Delete") && h("button", { type: "button", class: "plain", onclick: () => end(path) }, "End override"),
  );
}

/** @param {string} path @param {import("../parts/meter.js").Gauge} gauge */
function raise(path, gauge) {
  const cycles = text({ label: "How many windows", hint: "The current one is the first.", value: "1", rule: (given) => rules.limit(given) ?? (Number(given) > 10_000 ? "must be at most 10000" : null) });
  // What never resets has no windows to count.
  const counted = gauge.every !== "never";
  const mode = choice({ label: "For", value: counted ? "cycles" : "forever", choices: [...(counted ? [/** @type {[string, string]} */ (["cycles", "some windows"])] : []), ["forever", "good"]] });
  cycles.node.hidden = !counted;
  mode.node.addEventListener("change", () => {
    cycles.node.hidden = mode.read() !== "cycles";
  });
  formDialog({
    title: nameOf(gauge),
    intro: [h("p", { class: "muted" }, `The limit of the template is ${money(gauge.budget?.max_limit)}. What you add comes on top of it.`)],
    control: group({ amount: dollars({ label: "Dollars to add", value: gauge.budget?.override_amount, rule: rules.positiveMoney }), mode, cycles }),
    submit: "Raise the limit",
    send: async (value) => {
      const body = { amount: value.amount, mode: value.mode, ...(value.mode === "cycles" ? { cycles: Number(value.cycles) } : {}) };
      const { data } = await put(path, body);
      toast(`The limit is now ${money(data.effective_max_limit)}.`);
      refresh();
    },
  });
}

/** @param {string} path */
function end(path) {
  confirm({
    title: "End the override?",
    body: [h("p", null, "The limit of the template holds again at once.")],
    action: "End it",
    run: async () => {
      await remove(path);
      toast("The override has ended.");
      refresh();
    },
  });
}
