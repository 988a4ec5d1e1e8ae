#!/usr/bin/env python3
"""Writes tests/fixtures/prices/litellm.json: entries of LiteLLM's file that differ most in what they have.

    pip download litellm --no-deps
    packaging/prices/litellm_fixture.py litellm-*.whl
"""

import json
import sys
import zipfile
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "tests/fixtures/prices/litellm.json"
# What the test asks about by name.
NAMED = ["sample_spec", "gpt-4o", "azure/eu/gpt-4o-2024-08-06", "gemini/gemini-2.5-pro", "vertex_ai/gemini-2.5-pro", "whisper-1",
         "tts-1", "rerank-v3.5", "1024-x-1024/dall-e-2", "claude-opus-4-5", "dashscope/qwen-flash", "perplexity/sonar-pro",
         "azure/standard/1024-x-1024/dall-e-3", "ollama/llama3"]
ALL = 45


def main():
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        models = json.loads(wheel.read("litellm/model_prices_and_context_window_backup.json"))
    chosen = [name for name in NAMED if name in models]
    seen = {trait for name in chosen for trait in traits(models[name])}
    while len(chosen) < ALL:
        best = max(models, key=lambda name: len(traits(models[name]) - seen))
        if not traits(models[best]) - seen:
            break
        chosen.append(best)
        seen |= traits(models[best])
    lines = [f"{json.dumps(name)}:{json.dumps(models[name])}" for name in sorted(chosen)]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(chosen), "entries,", OUT.stat().st_size, "bytes")


def traits(entry):
    """What tells entries apart: prices that they have, kinds, and providers' families."""
    found = {member for member in entry if "cost" in member or "pricing" in member}
    found.add(("mode", entry.get("mode")))
    return found


main()
