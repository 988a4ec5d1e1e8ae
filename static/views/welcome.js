// For a key that may see nothing.

import { h } from "../core/dom.js";
import { empty } from "../parts/states.js";

/** @returns {import("./routes.js").View} */
export function welcomeView() {
  const node = empty(
    "This key may not see anything here",
    "It holds no permission to view. Ask whoever made it, or use it with the HTTP API.",
    h("a", { href: "docs" }, "API reference"),
  );
  return { title: "Welcome", node };
}
