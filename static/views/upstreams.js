// The providers that calls are carried to, and how each answered last.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, plural, relative } from "../core/format.js";
import { link, refresh } from "../core/router.js";
import { codeBlock } from "../parts/copy.js";
import { badge, factList, heading, panel, when } from "../parts/states.js";

/** @typedef {import("../core/provider-types.js").Upstream} Upstream */

const STATES = /** @type {const} */ ({ unused: ["not used yet", "quiet"], answering: ["✓ answering", "ok"], failing: ["✕ failing", "bad"] });

/** @returns {Promise<import("./routes.js").View>} */
export async function upstreamsView() {
  const { data } = await get("/api/upstreams");
  /** @type {Upstream[]} */
  const upstreams = data.upstreams;
  const again = h("button", { type: "button", onclick: refresh }, "Refresh");
  const about = ["Where the server carries calls to. What is counted begins with its start."];
  const content = upstreams.length === 0 ? howToBegin() : h("div", { class: "columns" }, upstreams.map(upstreamPanel));
  return { title: "Upstreams", node: h("div", { class: "stack" }, heading("Upstreams", about, [again]), content) };
}

/** @param {Upstream} upstream */
function upstreamPanel(upstream) {
  const [state, tone] = STATES[upstream.state];
  const { last_failure: failure } = upstream;
  return h(
    "section",
    { class: "panel" },
    h("div", { class: "panel-head" }, h("h2", null, upstream.name), badge(state, tone)),
    failure ? h("p", { class: upstream.state === "failing" ? "form-problem" : "muted" }, `Last failure ${relative(failure.at)}: ${failure.message} `, h("code", null, failure.reason)) : null,
    factList([
      ["Last answer", lastAnswer(upstream)],
      ["Calls", callText(upstream)],
      ["Provider", upstream.provider],
      ["Address", h("code", null, upstream.base_url)],
      ["Dialect", upstream.dialect],
      ["Key", keySource(upstream)],
      ["Costs", upstream.free ? "nothing" : null],
      ["Unmetered paths", upstream.unmetered_paths.length > 0 ? h("code", null, upstream.unmetered_paths.join(" ")) : null],
      ["Own headers", upstream.headers.length > 0 ? h("code", null, upstream.headers.join(" ")) : null],
    ]),
  );
}

/** @param {Upstream} upstream */
function callText({ answers, errors, failures }) {
  const answered = errors > 0 ? `${plural(answers, "answer")}, ${plural(errors, "error")} among them` : plural(answers, "answer");
  return failures > 0 ? `${answered}; ${count(failures)} without an answer` : answered;
}

/** @param {Upstream} upstream */
function lastAnswer({ last_answer: last }) {
  if (!last) return h("span", { class: "muted" }, "none yet");
  const latency = last.latency_ms < 10 ? last.latency_ms.toFixed(1) : count(Math.round(last.latency_ms));
  return h("span", null, `status ${last.status} after ${latency} ms, `, when(last.at));
}

/** Where it comes from; the key itself is nowhere on this page. @param {Upstream} upstream */
function keySource({ api_key_file: file, api_key_variable: variable }) {
  if (file) return h("span", null, "the file ", h("code", null, file));
  if (variable) return h("span", null, "the variable ", h("code", null, variable));
  return "none is sent";
}

const TABLES = `[[upstreams]]
name = "openai"
api_key_variable = "OPENAI_API_KEY"

[[upstreams]]
name = "anthropic"
api_key_variable = "ANTHROPIC_API_KEY"

# Models on this machine need no key and cost nothing.
[[upstreams]]
name = "ollama"
free = true
`;

const VARIABLES = `export OPENAI_API_KEY='sk-…'
export ANTHROPIC_API_KEY='sk-ant-…'
tollkeeper serve
`;

const WITHOUT_FILE = `TOLLKEEPER_UPSTREAMS='[{ name = "openai", api_key_variable = "OPENAI_API_KEY" }]'`;

function howToBegin() {
  return h(
    "div",
    { class: "narrow stack" },
    panel(
      "No upstream yet",
      h("p", null, "Set up where calls go, and clients need nothing but another address and a virtual key. Of these, keep what you use. They stand at the end of ", h("code", null, "config.toml"), ":"),
      h("div", null, codeBlock(TABLES, "Lines for config.toml")),
      h("p", null, "The keys of providers are read at the start and kept nowhere else: from variables, as here, or from files (", h("code", null, "api_key_file"), ")."),
      h("div", null, codeBlock(VARIABLES, "Variables that hold the keys of providers")),
      h("p", null, "Without a file, a variable says the same:"),
      h("div", null, codeBlock(WITHOUT_FILE, "The variable in place of the file")),
      h("p", { class: "muted" }, "Once the server runs with it: ", h("a", { href: link("/connect") }, "connect a client"), "."),
    ),
  );
}
