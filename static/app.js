// The admin page. Wires what is always there: the header, the navigation, the address, the session. Each view is a module of its own
// that is loaded when it is first shown.

import { get } from "./core/api.js";
import { byId, fill, h } from "./core/dom.js";
import { Refusal, Unloaded, explain } from "./core/errors.js";
import { arrive, leave, release, scrollBack, unsaved } from "./core/leave.js";
import { here, link, match } from "./core/router.js";
import * as session from "./core/session.js";
import { wireThemeSwitch } from "./core/theme.js";
import { cancelButton, closeDialogs, confirm, openDialog } from "./parts/dialog.js";
import { closeNavigation, showNavigation } from "./parts/navigation.js";
import { empty, failed, loading, titleOf } from "./parts/states.js";
import { homeOf, routesOf } from "./views/routes.js";
import { signInView } from "./views/sign-in.js";

const main = byId("main");
/** Counts what was asked for, so that a view that comes late is dropped. */
let shown = 0;
let everShown = false;
/** The address of what is shown. */
let address = "";
/** The views whose modules came. @type {Set<import("./views/routes.js").Entry>} */
const loaded = new Set();
/** What follows once the address has changed back to that of an edit that is not to be left. @type {(() => void) | null} */
let returned = null;

/** Shows what the address points at. */
async function show() {
  const mine = ++shown;
  // What is shown again, because something changed, keeps its place.
  const moved = address !== location.hash;
  if (moved) leave();
  address = location.hash;
  closeNavigation();
  closeDialogs();
  if (session.kind() === "none") return showSignIn();
  if (here().path === "/") {
    location.replace(link(homeOf()));
    return;
  }
  showNavigation();
  const position = moved ? arrive() : scrollY;
  const found = match(routesOf());
  if (!found) {
    entitle("Not found");
    fill(main, empty("There is no such page", "The address may be mistyped, or your key may not see what is there.", h("a", { href: link(homeOf()) }, "Go to the start")));
    return;
  }
  const progress = byId("progress");
  progress.hidden = false;
  if (main.childElementCount === 0) fill(main, loading());
  /** @type {() => void} */
  let again = () => void show();
  try {
    // Browsers keep it that a module did not come, and do not ask again: whether anybody answers is found out before, by what
    // gave the page itself.
    if (!loaded.has(found.route)) await get("/");
    const view = await found.route.load().catch((error) => {
      again = () => location.reload();
      // One that came and has a fault is another matter.
      throw error instanceof TypeError ? new Unloaded() : error;
    });
    loaded.add(found.route);
    const { title, node } = await view(found.place);
    if (mine !== shown) return;
    fill(main, node);
    entitle(title);
    scrollBack(main, position);
    // Whoever follows a link goes on from there; whoever opens the page begins at its top.
    if (everShown) main.focus({ preventScroll: true });
    everShown = true;
  } catch (error) {
    if (mine !== shown || session.kind() === "none") return;
    entitle(titleOf(error));
    fill(main, failed(error, again));
  } finally {
    if (mine === shown) progress.hidden = true;
  }
}

/** @param {string} title */
function entitle(title) {
  document.title = `${title} · Tollkeeper`;
}

/** @param {string} [why] */
function showSignIn(why) {
  document.title = "Tollkeeper";
  showNavigation();
  fill(byId("who"));
  byId("sign-out").hidden = true;
  fill(main, signInView({ why, signedIn: started }));
  byId("key").focus();
}

/** Shows where the address points now, unless an edit would be lost and its author wants to stay. */
function follow() {
  if (returned) {
    const ask = returned;
    returned = null;
    return ask();
  }
  if (address === location.hash || !unsaved()) return void show();
  const to = location.hash;
  const ask = () =>
    unlessUnsaved(() => {
      location.hash = to;
    });
  if (history.state === null) {
    // A link made a new entry, which would stand in the way of Back. Going back takes a moment, in which nobody must go on.
    returned = ask;
    history.back();
  } else {
    history.replaceState(history.state, "", address);
    ask();
  }
}

/** @param {() => void} action */
function unlessUnsaved(action) {
  if (!unsaved()) return action();
  const run = async () => {
    release();
    return action;
  };
  confirm({ title: "Leave without saving?", body: [h("p", null, "What you changed here is not saved and would be lost.")], action: "Leave", dangerous: true, run });
}

function started() {
  fill(byId("who"), h("span", { class: "visually-hidden" }, "Signed in as "), session.name());
  byId("sign-out").hidden = false;
  void show();
}

const CARRIES_KEY =
  "The link carries a key, so nobody is signed in by it: browsers write addresses to the disk. Rotate that key. `tollkeeper sign-in` on the machine of the server prints a link that can be opened.";

/**
 * What a link carries that is to sign in, taken out of the address before anything else. It stands in the fragment, which browsers
 * don't send, but keep.
 *
 * @returns {{ code: string | null } | null}
 */
function takeLink() {
  const carried = new URLSearchParams(location.hash.slice(1));
  const code = carried.get("code");
  if (code === null && !carried.has("key")) return null;
  history.replaceState(null, "", location.pathname + address);
  return { code };
}

/** Signs in by a link, but never in place of somebody without asking. @param {{ code: string | null }} link */
function followLink({ code }) {
  const nobody = session.kind() === "none";
  if (code === null) return nobody ? showSignIn(CARRIES_KEY) : openDialog({ title: "This link signs nobody in", body: [h("p", null, CARRIES_KEY)], actions: [cancelButton("Close")] });
  if (nobody) return enter(() => session.redeem(code));
  const body = [h("p", null, "You are signed in as ", h("strong", null, session.name()), ". The link signs you in with the key that it stands for, and can be used once.")];
  if (unsaved()) body.push(h("p", null, "What you changed here is not saved and would be lost."));
  const run = async () => {
    await session.redeem(code);
    release();
    history.replaceState(null, "", location.pathname);
    return started;
  };
  return confirm({ title: "Sign in with this link?", body, action: "Sign in with the link", otherwise: `Stay signed in as ${session.name()}`, run });
}

async function start() {
  const link = takeLink();
  wireThemeSwitch(byId("theme-button"));
  byId("sign-out").addEventListener("click", () => unlessUnsaved(session.signOut));
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  session.whenEnded(() => showSignIn("The server no longer takes this key. Sign in again."));
  addEventListener("hashchange", () => {
    const another = takeLink();
    if (another === null) return follow();
    if (session.kind() !== "none") arrive();
    void followLink(another);
  });
  addEventListener("keydown", focusSearch);
  await enter(session.resume, link);
}

/** @param {() => Promise<void>} how @param {{ code: string | null } | null} [link] what signs in if this does not */
async function enter(how, link = null) {
  try {
    await how();
  } catch (error) {
    // A key that the tab remembers may only be out of reach.
    const ended = error instanceof Refusal && error.status === 401;
    if (link === null || !ended) return showSignIn(explain(error));
  }
  if (session.kind() !== "none") started();
  else if (link === null) showSignIn();
  if (link !== null) await followLink(link);
}

/** `/` goes to the search field, unless something is being typed. @param {KeyboardEvent} event */
function focusSearch(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target instanceof Element && target.closest("input, textarea, select, dialog")) return;
  const search = document.querySelector("[data-search]");
  if (search instanceof HTMLInputElement) {
    event.preventDefault();
    search.focus();
    search.select();
  }
}

void start();
