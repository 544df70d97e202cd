//! What a kept plan saves: reading and optimising a model from its file, over the same from
//! what the engine kept of it, its digest checked. In one process, in turns; the ratio of
//! neighbours with the 95 % interval of its median. Goal: at least 3.
//!
//!     cargo bench --bench reload -- [NAME...]

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use umbra::engine::{self, Engine, Kept, LoadOptions, Loaded, load_kept};
use umbra::model;

mod ratio;

const PAIRS: usize = 41;
const ENGINE: &str = "umbra-cpu";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let shared = root.join("../shared/models");
    let folder = if shared.is_dir() { shared } else { root.join("onnx/zoo") };
    println!("file / kept plan, {ENGINE}, models of {}", folder.display());
    let engines = engine::available();
    let engine = engines.iter().find(|engine| engine.name() == ENGINE).unwrap();
    let mut medians = Vec::new();
    for candidate in model::open(&[folder]).unwrap() {
        let wished = names.is_empty() || names.iter().any(|name| candidate.id.contains(name));
        let Ok(bytes) = candidate.read() else { continue };
        if !wished || engine.convolutions(&bytes).is_err() {
            continue;
        }
        let kept = Kept { model: candidate.sha256, sealed: &[] };
        let (_, sealed) = load_kept(&**engine, &bytes, &LoadOptions::default(), kept).unwrap();
        let Some(sealed) = sealed else {
            println!("{:60} keeps nothing", candidate.id);
            continue;
        };
        let warm = Kept { sealed: &sealed, ..kept };
        let pair = |_| file(&**engine, &bytes) / plan(&**engine, &bytes, warm);
        let ratios: Vec<f64> = (0..PAIRS).map(pair).collect();
        let micros = plan(&**engine, &bytes, warm) * 1e6;
        ratio::print(&format!("{} ({micros:.0} us)", candidate.id), &ratios);
        medians.push(ratio::median(&ratios));
    }
    let logs: f64 = medians.iter().map(|median| median.ln()).sum();
    let worst = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = (logs / medians.len() as f64).exp();
    println!("geometric mean of {}: {mean:.2}; least {worst:.2}", medians.len());
}

/// Seconds until a session of the file is ready; nothing is kept.
fn file(engine: &dyn Engine, bytes: &[u8]) -> f64 {
    seconds(|| engine.load(bytes, &LoadOptions::default()).unwrap())
}

/// The same from what was kept.
fn plan(engine: &dyn Engine, bytes: &[u8], kept: Kept<'_>) -> f64 {
    seconds(|| load_kept(engine, bytes, &LoadOptions::default(), kept).unwrap().0)
}

fn seconds(load: impl FnOnce() -> Box<dyn Loaded>) -> f64 {
    let start = Instant::now();
    let loaded = load();
    let session = loaded.optimise().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    drop(session);
    seconds
}
