#!/usr/bin/env bash
# Generated requests from our own OpenAPI document against the real binary: no 5xx, every answer as documented, every refusal our
# error body (promise R5). Bounded in examples and time, with a fixed seed, so that a failure comes back when it is run again: that is
# why the stateful phase is left out, whose requests follow from earlier answers and so from the time of day.
#
#   tests/schemathesis.sh [path of schemathesis] [path of tollkeeper]
set -euo pipefail
cd "$(dirname "$0")/.."

schemathesis=${1:-schemathesis}
tollkeeper=${2:-target/debug/tollkeeper}
# Operations that change management API keys run in a pass of their own: the key that the other passes use must stay alive.
changes_keys='^(update|delete|rotate)_api_key'
# Operations whose caller is the holder of a virtual key.
for_holders='^(forward_auth|list_mcp_tools|get_quota|list_own_usage)'
# Operations under their path in the contract's second family, which the same row of the table serves; `list_users_governance` has a row of its
# own. The passes that ask who may call look at one of the two: tests/rules/matrix.rs asks it of every path.
second_family='^(?!list_users_).*_governance$'

. tests/support/server.sh
data=$work/data
serve "$tollkeeper" "$data" "$work/log"

make_key() {
  "$tollkeeper" keys create "$@" --data-dir "$data" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])'
}

# How fast requests are made up says something of the machine, not of the server.
pass() {
  local name=$1
  shift
  echo
  echo "-- $name"
  if ! HYPOTHESIS_STORAGE_DIRECTORY=$work/hypothesis SCHEMATHESIS_HOOKS=tests/schemathesis_checks.py \
    timeout 1200 "$schemathesis" --config-file tests/schemathesis.toml \
    run "$url/openapi.json" --no-color --phases examples,coverage,fuzzing \
    --exclude-checks positive_data_acceptance,negative_data_rejection --suppress-health-check too_slow "$@"; then
    echo "schemathesis found something with: $name"
    exit 1
  fi
}

# A pass whose key does not work would find nothing and look good.
with_key() {
  local name=$1 key=$2 own=api/session
  shift 2
  case $key in tk_vk_*) own=v1/quota ;; esac
  pass "$name" -H "Authorization: Bearer $key" "$@"
  if ! curl -sSf -o /dev/null -H "Authorization: Bearer $key" "$url/$own"; then
    echo "the key of this pass does not work"
    exit 1
  fi
}

# The first key is the only one that holds every permission, so what is generated can't revoke it. What changes keys comes
# before the passes that could make another such key, and has some keys to change.
full=$(cat "$data/initial-key")
for name in one two three; do
  make_key "$name" --permission AccessProfiles:View >/dev/null
done
with_key "full key, operations that change keys" "$full" --include-operation-id-regex "$changes_keys"

# Somebody who holds a profile, before what is generated deletes people: a command prints the key.
as_admin() {
  curl -sSf -H "Authorization: Bearer $full" -H 'Content-Type: application/json' "$url/api/$1" -d "$2" >/dev/null
}
as_admin access-profiles '{"name": "holder", "provider_configs": [{"provider_name": "openai", "all_models_allowed": true}],
  "mcp_servers": [{"mcp_server_id": "github"}]}'
as_admin users '{"name": "holder", "email": "holder@example.com"}'
holder=$("$tollkeeper" assign holder@example.com holder --data-dir "$data" --json |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["virtual_key"]["value"])')
with_key "virtual key" "$holder" --include-operation-id-regex "$for_holders"

# Every View permission that there is.
views=()
for resource in AccessProfiles Users Roles APIKeys VirtualMCPs Decisions Settings Backups Metrics VirtualKeys; do
  views+=(--permission "$resource:View")
done
readonly=$(make_key reader "${views[@]}")
with_key "full key" "$full" --exclude-operation-id-regex "$changes_keys|$for_holders"
with_key "read-only key" "$readonly" --max-examples 15 --exclude-operation-id-regex "$for_holders|$second_family"
pass "no key" --max-examples 10 --exclude-operation-id-regex "$second_family"

echo
if grep -q 'panicked at' "$work/log"; then
  echo "the server panicked:"
  grep -A 3 'panicked at' "$work/log"
  exit 1
fi
