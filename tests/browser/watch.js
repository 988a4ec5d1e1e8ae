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
    return spoken(element.labels?.[0] ?? element);
  };
  const spoken = (element) => {
    const copy = element.cloneNode(true);
    for (const mute of copy.querySelectorAll("[aria-hidden=true], select, textarea")) mute.remove();
    return words(copy.textContent);
  };
  const pick = (within, selector, name, nth) =>
    [...within.querySelectorAll(selector)].filter((element) => shown(element) && !element.disabled && nameOf(element) === name)[nth];

  const found = (element) => {
    // In the middle, where nothing sticks over it.
    element?.scrollIntoView({ block: "center" });
    return element;
  };

  return {
    wrong,
    open: (place) => {
      if (location.hash === `#${place}`) dispatchEvent(new HashChangeEvent("hashchange"));
      else location.hash = place;
    },
    settled: () => document.readyState === "complete" && document.getElementById("progress")?.hidden && !document.querySelector("[aria-busy=true], .skeleton"),
    says: (text) => words(scope().body?.innerText ?? `${scope().innerText} ${document.getElementById("toasts").innerText}`).includes(text),
    button: (name, nth) => found(pick(scope(), "button, a, summary", name, nth)),
    field: (name, nth) => found(pick(scope(), "input, select, textarea", name, nth)),
    focused: () => nameOf(document.activeElement),
    inRow: (key) => {
      const [row, name] = key.split("\0");
      const line = [...scope().querySelectorAll("tbody tr")].find((one) => words(one.innerText).includes(row));
      return line && found(pick(line, "button, a", name, 0));
    },
  };
})();
