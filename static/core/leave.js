// What must not be lost when the page goes elsewhere: an edit that is not saved, and how far somebody had read.

/** @type {{ node: HTMLElement, changed: () => boolean } | null} */
let edit = null;

/** Has the user asked before this edit is left. @param {HTMLElement} node the form @param {() => unknown} read what it holds */
export function guard(node, read) {
  const before = JSON.stringify(read());
  edit = { node, changed: () => JSON.stringify(read()) !== before };
}

/** The edit is saved, or given up. */
export function release() {
  edit = null;
}

/** Whether something would be lost now. */
export function unsaved() {
  return edit !== null && edit.node.isConnected && edit.changed();
}

addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});

// Each entry of the history has a number, by which Back finds how far the page was scrolled there.
history.scrollRestoration = "manual";
/** @type {Map<number, number>} */
const positions = new Map();
let entries = 0;
let current = 0;

/** Notes where the view that is left was scrolled to. */
export function leave() {
  positions.set(current, scrollY);
}

/** The number of the entry that we are at, a new one if it has none; answers how far it was scrolled before. */
export function arrive() {
  const known = history.state?.entry;
  current = typeof known === "number" ? known : ++entries;
  entries = Math.max(entries, current);
  if (known === undefined) history.replaceState({ entry: current }, "");
  return positions.get(current) ?? 0;
}

/** Scrolls as far as what is there allows, and further while more comes; until somebody scrolls themselves. @param {HTMLElement} content @param {number} position */
export function scrollBack(content, position) {
  scrollTo(0, position);
  if (position === 0) return;
  const grows = new ResizeObserver(() => {
    scrollTo(0, position);
    if (Math.ceil(scrollY) >= position) stop();
  });
  const stop = () => {
    grows.disconnect();
    for (const name of ["wheel", "keydown", "pointerdown", "hashchange"]) removeEventListener(name, stop);
  };
  for (const name of ["wheel", "keydown", "pointerdown", "hashchange"]) addEventListener(name, stop);
  grows.observe(content);
}
