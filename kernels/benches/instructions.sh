#!/bin/sh
# Instructions per multiply-accumulate of typical layers on an emulated ARM core, where
# counts can be trusted and times cannot. The emulator logs every instruction that it
# executes; what two runs of a layer take more than one is what one takes.
#
#     kernels/benches/instructions.sh cortex-a72 neon "1x1 64 -> 64"
#     kernels/benches/instructions.sh cortex-a76            # all implementations, all layers
#     kernels/benches/instructions.sh cortex-a7             # under a 32-bit system
set -eu
cd "$(dirname "$0")/../.."
core=${1:?core, such as cortex-a53, cortex-a72, cortex-a76}
case $core in
cortex-a7 | cortex-a15) target=armv7-unknown-linux-gnueabihf emulator=qemu-arm-static root=/usr/arm-linux-gnueabihf ;;
*) target=aarch64-unknown-linux-gnu emulator=qemu-aarch64-static root=/usr/aarch64-linux-gnu ;;
esac
binary=$(cargo bench -q -p umbra-kernels --bench instructions --target $target --no-run \
    --message-format json | sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p')
emulated() {
    $emulator -cpu "$core" -L $root "$@"
}
executed() {
    emulated -singlestep -d exec,nochain "$binary" "$@" 2>&1 >/dev/null | wc -l
}
listed=$(emulated "$binary")
layers=$(echo "$listed" | grep ' ')
for isa in ${2:-$(echo "$listed" | grep -v ' ')}; do
    echo "${3:-$layers}" | while read -r layer; do
        macs=$(emulated "$binary" "$isa" "$layer" 1)
        once=$(executed "$isa" "$layer" 1)
        twice=$(executed "$isa" "$layer" 2)
        echo "$core $isa, $layer: $(echo "scale=4; ($twice - $once) / $macs" | bc)"
    done
done
