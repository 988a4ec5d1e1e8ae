"""Claude Code and Codex through the proxy, started as people start them, with nothing set but the address and the key: what is charged, and
what they print when they are refused. They need no network, and leave nothing outside of directories of their own.

    tests/sdks/walk.sh TOLLKEEPER PYTHON tests/sdks/agents.py NODE_MODULES
"""

import json
import pathlib
import subprocess
import sys
import tempfile

node_modules = pathlib.Path(sys.argv.pop(1)).resolve()

from holders import holder, sent, spent, url  # noqa: E402 (it takes the arguments that are left)

NOTE = "the lighthouse is green"


def start(arguments, home, variables):
    """Runs an agent in a home of its own; what people see of it."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), **variables}
    done = subprocess.run(arguments, env=environment, cwd=home / "work", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def claude(home, key, prompt):
    command = ["node", node_modules / "@anthropic-ai/claude-code/cli-wrapper.cjs", "-p", prompt]
    code, out, error = start(command, home, {
        "CLAUDE_CONFIG_DIR": str(home / "settings"), "ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": key,
        "ANTHROPIC_MODEL": "claude-sonnet-4-5", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
    })
    return code, (out + error).strip()


def codex(home, key, prompt):
    settings = home / "settings"
    settings.mkdir(exist_ok=True)
    (settings / "config.toml").write_text(
        f'model = "gpt-5"\nopenai_base_url = "{url}/v1"\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n')
    command = ["node", node_modules / "@openai/codex/bin/codex.js", "exec", "--skip-git-repo-check", prompt]
    code, out, error = start(command, home, {"CODEX_HOME": str(settings), "CODEX_API_KEY": key})
    errors = [line for line in error.splitlines() if line.startswith("ERROR: ")]
    return code, out.strip() if code == 0 else errors[-1]


AGENTS = {claude: "/v1/messages?beta=true", codex: "/v1/responses"}


def ask(agent, key, prompt):
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        (home / "work").mkdir()
        (home / "work/note.txt").write_text(NOTE)
        return agent(home, key, prompt.replace("NOTE", str(home / "work/note.txt")))


def refused(agent, key, *texts, prompt="hello"):
    code, text = ask(agent, key, prompt)
    print(f"{agent.__name__} prints: {text}")
    assert code != 0 and all(one in text for one in texts), (code, text, texts)


def check_calls(agent):
    user, key = holder(f"{agent.__name__}-everybody", budgets=[{"max_limit": 100, "reset_duration": "1M"}])
    before = len(sent())
    code, text = ask(agent, key, "hello")
    assert code == 0 and text.startswith("hello"), text
    once = sent()[before:]
    assert [request["path"] for request in once] == [AGENTS[agent]], once
    body = json.loads(once[0]["body"])
    assert body["stream"] and body["tools"], body.keys()
    totals = spent(user)
    assert (totals["calls"], totals["output_tokens"]) == (1, 100) and totals["cost"] > 0, totals
    # A tool is asked for, used on this machine, and what it found goes on to the provider.
    code, text = ask(agent, key, "read NOTE")
    assert code == 0 and text.startswith("hello"), text
    assert NOTE in sent()[-1]["body"] and len(sent()) == before + 3
    assert spent(user)["calls"] == 3, spent(user)


def check_refusals(agent):
    name = agent.__name__
    in_vain = "You’ve hit your usage limit. Try again at" if agent is codex else "Your limit of 1 request an hour is used up. It comes back in"
    before = len(sent())
    _, key = holder(f"{name}-dry", budgets=[{"max_limit": 0.001, "reset_duration": "1M"}])
    refused(agent, key, "402", "This call may need more than all of your budget of $0.001 a month.", "Ask #ai-help if you need more.")
    refused(agent, key[:-1], "401", "no virtual key; it begins with tk_vk_, and may be cut off or mistyped.")
    _, key = holder(f"{name}-small", models=["small*"])
    refused(agent, key, "You may not use the model ", "Ask #ai-help if you need more.")
    assert len(sent()) == before, "nothing that is refused is sent"
    _, key = holder(f"{name}-slow", rate_limit={"request_max_limit": 1, "request_reset_duration": "1h"})
    assert ask(agent, key, "hello")[0] == 0
    refused(agent, key, in_vain)
    # The first of two calls uses the budget up, or most of it.
    user, key = holder(f"{name}-frugal", budgets=[{"max_limit": 1.6, "reset_duration": "1M"}])
    refused(agent, key, "402", "your budget of $1.60 a month", "It comes back on", prompt="read NOTE")
    assert spent(user)["calls"] == 1, spent(user)


for each in AGENTS:
    check_calls(each)
    check_refusals(each)
print("Claude Code and Codex: all calls and refusals as expected")
