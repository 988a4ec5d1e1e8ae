// What every part of a form can do. A form is a tree of controls that has the shape of the body it sends, so a violation finds its
// field by its path: `budgets[1].reset_duration` asks the control `budgets` for its item 1, and that for `reset_duration`.

import { h, uniqueId } from "../core/dom.js";

/** @typedef {(string | number)[]} Path */
/** @typedef {{ path: Path, message: string }} Problem */

/**
 * @template [Value=any]
 * @typedef {object} Control
 * @property {HTMLElement} node
 * @property {() => Value} read
 * @property {() => Problem[]} check  what is wrong before anything is sent
 * @property {(path: Path, message: string) => HTMLElement | null} show  puts a message at a place; answers what to focus
 * @property {() => void} clear  removes all messages
 */

/** `budgets[1].reset_duration` → `["budgets", 1, "reset_duration"]`. @param {string} param @returns {Path} */
export function parsePath(param) {
  return Array.from(param.matchAll(/\[(\d+)\]|([^.[\]]+)/g), ([, index, name]) => (index === undefined ? name : Number(index)));
}

/** The path as people read it. @param {Path} path */
export function pathText(path) {
  return path.map((step) => (typeof step === "number" ? `${step + 1}` : step.replaceAll("_", " "))).join(" › ");
}

/**
 * A label, a control, a hint and the place for a message.
 *
 * @template Value
 * @param {object} options
 * @param {string} options.label
 * @param {HTMLElement} options.input  what is labelled
 * @param {HTMLElement} [options.frame]  what is shown, when the input is only a part of it
 * @param {string} [options.hint]
 * @param {boolean} [options.group]  several inputs: the label is the name of the group
 * @param {"toggle"} [options.look]  the label stands behind the input
 * @param {() => Value} options.read
 * @param {() => string | null} [options.check]
 * @returns {Control<Value>}
 */
export function field(options) {
  const { input, label, hint, group } = options;
  const id = input.id || uniqueId("field");
  input.id = id;
  const hintId = `${id}-hint`;
  const problemId = `${id}-problem`;
  const problem = h("p", { id: problemId, class: "problem", hidden: true });
  const described = hint ? `${hintId} ${problemId}` : problemId;
  input.setAttribute("aria-describedby", described);
  const labelId = `${id}-label`;
  if (group) input.setAttribute("aria-labelledby", labelId);
  const name = group ? h("span", { class: "label", id: labelId }, label) : h("label", { class: "label", for: id }, label);
  const labelled =
    options.look === "toggle"
      ? [h("label", { class: "toggle", for: id }, input, h("span", null, label))]
      : [name, options.frame ?? input];
  const node = h(
    "div",
    { class: "field" },
    labelled,
    hint ? h("p", { id: hintId, class: "hint" }, hint) : null,
    problem,
  );
  return {
    node,
    read: options.read,
    check: () => {
      const message = options.check?.() ?? null;
      return message === null ? [] : [{ path: [], message }];
    },
    show: (path, message) => {
      const place = path.length > 0 && typeof path[0] === "number" ? `entry ${path[0] + 1}: ` : "";
      problem.textContent = problem.hidden ? place + message : `${problem.textContent}; ${place}${message}`;
      problem.hidden = false;
      // A field that another choice has hidden, or that is folded away, still has to say what is wrong with it.
      node.hidden = false;
      for (let folded = node.closest("details"); folded; folded = folded.parentElement?.closest("details") ?? null) folded.open = true;
      input.setAttribute("aria-invalid", "true");
      return input.matches("input, select, textarea") ? input : input.querySelector("input:not([hidden]), select, textarea");
    },
    clear: () => {
      problem.hidden = true;
      problem.textContent = "";
      input.removeAttribute("aria-invalid");
    },
  };
}

/**
 * Named controls: an object in the body. `arrange` lays them out; without it they stand one below the other.
 *
 * @template {Record<string, Control<any>>} Controls
 * @param {Controls} controls
 * @param {(controls: Controls) => HTMLElement} [arrange]
 * @returns {Control<{ [Name in keyof Controls]: ReturnType<Controls[Name]["read"]> }>}
 */
export function group(controls, arrange) {
  const all = Object.entries(controls);
  const node = arrange ? arrange(controls) : h("div", { class: "stack" }, all.map(([, control]) => control.node));
  return {
    node,
    read: () => /** @type {any} */ (Object.fromEntries(all.map(([name, control]) => [name, control.read()]))),
    check: () => all.flatMap(([name, control]) => under(name, control.check())),
    show: (path, message) => {
      const [name, ...rest] = path;
      const control = typeof name === "string" ? controls[name] : undefined;
      // What concerns the object as a whole is shown at its first field.
      if (!control) return all.length > 0 ? all[0][1].show([], message) : null;
      return control.show(rest, message);
    },
    clear: () => all.forEach(([, control]) => control.clear()),
  };
}

/** @param {string | number} step @param {Problem[]} problems @returns {Problem[]} */
export function under(step, problems) {
  return problems.map(({ path, message }) => ({ path: [step, ...path], message }));
}
