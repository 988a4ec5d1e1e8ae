// Open holds: calls that were allowed and are not settled yet.

import { remove } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, money } from "../core/format.js";
import { refresh } from "../core/router.js";
import { can, isOwn } from "../core/session.js";
import { confirm } from "../parts/dialog.js";
import { userLink } from "../parts/links.js";
import { list } from "../parts/list.js";
import { userFilter } from "../parts/pick.js";
import { empty, heading, when } from "../parts/states.js";
import { toast } from "../parts/toast.js";

/** @typedef {import("../core/types.js").Reservation} Reservation */

/** @returns {import("./routes.js").View} */
export function holdsView() {
  const again = h("button", { type: "button", onclick: refresh }, "Refresh");
  const holds = list({
    label: "Open holds",
    path: "/v1/reservations",
    items: "reservations",
    filters: [userFilter()],
    columns: /** @type {import("../parts/table.js").Column<Reservation>[]} */ ([
      { label: "Hold", main: true, cell: ({ id }) => h("code", null, id) },
      { label: "User", cell: (hold) => userLink(hold.user_id) },
      { label: "Model", cell: ({ provider, model }) => [provider, model].filter(Boolean).join(" / ") },
      { label: "Held tokens", number: true, cell: (hold) => count(hold.held_tokens) },
      { label: "Held cost", number: true, cell: (hold) => money(hold.held_cost) },
      { label: "Since", cell: ({ created_at: at }) => when(at) },
      { label: "Ends", cell: ({ expires_at: at }) => when(at) },
      { label: "", cell: (hold) => (mayFree(hold) ? h("button", { type: "button", onclick: () => free(hold) }, "Free") : null) },
    ]),
    whenEmpty: () => empty("No open hold", "Every call that was allowed is settled."),
  });
  const about = "A call holds its estimate until it is settled. One that is never settled is charged or freed when its time is over.";
  return { title: "Open holds", node: h("div", null, heading("Open holds", [about], [again]), holds.node) };
}

/** Whether it is the key's own, or the key may end those of others. @param {Reservation} hold */
function mayFree({ api_key_id: maker }) {
  return can("Decisions:Update") || (can("Decisions:Create") && (maker === undefined || isOwn(maker)));
}

/** @param {Reservation} hold */
function free(hold) {
  confirm({
    title: "Free this hold?",
    dangerous: true,
    body: [h("p", null, "Do this only when the call never reached the provider: nothing will be charged for it.")],
    action: "Free it",
    run: async () => {
      await remove(`/v1/reservations/${hold.id}`);
      toast("Freed.");
      refresh();
    },
  });
}
