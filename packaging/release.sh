#!/usr/bin/env bash
# What is released, from a clean clone: a static binary, the Debian package, the list of what they are made of, and checksums, all in
# target/dist/. Builds in release mode, with Rust and cargo-deb at hand (cargo install cargo-deb).
#
#   packaging/release.sh
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=$(rustc -vV | sed -n 's/^host: //p')
name=tollkeeper-$version-$target
dist=target/dist

# Each released schema has a database in the tests, so that later versions are tried on it.
schema=$(find migrations -name 'V*__*.sql' | sed 's|.*/V\([0-9]*\)__.*|\1|' | sort -n | tail -n 1)
[ -d "tests/fixtures/schema-$schema" ] || { echo "there is no fixture of the schema $schema: run tests/fixtures/write.py first"; exit 1; }

rm -rf "$dist"
mkdir -p "$dist/$name"

# A target that is named keeps the flags from build scripts and macros, which can't be static.
RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target "$target"
binary=target/$target/release/tollkeeper
if ldd "$binary" >/dev/null 2>&1 && ! ldd "$binary" 2>&1 | grep -q 'statically linked'; then
  echo "$binary is not static:"
  ldd "$binary"
  exit 1
fi

packaging/written.sh "$binary"
cp -r "$binary" target/packaging/man target/packaging/completions packaging/systemd packaging/gateways config.toml docs \
  README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$dist/$name"
# The same bytes from the same commit: one owner, one order, one time.
tar --create --gzip --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" \
  --file "$dist/$name.tar.gz" --directory "$dist" "$name"
rm -r "${dist:?}/$name"

cargo deb --no-build --no-strip --target "$target" --output "$dist/"

# What the binary is made of, as CycloneDX.
cargo metadata --locked --format-version 1 --filter-platform "$target" >target/packaging/metadata.json
python3 packaging/sbom.py target/packaging/metadata.json Cargo.lock >"$dist/$name.cdx.json"

(cd "$dist" && sha256sum ./* >SHA256SUMS)
cat "$dist/SHA256SUMS"
