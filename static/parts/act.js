// What a button does when it has to ask the server first.

import { explain } from "../core/errors.js";
import { toast } from "./toast.js";

/**
 * A listener for such a button: pressed again while it is at it, nothing happens; when it fails, the reason is said.
 *
 * @param {() => unknown} action
 */
export function act(action) {
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    try {
      await action();
    } catch (error) {
      toast(explain(error));
    } finally {
      busy = false;
    }
  };
}
