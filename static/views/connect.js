// How clients call this server: another address, and a virtual key in place of the provider's. The key itself never stands here.

import { ADDRESS, get } from "../core/api.js";
import { h } from "../core/dom.js";
import { link } from "../core/router.js";
import { can, kind } from "../core/session.js";
import { codeBlock, copyButton } from "../parts/copy.js";
import { heading, panel } from "../parts/states.js";
import { VARIABLE, families } from "./connect-lines.js";

/** @typedef {import("./connect-lines.js").Family} Family */

/** @returns {Promise<import("./routes.js").View>} */
export async function connectView() {
  const [dialects, models] = await Promise.all([configured(), ownModels()]);
  const all = families(ADDRESS, models ?? []);
  const about = "Change the address and the key of a client, and nothing else: calls are held against limits, sent on, and charged.";
  const node = h(
    "div",
    { class: "stack" },
    heading("Connect a client", [about]),
    models?.length === 0 ? h("p", { class: "note" }, "There is no model that this key may use through this server. Ask whoever gave it to you.") : null,
    h("div", { class: "columns" }, keyPanel(), addressPanel(all)),
    all.map((family) => familySection(family, dialects)),
  );
  return { title: "Connect a client", node };
}

/** The dialects of the upstreams; null for keys that may not see them. @returns {Promise<Set<string> | null>} */
async function configured() {
  if (!can("Settings:View")) return null;
  const { data } = await get("/api/upstreams");
  return new Set(data.upstreams.map((/** @type {import("../core/provider-types.js").Upstream} */ { dialect }) => dialect));
}

/** The models that the virtual key may use; null when nobody knows, as for management keys. @returns {Promise<string[] | null>} */
async function ownModels() {
  if (kind() !== "virtual") return null;
  try {
    const { data } = await get("/v1/models");
    return data.data.map((/** @type {{ id: string }} */ { id }) => id);
  } catch {
    return null;
  }
}

function keyPanel() {
  const whose = kind() === "virtual" ? "Yours is the one that you are signed in with." : ["A virtual key is shown once, when it is made", can("VirtualKeys:View") ? [": ", h("a", { href: link("/virtual-keys") }, "virtual keys")] : null, "."].flat();
  return panel(
    "The key",
    h("p", null, "The lines below take it from a variable. Put the virtual key in place of the dots, once in each terminal. ", whose),
    h("div", null, codeBlock(`export ${VARIABLE}='tk_vk_…'`, "The variable that holds the key")),
  );
}

/** For clients that ask for an address in a form. @param {Family[]} all */
function addressPanel(all) {
  const [local, own] = [/^(localhost|127\.|\[::1\])/.test(location.hostname), h("code", null, "host.docker.internal")];
  return panel(
    "The address",
    h("p", null, "For clients that ask for a base URL, with the virtual key as API key:"),
    h("div", null, h("ul", { class: "plain-list addresses" }, all.map(({ title, base }) => address(title, base)))),
    local ? h("p", { class: "muted small" }, "In a container this address is the container itself: there it is ", own, ", which must stand in ", h("code", null, "server.allowed_hosts"), ", and the server must listen where the container reaches it.") : null,
  );
}

/** @param {string} title @param {string} base */
function address(title, base) {
  const shown = h("code", null, base);
  return h("li", null, h("span", { class: "muted small" }, title), shown, copyButton(shown));
}

/** @param {Family} family @param {Set<string> | null} dialects */
function familySection({ dialect, title, clients }, dialects) {
  const missing = dialects !== null && !dialects.has(dialect);
  return h(
    "section",
    { class: "stack" },
    h("h2", null, title),
    missing ? h("p", { class: "note" }, "No upstream speaks this yet, so that these calls would be refused: ", h("a", { href: link("/upstreams") }, "upstreams"), ".") : null,
    h("div", { class: "columns columns-wide" }, clients.map(clientPanel)),
  );
}

/** @param {import("./connect-lines.js").Client} client */
function clientPanel({ name, about, lines }) {
  return h("section", { class: "panel" }, h("h3", null, name), h("p", { class: "muted small" }, about), h("div", null, codeBlock(lines, `Lines for ${name}`)));
}
