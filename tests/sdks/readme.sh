#!/usr/bin/env bash
# The README's way to a call that is priced and charged, in a fresh directory, by its own commands: they are taken from it as they stand.
# The one thing that is put in is the address of an upstream that answers as OpenAI does. Needs the port 8080 of this machine.
#
#   tests/sdks/readme.sh DIRECTORY    where the fresh directory is made; what was built in it stays, for the next time
set -euo pipefail
cd "$(dirname "$0")/../.."

if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
  echo "something listens on 127.0.0.1:8080 already, where the README's server does; end it first"
  exit 1
fi

# What a clone has: every file that is kept, or will be.
fresh=$1
mkdir -p "$fresh"
find "$fresh" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --preserve=timestamps -t "$fresh"

. tests/support/server.sh
. tests/sdks/upstream.sh
commands=
trap '[ -z "$commands" ] || kill -- "-$commands" 2>/dev/null || true; end_upstream; rm -rf "$work"' EXIT
begin_upstream

# command N: the N-th block of shell commands in the README.
command_block() {
  awk -v wanted="$1" '/^```sh$/ { inside = 1; block++; next } /^```$/ { inside = 0 } inside && block == wanted' README.md
}

{ echo "set -euo pipefail"; command_block 1; } >"$work/first"
{ echo "set -euo pipefail"; command_block 2; command_block 3; } >"$work/second"
named='name = "openai",'
grep -q "$named .*cargo run --release" "$work/first"
sed -i "s|$named|$named base_url = \"$provider/v1\",|" "$work/first"

cd "$fresh"
set -m
bash "$work/first" >"$work/out" 2>"$work/log" &
commands=$!
set +m
until grep -q "listening on http://127.0.0.1:8080" "$work/log"; do
  if ! kill -0 "$commands" 2>/dev/null; then
    cat "$work/log"
    exit 1
  fi
  sleep 0.5
done
cat "$work/out"
bash "$work/second" | tee "$work/printed"
grep -q "^tk_vk_" "$work/printed"
# 8 input and 100 output tokens of gpt-5-mini.
grep -qx 'hello for \$0.000202' "$work/printed"
curl -sS --fail "http://127.0.0.1:8080/api/usage?group_by=user,model" -H "Authorization: Bearer $(cat data/initial-key)" >"$work/usage"
grep -q '"cost":0.000202' "$work/usage"
echo "the README's five commands: the call was made, priced and charged"
