//! Every crate of the device binary is under a permissive licence.

use std::collections::{HashMap, HashSet};
use std::process::Command;

const ALLOWED: [&str; 11] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
];

const TARGETS: [&str; 4] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-unknown-linux-musl",
    "armv7-unknown-linux-gnueabihf",
];

/// Whether an SPDX expression leaves a permitted choice. Handles `OR`, `AND`, the old `/`
/// and one level of parentheses, which is all that crates use.
fn permitted(expression: &str) -> bool {
    let flat = expression.replace(" / ", " OR ").replace('/', " OR ");
    if let Some((head, tail)) = flat.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        let rest = tail.trim();
        return match rest.split_once(' ') {
            Some(("AND", right)) => permitted(head) && permitted(right.trim()),
            Some(("OR", right)) => permitted(head) || permitted(right.trim()),
            _ => permitted(head),
        };
    }
    flat.split(" OR ").any(|choice| choice.split(" AND ").all(|one| ALLOWED.contains(&one.trim())))
}

fn metadata(target: &str) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--features"])
        .args(["pi,jetson", "--filter-platform", target])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Ids of the packages that are linked into the binary or build it.
fn closure(metadata: &serde_json::Value) -> HashSet<String> {
    let nodes: HashMap<&str, &serde_json::Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let mut open = vec![metadata["resolve"]["root"].as_str().unwrap().to_owned()];
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dep in nodes[id.as_str()]["deps"].as_array().unwrap() {
            let linked =
                dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev");
            if linked {
                open.push(dep["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    seen
}

#[test]
fn every_crate_of_the_device_binary_is_permissively_licensed() {
    let mut refused = Vec::new();
    for target in TARGETS {
        let metadata = metadata(target);
        let closure = closure(&metadata);
        assert!(closure.len() > 50, "the closure of {target} was not read");
        for package in metadata["packages"].as_array().unwrap() {
            let licence = package["license"].as_str().unwrap_or("none stated");
            if closure.contains(package["id"].as_str().unwrap()) && !permitted(licence) {
                refused.push(format!("{target}: {} is under {licence}", package["name"]));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    assert!(permitted("MIT OR Apache-2.0"));
    assert!(permitted("MIT/Apache-2.0"));
    assert!(permitted("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!permitted("(MIT OR Apache-2.0) AND GPL-3.0"));
    assert!(!permitted("MPL-2.0"));
    assert!(!permitted("MIT AND MPL-2.0"));
    assert!(!permitted("none stated"));
}
