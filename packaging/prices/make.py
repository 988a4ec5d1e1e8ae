#!/usr/bin/env python3
"""Writes the price list that Tollkeeper embeds, from the data of the PyPI package genai-prices.

    pip download genai-prices litellm --no-deps
    packaging/prices/make.py genai_prices-*.whl --outputs litellm-*.whl --date 2026-11-30

The data of genai-prices is Python source; it is read as a syntax tree and never run. LiteLLM's file gives the greatest outputs, which
genai-prices does not have. What could not be kept is said on standard error.

Rates are nanodollars per million units (an hour of sound: nanodollars an hour), rounded up where the source is finer.
"""

import argparse
import ast
import datetime
import json
import math
import re
import sys
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "src/domain/price/list.json"

# What the source calls a price, what we call it, and how many units the source's price is for.
UNITS = {
    "input_mtok": ("input", "input_tokens", 1_000_000),
    "cache_read_mtok": ("cached_input", "cache_read_tokens", 1_000_000),
    "cache_write_mtok": ("cache_write", "cache_write_tokens", 1_000_000),
    "cache_write_1h_mtok": ("cache_write_1h", "cache_write_1h_tokens", 1_000_000),
    "input_audio_mtok": ("audio_input", "input_audio_tokens", 1_000_000),
    "cache_audio_read_mtok": ("cached_audio_input", "cache_audio_read_tokens", 1_000_000),
    "input_image_mtok": ("image_input", "input_image_tokens", 1_000_000),
    "cache_image_read_mtok": ("cached_image_input", "cache_image_read_tokens", 1_000_000),
    "input_video_mtok": ("video_input", "input_video_tokens", 1_000_000),
    "output_mtok": ("output", "output_tokens", 1_000_000),
    "output_reasoning_mtok": ("reasoning", "output_reasoning_tokens", 1_000_000),
    "output_audio_mtok": ("audio_output", "output_audio_tokens", 1_000_000),
    "output_image_mtok": ("image_output", "output_image_tokens", 1_000_000),
    "output_video_mtok": ("video_output", "output_video_tokens", 1_000_000),
    "web_searches_kcount": ("web_search", "web_searches", 1_000),
    "input_mchars": ("input_character", "input_characters", 1_000_000),
    "audio_hours": ("audio_hour", "audio_seconds", 3_600),
    "input_audio_hours": ("audio_hour", "input_audio_seconds", 3_600),
    "requests_kcount": ("request", "requests", 1_000),
}

# Names that our users give to providers, beside those by which the source knows them.
ALIASES = {
    "aws": ["bedrock", "amazon", "amazon_bedrock", "aws_bedrock"],
    "azure": ["azure_ai", "azure_openai", "azureopenai", "azure_cognitive_services"],
    "deepseek": ["deep-seek"],
    "fireworks": ["fireworks_ai", "fireworksai"],
    "github-copilot": ["github_copilot", "copilot"],
    "google": ["gemini", "vertex", "vertexai", "vertex_ai", "google_vertex", "google_vertex_ai", "google_vertex_anthropic", "google_ai_studio"],
    "mistral": ["mistralai", "codestral"],
    "moonshotai": ["moonshot", "moonshot_ai", "kimi"],
    "novita": ["novita_ai"],
    "perplexity": ["pplx", "perplexity_ai"],
    "together": ["together_ai", "togetherai"],
    "voyageai": ["voyage"],
    "x-ai": ["xai", "grok"],
    "zai": ["z.ai", "z_ai"],
    "zhipuai": ["zhipu", "bigmodel"],
}

# Providers that are no provider: what stands before the slash in a name of a model says whose it is.
GATEWAYS = ["litellm", "bifrost", "portkey", "vercel", "vercel_ai_gateway", "gateway", "ai-gateway", "helicone", "kong", "envoy"]

# Sound that is billed as if it were this long at least, which the source has in its code and not in its data.
LEAST_MILLISECONDS = {("groq", "whisper-large-v3"): 10_000, ("groq", "whisper-large-v3-turbo"): 10_000}

NANO = 10**9


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("source", type=Path, help="the wheel of genai-prices, or the folder it is unpacked into")
    arguments.add_argument("--outputs", type=Path, help="the wheel of LiteLLM, or its file of prices")
    arguments.add_argument("--outputs-version", help="the version of that file, where it is no wheel")
    arguments.add_argument("--date", default=datetime.datetime.now(datetime.UTC).date().isoformat())
    arguments.add_argument("--out", type=Path, default=OUT)
    options = arguments.parse_args()

    data, units, version = read_source(options.source)
    check_units(units)
    notes = Counter()
    providers = [provider for provider in (make_provider(each, notes) for each in data)]
    header = {
        "version": f"{options.date}+genai-prices-{version}",
        "made": options.date,
        "source": "genai-prices",
        "source_version": version,
        "licence": "MIT, Copyright (c) Pydantic Services Inc. 2025 to present: packaging/prices/LICENSE-genai-prices",
    }
    if options.outputs:
        outputs, outputs_version = read_outputs(options.outputs, options.outputs_version)
        header["outputs_source"] = "litellm"
        header["outputs_source_version"] = outputs_version
        header["outputs_licence"] = "MIT, Copyright (c) 2023 Berri AI: packaging/prices/LICENSE-litellm"
        add_outputs(providers, outputs, notes)
    header["gateways"] = GATEWAYS
    write(options.out, header, providers)
    models = [model for provider in providers for model in provider["models"]]
    notes["providers"] = len(providers)
    notes["models"] = len(models)
    notes["models with a greatest output"] = sum("greatest_output" in model for model in models)
    notes["bytes"] = options.out.stat().st_size
    for note, count in sorted(notes.items()):
        print(f"{count:8} {note}", file=sys.stderr)


# Reading the source.


def read_source(path):
    if path.is_dir():
        folder = path if (path / "data.py").exists() else path / "genai_prices"
        [metadata] = [*folder.parent.glob("genai_prices-*.dist-info/METADATA")]
        texts = [(folder / name).read_text() for name in ("data.py", "data_units.py")] + [metadata.read_text()]
    else:
        with zipfile.ZipFile(path) as wheel:
            [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
            names = ["genai_prices/data.py", "genai_prices/data_units.py", metadata]
            texts = [wheel.read(name).decode() for name in names]
    if "License-Expression: MIT" not in texts[2]:
        sys.exit("the source is not under the MIT licence any more: look at that first")
    version = re.search(r"(?m)^Version: (\S+)$", texts[2])[1]
    return value_of(texts[0], "providers"), value_of(texts[1], "unit_data"), version


def value_of(source, name):
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == name:
            return evaluate(statement.value)
    sys.exit(f"the source has no {name}")


def evaluate(node):
    """A literal; a call is an object with what it is called as its "is"."""
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [evaluate(item) for item in node.elts]
        case ast.Dict():
            return {evaluate(key): evaluate(value) for key, value in zip(node.keys, node.values)}
        case ast.UnaryOp(op=ast.USub()):
            return -evaluate(node.operand)
        case ast.Attribute(attr="utc" | "UTC"):
            return datetime.UTC
        case ast.Call():
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            positional = [evaluate(argument) for argument in node.args]
            named = {keyword.arg: evaluate(keyword.value) for keyword in node.keywords}
            if called == "Decimal":
                return Decimal(*positional)
            if called in ("date", "time"):
                return getattr(datetime, called)(*positional, **named)
            assert not positional, ast.dump(node)
            return {"is": called, **named}
    sys.exit(f"the source has something new: {ast.dump(node)[:200]}")


def check_units(units):
    """Whether a price of the source is still for as many units as we take it for."""
    for key, (_, usage, per) in UNITS.items():
        unit = units[usage]
        if (unit["price_key"], unit["per"]) != (key, per):
            sys.exit(f"{usage} is now {unit}")


# Our form.


def make_provider(source, notes):
    provider = {"id": source["id"]}
    if aliases := ALIASES.get(source["id"]):
        provider["aliases"] = aliases
    if clause := source.get("provider_match"):
        provider["match"] = make_clause(clause)
    if fallback := source.get("fallback_model_providers"):
        provider["fallback"] = fallback
    models = (make_model(source["id"], model, notes) for model in source["models"])
    provider["models"] = [model for model in models if model]
    return provider


def make_model(provider, source, notes):
    prices = source["prices"]
    if isinstance(prices, dict):
        prices = [{"prices": prices}]
    made = [make_price(provider, source["id"], price, notes) for price in prices]
    if any(price is None for price in made):
        notes["models left out: all that they cost is in units that we don't count"] += 1
        print(f"left out: {provider} {source['id']}", file=sys.stderr)
        return None
    model = {"id": source["id"], "match": make_clause(source["match"])}
    if context := source.get("context_window"):
        model["context_window"] = context
    model["prices"] = made
    for variant in source.get("price_variants") or []:
        notes["variants left out: " + ", ".join(f"{key} {value}" for key, value in variant["when"].items())] += 1
    return model


def make_price(provider, model, source, notes):
    """Nothing when it has prices and we know the unit of none."""
    price = make_constraint(source.get("constraint"))
    base, tiers = {}, {}
    known = unknown = 0
    for key, value in source["prices"].items():
        if key == "is" or value is None:
            continue
        if key not in UNITS:
            unknown += 1
            notes[f"rates left out: {key}"] += 1
            continue
        known += 1
        kind, _, per = UNITS[key]
        tiered = value if isinstance(value, dict) else {"base": value, "tiers": []}
        if kind in base and base[kind] != rate(tiered["base"], key, per, notes):
            sys.exit(f"{provider} {model} has two prices for {kind}")
        base[kind] = rate(tiered["base"], key, per, notes)
        for tier in tiered["tiers"]:
            tiers.setdefault(tier["start"], {})[kind] = rate(tier["price"], key, per, notes)
    if unknown and not known:
        return None
    price["rates"] = base
    if tiers:
        price["above"] = [{"input_tokens": start, "rates": rates} for start, rates in sorted(tiers.items())]
    if least := LEAST_MILLISECONDS.get((provider, model)):
        price["least_audio_milliseconds"] = least
    return price


def rate(dollars, key, per, notes):
    nanodollars = dollars * NANO
    if per == 1_000:
        nanodollars *= 1_000
    up = math.ceil(nanodollars)
    if up != nanodollars:
        notes["rates finer than a nanodollar per million, rounded up"] += 1
    return up


def make_constraint(source):
    if not source:
        return {}
    if source["is"] == "StartDateConstraint":
        return {"from": source["start_date"].isoformat()}
    if source["is"] == "TimeOfDateConstraint":
        times = (source["start_time"], source["end_time"])
        if any(time.tzinfo not in (None, datetime.UTC) for time in times):
            sys.exit(f"a time that is not UTC: {source}")
        return {"daily": [time.isoformat() for time in (time.replace(tzinfo=None) for time in times)]}
    sys.exit(f"the source has a new constraint: {source}")


def make_clause(source):
    kind = source["is"].removeprefix("Clause")
    match kind:
        case "Or" | "And":
            name = kind.lower()
            return {name: [make_clause(clause) for clause in source[name + "_"]]}
        case "Equals":
            return {"equals": source["equals"].lower()}
        case "StartsWith":
            return {"starts_with": source["starts_with"].lower()}
        case "EndsWith":
            return {"ends_with": source["ends_with"].lower()}
        case "Contains":
            return {"contains": source["contains"].lower()}
        case "Regex":
            return make_expression(source["regex"])
    sys.exit(f"the source has a new clause: {source}")


def make_expression(expression):
    """Without what automata can't do: a look ahead at the beginning is a clause that must not hold."""
    if expression.startswith("^(?!"):
        depth, at = 1, 4
        while depth:
            depth += {"(": 1, ")": -1}.get(expression[at], 0)
            at += 1
        ahead, rest = expression[4 : at - 1], expression[at:]
        refused = {"not": {"regex": plain("^" + ahead)}}
        return {"and": [refused, {"regex": plain("^" + rest)}]} if rest else refused
    return {"regex": plain(expression)}


def plain(expression):
    if re.search(r"\(\?[!=<]", expression):
        sys.exit(f"the source has an expression that we can't do: {expression}")
    return expression.replace(r"\d", "[0-9]")


# Greatest outputs.


def read_outputs(path, version):
    if path.suffix != ".whl":
        return json.loads(path.read_text()), version or sys.exit("--outputs-version is missing")
    with zipfile.ZipFile(path) as wheel:
        text = wheel.read("litellm/model_prices_and_context_window_backup.json")
    return json.loads(text), re.match(r"litellm-([^-]+)-", path.name)[1]


def add_outputs(providers, outputs, notes):
    """The greatest that LiteLLM knows of a model at its provider; where it has the model's very name, that alone. Where it knows none there,
    what most providers say of a model of that name: one or another tells the whole context window instead."""
    exact, matched, by_name = {}, {}, {}
    for key, entry in outputs.items():
        most = entry.get("max_output_tokens")
        if isinstance(most, float) and most.is_integer():
            most = int(most)
        if key == "sample_spec" or not isinstance(most, int) or most < 1:
            continue
        names = key.lower().split("/")
        names = ["/".join(names[at:]) for at in range(len(names))]
        by_name.setdefault(names[-1], Counter())[most] += 1
        provider = find_provider(providers, entry.get("litellm_provider") or "")
        if provider is None:
            continue
        for name in names:
            model = next((model for model in provider["models"] if holds(model["match"], name)), None)
            if model:
                found = exact if name == model["id"].lower() else matched
                place = (provider["id"], model["id"])
                found[place] = max(most, found.get(place, 0))
                break
    for provider in providers:
        for model in provider["models"]:
            place = (provider["id"], model["id"])
            if most := exact.get(place) or matched.get(place):
                notes["greatest outputs by provider and model"] += 1
            elif counts := by_name.get(name_alone(model["id"])):
                most = max(counts, key=lambda most: (counts[most], most))
                notes["greatest outputs by the model's name at another provider"] += 1
            else:
                continue
            at = list(model)
            at.insert(at.index("prices"), "greatest_output")
            model["greatest_output"] = most
            for member in at:
                model[member] = model.pop(member)


def name_alone(model):
    """A model's name without who made it and by which way it is asked for."""
    return model.lower().split("/")[-1].split(":")[0].removesuffix("-latest")


def find_provider(providers, name):
    name = name.lower().strip()
    for provider in providers:
        if name == provider["id"] or name in provider.get("aliases", []):
            return provider
    for provider in providers:
        if "match" in provider and holds(provider["match"], name):
            return provider
    return None


def holds(clause, text):
    [(kind, value)] = clause.items()
    match kind:
        case "or":
            return any(holds(each, text) for each in value)
        case "and":
            return all(holds(each, text) for each in value)
        case "not":
            return not holds(value, text)
        case "equals":
            return text == value
        case "starts_with":
            return text.startswith(value)
        case "ends_with":
            return text.endswith(value)
        case "contains":
            return value in text
        case "regex":
            return re.search(value, text) is not None
    raise AssertionError(kind)


# Writing.


def write(path, header, providers):
    """One model a line, so that two lists can be compared."""

    def compact(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    lines = ["{"]
    lines += [f"{compact(key)}:{compact(value)}," for key, value in header.items()]
    lines.append('"providers":[')
    for at, provider in enumerate(providers):
        head = {key: value for key, value in provider.items() if key != "models"}
        lines.append(compact(head)[:-1] + ',"models":[')
        models = [compact(model) for model in provider["models"]]
        lines += [model + "," for model in models[:-1]] + models[-1:]
        lines.append("]}" + ("," if at + 1 < len(providers) else ""))
    lines += ["]", "}"]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
