// Runs in every page of the tests before its own scripts: notes what must never happen, and finds things as a person names them.
globalThis.tests = (() => {
  const wrong = [];
  addEventListener("securitypolicyviolation", (event) => wrong.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`), true);
  addEventListener("error", (event) => wrong.push(`error: ${event.message ?? event.target?.src}`), true);
  addEventListener("unhandledrejection", (event) => wrong.push(`rejection: ${event.reason}`));
  globalThis.attacked = (what) => wrong.push(`attack: ${what}`);

  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const words = (text) => text.replace(/\s+/g, " ").trim();
  // An open dialog is all there is.
  const scope = () => [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const nameOf = (element) => {
    const own = element.getAttribute("aria-label");
    if (own) return words(own);
    if (element.labels?.length > 0) return words(element.labels[0].innerText);
    return words(element.innerText ?? "");
  };
  const pick = (within, selector, name, nth) =>
    [...within.querySelectorAll(selector)].filter((element) => shown(element) && !element.disabled && nameOf(element) === name)[nth];

  return {
    wrong,
    settled: () => document.readyState === "complete" && document.getElementById("progress")?.hidden && !document.querySelector("[aria-busy=true], .skeleton"),
    says: (text) => words(scope().body?.innerText ?? `${scope().innerText} ${document.getElementById("toasts").innerText}`).includes(text),
    button: (name, nth) => pick(scope(), "button, a, summary", name, nth),
    field: (name, nth) => pick(scope(), "input, select, textarea", name, nth),
    inRow: (key) => {
      const [row, name] = key.split("\0");
      const found = [...scope().querySelectorAll("tbody tr")].find((one) => words(one.innerText).includes(row));
      return found && pick(found, "button, a", name, 0);
    },
  };
})();
