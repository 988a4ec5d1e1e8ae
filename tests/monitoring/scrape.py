"""Reads /metrics of a running server with Prometheus' own parser: scrape.py URL.

Every family must have a type and a help, and every sample a family.
"""

import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

with urllib.request.urlopen(sys.argv[1]) as answer:
    kind = answer.headers["content-type"]
    text = answer.read().decode()
assert kind.startswith("text/plain; version=0.0.4"), kind

families = list(text_string_to_metric_families(text))
untyped = [family.name for family in families if family.type in ("unknown", "untyped")]
assert not untyped, f"without a type: {untyped}"
helpless = [family.name for family in families if not family.documentation]
assert not helpless, f"without a help: {helpless}"

# Each line with a value came out as a sample, and none twice.
lines = [line for line in text.splitlines() if line and not line.startswith("#")]
samples = [sample for family in families for sample in family.samples]
assert len(samples) == len(lines), (len(samples), len(lines))
keys = {(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}
assert len(keys) == len(samples)

names = {family.name for family in families}
for name in ("tollkeeper_requests", "tollkeeper_decisions", "tollkeeper_ready", "process_cpu_seconds"):
    assert name in names, f"{name} is missing"
print(f"{len(families)} families, {len(samples)} samples")
