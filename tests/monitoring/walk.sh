#!/usr/bin/env bash
# Calls a real server with a listener for metrics a few times, and has Prometheus' own parser read what it shows.
#
#   tests/monitoring/walk.sh TOLLKEEPER PYTHON    the Python has the package prometheus-client
set -euo pipefail
cd "$(dirname "$0")/../.."

tollkeeper=$1
python=$2
. tests/support/server.sh

# A port that is free now.
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export TOLLKEEPER_METRICS__LISTEN=127.0.0.1:$port
export TOLLKEEPER_UPSTREAMS='[{ name = "ollama", free = true }]'
serve "$tollkeeper" "$work/data" "$work/log"
curl -sS -o "$work/answer" "$url/api/users"
curl -sS -o "$work/answer" -H "Authorization: Bearer $(cat "$work/data/initial-key")" "$url/api/users"
"$python" tests/monitoring/scrape.py "http://127.0.0.1:$port/metrics"
