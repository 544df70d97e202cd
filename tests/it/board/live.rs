//! The live probe against the tools that technicians trust.

use std::process::Command;

use umbra::base::SysRoot;

use super::facts;

/// What a tool prints in the C locale, or `None` (said aloud) where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).env("LC_ALL", "C").output() {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        outcome => {
            eprintln!("SKIPPED comparison with {program}: {outcome:?}");
            None
        }
    }
}

#[test]
fn processors_are_those_of_lscpu() {
    let Some(text) = run("lscpu", &["--json"]) else { return };
    let lscpu: serde_json::Value = serde_json::from_str(&text).unwrap();
    let field = |name: &str| find(&lscpu, name);
    let cpu = facts(&SysRoot::default()).cpu;
    let count = field("CPU(s):").unwrap();
    assert_eq!(cpu.logical.value().map(u32::to_string), Some(count));
    let listed: usize = cpu.clusters.iter().map(|cluster| cluster.cpus.len()).sum();
    assert_eq!(Some(listed), cpu.logical.value().map(|count| *count as usize));
    let features = cpu.features.value().unwrap();
    let flags = field("Flags:").unwrap();
    let flags: Vec<&str> = flags.split_whitespace().collect();
    assert!(!features.is_empty());
    assert!(features.iter().all(|feature| flags.contains(&feature.as_str())), "{features:?}");
    if let (Some(name), Some(core)) = (field("Model name:"), cpu.clusters[0].core.value()) {
        assert_eq!(&name, core);
    }
}

#[test]
fn caches_are_those_of_lscpu() {
    let Some(text) = run("lscpu", &["--bytes", "--caches=LEVEL,TYPE,ONE-SIZE"]) else { return };
    let mut expected: Vec<(u8, String, u64)> = Vec::new();
    for row in text.lines().skip(1) {
        let [level, kind, size] = row.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        expected.push((level.parse().unwrap(), kind.to_owned(), size.parse().unwrap()));
    }
    let caches = facts(&SysRoot::default()).cpu.caches.into_iter();
    let mut found: Vec<_> = caches.map(|c| (c.level, c.kind, c.size.0)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn memory_is_that_of_free() {
    let Some(text) = run("free", &["-b"]) else { return };
    let row = text.lines().nth(1).unwrap();
    let numbers: Vec<u64> = row.split_whitespace().skip(1).map(|n| n.parse().unwrap()).collect();
    let memory = facts(&SysRoot::default()).memory;
    assert_eq!(memory.total.value().unwrap().0, numbers[0]);
    // Others come and go between the two looks.
    let available = memory.available.value().unwrap().0;
    assert!(available.abs_diff(numbers[5]) < numbers[0] / 5, "{available} {numbers:?}");
    assert!(available <= numbers[0]);
}

#[test]
fn storage_is_that_of_df_even_before_the_state_folder_exists() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("not/made/yet");
    let arguments = ["-B1", "--output=size,avail", dir.path().to_str().unwrap()];
    let Some(text) = run("df", &arguments) else { return };
    let row = text.lines().nth(1).unwrap();
    let numbers: Vec<u64> = row.split_whitespace().map(|n| n.parse().unwrap()).collect();
    let storage = umbra::board::probe(&SysRoot::default(), &state).storage;
    assert_eq!(storage.path, state.display().to_string());
    assert_eq!(storage.total.value().unwrap().0, numbers[0]);
    let free = storage.free.value().unwrap().0;
    assert!(free.abs_diff(numbers[1]) < numbers[0] / 5, "{free} {numbers:?}");
}

#[test]
fn identity_is_that_of_uname() {
    let board = facts(&SysRoot::default()).board;
    for (option, reading) in [("-r", &board.kernel), ("-n", &board.hostname)] {
        let Some(text) = run("uname", &[option]) else { return };
        assert_eq!(reading.value().map(String::as_str), Some(text.trim()));
    }
}

#[test]
fn two_looks_at_this_machine_give_the_same_fingerprint() {
    let sys = SysRoot::default();
    assert_eq!(facts(&sys).fingerprint, facts(&sys).fingerprint);
}

/// The value of a field of `lscpu --json`, which nests in newer releases.
fn find(value: &serde_json::Value, name: &str) -> Option<String> {
    if value.get("field").and_then(|field| field.as_str()) == Some(name) {
        return value.get("data")?.as_str().map(str::to_owned);
    }
    let children: Vec<&serde_json::Value> = match value {
        serde_json::Value::Array(list) => list.iter().collect(),
        serde_json::Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    };
    children.into_iter().find_map(|child| find(child, name))
}
