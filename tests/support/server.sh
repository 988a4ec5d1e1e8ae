# A real server for a script: `. tests/support/server.sh`. What it starts stops when the script ends.

work=$(mktemp -d)
server=
url=

# stop: ends the server that runs.
stop() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
trap 'stop; rm -rf "$work"' EXIT

# serve TOLLKEEPER DATA LOG: starts one on a free port and says in $url where it listens.
serve() {
  local port=
  # There to be read before what is started has come to it.
  : >"$3"
  "$1" serve --data-dir "$2" --listen 127.0.0.1:0 >"$work/out" 2>"$3" &
  server=$!
  for _ in $(seq 100); do
    port=$(sed -n 's|.*listening on http://127\.0\.0\.1:\([0-9]*\).*|\1|p' "$3" | head -n 1)
    [ -z "$port" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  if [ -z "$port" ]; then
    echo "the server did not start:"
    cat "$3"
    exit 1
  fi
  url=http://127.0.0.1:$port
}
