#!/usr/bin/env bash
# Installs what the ARM builds and the emulated tests need, and says what it does:
#   - Debian/Ubuntu packages: cross compilers and C libraries for aarch64 and armv7,
#     and the user-mode emulator;
#   - the three Rust targets, for the toolchain that rust-toolchain.toml names.
# What is there already is left alone. Needs root (or sudo) for the packages only.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf
    libc6-dev-arm64-cross libc6-dev-armhf-cross qemu-user-static)
targets=(aarch64-unknown-linux-gnu aarch64-unknown-linux-musl armv7-unknown-linux-gnueabihf)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" ||
        missing+=("$package")
done
if ((${#missing[@]})); then
    echo "installing packages: ${missing[*]}"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}"
else
    echo "packages are installed: ${packages[*]}"
fi

channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
installed=$(rustup target list --installed --toolchain "$channel")
for target in "${targets[@]}"; do
    if grep -qx "$target" <<<"$installed"; then
        echo "target is installed: $target"
    else
        echo "installing target: $target"
        rustup target add --toolchain "$channel" "$target"
    fi
done
