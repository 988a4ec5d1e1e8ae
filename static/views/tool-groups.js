// MCP tool groups: tools of one or more servers under one name.

import { post, remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, plural } from "../core/format.js";
import * as rules from "../core/rules.js";
import { refresh } from "../core/router.js";
import { can } from "../core/session.js";
import { group } from "../form/control.js";
import { longText, text, toggle } from "../form/inputs.js";
import { items, tokens } from "../form/lists.js";
import { act } from "../parts/act.js";
import { editDialog } from "../parts/clash.js";
import { confirm } from "../parts/dialog.js";
import { formDialog } from "../parts/form-dialog.js";
import { list } from "../parts/list.js";
import { badge, empty, heading } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { several } from "./profiles.js";

/** @typedef {import("../core/types.js").ToolGroup} ToolGroup */

const PATH = "/api/mcp/tool-groups";

/** @returns {import("./routes.js").View} */
export function toolGroupsView() {
  const create = () => (can("VirtualMCPs:Create") ? h("button", { type: "button", class: "primary", onclick: createDialog }, "New tool group") : null);
  const groups = list({
    label: "MCP tool groups",
    path: PATH,
    items: "mcp_tool_groups",
    search: "Name",
    columns: /** @type {import("../parts/table.js").Column<ToolGroup>[]} */ ([
      { label: "Name", main: true, cell: ({ name, description }) => [h("span", null, name), description ? h("div", { class: "muted small" }, description) : null] },
      { label: "State", cell: ({ enabled }) => (enabled ? badge("enabled", "ok") : badge("disabled")) },
      { label: "Tools", cell: ({ tools }) => several(tools.map(({ mcp_client_id: server, tool_names: names }) => `${server}: ${names.length === 0 ? "all" : names.join(", ")}`), "none") },
      { label: "Profiles", number: true, cell: (one) => count(one.access_profile_count) },
      {
        label: "",
        cell: (one) =>
          h(
            "div",
            { class: "actions" },
            can("VirtualMCPs:Update") && h("button", { type: "button", onclick: act(() => edit(one)) }, "Edit"),
            can("VirtualMCPs:Delete") && h("button", { type: "button", class: "danger", onclick: () => askToDelete(one) }, "Delete"),
          ),
      },
    ]),
    whenEmpty: () => empty("No tool group yet", "A tool group names tools of MCP servers; profiles grant it as a whole.", create()),
  });
  return { title: "MCP tool groups", node: h("div", null, heading("MCP tool groups", [], [create()]), groups.node) };
}

/** @param {Partial<ToolGroup>} one */
function toolGroupControl(one) {
  return group({
    name: text({ label: "Name", value: one.name, rule: rules.name, required: true }),
    description: longText({ label: "Description", value: one.description }),
    enabled: toggle({ label: "Enabled", hint: "A disabled group grants nothing.", value: one.enabled ?? true }),
    tools: items({
      title: "Servers",
      one: "server",
      none: "None yet.",
      value: one.tools ?? [],
      look: "card",
      item: (/** @type {ToolGroup["tools"][number] | undefined} */ tool) =>
        group({
          mcp_client_id: text({ label: "Server", value: tool?.mcp_client_id, rule: rules.name }),
          tool_names: tokens({ label: "Tools", hint: "Empty: every tool of the server.", value: tool?.tool_names ?? [] }),
        }),
    }),
  });
}

function createDialog() {
  formDialog({
    title: "New tool group",
    wide: true,
    control: toolGroupControl({}),
    submit: "Create tool group",
    send: async (value, once) => {
      const { data } = await post(PATH, value, { once });
      toast(`Created ${data.mcp_tool_group.name}.`);
      refresh();
    },
  });
}

/** @param {ToolGroup} listed */
function edit(listed) {
  return editDialog({ path: `${PATH}/${listed.id}`, thing: (data) => data.mcp_tool_group, noun: "tool group", wide: true, control: toolGroupControl });
}

/** @param {ToolGroup} one */
function askToDelete(one) {
  confirm({
    title: `Delete ${one.name}?`,
    dangerous: true,
    body: [h("p", null, one.access_profile_count > 0 ? `${plural(one.access_profile_count, "profile")} name it. They keep the name, but it grants nothing any more.` : "No profile names it.")],
    action: "Delete",
    run: async () => {
      await remove(`${PATH}/${one.id}`);
      toast(`Deleted ${one.name}.`);
      refresh();
    },
  });
}
