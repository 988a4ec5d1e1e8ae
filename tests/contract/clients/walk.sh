#!/usr/bin/env bash
# Clients generated from our own OpenAPI document, against the real binary: what two generators make of the document can be used for
# everything that a client of the contract does.
#
#   tests/contract/clients/walk.sh BIN TOLLKEEPER    BIN is the folder of openapi-python-client, openapi-generator-cli and python
set -euo pipefail
cd "$(dirname "$0")/../../.."

bin=$(cd "$1" && pwd)
tollkeeper=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
walks=$PWD/tests/contract/clients
# The first generator calls the formatter that is installed beside it.
export PATH="$bin:$PATH"

. tests/support/server.sh

"$tollkeeper" openapi >"$work/openapi.json"
cd "$work"
# Every warning of it is an operation or a body that the client does not have.
openapi-python-client generate --path openapi.json --output-path tollkeeper_attrs --meta none --fail-on-warning >attrs.log 2>&1 &
attrs=$!
openapi-generator-cli generate -i openapi.json -g python -o pydantic --package-name tollkeeper_pydantic \
  --global-property apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false >pydantic.log 2>&1 &
pydantic=$!
failed=
wait "$attrs" || failed=attrs
wait "$pydantic" || failed=pydantic
if [ -n "$failed" ]; then
  echo "no client could be generated:"
  cat "$failed.log"
  exit 1
fi
mv pydantic/tollkeeper_pydantic .

# walk NAME: a server of its own for each client.
walk() {
  local data=$work/data-$1
  serve "$tollkeeper" "$data" "$work/$1.err"
  PYTHONPATH=$work "$bin/python" "$walks/walk_$1.py" "$url" "$(cat "$data/initial-key")"
  stop
}

walk attrs
walk pydantic
