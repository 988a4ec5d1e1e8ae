#!/usr/bin/env bash
# The files of the image: the binary, a place for the data that belongs to the user 65534, and that user's name. A static binary needs
# nothing else; of another one the libraries that it is linked with come too, for tests.
#
#   packaging/container/rootfs.sh BINARY DIRECTORY
set -euo pipefail
binary=$1
root=$2

install -d -m 0755 "$root" "$root/etc"
install -m 0755 "$binary" "$root/tollkeeper"
install -d -m 0700 -o 65534 -g 65534 "$root/data"
echo 'tollkeeper:x:65534:65534::/data:' >"$root/etc/passwd"
echo 'tollkeeper:x:65534:' >"$root/etc/group"
chmod 0644 "$root/etc/passwd" "$root/etc/group"

if libraries=$(ldd "$binary" 2>/dev/null); then
  # Of a static one it says that it is, and names none.
  { grep -o '/[^ ]*' <<<"$libraries" || true; } | sort -u | while read -r library; do
    install -D -m 0755 "$library" "$root$library"
  done
fi
