#!/usr/bin/env bash
# Instructions per inference on ARM, this project's engine against ONNX Runtime, where no ARM
# machine is at hand. Boots a virtual machine whose clock advances one nanosecond with every
# instruction (`-icount shift=0`), and runs benches/parity in it: processor time is then a
# count of instructions, of both sides in one process. Counts, never times: caches, stalls and
# clock rates do not exist there.
#   scripts/parity-arm.sh CORE [OPTIONS]    CORE: cortex-a53, cortex-a72, cortex-a76
#                                           OPTIONS go to the benchmark, such as --only resnet8
# What it installs and fetches (Debian 12): the packages qemu-system-arm, cpio and the cross
# C++ runtime with apt-get (root); a kernel and a busybox for arm64, unpacked into
# target/parity-arm/ only; ONNX Runtime's library (scripts/setup-ort.sh). Needs
# scripts/setup-cross.sh before, and the models in ../shared/models or `MODELS=DIR`.
set -euo pipefail
cd "$(dirname "$0")/.."
core=${1:?core: cortex-a53, cortex-a72 or cortex-a76}
shift
models=${MODELS:-../shared/models}
here=$PWD/target/parity-arm
target=aarch64-unknown-linux-gnu
mkdir -p "$here"

[ -d "$models" ] || { echo "NOT RUN: no models at $models" >&2 && exit 0; }

packages=(qemu-system-arm cpio libstdc++6-arm64-cross libgcc-s1-arm64-cross)
dpkg-query -W -f='${Status}\n' "${packages[@]}" 2>&1 | grep -qv "install ok installed" && {
    echo "installing packages: ${packages[*]}"
    apt-get install -y -q --no-install-recommends "${packages[@]}" >"$here/apt.log"
}

# apt with lists and a cache of its own: arm64 packages, and nothing of this system changes.
arm64() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State="$here/apt" -o Dir::State::status="$here/apt/status" \
        -o Dir::Cache="$here/apt" "$@"
}

fetch_guest() {
    [ -f "$here/guest/bin/busybox" ] && return
    echo "fetching a kernel and busybox for arm64"
    mkdir -p "$here/apt/lists/partial" "$here/apt/archives/partial" "$here/deb"
    touch "$here/apt/status"
    arm64 update >/dev/null
    local kernel
    kernel=$(arm64 -s --no-install-recommends install linux-image-arm64 |
        sed -n 's/^Inst \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
    (cd "$here/deb" && arm64 download "$kernel" busybox-static >/dev/null 2>&1)
    for package in "$here"/deb/*.deb; do dpkg -x "$package" "$here/guest"; done
}

# Profile `ci`, so that little has to be built again, but what is counted as in a release.
build() {
    cargo bench --locked --no-run --profile ci --features ort --bench parity --target "$target" \
        --config profile.ci.package.umbra-kernels.opt-level=3 \
        --config profile.ci.package.umbra.opt-level=3 --message-format json 2>"$here/build.log" |
        sed -n 's/.*"executable":"\([^"]*parity-[^"]*\)".*/\1/p'
}

# The root file system: busybox, the C and C++ libraries, the benchmark, ONNX Runtime, models.
lay_out() {
    local root=$here/root libraries=/usr/aarch64-linux-gnu/lib bench=$1
    shift
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,lib,proc,sys,tmp}
    cp "$here/guest/bin/busybox" "$root/bin/"
    cp -L "$libraries"/{ld-linux-aarch64.so.1,libc.so.6,libm.so.6,libdl.so.2,libpthread.so.0,librt.so.1,libgcc_s.so.1,libstdc++.so.6} "$root/lib/"
    cp "$bench" "$root/parity"
    cp target/ort/aarch64/libonnxruntime.so.* "$root/lib/libonnxruntime.so"
    mkdir "$root/models"
    cp -rL "$models"/*.onnx "$models/goldens" "$root/models/"
    cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
export ORT_DYLIB_PATH=/lib/libonnxruntime.so
/parity --counted --models /models --engine umbra-cpu $*
/bin/busybox poweroff -f
INIT
    chmod +x "$root/init"
    (cd "$root" && find . | cpio --quiet -o -H newc) >"$here/initrd"
}

fetch_guest
scripts/setup-ort.sh aarch64 >/dev/null
echo "building the benchmark for $target"
bench=$(build)
lay_out "$bench" "$@"
echo "running on an emulated $core"
timeout "${LIMIT:-3000}" qemu-system-aarch64 -M virt -cpu "$core" -smp 1 -m 2048 -net none \
    -icount shift=0,sleep=off -display none -monitor none -serial stdio -no-reboot \
    -kernel "$here"/guest/boot/vmlinuz-* -initrd "$here/initrd" \
    -append "console=ttyAMA0 panic=-1 quiet" </dev/null | tr -d '\r'
