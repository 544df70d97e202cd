//! Where a model's time goes, step by step.
//!
//!     UMBRA_MODEL=part_of_a_name cargo test --release --lib profile -- --ignored --nocapture

use std::path::{Path, PathBuf};
use std::time::Instant;

use umbra_kernels::Isa;

use super::plan;
use crate::engine::LoadOptions;
use crate::engine::native::front;

/// Runs of every step; the least time counts.
const RUNS: usize = 60;

#[test]
#[ignore = "prints times; run it with --release"]
fn profile() {
    let root = std::env::var_os("UMBRA_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let part = std::env::var("UMBRA_MODEL").unwrap_or_default();
    for entry in std::fs::read_dir(root.join("models")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "onnx") || !name.contains(&part) {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let model = prost::Message::decode(bytes.as_slice()).unwrap();
        match front::read(model, &LoadOptions::default()) {
            Ok(program) => print(&name, plan(program, Isa::best()).unwrap()),
            Err(refusal) => eprintln!("{name}: {refusal}"),
        }
    }
}

fn print(name: &str, mut session: super::super::session::NativeSession) {
    let mut least = vec![f64::INFINITY; session.steps.len()];
    for _ in 0..RUNS {
        for (step, least) in session.steps.iter().zip(&mut least) {
            let start = Instant::now();
            session.memory.run(step, &session.pool).unwrap();
            *least = least.min(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    let whole: f64 = least.iter().sum();
    eprintln!("{name}: {whole:.1} us, {} bytes of slots", session.memory.bytes());
    for (at, (step, least)) in session.steps.iter().zip(&least).enumerate() {
        let work = format!("{:?}", step.work);
        let what: String = work.chars().filter(|c| !c.is_whitespace()).take(60).collect();
        eprintln!("{at:4} {least:9.1} us {:5.1} %  {what}", 100.0 * least / whole);
    }
}
