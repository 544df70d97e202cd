#!/usr/bin/env bash
# A benchmark where the clock counts instructions: boots an emulated machine whose clock advances one
# nanosecond with every instruction (`-icount shift=0`) and runs the benchmark in it. What it measures
# are then counts of instructions, the same every time, on instruction sets that this machine has not.
# Counts, never times: caches, stalls and clock rates do not exist there.
#   scripts/counted.sh parity CORE [OPTIONS]     umbra-cpu against ONNX Runtime, both in one process
#   scripts/counted.sh predict CORE [OPTIONS]    what probes predict, against what is measured
# CORE: cortex-a53, cortex-a72 (Neon), cortex-a76 (Neon with dot products), and for predict also
#       Nehalem (SSE only), Haswell (AVX2). OPTIONS go to the benchmark, such as --only resnet8.
# What it installs and fetches (Debian 12): the emulator of the architecture, cpio and for ARM the
# cross C++ runtime with apt-get (root); a kernel and a busybox, unpacked into target/counted/ only;
# for parity ONNX Runtime's library (scripts/setup-ort.sh). ARM needs scripts/setup-cross.sh before.
# Models: ../shared/models or `MODELS=DIR`.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${1:?benchmark: parity or predict}
core=${2:?core: cortex-a53, cortex-a72, cortex-a76, Nehalem or Haswell}
shift 2
models=${MODELS:-../shared/models}

case $core in
cortex-*)
    arch=arm64 target=aarch64-unknown-linux-gnu libraries=/usr/aarch64-linux-gnu/lib
    loader=ld-linux-aarch64.so.1
    emulator=(qemu-system-aarch64 -M virt -append "console=ttyAMA0 panic=-1 quiet")
    packages=(qemu-system-arm cpio libstdc++6-arm64-cross libgcc-s1-arm64-cross)
    ;;
*)
    arch=amd64 target=x86_64-unknown-linux-gnu libraries=/lib/x86_64-linux-gnu
    loader=ld-linux-x86-64.so.2
    emulator=(qemu-system-x86_64 -M q35 -append "console=ttyS0 panic=-1 quiet")
    packages=(qemu-system-x86 cpio)
    ;;
esac
here=$PWD/target/counted/$arch
root=$here/root-$bench-$core
mkdir -p "$here"

[ -d "$models" ] || { echo "NOT RUN: no models at $models" >&2 && exit 0; }

if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
    echo "installing packages: ${packages[*]}"
    apt-get install -y -q --no-install-recommends "${packages[@]}" >"$here/apt.log"
fi

# apt with lists and a cache of its own: packages of the architecture, and nothing of this system changes.
guest_apt() {
    apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
        -o Dir::State="$here/apt" -o Dir::State::status="$here/apt/status" \
        -o Dir::Cache="$here/apt" "$@"
}

fetch_guest() {
    [ -f "$here/guest/bin/busybox" ] && return
    echo "fetching a kernel and busybox for $arch"
    mkdir -p "$here/apt/lists/partial" "$here/apt/archives/partial" "$here/deb"
    touch "$here/apt/status"
    guest_apt update >/dev/null
    local kernel
    kernel=$(guest_apt -s --no-install-recommends install "linux-image-$arch" |
        sed -n 's/^Inst \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
    (cd "$here/deb" && guest_apt download "$kernel" busybox-static >/dev/null 2>&1)
    for package in "$here"/deb/*.deb; do dpkg -x "$package" "$here/guest"; done
}

# Profile `ci`, so that little has to be built again, but what is counted as in a release.
build() {
    local features=()
    [ "$bench" = parity ] && features=(--features ort)
    cargo bench --locked --no-run --profile ci "${features[@]}" --bench "$bench" --target "$target" \
        --config profile.ci.package.umbra-kernels.opt-level=3 \
        --config profile.ci.package.umbra.opt-level=3 --message-format json 2>"$here/build.log" |
        sed -n "s/.*\"executable\":\"\([^\"]*$bench-[^\"]*\)\".*/\1/p"
}

# The root file system: busybox, the C and C++ libraries, the benchmark, its models.
lay_out() {
    local program=$1 options
    shift
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,lib,proc,sys,tmp,models}
    ln -s lib "$root/lib64"
    cp "$here/guest/bin/busybox" "$root/bin/"
    (cd "$libraries" && cp -L "$loader" libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 \
        libgcc_s.so.1 libstdc++.so.6 "$root/lib/")
    cp "$program" "$root/bench"
    cp -rL "$models"/*.onnx "$models/goldens" "$root/models/"
    case $bench in
    parity)
        cp "target/ort/${target%%-*}"/libonnxruntime.so.* "$root/lib/libonnxruntime.so"
        options="--counted --engine umbra-cpu --models /models"
        ;;
    *) options="--models /models" ;;
    esac
    cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
export ORT_DYLIB_PATH=/lib/libonnxruntime.so
/bench $options $*
/bin/busybox poweroff -f
INIT
    chmod +x "$root/init"
    (cd "$root" && find . | cpio --quiet -o -H newc) >"$root.initrd"
}

fetch_guest
[ "$bench" = parity ] && scripts/setup-ort.sh "${target%%-*}" >/dev/null
echo "building the benchmark for $target"
program=$(build) || { tail -n 20 "$here/build.log" >&2 && exit 1; }
lay_out "$program" "$@"
echo "running on an emulated $core"
timeout "${LIMIT:-3000}" "${emulator[@]}" -cpu "$core" -smp 1 -m 2048 -net none \
    -icount shift=0,sleep=off -display none -monitor none -serial stdio -no-reboot \
    -kernel "$here"/guest/boot/vmlinuz-* -initrd "$root.initrd" </dev/null 2> >(grep -v "TCG doesn't support" >&2) | tr -d '\r'
