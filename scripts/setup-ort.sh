#!/usr/bin/env bash
# Fetches ONNX Runtime's shared library for the engine tests and the parity benchmark, and
# says what it does:
#   - downloads the pinned wheel of the Python package onnxruntime with pip, for x86_64 and
#     aarch64 (glibc 2.28 and newer), and checks its SHA-256;
#   - takes the one library out of it, to target/ort/<arch>/libonnxruntime.so.<version>.
# What is there already is checked and left alone. Needs python3 with pip; no root.
#   scripts/setup-ort.sh [ARCH ...]     these architectures only
# Ends with 3 where the download fails, with 1 where what came is not what is pinned.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.31.1
library=libonnxruntime.so.$version

# Of the wheel, then of the library in it.
sums() {
    case "$1" in
    x86_64) echo 5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3 ;;
    aarch64) echo da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3 8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467 ;;
    *) echo "setup-ort: no library for $1 is pinned" >&2 && return 1 ;;
    esac
}

is() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

fetch() {
    local arch=$1 folder=target/ort/$1 pinned wheel
    pinned=$(sums "$arch")
    if is "$folder/$library" "${pinned#* }"; then
        echo "library is there: $folder/$library"
        return
    fi
    mkdir -p "$folder"
    echo "downloading onnxruntime $version for $arch with pip"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder" \
        --platform "manylinux_2_28_$arch" --python-version 3.11 --implementation cp --abi cp311 \
        "onnxruntime==$version" || {
        echo "setup-ort: the wheel for $arch could not be downloaded" >&2
        exit 3
    }
    wheel=$(echo "$folder"/onnxruntime-"$version"-*_"$arch".whl)
    is "$wheel" "${pinned% *}" || { echo "setup-ort: $wheel is not the pinned one" >&2 && exit 1; }
    echo "unpacking $folder/$library"
    python3 - "$wheel" "onnxruntime/capi/$library" "$folder/$library" <<'PYTHON'
import sys, zipfile
wheel, name, place = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, open(place, "wb") as library:
    library.write(archive.read(name))
PYTHON
    is "$folder/$library" "${pinned#* }" ||
        { echo "setup-ort: $folder/$library is not the pinned one" >&2 && exit 1; }
    rm "$wheel"
}

[ $# -gt 0 ] || set -- x86_64 aarch64
for arch in "$@"; do
    fetch "$arch"
done
echo "export ORT_DYLIB_PATH=$PWD/target/ort/$(uname -m)/$library"
