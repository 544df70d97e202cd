#!/usr/bin/env bash
# The stripped aarch64 artefact (musl, features `pi`) against the smallest program
# of the same engine (examples/minimal.rs), at opt-level 3 and s, built with the same
# profile. Goal: at most 1.25x. Four LTO builds: plan half an hour and 4 GB of memory.
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-musl
for profile in dist dist-small; do
    for what in "--bin umbra" "--example minimal"; do
        # shellcheck disable=SC2086
        cargo build --quiet --locked --profile "$profile" --target "$target" \
            --no-default-features --features pi $what
    done
    ours=$(stat -c %s "target/$target/$profile/umbra")
    least=$(stat -c %s "target/$target/$profile/examples/minimal")
    awk -v p="$profile" -v a="$ours" -v b="$least" \
        'BEGIN { printf "%-14s umbra %d bytes, minimal %d bytes, ratio %.3f\n", p, a, b, a / b }'
done
