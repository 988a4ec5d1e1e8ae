"""The providers' own SDKs through the proxy, with nothing changed but the address and the key.

    tests/sdks/walk.sh TOLLKEEPER PYTHON tests/sdks/walk.py
"""

import anthropic
import openai
from google import genai
from google.genai import errors as gemini_errors

from holders import api, holder, sent, spent, url

HELLO = [{"role": "user", "content": "hello"}]


def clients(key, retries=0):
    return (
        openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=retries),
        anthropic.Anthropic(base_url=url, api_key=key, max_retries=retries),
        genai.Client(api_key=key, http_options={"base_url": f"{url}/gemini", "retry_options": {"attempts": retries + 1, "initial_delay": 0.01}}),
    )


def expect(kind, work):
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}")


def check_calls():
    user, key = holder("everybody", budgets=[{"max_limit": 10, "reset_duration": "1d"}])
    gpt, claude, gemini = clients(key)
    plain = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=100)
    assert plain.choices[0].message.content == "hello" and plain.usage.completion_tokens == 100
    stream = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=100, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "hello"
    told = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True})
    assert [chunk.usage.total_tokens for chunk in told if chunk.usage] == [108]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
    called = gpt.chat.completions.create(model="gpt-4o", messages=HELLO, tools=tools)
    assert called.choices[0].message.tool_calls[0].function.name == "weather"
    assert gpt.responses.create(model="gpt-4o", input="hello").output_text == "hello"
    assert gpt.embeddings.create(model="text-embedding-3-small", input="hello", encoding_format="float").data[0].embedding == [0.1, 0.2]
    message = claude.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=HELLO)
    assert message.content[0].text == "hello" and message.usage.output_tokens == 100
    with claude.messages.stream(model="claude-sonnet-4-5", max_tokens=100, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == "hello"
    assert claude.messages.count_tokens(model="claude-sonnet-4-5", messages=HELLO).input_tokens == 8
    assert gemini.models.generate_content(model="gemini-2.5-flash", contents="hello").text == "hello"
    pieces = gemini.models.generate_content_stream(model="gemini-2.5-flash", contents="hello")
    assert "".join(piece.text for piece in pieces) == "hello"
    totals = spent(user)
    assert (totals["calls"], totals["input_tokens"], totals["output_tokens"]) == (10, 80, 900), totals
    assert totals["cost"] > 0, totals
    assert any(model.id == "gpt-4o" for model in gpt.models.list())
    assert any(model.id == "claude-sonnet-4-5" or "claude" in model.id for model in claude.models.list())
    busy = expect(openai.APIStatusError, lambda: gpt.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "fail"}]))
    assert busy.status_code == 529
    assert spent(user)["cost"] == totals["cost"]

    def read_cut():
        cut = gpt.chat.completions.create(model="gpt-4o", max_tokens=100, messages=[{"role": "user", "content": "cut"}], stream=True)
        return [chunk for chunk in cut]

    expect(Exception, read_cut)
    assert spent(user)["cost"] > totals["cost"]
    assert api("GET", "/v1/reservations")["total_count"] == 0


def check_refusals():
    _, key = holder("nobody", budgets=[{"max_limit": 0.000001, "reset_duration": "1d"}])
    gpt, claude, gemini = clients(key, retries=2)
    dry = expect(openai.APIStatusError, lambda: gpt.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert (dry.status_code, dry.code) == (402, "insufficient_quota") and "budget" in str(dry), dry
    dry = expect(openai.APIStatusError, lambda: gpt.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))
    assert dry.status_code == 402
    dry = expect(anthropic.APIStatusError, lambda: claude.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=HELLO))
    assert dry.status_code == 402 and dry.body["error"]["type"] == "billing_error", dry.body
    dry = expect(gemini_errors.ClientError, lambda: gemini.models.generate_content(model="gemini-2.5-flash", contents="hello"))
    assert (dry.code, dry.status) == (402, "RESOURCE_EXHAUSTED"), dry
    # The models and the size of a prompt are there all the same.
    assert any(gpt.models.list()) and claude.messages.count_tokens(model="claude-sonnet-4-5", messages=HELLO).input_tokens == 8
    wrong = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-nothing", max_retries=2)
    refused = expect(openai.AuthenticationError, lambda: wrong.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert refused.code == "invalid_api_key", refused
    refused = expect(anthropic.AuthenticationError, lambda: anthropic.Anthropic(base_url=url, api_key="x").messages.create(model="claude-sonnet-4-5", max_tokens=1, messages=HELLO))
    assert refused.body["error"]["type"] == "authentication_error"
    _, key = holder("slow", rate_limit={"request_max_limit": 1, "request_reset_duration": "1h"})
    gpt, _, _ = clients(key)
    gpt.chat.completions.create(model="gpt-4o", messages=HELLO)
    limited = expect(openai.RateLimitError, lambda: gpt.chat.completions.create(model="gpt-4o", messages=HELLO))
    assert limited.code == "rate_limit_exceeded" and int(limited.response.headers["retry-after"]) > 60


def check_dry_in_the_middle():
    """Two answers are paid for, what is under way ends, and the third call is refused once, whatever the SDK does about errors."""
    calls = {
        "gpt": (0.0025, openai.APIStatusError, lambda gpt, *_: [
            chunk for chunk in gpt.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=100, stream=True)]),
        "claude": (0.004, anthropic.APIStatusError, lambda _, claude, *__: claude.messages.create(
            model="claude-sonnet-4-5", max_tokens=100, messages=HELLO)),
        "gemini": (0.0006, gemini_errors.ClientError, lambda *clients: clients[2].models.generate_content(
            model="gemini-2.5-flash", contents="hello", config={"max_output_tokens": 100})),
    }
    for name, (budget, kind, call) in calls.items():
        user, key = holder(f"{name}-dry", budgets=[{"max_limit": budget, "reset_duration": "1d"}])
        theirs = clients(key, retries=2)
        call(*theirs)
        call(*theirs)
        before = len(sent())
        dry = expect(kind, lambda: call(*theirs))
        assert getattr(dry, "status_code", getattr(dry, "code", None)) == 402 and "budget" in str(dry), dry
        totals = spent(user)
        assert (totals["calls"], totals["output_tokens"], len(sent())) == (2, 200, before), totals
        assert sum(totals["refusals"].values()) == 1, totals


def check_retries():
    user, key = holder("patient")
    gpt, claude, gemini = clients(key, retries=2)
    before = len(sent())
    once_more = [{"role": "user", "content": "flaky gpt"}]
    assert gpt.chat.completions.create(model="gpt-4o", messages=once_more).choices[0].message.content == "hello"
    once_more = [{"role": "user", "content": "flaky claude"}]
    assert claude.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=once_more).content[0].text == "hello"
    assert gemini.models.generate_content(model="gemini-2.5-flash", contents="flaky gemini").text == "hello"
    # Each was sent three times, and what the provider refused itself costs nothing.
    assert len(sent()) == before + 9 and spent(user)["output_tokens"] == 300, spent(user)


check_calls()
check_retries()
check_refusals()
check_dry_in_the_middle()
print("the providers' SDKs: all calls, refusals and keys as expected")
