// The admin page: sign in, look through the access profiles, create one. Text only ever goes through textContent.

const PAGE = 25;
const element = (id) => document.getElementById(id);
let key = "";
let offset = 0;
let latest = 0;

/** Calls the API; throws the server's own words when it refuses. */
async function api(method, path, body) {
  const headers = { authorization: `Bearer ${key}` };
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Error("The server does not answer.");
  }
  const answer = await response.json();
  if (response.ok) return answer;
  const errors = answer.extra_fields?.errors ?? [answer.error];
  throw new Error(errors.map((error) => error.message).join("\n"));
}

function say(text, bad = false) {
  element("status").textContent = text;
  element("status").className = bad ? "bad" : "";
}

/** Runs something that may fail and says why it did. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(error.message, true);
  }
}

function show(id) {
  for (const part of ["sign-in", "profiles", "one"]) element(part).hidden = part !== id;
  element("sign-out").hidden = id === "sign-in";
}

function cell(row, text) {
  const added = row.insertCell();
  added.textContent = text;
  return added;
}

async function list() {
  const mine = ++latest;
  const query = new URLSearchParams({ limit: PAGE, offset, search: element("search").value.trim() });
  const answer = await api("GET", `/api/access-profiles?${query}`);
  // An answer to an earlier search may come late.
  if (mine !== latest) return;
  const rows = element("rows");
  rows.replaceChildren();
  for (const profile of answer.access_profiles) {
    const row = rows.insertRow();
    const open = document.createElement("button");
    open.type = "button";
    open.textContent = profile.name;
    open.addEventListener("click", () => attempt(() => detail(profile.id)));
    cell(row, "").append(open);
    cell(row, profile.is_active ? "active" : "inactive");
    cell(row, String(profile.provider_configs.length));
    cell(row, profile.budgets.map((budget) => `$${budget.max_limit} / ${budget.reset_duration}`).join(", ") || "none");
    cell(row, String(profile.version));
    cell(row, new Date(profile.updated_at).toLocaleString());
  }
  const last = offset + answer.count;
  element("empty").hidden = answer.total_count > 0 || element("search").value.trim() !== "";
  element("range").textContent = answer.count ? `${offset + 1} to ${last} of ${answer.total_count}` : "nothing found";
  element("previous").disabled = offset === 0;
  element("next").disabled = last >= answer.total_count;
  show("profiles");
}

async function detail(id) {
  const answer = await api("GET", `/api/access-profiles/${id}`);
  element("one-title").textContent = answer.access_profile.name;
  element("json").textContent = JSON.stringify(answer, null, 2);
  say("");
  show("one");
}

function signOut() {
  key = "";
  offset = 0;
  element("key").value = "";
  element("search").value = "";
  element("rows").replaceChildren();
  element("json").textContent = "";
  say("");
  show("sign-in");
}

function signIn(given) {
  key = given.trim();
  attempt(async () => {
    await list();
    element("key").value = "";
    say("");
  });
}

element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(element("key").value);
});
element("sign-out").addEventListener("click", signOut);
element("back").addEventListener("click", () => attempt(list));
element("search").addEventListener("input", () => {
  offset = 0;
  attempt(list);
});
element("previous").addEventListener("click", () => {
  offset = Math.max(0, offset - PAGE);
  attempt(list);
});
element("next").addEventListener("click", () => {
  offset += PAGE;
  attempt(list);
});
element("create").addEventListener("submit", (event) => {
  event.preventDefault();
  const budget = element("budget").value.trim();
  attempt(async () => {
    const body = { name: element("name").value, description: element("description").value };
    if (budget) body.budgets = [{ max_limit: Number(budget), reset_duration: "1M" }];
    if (budget && !Number.isFinite(Number(budget))) throw new Error("Dollars a month: expected a number.");
    const made = await api("POST", "/api/access-profiles", body);
    event.target.reset();
    await list();
    say(`Created ${made.access_profile.name}.`);
  });
});

// The link of the first start carries the key in the fragment, which browsers don't send; it is removed at once.
const fragment = new URLSearchParams(location.hash.slice(1)).get("key");
if (location.hash) history.replaceState(null, "", location.pathname);
if (fragment) signIn(fragment);
else show("sign-in");
