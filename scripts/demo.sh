#!/usr/bin/env bash
# How good the choice on the demo task is: selects, then deploys every candidate in turn
# into the same store and lets it read the 1000 images of the demo's test split, which no
# selection ever saw. Prints one line per candidate, best first, the chosen one marked.
# Takes about a minute with a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release
umbra=target/release/umbra
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
field() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"d": json.load(sys.stdin)}))' "$1"; }

chosen=$($umbra select --state "$state" --json 2>/dev/null | field 'd["decision"]["model"]')
$umbra models --json | field '"\n".join(c["id"] for c in d["models"])' |
    while read -r id; do
        $umbra deploy "$id" --state "$state" >/dev/null 2>&1 || continue
        share=$($umbra run --state "$state" --json --labelled onnx/task/meter/test.npz | field 'd["accuracy"]')
        mark=" "
        [ "$id" = "$chosen" ] && mark="*"
        echo "$share $mark $id"
    done | sort -rn | awk '{ if ($2 == "*") m = "*"; else m = " "; printf "%s %-30s %5.1f %%\n", m, $NF, $1 * 100 }'
