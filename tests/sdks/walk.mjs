// OpenAI's SDK for Node through the proxy, with nothing changed but the address and the key: what the person at the keyboard sees.
//
//     tests/sdks/walk.sh TOLLKEEPER node walk.mjs    beside a node_modules with the package openai

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const [url, firstKey, log, upstream] = process.argv.slice(2);
const MODEL = "gpt-4o";
const TOOLS = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }];

async function api(method, path, body) {
  const headers = { authorization: `Bearer ${firstKey}`, "content-type": "application/json" };
  const reply = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(reply.ok, `${method} ${path}: ${reply.status}`);
  return reply.json();
}

/** Somebody with a virtual key; `retries` is the SDK's own default where it is left out. */
async function holder(name, policy = {}, retries = undefined) {
  const lines = [{ provider_name: "openai", all_models_allowed: true }];
  const { access_profile } = await api("POST", "/api/access-profiles", { name, provider_configs: lines, ...policy });
  const { user } = await api("POST", "/api/users", { name, email: `${name}@example.com` });
  const given = await api("POST", `/api/users/${user.id}/access-profiles`, { access_profile_id: access_profile.id });
  const gpt = new OpenAI({ baseURL: `${url}/v1`, apiKey: given.virtual_key.value, maxRetries: retries });
  const totals = async () => (await api("GET", `/api/usage?group_by=user&user_id=${user.id}`)).totals;
  return { gpt, totals };
}

/** How many calls came to the upstream. */
const arrived = () => readFileSync(log, "utf8").split("\n").length - 1;

const chat = (content, more = {}) => ({ model: MODEL, max_tokens: 100, messages: [{ role: "user", content }], ...more });

async function textOf(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

/** The error that some work ends with: its class, its status, its code and the text that people read. */
async function refused(work, kind, status, code, text) {
  const error = await work().then(() => assert.fail(`expected ${kind.name}`), (error) => error);
  assert.equal(error.constructor, kind, error.stack);
  assert.deepEqual([error.status, error.code], [status, code]);
  assert.match(error.message, text);
  return error;
}

async function checkCalls() {
  const { gpt, totals } = await holder("node-everybody", { budgets: [{ max_limit: 10, reset_duration: "1d" }] });
  const { data: plain, response } = await gpt.chat.completions.create(chat("hello")).withResponse();
  assert.equal(plain.choices[0].message.content, "hello");
  // 8 × $2.50 and 100 × $10 a million.
  assert.equal(response.headers.get("x-tollkeeper-cost"), "0.00102");
  assert.equal(await textOf(await gpt.chat.completions.create(chat("hello", { stream: true }))), "hello");
  const asked = await gpt.chat.completions.create(chat("hello", { stream: true, stream_options: { include_usage: true } }));
  const usages = [];
  for await (const chunk of asked) if (chunk.usage) usages.push(chunk.usage.total_tokens);
  assert.deepEqual(usages, [108]);
  const called = await gpt.chat.completions.create(chat("hello", { tools: TOOLS }));
  assert.equal(called.choices[0].message.tool_calls[0].function.name, "weather");
  const final = await gpt.chat.completions.stream(chat("hello", { tools: TOOLS })).finalChatCompletion();
  assert.equal(final.choices[0].message.tool_calls[0].function.name, "weather");
  assert.equal((await gpt.responses.create({ model: MODEL, input: "hello" })).output_text, "hello");
  const response2 = await gpt.responses.stream({ model: MODEL, input: "hello" }).finalResponse();
  assert.equal(response2.output_text, "hello");
  const embedding = await gpt.embeddings.create({ model: "text-embedding-3-small", input: "hello", encoding_format: "float" });
  assert.deepEqual(embedding.data[0].embedding, [0.1, 0.2]);
  const all = await totals();
  assert.deepEqual([all.calls, all.input_tokens, all.output_tokens], [8, 64, 700]);
  assert.ok(all.cost > 7 * 0.00102);
  const models = [];
  for await (const model of gpt.models.list()) models.push(model.id);
  assert.ok(models.includes(MODEL));
  assert.equal((await gpt.models.retrieve(MODEL)).id, MODEL);
}

async function checkErrors() {
  const { gpt, totals } = await holder("node-unlucky");
  const before = arrived();
  const flaky = await gpt.chat.completions.create(chat("flaky node"));
  assert.equal(flaky.choices[0].message.content, "hello");
  assert.equal(arrived(), before + 3, "the SDK asked three times, and each time the provider was asked");
  assert.equal((await totals()).cost, 0.00102, "what the provider refused itself costs nothing");
  await refused(() => gpt.chat.completions.create(chat("fail")), OpenAI.InternalServerError, 529, undefined, /overloaded/);
  assert.equal(arrived(), before + 6);
  await refused(() => gpt.chat.completions.create(chat("bad")), OpenAI.BadRequestError, 400, "bad", /no such thing/);
  assert.equal(arrived(), before + 7);
  assert.equal((await totals()).cost, 0.00102);
  const cut = await gpt.chat.completions.create(chat("cut", { stream: true }));
  await assert.rejects(textOf(cut), "a stream that was cut is no whole answer");
  assert.ok((await totals()).cost > 2 * 0.00102, "it is charged as held");
  assert.equal((await api("GET", "/v1/reservations")).total_count, 0);
  // What nobody meters.
  await refused(() => gpt.files.list(), OpenAI.NotFoundError, 404, "no_route", /no route \/v1\/files/);
  const goingOn = () => gpt.responses.create({ model: MODEL, input: "hello", previous_response_id: "resp_1" });
  await refused(goingOn, OpenAI.BadRequestError, 400, "invalid_request", /previous_response_id.*leave it out/);
}

async function checkRefusals() {
  const before = arrived();
  const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-nothing" });
  const wrong = () => stranger.chat.completions.create(chat("hello"));
  await refused(wrong, OpenAI.AuthenticationError, 401, "invalid_api_key", /no virtual key; it begins with tk_vk_.*Ask #ai-help/);
  const dry = await holder("node-dry", { budgets: [{ max_limit: 0.0001, reset_duration: "1d" }] });
  for (const more of [{}, { stream: true }]) {
    const call = () => dry.gpt.chat.completions.create(chat("hello", more));
    await refused(call, OpenAI.APIError, 402, "insufficient_quota", /may need more than all of your budget of \$0.0001 a day.*Ask #ai-help/);
  }
  // The models are there all the same.
  assert.ok((await dry.gpt.models.list()).data.length > 0);
  const lines = [{ provider_name: "openai", allowed_models: ["gpt-4o-mini"] }];
  const small = await holder("node-small", { provider_configs: lines });
  const large = () => small.gpt.chat.completions.create(chat("hello"));
  await refused(large, OpenAI.PermissionDeniedError, 403, "model_not_found", /You may not use the model gpt-4o\./);
  assert.equal(arrived(), before, "nothing that is refused is sent");

  const slow = await holder("node-slow", { rate_limit: { request_max_limit: 1, request_reset_duration: "1h" } });
  await slow.gpt.chat.completions.create(chat("hello"));
  const second = () => slow.gpt.chat.completions.create(chat("hello"));
  const limited = await refused(second, OpenAI.RateLimitError, 429, "rate_limit_exceeded", /Your limit of 1 request an hour is used up/);
  assert.ok(Number(limited.headers.get("retry-after")) > 60);
  assert.deepEqual((await slow.totals()).refusals, { request_limited: 1 }, "nobody asks again who is told that it is in vain");
  assert.equal(arrived(), before + 1);
}

/** Room for one call at a time, and for one after another until nothing is left. */
async function checkDryInTheMiddle() {
  const { gpt, totals } = await holder("node-frugal", { budgets: [{ max_limit: 0.0025, reset_duration: "1d" }] });
  const stream = await gpt.chat.completions.create(chat("wait", { stream: true, max_tokens: 200 }));
  const another = () => gpt.chat.completions.create(chat("hello"));
  await refused(another, OpenAI.APIError, 402, "insufficient_quota", /kept for calls that are still running/);
  await fetch(`${upstream}/release`, { method: "POST" });
  assert.equal(await textOf(stream), "hello", "the call that was let in is not cut off");
  assert.equal((await another()).choices[0].message.content, "hello", "what it did not need is there again");
  await refused(another, OpenAI.APIError, 402, "insufficient_quota", /What is left of your budget of \$0.0025 a day is too little/);
  assert.equal((await totals()).cost, 0.00204);
}

await checkCalls();
await checkErrors();
await checkRefusals();
await checkDryInTheMiddle();
console.log("OpenAI's SDK for Node: all calls, errors and refusals as expected");
