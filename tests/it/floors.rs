//! The plan of the house holds: a room uses only rooms of a lower floor, hardware and
//! engine crates each appear in one place, and files and functions stay small.

use std::path::{Path, PathBuf};

const FLOORS: [(&str, u8); 12] = [
    ("base", 0),
    ("board", 1),
    ("model", 2),
    ("engine", 3),
    ("child", 4),
    ("bench", 5),
    ("task", 5),
    ("rank", 6),
    ("decide", 7),
    ("deploy", 8),
    ("agent", 9),
    ("ui", 10),
];

/// Crates that only one place may name, as a path prefix below `src`.
const ONE_PLACE: [(&str, &str); 8] = [
    ("tract_", "engine/tract"),
    ("umbra_kernels", "engine/native/"),
    ("ort::", "engine/ort"),
    ("rppal::", "board/power/ina_rppal"),
    ("linux_embedded_hal::", "board/power/ina_i2cdev"),
    ("nvml_wrapper::", "board/nvml"),
    ("landlock::", "child/confine"),
    ("clap::", "ui/"),
];

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 80;

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Code without comments; strings stay, which is good enough here.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or(""))
}

/// Whether the line has this path, and not as the end of a longer name.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let room = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let Some(own) = floor(&room) else { continue };
        for line in code(&text) {
            for used in line.split("crate::").skip(1) {
                let name: String =
                    used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if let Some(other) = floor(&name)
                    && name != room
                    && other >= own
                {
                    broken
                        .push(format!("{}: {room} [{own}] uses {name} [{other}]", path.display()));
                }
            }
            // `use crate::{a, b}` would escape the check above.
            if line.contains("crate::{") {
                broken.push(format!("{}: write one `use crate::room` a line", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn crates_of_hardware_and_engine_each_appear_in_one_place() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        for (name, place) in ONE_PLACE {
            let named = code(&text).any(|line| names(line, name));
            if named && !path.to_string_lossy().starts_with(place) && path != Path::new("main.rs") {
                broken.push(format!("{} names {name} (its place is {place})", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_and_functions_stay_small() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > LONGEST_FILE {
            broken.push(format!("{}: {} lines", path.display(), lines.len()));
        }
        for (start, line) in lines.iter().enumerate() {
            let body = line.trim_start();
            let is_fn = ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn "]
                .iter()
                .any(|head| body.starts_with(head));
            if !is_fn {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(line.len() - body.len()));
            let length = lines[start..].iter().position(|line| *line == closing).unwrap_or(0);
            if length > LONGEST_FUNCTION {
                broken.push(format!("{}:{}: {length} lines: {body}", path.display(), start + 1));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
