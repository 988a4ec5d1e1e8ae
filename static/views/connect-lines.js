// The lines by which clients call this server. The key is in a variable of its own, so that it stands in no line that is kept.

import { shell } from "../core/api.js";

/** @typedef {"openai" | "anthropic" | "gemini"} Dialect */
/** @typedef {{ name: string, about: string, lines: string }} Client */
/** @typedef {{ dialect: Dialect, title: string, base: string, model: string, clients: Client[] }} Family */

/** Where the lines take the key from. */
export const VARIABLE = "TOLLKEEPER_KEY";

/** What is written until a model is known that the key may use, and how others of its kind begin. @type {Record<Dialect, { model: string, begins: string }>} */
const MODELS = {
  openai: { model: "gpt-5-mini", begins: "gpt-" },
  anthropic: { model: "claude-sonnet-5", begins: "claude-" },
  gemini: { model: "gemini-3.8-flash", begins: "gemini-" },
};

/**
 * Every client, by what it speaks.
 *
 * @param {string} origin  the address of this server
 * @param {string[]} models  those that the key may use, as far as they are known
 * @returns {Family[]}
 */
export function families(origin, models) {
  const modelOf = (/** @type {Dialect} */ dialect) => {
    const { model, begins } = MODELS[dialect];
    return models.includes(model) ? model : (models.find((name) => name.startsWith(begins)) ?? model);
  };
  const [gpt, claude, gemini] = [modelOf("openai"), modelOf("anthropic"), modelOf("gemini")];
  const v1 = `${origin}/v1`;
  return [
    { dialect: "openai", title: "OpenAI, and what speaks like it", base: v1, model: gpt, clients: openAiClients(v1, gpt) },
    { dialect: "anthropic", title: "Anthropic", base: origin, model: claude, clients: anthropicClients(origin, claude) },
    { dialect: "gemini", title: "Gemini", base: origin, model: gemini, clients: geminiClients(origin, gemini) },
  ];
}

/** @param {string} v1 @param {string} model @returns {Client[]} */
function openAiClients(v1, model) {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello!" }] });
  return [
    {
      name: "OpenAI SDK for Python",
      about: "The package openai.",
      lines: `import os
from openai import OpenAI

client = OpenAI(
    base_url="${v1}",
    api_key=os.environ["${VARIABLE}"],
)
answer = client.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=[{"role": "user", "content": "Hello!"}],
)
print(answer.choices[0].message.content)`,
    },
    {
      name: "OpenAI SDK for Node",
      about: "The package openai.",
      lines: `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${v1}",
  apiKey: process.env.${VARIABLE},
});
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(model)},
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(answer.choices[0].message.content);`,
    },
    {
      name: "curl",
      about: "In a terminal.",
      lines: `curl ${v1}/chat/completions \\
  -H "Authorization: Bearer $${VARIABLE}" \\
  -H 'Content-Type: application/json' \\
  -d ${shell(body)}`,
    },
    {
      name: "Codex",
      about: "In ~/.codex/config.toml; it takes the key from the variable.",
      lines: `model = ${JSON.stringify(model)}
model_provider = "tollkeeper"

[model_providers.tollkeeper]
name = "Tollkeeper"
base_url = "${v1}"
env_key = "${VARIABLE}"
wire_api = "responses"`,
    },
    {
      name: "Open WebUI",
      about: "Variables of its process or container, with the key in place of the dots. They count at its first start; later it is set under Admin Panel, Settings, Connections. Whoever uses it shares the limits of this key.",
      lines: `OPENAI_API_BASE_URL=${v1}
OPENAI_API_KEY=tk_vk_…`,
    },
    {
      name: "LibreChat",
      about: `In librechat.yaml, with ${VARIABLE} in its .env. With apiKey: "user_provided" everybody enters a key of their own.`,
      lines: `endpoints:
  custom:
    - name: "Tollkeeper"
      apiKey: "\${${VARIABLE}}"
      baseURL: "${v1}"
      models:
        default: [${JSON.stringify(model)}]
        fetch: true`,
    },
  ];
}

/** @param {string} origin @param {string} model @returns {Client[]} */
function anthropicClients(origin, model) {
  return [
    {
      name: "Claude Code",
      about: "In a terminal. ANTHROPIC_API_KEY must not be set beside it.",
      lines: `export ANTHROPIC_BASE_URL=${shell(origin)}
export ANTHROPIC_AUTH_TOKEN="$${VARIABLE}"
claude`,
    },
    {
      name: "Anthropic SDK for Python",
      about: "The package anthropic.",
      lines: `import os
from anthropic import Anthropic

client = Anthropic(
    base_url="${origin}",
    api_key=os.environ["${VARIABLE}"],
)
answer = client.messages.create(
    model=${JSON.stringify(model)},
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello!"}],
)
print(answer.content[0].text)`,
    },
    {
      name: "Anthropic SDK for Node",
      about: "The package @anthropic-ai/sdk.",
      lines: `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "${origin}",
  apiKey: process.env.${VARIABLE},
});
const answer = await client.messages.create({
  model: ${JSON.stringify(model)},
  max_tokens: 1024,
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(answer.content[0].text);`,
    },
  ];
}

/** @param {string} origin @param {string} model @returns {Client[]} */
function geminiClients(origin, model) {
  return [
    {
      name: "Gemini SDK for Python",
      about: "The package google-genai.",
      lines: `import os
from google import genai

client = genai.Client(
    api_key=os.environ["${VARIABLE}"],
    http_options={"base_url": "${origin}", "api_version": "v1beta"},
)
answer = client.models.generate_content(
    model=${JSON.stringify(model)},
    contents="Hello!",
)
print(answer.text)`,
    },
    {
      name: "Gemini SDK for Node",
      about: "The package @google/genai.",
      lines: `import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({
  apiKey: process.env.${VARIABLE},
  httpOptions: { baseUrl: "${origin}", apiVersion: "v1beta" },
});
const answer = await client.models.generateContent({
  model: ${JSON.stringify(model)},
  contents: "Hello!",
});
console.log(answer.text);`,
    },
  ];
}
