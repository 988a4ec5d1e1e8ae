#!/usr/bin/env bash
# What a package brings beside the binary, written by the binary itself: manual pages and completions, under target/packaging/.
#
#   packaging/written.sh BINARY
set -euo pipefail
binary=$(realpath "$1")
cd "$(dirname "$0")/.."

rm -rf target/packaging/man target/packaging/completions
mkdir -p target/packaging/man target/packaging/completions
"$binary" man --dir target/packaging/man
"$binary" completions bash >target/packaging/completions/tollkeeper
"$binary" completions zsh >target/packaging/completions/_tollkeeper
"$binary" completions fish >target/packaging/completions/tollkeeper.fish
