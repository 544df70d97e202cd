#!/usr/bin/env bash
# Builds the two release artefacts with LTO into target/artefacts/:
#   umbra-pi-aarch64       fully static musl, features `pi demo`
#   umbra-jetson-aarch64   dynamic glibc, features `jetson demo`, symbols no newer than
#                          GLIBC_2.31, so that JetPack 5 (Ubuntu 20.04) starts it
# Needs scripts/setup-cross.sh, and for the jetson artefact zig with cargo-zigbuild
# (both come from Python packages: python3 -m pip install ziglang cargo-zigbuild).
# Each artefact takes several minutes and some 4 GB of memory.
#   scripts/release.sh [pi|jetson]     one of them only
set -euo pipefail
cd "$(dirname "$0")/.."
newest_glibc=2.31
out=target/artefacts
mkdir -p "$out"

build_pi() {
    cargo build --profile dist --locked --target aarch64-unknown-linux-musl \
        --no-default-features --features pi,demo
    cp target/aarch64-unknown-linux-musl/dist/umbra "$out/umbra-pi-aarch64"
    if readelf -d "$out/umbra-pi-aarch64" | grep -q NEEDED; then
        echo "release: the pi artefact is not static" >&2
        exit 1
    fi
}

build_jetson() {
    command -v cargo-zigbuild >/dev/null || {
        echo "release: cargo-zigbuild is missing: python3 -m pip install ziglang cargo-zigbuild" >&2
        exit 1
    }
    cargo zigbuild --profile dist --locked --target "aarch64-unknown-linux-gnu.$newest_glibc" \
        --no-default-features --features jetson,demo
    cp target/aarch64-unknown-linux-gnu/dist/umbra "$out/umbra-jetson-aarch64"
    local newest
    newest=$(readelf -V "$out/umbra-jetson-aarch64" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' |
        sort -V | tail -n 1)
    echo "newest symbol of the jetson artefact: GLIBC_$newest"
    if [ "$(printf '%s\n' "$newest" "$newest_glibc" | sort -V | tail -n 1)" != "$newest_glibc" ]; then
        echo "release: the jetson artefact needs GLIBC_$newest, more than $newest_glibc" >&2
        exit 1
    fi
}

case "${1:-both}" in
pi) build_pi ;;
jetson) build_jetson ;;
both) build_pi && build_jetson ;;
*) echo "usage: scripts/release.sh [pi|jetson]" >&2 && exit 2 ;;
esac
(cd "$out" && ls -l umbra-* && sha256sum umbra-* >SHA256SUMS)
