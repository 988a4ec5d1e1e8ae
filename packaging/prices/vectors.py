#!/usr/bin/env python3
"""Writes tests/fixtures/prices/vectors.json: what the PyPI package genai-prices itself computes for many calls.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install genai-prices
    /tmp/venv/bin/python packaging/prices/vectors.py

Each vector is a provider, a model, a usage in our units, an instant, and the package's price in dollars, exactly. Usages are drawn with a
fixed seed, so that two runs write the same file. A test recomputes each to the nanodollar.
"""

import json
import random
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from importlib.metadata import version
from pathlib import Path

from genai_prices import Usage, calc_price
from genai_prices.data import providers
from genai_prices.types import ConditionalPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

warnings.simplefilter("error")

OUT = Path(__file__).resolve().parents[2] / "tests/fixtures/prices/vectors.json"
LATER = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

# Our members, by what the package calls a price of theirs.
INPUT = {
    "cache_read_mtok": "cached_input_tokens",
    "cache_write_mtok": "cache_write_tokens",
    "cache_write_1h_mtok": "cache_write_1h_tokens",
    "input_audio_mtok": "audio_input_tokens",
    "input_image_mtok": "image_input_tokens",
    "input_video_mtok": "video_input_tokens",
}
OUTPUT = {
    "output_reasoning_mtok": "reasoning_tokens",
    "output_audio_mtok": "audio_output_tokens",
    "output_image_mtok": "image_output_tokens",
    "output_video_mtok": "video_output_tokens",
}
# What we don't count: its models are not asked about with it, for it would be 0 in both.
HERE = (*INPUT, *OUTPUT, "cache_audio_read_mtok", "cache_image_read_mtok", "web_searches_kcount", "input_mchars", "audio_hours",
        "input_audio_hours", "requests_kcount", "input_mtok", "output_mtok")


def theirs(ours):
    """The same usage in the package's words."""
    usage = {
        "input_tokens": ours.get("input_tokens", 0),
        "output_tokens": ours.get("output_tokens", 0),
        "cache_read_tokens": ours.get("cached_input_tokens", 0),
        "cache_write_tokens": ours.get("cache_write_tokens", 0) + ours.get("cache_write_1h_tokens", 0),
        "cache_write_1h_tokens": ours.get("cache_write_1h_tokens", 0),
        "input_audio_tokens": ours.get("audio_input_tokens", 0),
        "cache_audio_read_tokens": ours.get("cached_audio_input_tokens", 0),
        "input_image_tokens": ours.get("image_input_tokens", 0),
        "cache_image_read_tokens": ours.get("cached_image_input_tokens", 0),
        "input_video_tokens": ours.get("video_input_tokens", 0),
        "output_reasoning_tokens": ours.get("reasoning_tokens", 0),
        "output_audio_tokens": ours.get("audio_output_tokens", 0),
        "output_image_tokens": ours.get("image_output_tokens", 0),
        "output_video_tokens": ours.get("video_output_tokens", 0),
        "web_searches": ours.get("web_searches", 0),
        "input_characters": ours.get("input_characters", 0),
    }
    if milliseconds := ours.get("audio_milliseconds"):
        usage["audio_seconds"] = usage["input_audio_seconds"] = Decimal(milliseconds) / 1000
    # Of what is in two kinds at once the package wants to know that it is none.
    told = ("input_tokens", "output_tokens", "cache_audio_read_tokens", "cache_image_read_tokens")
    return {key: value for key, value in usage.items() if value or key in told}


def draw(chance, keys, total):
    """A usage of so many input tokens, some of each kind that has a price and some of those that have none."""
    usage, left = {"input_tokens": total}, total
    for key, member in INPUT.items():
        if key in keys or chance.random() < 0.2:
            usage[member] = chance.randrange(left // 3 + 1)
            left -= usage[member]
    for kind in ("audio", "image"):
        if f"cache_{kind}_read_mtok" in keys and usage.get(f"{kind}_input_tokens"):
            cached = chance.randrange(usage[f"{kind}_input_tokens"])
            usage[f"cached_{kind}_input_tokens"] = cached
            usage["cached_input_tokens"] = usage.get("cached_input_tokens", 0) + cached
    usage["output_tokens"] = left = chance.randrange(20_000)
    for key, member in OUTPUT.items():
        if key in keys or chance.random() < 0.2:
            usage[member] = chance.randrange(left // 2 + 1)
            left -= usage[member]
    if "web_searches_kcount" in keys or chance.random() < 0.1:
        usage["web_searches"] = chance.randrange(20)
    if "input_mchars" in keys:
        usage["input_characters"] = chance.randrange(100_000)
    if keys & {"audio_hours", "input_audio_hours"}:
        usage["audio_milliseconds"] = chance.choice([1, 9_999, 10_000, chance.randrange(10_000_000)])
    return {key: value for key, value in usage.items() if value}


def moments(prices):
    """Just before and at each day a price begins, and within and around its hours."""
    if not isinstance(prices, list):
        return [LATER]
    found = [LATER]
    for price in prices:
        match price.constraint:
            case StartDateConstraint(start_date=day):
                midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
                found += [midnight - timedelta(milliseconds=1), midnight]
            case TimeOfDateConstraint(start_time=start, end_time=end):
                for time in (start, end):
                    found.append(datetime.combine(LATER.date(), time.replace(tzinfo=None), tzinfo=UTC))
    return found


def main():
    chance = random.Random(20261130)
    chosen, plain = [], []
    for provider in providers:
        for model in provider.models:
            prices = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
            keys = {key for price in prices for key, value in price.prices.__dict__.items() if value is not None}
            if keys and not keys & set(HERE):
                continue
            tiers = {tier.start for price in prices for value in price.prices.__dict__.values()
                     if isinstance(value, TieredPrices) for tier in value.tiers}
            special = tiers or isinstance(model.prices, list) or keys - {"input_mtok", "output_mtok", "cache_read_mtok"}
            (chosen if special else plain).append((provider, model, keys, tiers))
    rare = {"requests_kcount", "input_mchars", "audio_hours", "input_audio_mtok", "output_reasoning_mtok", "input_image_mtok",
            "output_image_mtok", "input_video_mtok", "output_video_mtok"}
    first = [each for each in chosen if each[2] & rare]
    timed = [each for each in chosen if isinstance(each[1].prices, list) and any(
        isinstance(price.constraint, TimeOfDateConstraint) for price in each[1].prices)]
    rest = [each for each in chosen if each not in first and each not in timed]
    most_used = ("anthropic", "aws", "azure", "google", "mistral", "openai", "x-ai")
    main_ones = [each for each in rest if each[0].id in most_used]
    others = [each for each in rest if each[0].id not in most_used]
    picked = first + timed + chance.sample(main_ones, 90) + chance.sample(others, 80) + chance.sample(plain, 60)
    vectors = []
    for provider, model, keys, tiers in picked:
        totals = [chance.randrange(1, 90_000)]
        for start in sorted(tiers):
            totals += [start, start + 1]
        for at in moments(model.prices):
            for total in totals if at is LATER else totals[-1:]:
                usage = draw(chance, keys, total)
                with localcontext(Context(prec=60)):
                    try:
                        found = calc_price(Usage(**theirs(usage)), model.id, provider_id=provider.id, genai_request_timestamp=at)
                    except LookupError:
                        continue
                vectors.append({
                    "provider": provider.id,
                    "model": model.id,
                    "at": at.isoformat().replace("+00:00", "Z"),
                    "usage": usage,
                    "dollars": format(found.total_price, "f"),
                })
    text = ",\n".join(json.dumps(vector) for vector in vectors)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(f'{{"source": "genai-prices {version("genai-prices")}", "vectors": [\n{text}\n]}}\n')
    triples = {(v["provider"], v["model"], v["at"], json.dumps(v["usage"])) for v in vectors}
    print(len(vectors), "vectors,", len(triples), "different,", len({(v["provider"], v["model"]) for v in vectors}), "models")


main()
