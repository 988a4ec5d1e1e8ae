#!/usr/bin/env bash
# A program that makes calls through the proxy of the real binary, before an upstream that answers as the providers do.
#
#   tests/sdks/walk.sh TOLLKEEPER PROGRAM [ARGUMENT…]    the program is called with URL FIRST_KEY UPSTREAM_LOG UPSTREAM behind its arguments
set -euo pipefail
cd "$(dirname "$0")/../.."

tollkeeper=$1
shift
. tests/support/server.sh
. tests/sdks/upstream.sh

trap 'stop; end_upstream; rm -rf "$work"' EXIT
begin_upstream
export PROVIDER_KEY=sk-of-the-provider
export TOLLKEEPER_REFUSALS__CONTACT='#ai-help'
export TOLLKEEPER_UPSTREAMS="[
  { name = 'openai', base_url = '$provider/v1', api_key_variable = 'PROVIDER_KEY' },
  { name = 'anthropic', base_url = '$provider', api_key_variable = 'PROVIDER_KEY' },
  { name = 'gemini', base_url = '$provider', api_key_variable = 'PROVIDER_KEY' },
]"
serve "$tollkeeper" "$work/data" "$work/log"
"$@" "$url" "$(cat "$work/data/initial-key")" "$work/sent" "$provider"

# Each side keeps its own key: every call has the provider's once, and none has one of ours.
calls=$(wc -l <"$work/sent")
keys=$(grep -o "$PROVIDER_KEY" "$work/sent" | wc -l)
if [ "$calls" -eq 0 ] || [ "$keys" -ne "$calls" ] || grep -q tk_vk_ "$work/sent"; then
  echo "$calls calls came to the upstream with $keys keys of the provider; expected as many, and no virtual key"
  exit 1
fi
if grep -q "$PROVIDER_KEY" "$work/log" || grep -rq "$PROVIDER_KEY" "$work/data"; then
  echo "the provider's key stands in the log or in the data directory"
  exit 1
fi
