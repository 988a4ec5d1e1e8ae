// Signing in with a management key, or with a virtual key to see one's own limits.

import { h } from "../core/dom.js";
import { explain } from "../core/errors.js";
import { signIn } from "../core/session.js";

/** @param {{ why?: string, signedIn: () => void }} options */
export function signInView({ why, signedIn }) {
  const key = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, placeholder: "tk_mgmt_…", "aria-describedby": "key-hint" });
  const remember = h("input", { id: "remember", type: "checkbox" });
  const problem = h("p", { class: "form-problem", role: "alert", hidden: !why }, why);
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h(
    "form",
    { class: "sign-in panel" },
    h("h1", null, "Sign in"),
    problem,
    h(
      "div",
      { class: "field" },
      h("label", { class: "label", for: "key" }, "Key"),
      key,
      h("p", { class: "hint", id: "key-hint" }, "A management key opens the administration. A virtual key (tk_vk_…) opens your own limits and usage."),
    ),
    h("label", { class: "toggle", for: "remember" }, remember, h("span", null, "Keep me signed in until this tab is closed")),
    button,
    h("p", { class: "muted small" }, h("code", null, "tollkeeper sign-in"), " on the machine of the server prints a link that signs you in. The first key lies in the file ", h("code", null, "initial-key"), " of the data directory. A key stays in this page's memory, or in this tab's storage if you keep it."),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      await signIn(key.value, remember.checked);
      key.value = "";
      signedIn();
    } catch (error) {
      problem.textContent = explain(error);
      problem.hidden = false;
      key.select();
    } finally {
      button.disabled = false;
    }
  });
  return form;
}
