// How the server is at a glance: what was spent today, what is near its limit, and what should be looked after.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, size } from "../core/format.js";
import { link, refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { badge, factList, heading, panel, when } from "../parts/states.js";
import { drillBadge } from "./backups.js";
import { nearLimits } from "./usage-near.js";
import { figures, refusalPanel } from "./usage-parts.js";

/** @typedef {import("../core/server-types.js").ServerStatus} ServerStatus */
/** @typedef {import("../core/server-types.js").Finding} Finding */

/** @returns {Promise<import("./routes.js").View>} */
export async function overviewView() {
  const seesUsage = can("AccessProfiles:View");
  const [{ data }, usage] = await Promise.all([get("/api/status"), seesUsage ? today() : null]);
  /** @type {ServerStatus} */
  const server = data;
  const state = server.ready ? badge("✓ ready", "ok") : badge("✕ not ready", "bad");
  const about = [state, h("span", null, `version ${server.version}, up since `, when(server.started_at))];
  const again = h("button", { type: "button", onclick: refresh }, "Refresh");
  const node = h(
    "div",
    { class: "stack" },
    heading("Overview", about, [again]),
    findings(server),
    usage ? h("h2", null, "Today") : null,
    usage ? figures(usage.totals) : null,
    usage ? panel("Near a limit", nearLimits()) : null,
    usage ? refusalPanel(usage.totals) : null,
    h("div", { class: "columns" }, serverPanel(server), safety(server)),
  );
  return { title: "Overview", node };
}

/** The sums of the last day that there is: days begin where the server's clock says. @returns {Promise<import("../core/types.js").Usage>} */
async function today() {
  const { data } = await get("/api/usage", { query: { from: day(), to: day(), group_by: "day" } });
  return data;
}

function day() {
  return new Date().toISOString().slice(0, 10);
}

/** @param {ServerStatus} server */
function findings({ obstacle, warnings }) {
  /** @type {Finding[]} */
  const all = [...(obstacle ? [obstacle] : []), ...warnings];
  if (all.length === 0) return null;
  const rows = all.map((one) => h("li", null, `${one.message}. `, h("code", null, one.code)));
  return panel("To look after", h("ul", { class: "findings" }, rows));
}

/** @param {ServerStatus} server */
function serverPanel({ open_reservations: holds, database_bytes: database, log_bytes: log, disk_free_bytes: free, disk_total_bytes: total, open_files: files, open_files_limit: mostFiles, time_zone: zone }) {
  return panel(
    "Server",
    factList([
      ["Open holds", holds === undefined ? null : can("Decisions:View") ? h("a", { href: link("/holds") }, count(holds)) : count(holds)],
      ["Database", `${size(database)}, and ${size(log)} of log`],
      ["Disk", free === undefined ? null : `${size(free)} free${total === undefined ? "" : ` of ${size(total)}`}`],
      ["Open files", files === undefined ? null : `${count(files)}${mostFiles === undefined ? "" : ` of ${count(mostFiles)}`}`],
      ["Days begin in", zone],
    ]),
  );
}

/** @param {ServerStatus} server */
function safety({ audit, backups }) {
  const intact = audit.state === "intact";
  return panel(
    "Safety",
    factList([
      ["Last good backup", backups.last_good_at ? when(backups.last_good_at) : badge("none yet", "warn")],
      ["Last drill", backups.last_drill_at ? h("span", null, drillBadge(backups.last_drill_passed ?? false), " ", when(backups.last_drill_at)) : "none yet"],
      ["Audit log", intact ? badge("✓ intact", "ok") : badge(`✕ ${audit.state.replaceAll("_", " ")}`, "bad")],
      ["Walked along", audit.walked_at ? when(audit.walked_at) : "not since the start"],
    ]),
    can("Backups:View") ? h("p", null, h("a", { href: link("/backups") }, "All backups")) : null,
  );
}
