// Every view there is: its address, the permission it needs, and the module that shows it.

import { can, kind } from "../core/session.js";

/** @typedef {import("../core/router.js").Place} Place */
/** @typedef {{ title: string, node: Node }} View */
/** @typedef {{ pattern: string, needs: string, load: () => Promise<(place: Place) => View | Promise<View>> }} Entry */

const PROFILES = "AccessProfiles:View";

/** @type {Entry[]} */
const MANAGEMENT = [
  { pattern: "/overview", needs: "Settings:View", load: async () => (await import("./overview.js")).overviewView },
  { pattern: "/profiles", needs: PROFILES, load: async () => (await import("./profiles.js")).profilesView },
  { pattern: "/profiles/new", needs: "AccessProfiles:Create", load: async () => (await import("./profile-edit.js")).newProfileView },
  { pattern: "/profiles/:id", needs: PROFILES, load: async () => (await import("./profile.js")).profileView },
  { pattern: "/profiles/:id/edit", needs: "AccessProfiles:Update", load: async () => (await import("./profile-edit.js")).editProfileView },
  { pattern: "/profiles/:id/:tab", needs: PROFILES, load: async () => (await import("./profile.js")).profileView },
  { pattern: "/users", needs: "Users:View", load: async () => (await import("./users.js")).usersView },
  { pattern: "/users/:id", needs: "Users:View", load: async () => (await import("./user.js")).userView },
  { pattern: "/roles", needs: "Roles:View", load: async () => (await import("./roles.js")).rolesView },
  { pattern: "/roles/:id", needs: "Roles:View", load: async () => (await import("./role.js")).roleView },
  { pattern: "/virtual-keys", needs: "VirtualKeys:View", load: async () => (await import("./virtual-keys.js")).virtualKeysView },
  { pattern: "/tool-groups", needs: "VirtualMCPs:View", load: async () => (await import("./tool-groups.js")).toolGroupsView },
  { pattern: "/usage", needs: PROFILES, load: async () => (await import("./usage.js")).usageView },
  { pattern: "/holds", needs: "Decisions:View", load: async () => (await import("./holds.js")).holdsView },
  { pattern: "/explain", needs: "Decisions:Create", load: async () => (await import("./explain.js")).explainView },
  { pattern: "/connect", needs: "", load: async () => (await import("./connect.js")).connectView },
  { pattern: "/upstreams", needs: "Settings:View", load: async () => (await import("./upstreams.js")).upstreamsView },
  { pattern: "/prices", needs: "Settings:View", load: async () => (await import("./prices.js")).pricesView },
  { pattern: "/keys", needs: "APIKeys:View", load: async () => (await import("./keys.js")).keysView },
  { pattern: "/backups", needs: "Backups:View", load: async () => (await import("./backups.js")).backupsView },
  { pattern: "/settings", needs: "Settings:View", load: async () => (await import("./settings.js")).settingsView },
  { pattern: "/audit", needs: PROFILES, load: async () => (await import("./audit.js")).auditView },
  { pattern: "/welcome", needs: "", load: async () => (await import("./welcome.js")).welcomeView },
];

/** @type {Entry[]} */
const VIRTUAL = [
  { pattern: "/mine", needs: "", load: async () => (await import("./mine.js")).mineView },
  { pattern: "/connect", needs: "", load: async () => (await import("./connect.js")).connectView },
];

/** The menu of a management key. A path of the server, which is no view, has no permission. */
const MENU = [
  {
    title: "Today",
    entries: [{ path: "/overview", text: "Overview" }],
  },
  {
    title: "Policies",
    entries: [
      { path: "/profiles", text: "Access profiles" },
      { path: "/tool-groups", text: "MCP tool groups" },
    ],
  },
  {
    title: "People",
    entries: [
      { path: "/users", text: "Users" },
      { path: "/roles", text: "Roles" },
      { path: "/virtual-keys", text: "Virtual keys" },
    ],
  },
  {
    title: "Traffic",
    entries: [
      { path: "/usage", text: "Usage" },
      { path: "/holds", text: "Open holds" },
      { path: "/explain", text: "Explain a call" },
    ],
  },
  {
    title: "Providers",
    entries: [
      { path: "/connect", text: "Connect a client" },
      { path: "/upstreams", text: "Upstreams" },
      { path: "/prices", text: "Prices" },
    ],
  },
  {
    title: "Server",
    entries: [
      { path: "/keys", text: "Management keys" },
      { path: "/audit", text: "Audit log" },
      { path: "/backups", text: "Backups" },
      { path: "/settings", text: "Settings" },
      { path: "docs", text: "API reference" },
    ],
  },
];

/** The views that the key may see. */
export function routesOf() {
  return kind() === "virtual" ? VIRTUAL : MANAGEMENT.filter(({ needs }) => needs === "" || can(needs));
}

/** The menu of the key: what it may not see is left out. */
export function menuOf() {
  if (kind() === "virtual") return [{ title: "You", entries: [{ path: "/mine", text: "Limits and usage" }, { path: "/connect", text: "Connect a client" }] }];
  const seen = new Set(routesOf().map(({ pattern }) => pattern));
  return MENU.map(({ title, entries }) => ({
    title,
    entries: entries.filter(({ path }) => path === "docs" || seen.has(path)),
  })).filter(({ entries }) => entries.length > 0);
}

/** Where a session begins: at the first place that the key opens. */
export function homeOf() {
  if (kind() === "virtual") return "/mine";
  const opened = new Set(routesOf().filter(({ needs }) => needs !== "").map(({ pattern }) => pattern));
  const first = menuOf().flatMap(({ entries }) => entries).find(({ path }) => opened.has(path));
  return first?.path ?? "/welcome";
}
