# An upstream for a script that has tests/support/server.sh: `. tests/sdks/upstream.sh`. What is begun has to be ended.

provider=
upstream=

# begin_upstream: starts one; $provider is its address, and what it was sent is in $work/sent.
begin_upstream() {
  python3 tests/sdks/upstream.py "$work/sent" >"$work/port" &
  upstream=$!
  until [ -s "$work/port" ]; do
    kill -0 "$upstream"
    sleep 0.1
  done
  provider=http://127.0.0.1:$(cat "$work/port")
}

# end_upstream: ends it.
end_upstream() {
  [ -z "$upstream" ] || kill "$upstream" 2>/dev/null || true
}
