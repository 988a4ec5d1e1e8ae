#!/usr/bin/env bash
# The providers' own SDKs through the proxy of the real binary, before an upstream that answers as the providers do.
#
#   tests/sdks/walk.sh PYTHON TOLLKEEPER    PYTHON has openai, anthropic and google-genai
set -euo pipefail
cd "$(dirname "$0")/../.."

python=$1 tollkeeper=$2
. tests/support/server.sh

"$python" tests/sdks/upstream.py "$work/sent" >"$work/port" &
upstream=$!
trap 'stop; kill "$upstream" 2>/dev/null || true; rm -rf "$work"' EXIT
until [ -s "$work/port" ]; do
  kill -0 "$upstream"
  sleep 0.1
done
provider=http://127.0.0.1:$(cat "$work/port")
export PROVIDER_KEY=sk-of-the-provider
export TOLLKEEPER_UPSTREAMS="[
  { name = 'openai', base_url = '$provider/v1', api_key_variable = 'PROVIDER_KEY' },
  { name = 'anthropic', base_url = '$provider', api_key_variable = 'PROVIDER_KEY' },
  { name = 'gemini', base_url = '$provider', api_key_variable = 'PROVIDER_KEY' },
]"
serve "$tollkeeper" "$work/data" "$work/log"
"$python" tests/sdks/walk.py "$url" "$(cat "$work/data/initial-key")" "$work/sent"
if grep -q "$PROVIDER_KEY" "$work/log" || grep -rq "$PROVIDER_KEY" "$work/data"; then
  echo "the provider's key stands in the log or in the data directory"
  exit 1
fi
