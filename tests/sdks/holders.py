"""What a walk arranges at the server, as its operator. Its program is called with URL FIRST_KEY UPSTREAM_LOG UPSTREAM."""

import json
import sys
import urllib.request

url, first_key, log = sys.argv[1:4]


def api(method, path, body=None, key=first_key):
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers, method=method)) as reply:
        return json.load(reply)


def holder(name, models=None, **policy):
    """Somebody who may use `models` (every model, unless they are named) of each provider; the id and the virtual key."""
    allowed = {"allowed_models": models} if models else {"all_models_allowed": True}
    lines = [{"provider_name": name, **allowed} for name in ("openai", "anthropic", "gemini")]
    profile = api("POST", "/api/access-profiles", {"name": name, "provider_configs": lines, **policy})["access_profile"]
    user = api("POST", "/api/users", {"name": name, "email": f"{name}@example.com"})["user"]
    given = api("POST", f"/api/users/{user['id']}/access-profiles", {"access_profile_id": profile["id"]})
    return user["id"], given["virtual_key"]["value"]


def spent(user):
    return api("GET", f"/api/usage?group_by=user&user_id={user}")["totals"]


def sent():
    """The requests that came to the upstream."""
    with open(log) as lines:
        return [json.loads(line) for line in lines]
