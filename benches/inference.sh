#!/bin/sh
# Instructions per inference on an emulated 32-bit core (Cortex-A7), where counts can be
# trusted and times cannot: what two inferences take more than one. Prints each engine's
# millions, and the first engine's over the second's. tract looks for Neon in /proc/cpuinfo, where
# an emulator shows another processor, and is told.
#
#     benches/inference.sh MODEL.onnx [ENGINE ENGINE]
set -eu
model=$(realpath "${1:?a model}")
shift
[ $# -eq 2 ] || set -- umbra-cpu tract-cpu
cd "$(dirname "$0")/.."
target=armv7-unknown-linux-gnueabihf
binary=$(cargo build -q --profile ci --bench inference --target $target \
    --message-format json | sed -n 's/.*"executable":"\([^"]*inference-[^"]*\)".*/\1/p')
emulated() {
    qemu-arm-static -cpu cortex-a7 -E TRACT_CPU_ARM32_NEON=true -L /usr/arm-linux-gnueabihf "$@"
}
executed() {
    emulated -singlestep -d exec,nochain -D /dev/stderr "$binary" "$1" "$model" "$2" 2>&1 >/dev/null | wc -l
}
for engine in "$@"; do
    echo "$(($(executed "$engine" 2) - $(executed "$engine" 1)))"
done | awk -v name="$(basename "$model" .onnx)" -v engines="$*" '
    { taken[NR] = $1 / 1e6 }
    END { printf "%s: %s %.2f and %.2f million instructions, ratio %.2f\n", name, engines,
        taken[1], taken[2], taken[1] / taken[2] }'
