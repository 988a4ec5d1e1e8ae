// Two people change the same thing: whoever comes second sees what the first changed, and has both ways on.

import { get, put } from "../core/api.js";
import { h } from "../core/dom.js";
import { Refusal, explain } from "../core/errors.js";
import { refresh } from "../core/router.js";
import { changeTable, changesBetween } from "./changes.js";
import { cancelButton, confirm, openDialog } from "./dialog.js";
import { formDialog } from "./form-dialog.js";
import { toast } from "./toast.js";

/** Whether somebody else was first. @param {unknown} error */
function stale(error) {
  return error instanceof Refusal && error.status === 412;
}

/**
 * Where a thing is and what it is called.
 * @typedef {object} Place
 * @property {string} path
 * @property {(data: any) => any} thing  what an answer is about
 * @property {string} noun
 * @property {(before: any, theirs: any) => string} [happened]  how it came to that, in a sentence
 * @property {(body: any) => any} [shown]  what was typed, in the form in which the server would show it
 * @property {string} [after]  what becomes of theirs when mine is saved over it
 */

/**
 * Saves an edit. When somebody else was first, asks what to do; answers what is stored then, or null when the edit goes on.
 *
 * @template Thing
 * @param {Place} place
 * @param {{ before: Thing, etag: string | null, body: any }} edit
 * @returns {Promise<{ thing: Thing, mine: boolean } | null>}
 */
export async function save(place, { before, etag, body }) {
  try {
    const { data } = await put(place.path, body, { ifMatch: etag });
    return { thing: place.thing(data), mine: true };
  } catch (error) {
    if (!stale(error)) throw error;
    return resolve(place, before, body);
  }
}

/** @param {Place} place @param {any} before @param {any} body @returns {Promise<{ thing: any, mine: boolean } | null>} */
async function resolve(place, before, body) {
  const { data, etag } = await get(place.path);
  const theirs = place.thing(data);
  const edited = (/** @type {any} */ thing) => Object.fromEntries(Object.keys(body).map((name) => [name, thing[name]]));
  const problem = h("p", { class: "form-problem", role: "alert", hidden: true });
  const overwrite = h("button", { type: "button", class: "danger" }, "Save mine over it");
  const take = h("button", { type: "button", class: "primary" }, "Take theirs");
  return new Promise((answer) => {
    const { close } = openDialog({
      title: `Somebody else saved this ${place.noun}`,
      wide: true,
      body: [
        h("p", null, place.happened?.(before, theirs) ?? "It was saved while you were editing."),
        h("h3", null, "What they changed"),
        changeTable(changesBetween(edited(before), edited(theirs))),
        h("h3", null, "Where yours differs from theirs"),
        changeTable(changesBetween(edited(theirs), place.shown?.(body) ?? body), { before: "Theirs", after: "Yours" }),
        h("p", { class: "muted" }, place.after ?? "Saving yours replaces theirs."),
        problem,
      ],
      actions: [cancelButton("Keep editing"), take, overwrite],
      onclosed: () => answer(null),
    });
    take.addEventListener("click", () => {
      answer({ thing: theirs, mine: false });
      close();
      toast("Your edit was dropped; this is theirs.");
    });
    overwrite.addEventListener("click", async () => {
      overwrite.disabled = true;
      try {
        const saved = await put(place.path, body, { ifMatch: etag });
        answer({ thing: place.thing(saved.data), mine: true });
        close();
      } catch (error) {
        problem.textContent = explain(error);
        problem.hidden = false;
        overwrite.disabled = false;
      }
    });
  });
}

/**
 * Changes a thing in a dialog, as it is now.
 *
 * @param {object} options
 * @param {string} options.path
 * @param {(data: any) => any} options.thing  what an answer is about
 * @param {string} options.noun
 * @param {(thing: any) => import("../form/control.js").Control<any> | Promise<import("../form/control.js").Control<any>>} options.control
 * @param {(value: any) => any} [options.body]  what is sent for what the form holds
 * @param {(thing: any) => (Node | null)} [options.intro]
 * @param {boolean} [options.wide]
 */
export async function editDialog({ path, thing, noun, control, body = (value) => value, intro, wide }) {
  const { data, etag } = await get(path);
  const before = thing(data);
  formDialog({
    title: `Edit the ${noun}`,
    wide,
    intro: [intro?.(before) ?? null],
    control: await control(before),
    submit: "Save",
    send: async (value) => {
      const stored = await save({ path, thing, noun }, { before, etag, body: body(value) });
      if (!stored) return false;
      if (stored.mine) toast("Saved.");
      refresh();
      return true;
    },
  });
}

/**
 * Asks before something is done to a thing as it is shown. When it was changed meanwhile, asks again about what it is now.
 *
 * @template Data
 * @param {object} options
 * @param {string} options.path  where it is read again
 * @param {{ data: Data, etag: string | null }} options.shown
 * @param {(data: Data) => Omit<import("./dialog.js").Question, "run"> | Promise<Omit<import("./dialog.js").Question, "run">>} options.question
 * @param {(etag: string | null, data: Data) => Promise<void>} options.run
 */
export async function confirmShown({ path, shown, question, run }) {
  const ask = async (/** @type {{ data: Data, etag: string | null }} */ { data, etag }, changed = false) => {
    const asked = await question(data);
    const note = changed ? h("p", { class: "note" }, "Somebody changed it meanwhile. This is how it is now.") : null;
    confirm({
      ...asked,
      body: [note, ...asked.body],
      run: async () => {
        try {
          await run(etag, data);
          return undefined;
        } catch (error) {
          if (!stale(error)) throw error;
          const now = await get(path);
          return () => void ask(now, true);
        }
      },
    });
  };
  await ask(shown);
}
