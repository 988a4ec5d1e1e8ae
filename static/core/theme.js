// The switch between the system's colours, light and dark. The choice is all that is ever kept in localStorage.

const STORED = "tollkeeper.theme";
const NEXT = /** @type {const} */ ({ system: "light", light: "dark", dark: "system" });
const SHOWN = { system: "Auto", light: "Light", dark: "Dark" };

/** @typedef {keyof typeof NEXT} Theme */

/** Wires the button that goes round the three. @param {HTMLElement} button */
export function wireThemeSwitch(button) {
  const show = () => {
    button.textContent = SHOWN[chosen()];
    // The name begins with what is to be seen, for those who speak to the page.
    button.setAttribute("aria-label", `${SHOWN[chosen()]}: colours`);
  };
  button.addEventListener("click", () => {
    choose(NEXT[chosen()]);
    show();
  });
  show();
}

/** @returns {Theme} */
function chosen() {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** @param {Theme} theme */
function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Without storage the choice holds until the page is left.
  }
}
