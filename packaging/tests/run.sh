#!/usr/bin/env bash
# What is packaged, tried on this machine with a binary that is there: the unit, the image's files with a read-only root as the user 65534
# and as process 1, name resolution in a static binary, and the Debian package installed, upgraded and removed. Takes away what it
# made. Runs as root, on Debian; where the machine allows no namespaces it says what was not tried.
#
#   packaging/tests/run.sh BINARY CARGO_DEB [unit|image|resolution|package]…
set -euo pipefail
binary=$(realpath "$1")
cargo_deb=$(realpath "$2")
cd "$(dirname "$0")/../.."

[ "$(id -u)" -eq 0 ] || { echo "packaging/tests/run.sh runs as root: it changes users and roots, and installs a package"; exit 1; }

work=$(mktemp -d)
chmod 0755 "$work"
# Without what only a debugger needs: it is copied and packed several times.
strip -o "$work/tollkeeper" "$binary"
binary=$work/tollkeeper
running=
clean() {
  [ -z "$running" ] || { kill -KILL "$running" && wait "$running"; } 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

# until_said PATTERN LOG PROCESS: waits until a line is in a log, as long as the process is there.
until_said() {
  for _ in $(seq 300); do
    if grep -q "$1" "$2"; then return 0; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  echo "it was not said: $1"
  cat "$2"
  return 1
}

unit() {
  # Where the binary and its settings are here; the rest is the unit that is shipped.
  : >"$work/config.toml"
  sed "s|/usr/bin/tollkeeper|$binary|; s|/etc/tollkeeper/config.toml|$work/config.toml|" packaging/systemd/tollkeeper.service >"$work/tollkeeper.service"
  local said
  said=$(systemd-analyze verify --man=no "$work/tollkeeper.service" 2>&1)
  if [ -n "$said" ]; then
    echo "$said"
    return 1
  fi
  # In tenths: under 2.0.
  systemd-analyze security --offline=true --threshold=19 packaging/systemd/tollkeeper.service >"$work/security" || { cat "$work/security"; return 1; }
  tail -n 1 "$work/security"
}

# in_image COMMAND…: as process 1 of new namespaces, with the image's files as a root that can't be written but for /data, as 65534, and
# with the variables of an image alone.
variables=(TOLLKEEPER_STORAGE__DATA_DIR=/data TOLLKEEPER_SERVER__LISTEN=127.0.0.1:0)
in_image() {
  exec unshare --mount --pid --fork --kill-child --propagation private bash -c '
    set -e
    root=$1
    shift
    mount --bind "$root" "$root"
    mount --bind "$root/data" "$root/data"
    mount -t proc proc "$root/proc"
    mount -o remount,bind,ro "$root"
    exec "$@"
  ' bash "$work/image" env -i "${variables[@]}" "$(command -v chroot)" --userspec=65534:65534 "$work/image" "$@"
}

image() {
  if ! unshare --mount --pid --fork true 2>"$work/said"; then
    echo "NOT TRIED: the image and a start as process 1; this machine allows no namespaces: $(cat "$work/said")"
    return 0
  fi
  packaging/container/rootfs.sh "$binary" "$work/image"
  mkdir "$work/image/proc"
  : >"$work/log"
  # The first start, which makes the database, has no /tmp nor any other place.
  (in_image /tollkeeper serve >"$work/out" 2>"$work/log") &
  running=$!
  until_said 'listening on' "$work/log" "$running"
  local inside port
  port=$(sed -n 's|.*listening on http://127\.0\.0\.1:\([0-9]*\).*|\1|p' "$work/log" | head -n 1)
  inside=$(pgrep --full --exact "/tollkeeper serve" --newest)
  grep -q '^NSpid:.*[[:space:]]1$' "/proc/$inside/status"
  grep -q '^Uid:[[:space:]]*65534[[:space:]]' "/proc/$inside/status"
  python3 -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:$port/ready').read().decode())"
  # Every kind of write, and a command beside the server.
  local enter=(env -i "${variables[@]}" "$(command -v nsenter)" --target "$inside" --mount --pid "--root=/proc/$inside/root" --setuid 65534 --setgid 65534)
  "${enter[@]}" /tollkeeper keys create ci --permission AccessProfiles:View >"$work/key"
  "${enter[@]}" /tollkeeper profiles create developers --provider openai --budget 100/1M >/dev/null
  "${enter[@]}" /tollkeeper usage >/dev/null
  "${enter[@]}" /tollkeeper audit verify
  if "${enter[@]}" /tollkeeper man --dir / 2>"$work/said"; then
    echo "the root can be written"
    return 1
  fi
  grep -q 'Read-only file system\|Permission denied' "$work/said"
  # A process whose parent is gone is the first one's, which waits for it.
  nsenter --target "$inside" --pid sh -c '(sleep 0.2 &)'
  for _ in $(seq 100); do
    pgrep --parent "$inside" >/dev/null || break
    sleep 0.1
  done
  if pgrep --parent "$inside"; then
    echo "processes that ended were not waited for:"
    ps --ppid "$inside"
    return 1
  fi
  kill -TERM "$inside"
  local status=0
  wait "$running" || status=$?
  running=
  grep -q 'stopped' "$work/log"
  [ "$status" -eq 0 ] || { echo "process 1 ended with $status"; cat "$work/log"; return 1; }
  # Again, on what is there.
  (in_image /tollkeeper keys list) | grep -q ' ci '
}

# A static binary of Rust resolves names without libraries beside it: by /etc/hosts, and by the name server of /etc/resolv.conf.
resolution() {
  cat >"$work/resolve.rs" <<'RUST'
use std::net::ToSocketAddrs;
fn main() {
    for name in std::env::args().skip(1) {
        let found: Vec<_> = (name.as_str(), 1).to_socket_addrs().expect("it is found").map(|at| at.ip().to_string()).collect();
        println!("{name} {}", found.join(" "));
    }
}
RUST
  rustc --edition 2024 -C target-feature=+crt-static --target "$(rustc -vV | sed -n 's/^host: //p')" -o "$work/resolve" "$work/resolve.rs"
  install -D -m 0755 "$work/resolve" "$work/bare/resolve"
  mkdir -p "$work/bare/etc"
  echo '192.0.2.7 by-hosts.example' >"$work/bare/etc/hosts"
  [ "$(chroot "$work/bare" /resolve by-hosts.example)" = 'by-hosts.example 192.0.2.7' ]
  if ! unshare --net true 2>/dev/null; then
    echo "NOT TRIED: a name server; this machine allows no namespaces"
    return 0
  fi
  echo 'nameserver 127.0.0.1' >"$work/bare/etc/resolv.conf"
  # In a network of its own, so that the port 53 is free and nothing is asked outside.
  unshare --net bash -c '
    set -e
    python3 -c "import fcntl, socket, struct
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack(\"16sh\", b\"lo\", 0x1 | 0x40))"
    python3 "$1/packaging/tests/name_server.py" &
    server=$!
    trap "kill $server" EXIT
    for _ in $(seq 50); do
      if said=$(chroot "$2" /resolve by-server.example 2>/dev/null); then break; fi
      sleep 0.1
    done
    [ "$said" = "by-server.example 192.0.2.9" ] || { echo "resolved: $said"; exit 1; }
  ' bash "$PWD" "$work/bare"
  echo "names are resolved by hosts and by a name server"
}

package() {
  if dpkg-query -W tollkeeper >/dev/null 2>&1 || [ -e /var/lib/tollkeeper ] || [ -e /etc/tollkeeper ]; then
    echo "tollkeeper is installed on this machine, or its data is there; the package is not tried on it"
    return 1
  fi
  packaging/written.sh "$binary"
  # Where cargo-deb looks for what was built.
  mkdir -p "$work/target/release"
  ln -s "$binary" "$work/target/release/tollkeeper"
  local version
  for version in 0.1.0-1 0.1.0-2; do
    CARGO_TARGET_DIR="$work/target" "$cargo_deb" --no-build --no-strip --fast --compress-type gz --compress-system --deb-version "$version" --output "$work/$version.deb" >/dev/null
  done
  dpkg --info "$work/0.1.0-1.deb" | grep -E '^ (Package|Version|Depends|Installed-Size):'
  dpkg --install "$work/0.1.0-1.deb" >/dev/null
  trap 'clean; dpkg --purge tollkeeper >/dev/null 2>&1; rm -rf /var/lib/tollkeeper; userdel tollkeeper' EXIT
  [ "$(stat -c '%U:%G %a' /var/lib/tollkeeper)" = 'tollkeeper:tollkeeper 700' ]
  [ -f /lib/systemd/system/tollkeeper.service ]
  [ -f /usr/share/man/man1/tollkeeper-keys-create.1.gz ]
  # From here on not beside the settings of this repository.
  cd /
  tollkeeper config check | grep -q '1 are set'
  local as=("$(command -v setpriv)" --reuid=tollkeeper --regid=tollkeeper --init-groups)
  "${as[@]}" tollkeeper serve --listen 127.0.0.1:0 >"$work/out" 2>"$work/log" &
  running=$!
  until_said 'listening on' "$work/log" "$running"
  "${as[@]}" tollkeeper keys create ci --all >/dev/null
  # Root speaks to a server that runs, and leaves nothing of its own while none does.
  tollkeeper keys list | grep -q ' ci '
  kill -TERM "$running"
  wait "$running"
  running=
  local status=0
  tollkeeper keys list 2>"$work/said" || status=$?
  [ "$status" -eq 77 ]
  grep -q 'sudo -u tollkeeper' "$work/said"
  # What the operator wrote, and what is stored, stays over an upgrade, a removal and a purge.
  echo '# mine' >>/etc/tollkeeper/config.toml
  dpkg --install "$work/0.1.0-2.deb" >/dev/null
  grep -q '# mine' /etc/tollkeeper/config.toml
  "${as[@]}" tollkeeper keys list | grep -q ' ci '
  dpkg --remove tollkeeper >/dev/null
  [ ! -e /usr/bin/tollkeeper ]
  [ -f /etc/tollkeeper/config.toml ]
  [ -f /var/lib/tollkeeper/tollkeeper.db ]
  dpkg --purge tollkeeper >/dev/null
  [ ! -e /etc/tollkeeper/config.toml ]
  [ -f /var/lib/tollkeeper/tollkeeper.db ]
  rm -rf /var/lib/tollkeeper
  userdel tollkeeper
  trap clean EXIT
  echo "the package was installed, upgraded, removed and purged"
}

shift 2
[ "$#" -gt 0 ] || set -- unit image resolution package
for part in "$@"; do
  echo "-- $part"
  "$part"
done
