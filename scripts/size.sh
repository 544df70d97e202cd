#!/usr/bin/env bash
# The stripped aarch64 artefact (musl, features `pi`) against the smallest program
# of the same engines (examples/minimal.rs) and of tract alone (examples/minimal_tract.rs), at
# opt-level 3 and s, built with the same profile. Goal: at most 1.25x of the first. Six LTO
# builds: plan three quarters of an hour and 4 GB of memory.
#   scripts/size.sh [PROFILE ..]      dist, dist-small or both (default)
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-musl
[ $# -gt 0 ] || set -- dist dist-small
for profile in "$@"; do
    for what in "--bin umbra" "--example minimal" "--example minimal_tract"; do
        # shellcheck disable=SC2086
        cargo build --quiet --locked --profile "$profile" --target "$target" \
            --no-default-features --features pi $what
    done
    ours=$(stat -c %s "target/$target/$profile/umbra")
    for least in minimal minimal_tract; do
        bytes=$(stat -c %s "target/$target/$profile/examples/$least")
        awk -v p="$profile" -v a="$ours" -v n="$least" -v b="$bytes" \
            'BEGIN { printf "%-10s umbra %d bytes, %s %d bytes, ratio %.3f\n", p, a, n, b, a / b }'
    done
done
