// A form in a dialog.

import { h, uniqueId } from "../core/dom.js";
import { form } from "../form/form.js";
import { openDialog } from "./dialog.js";

/**
 * @template Value
 * @param {object} options
 * @param {string} options.title
 * @param {(Node | string | null)[]} [options.intro]
 * @param {import("../form/control.js").Control<Value>} options.control
 * @param {string} options.submit
 * @param {(value: Value, once: import("../core/api.js").Once) => Promise<unknown>} options.send  the dialog closes when it succeeds, unless it answers false
 * @param {boolean} [options.wide]
 */
export function formDialog(options) {
  const { node, actions } = form({
    control: options.control,
    submit: options.submit,
    cancel: () => opened.close(),
    send: async (value, once) => {
      if ((await options.send(value, once)) !== false) opened.close();
    },
  });
  // The buttons stand where those of every dialog do, and still belong to the form.
  actions.remove();
  node.id = uniqueId("form");
  for (const button of actions.querySelectorAll("button")) button.setAttribute("form", node.id);
  const buttons = [...actions.children].reverse().map((button) => /** @type {HTMLElement} */ (button));
  const intro = options.intro ? h("div", { class: "intro" }, options.intro) : null;
  const opened = openDialog({ title: options.title, wide: options.wide, body: [intro, node], actions: buttons });
  return opened;
}
