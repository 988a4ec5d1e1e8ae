// Pushing parts of a template to the copies: first as a dry run that shows who changes and who would be over a limit at once.

import { Once, post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { explain } from "../core/errors.js";
import { plural } from "../core/format.js";
import { refresh } from "../core/router.js";
import { group } from "../form/control.js";
import { choice, toggle } from "../form/inputs.js";
import { tokens } from "../form/lists.js";
import { cancelButton, openDialog } from "../parts/dialog.js";
import { USER, idOf, suggestions } from "../parts/pick.js";
import { toast } from "../parts/toast.js";
import { outcome } from "./propagate-outcome.js";

const FIELDS = /** @type {const} */ ([
  ["provider_configs", "Providers and models"],
  ["budgets", "Budgets and calendar alignment"],
  ["rate_limit", "Request and token limits"],
  ["mcp_tool_groups", "MCP tool groups"],
  ["mcp_servers", "Whole MCP servers"],
  ["mcp_tool_overrides", "Single MCP tools"],
]);

/** @param {string} path @param {import("../core/types.js").ProfileDetail} detail */
export function propagateDialog(path, detail) {
  const chosen = fieldBoxes();
  const who = whoControl(detail);
  const reset = toggle({ label: "Set the usage back to zero", hint: "Otherwise it survives where scope and reset duration stay.", value: false });
  const result = h("div", { class: "stack", "aria-live": "polite" });
  const problem = h("p", { class: "form-problem", role: "alert", hidden: true });
  const tryOut = h("button", { type: "button" }, "Dry run");
  const apply = h("button", { type: "button", class: "primary", disabled: true }, "Propagate");
  const inputs = h("div", { class: "stack" }, chosen.node, who.node, reset.node);
  const opened = openDialog({
    title: "Propagate to the copies",
    wide: true,
    body: [h("p", { class: "muted" }, "A copy keeps the policy it was made with until it is pushed. All copies change, or none."), inputs, problem, result],
    actions: [cancelButton(), tryOut, apply],
  });
  const once = new Once();
  /** What the dry run was of, which is exactly what is done: any other choice needs another. @type {object | null} */
  let tried = null;
  const forget = () => {
    tried = null;
    apply.disabled = true;
    apply.textContent = "Propagate";
    fill(result);
  };
  inputs.addEventListener("input", forget);
  const attempt = async (/** @type {() => Promise<void>} */ action) => {
    problem.hidden = true;
    tryOut.disabled = apply.disabled = true;
    try {
      await action();
    } catch (error) {
      forget();
      problem.textContent = explain(error);
      problem.hidden = false;
    } finally {
      tryOut.disabled = false;
    }
  };
  const dryRun = async () => {
    forget();
    const to = await who.read();
    if (!to) return;
    const body = { fields: chosen.read(), ...to, reset_usage: reset.read() };
    tried = body;
    const { data } = await post(`${path}/propagate`, { ...body, dry_run: true });
    // Something else was chosen meanwhile.
    if (tried !== body) return;
    fill(result, outcome(data));
    apply.disabled = data.affected_users === 0;
    if (data.affected_users > 0) apply.textContent = `Propagate to ${plural(data.affected_users, "user")}`;
  };
  const propagate = async () => {
    const { data } = await post(`${path}/propagate`, { ...tried, dry_run: false }, { once });
    opened.close();
    toast(`Propagated to ${plural(data.affected_users, "user")}.`);
    refresh();
  };
  tryOut.addEventListener("click", () => void attempt(dryRun));
  apply.addEventListener("click", () => void attempt(propagate));
}

function fieldBoxes() {
  const boxes = FIELDS.map(([name, text]) => ({ name, box: h("input", { type: "checkbox", checked: true, value: name }), text }));
  const node = h(
    "fieldset",
    { class: "checks" },
    h("legend", { class: "label" }, "What"),
    boxes.map(({ box, text }) => h("label", { class: "toggle" }, box, h("span", null, text))),
  );
  return { node, read: () => boxes.filter(({ box }) => box.checked).map(({ name }) => name) };
}

/** @param {import("../core/types.js").ProfileDetail} detail */
function whoControl({ roles }) {
  /** @type {[string, string][]} */
  const choices = [["all", "Everybody who holds it"], ...roles.map((role) => /** @type {[string, string]} */ ([`role:${role.role_id}`, `The role ${role.role_name}`])), ["users", "Some users"]];
  const users = tokens({
    label: "Users",
    hint: "Name, e-mail or id; Enter or a comma adds one.",
    value: [],
    check: (words) => (words.length === 0 ? "name at least one" : null),
    helped: (input) => suggestions(USER, input),
  });
  users.node.hidden = true;
  const where = choice({ label: "Who", value: "all", choices });
  where.node.addEventListener("change", () => {
    users.node.hidden = where.read() !== "users";
  });
  const both = group({ where, users });
  /** Whom to send it to; nothing when a field says what is wrong: nobody named would be everybody to the server. */
  const read = async () => {
    users.clear();
    const to = where.read();
    if (to === "users") return usersOf(users);
    return to.startsWith("role:") ? { group_ids: [Number(to.slice("role:".length))] } : {};
  };
  return { node: both.node, read };
}

/** @param {import("../form/control.js").Control<string[]>} users */
async function usersOf(users) {
  const refuse = (/** @type {string} */ message) => void users.show([], message)?.focus();
  const [problem] = users.check();
  if (problem) return refuse(problem.message);
  try {
    return { user_ids: await Promise.all(users.read().map((word) => idOf(USER, word))) };
  } catch (error) {
    return refuse(explain(error));
  }
}
