// The versions of a profile: what differs between two, and going back to one.

import { get, post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { dateTime } from "../core/format.js";
import { refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { changesBetween, changeTable } from "../parts/changes.js";
import { codeBlock } from "../parts/copy.js";
import { confirm, openDialog } from "../parts/dialog.js";
import { list } from "../parts/list.js";
import { badge, empty, failed, loading } from "../parts/states.js";
import { toast } from "../parts/toast.js";

/** @typedef {import("../core/types.js").Version} Version */
/** @typedef {import("../core/types.js").Profile} Profile */

/** @param {string} path @param {Profile} profile */
export function versionsTab(path, profile) {
  return list({
    label: "Versions",
    path: `${path}/versions`,
    items: "versions",
    columns: /** @type {import("../parts/table.js").Column<Version>[]} */ ([
      { label: "Version", main: true, cell: ({ version }) => [`${version} `, version === profile.version ? badge("current", "accent") : null] },
      { label: "Made", cell: ({ created_at: at }) => dateTime(at) },
      { label: "Kept in", cell: ({ stored_bytes: bytes }) => `${Math.max(1, Math.round(bytes / 1024))} KiB` },
      { label: "By", cell: ({ changed_by: name }) => name },
      {
        label: "",
        cell: (version) =>
          h(
            "div",
            { class: "actions" },
            h("button", { type: "button", onclick: () => void compareDialog(path, version.version, profile.version) }, "Compare"),
            can("AccessProfiles:Update") && version.version !== profile.version ? h("button", { type: "button", onclick: () => void askToRestore(path, version, profile) }, "Restore") : null,
          ),
      },
    ]),
    whenEmpty: () => empty("No version"),
  }).node;
}

/** @param {string} path @param {number} version @param {number} current */
async function compareDialog(path, version, current) {
  const numbers = Array.from({ length: Math.min(current, 200) }, (_, at) => current - at);
  const before = select(numbers, version > 1 ? version - 1 : Math.min(2, current));
  const after = select(numbers, version);
  const result = h("div", { class: "stack" });
  const close = h("button", { type: "button", class: "primary" }, "Close");
  const opened = openDialog({
    title: "Compare versions",
    wide: true,
    body: [h("div", { class: "line" }, h("label", { class: "inline" }, "From ", before), h("label", { class: "inline" }, "to ", after)), result],
    actions: [close],
  });
  close.addEventListener("click", opened.close);
  const show = async () => {
    fill(result, loading(3));
    try {
      const [was, is, patch] = await Promise.all([snapshot(path, before.value), snapshot(path, after.value), get(`${path}/versions/${after.value}/diff`, { query: { against: before.value } })]);
      fill(
        result,
        changeTable(changesBetween(was, is), { before: `Version ${before.value}`, after: `Version ${after.value}` }),
        h("details", null, h("summary", null, "As JSON Patch"), codeBlock(JSON.stringify(patch.data, null, 2), "The difference as JSON Patch")),
      );
    } catch (error) {
      fill(result, failed(error, () => void show()));
    }
  };
  before.addEventListener("change", () => void show());
  after.addEventListener("change", () => void show());
  await show();
}

/** @param {number[]} numbers @param {number} chosen */
function select(numbers, chosen) {
  return h("select", null, numbers.map((number) => h("option", { value: number, selected: number === chosen }, `version ${number}`)));
}

/** @param {string} path @param {string | number} version @returns {Promise<Profile>} */
async function snapshot(path, version) {
  const { data } = await get(`${path}/versions/${version}`);
  return JSON.parse(data.version.snapshot);
}

/** @param {string} path @param {Version} version @param {Profile} profile */
function askToRestore(path, version, profile) {
  confirm({
    title: `Restore version ${version.version}?`,
    body: [
      h("p", null, `Its content becomes version ${profile.version + 1}. Nothing of the history is lost.`),
      h("h3", null, "What changes"),
      changeTable(changesBetween(profile, JSON.parse(version.snapshot)), { before: "Now", after: `Version ${version.version}` }),
    ],
    action: "Restore",
    run: async () => {
      const { data } = await post(`${path}/versions/${version.version}/restore`);
      toast(`Restored as version ${data.access_profile.version}.`);
      refresh();
    },
  });
}
