//! Writes the lists of files that the demo embeds; see `src/model/demo.rs`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What is embedded: name of the list, folder, whether its subfolders too, and which files.
const LISTS: [(&str, &str, bool, &[&str]); 3] = [
    (PROBES, "onnx/probes", false, &["onnx"]),
    ("DEMO_ZOO", "onnx/zoo", false, &["onnx", "toml"]),
    ("DEMO_TASK", "onnx/task/meter", true, &["toml", "png", "jpg", "txt"]),
];

/// The one list that is no demo.
const PROBES: &str = "PROBES";

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let demo = std::env::var_os("CARGO_FEATURE_DEMO").is_some();
    let mut code = String::new();
    for (name, folder, deep, kinds) in LISTS {
        println!("cargo::rerun-if-changed={folder}");
        let files = if demo || name == PROBES {
            files(&root.join(folder), deep, kinds)?
        } else {
            Vec::new()
        };
        writeln!(code, "/// Files of `{folder}`, by name.")?;
        writeln!(code, "pub static {name}: &[(&str, &[u8])] = &[")?;
        for (name, path) in files {
            writeln!(code, "    ({name:?}, include_bytes!({path:?})),")?;
        }
        writeln!(code, "];")?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("demo.rs"), code)?;
    Ok(())
}

/// Files of these kinds below a folder, by relative name, sorted; none if it is not there.
fn files(top: &Path, deep: bool, kinds: &[&str]) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && deep {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kinds.iter().any(|k| kind == *k)) {
                let name = path.strip_prefix(top)?.to_str().ok_or("a file name is no UTF-8")?;
                found.push((name.replace('\\', "/"), path.clone()));
            }
        }
    }
    found.sort();
    Ok(found)
}
