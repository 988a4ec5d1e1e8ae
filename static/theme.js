// Puts the chosen colours in place before the first paint; see core/theme.js for the switch.
{
  let theme = null;
  try {
    theme = localStorage.getItem("tollkeeper.theme");
  } catch {
    // Storage may be switched off; the system's choice holds then.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
