// A form that checks itself, sends itself once, and shows what the server says at the fields it is about.

import { Once } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { Refusal, explain } from "../core/errors.js";
import { parsePath, pathText } from "./control.js";

/**
 * @template Value
 * @param {object} options
 * @param {import("./control.js").Control<Value>} options.control
 * @param {string} options.submit  the word on the button
 * @param {(value: Value, once: Once) => Promise<unknown>} options.send  `once` is for what is made: sent again, it is made once
 * @param {(() => void) | null} [options.cancel]
 */
export function form(options) {
  const { control } = options;
  const summary = h("div", { class: "form-problem", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "primary" }, options.submit);
  const cancel = options.cancel;
  const once = new Once();
  const actions = h("div", { class: "form-actions" }, button, cancel ? h("button", { type: "button", onclick: cancel }, "Cancel") : null);
  const node = h("form", { class: "form", novalidate: true }, summary, control.node, actions);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    control.clear();
    summary.hidden = true;
    const problems = control.check();
    if (problems.length > 0) {
      report(problems);
      return;
    }
    button.disabled = true;
    node.setAttribute("aria-busy", "true");
    try {
      await options.send(control.read(), once);
    } catch (error) {
      refused(error);
    } finally {
      button.disabled = false;
      node.removeAttribute("aria-busy");
    }
  });
  return { node, actions };

  /** @param {unknown} error */
  function refused(error) {
    const violations = error instanceof Refusal ? error.violations.filter(({ param }) => param) : [];
    if (violations.length === 0) {
      fill(summary, explain(error));
      summary.hidden = false;
      summary.scrollIntoView({ block: "nearest" });
      return;
    }
    report(violations.map(({ param, message }) => ({ path: parsePath(param), message: withoutPath(message, param) })));
  }

  /** @param {import("./control.js").Problem[]} problems */
  function report(problems) {
    /** @type {HTMLElement | null} */
    let first = null;
    for (const { path, message } of problems) {
      const place = control.show(path, message);
      first ??= place;
    }
    fill(
      summary,
      h("p", null, problems.length === 1 ? "One thing is not right:" : `${problems.length} things are not right:`),
      h("ul", null, problems.map(({ path, message }) => h("li", null, path.length > 0 ? h("strong", null, pathText(path), ": ") : null, message))),
    );
    summary.hidden = false;
    first?.focus();
  }
}

/** The server puts the path before its sentence; at the field it would be said twice. @param {string} message @param {string} param */
function withoutPath(message, param) {
  return message.startsWith(`${param}: `) ? message.slice(param.length + 2) : message;
}
