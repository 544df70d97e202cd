//! What relevance costs on a device.
//!
//! 1. Twenty candidates on 200 samples, features of 32 to 128: all scores with their halves,
//!    the head's cross-validation, and the mean rank, in CPU time per candidate, beside the
//!    forward passes of the bundled models on as many images.
//! 2. LogME of 2000 samples, 1280 features and 100 classes: CPU time and peak memory against
//!    numpy with LAPACK on one thread, in child processes of this run, alternating.
//!
//! `UMBRA_PYTHON` names the interpreter (`python3` without it).

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use cpu_time::ProcessTime;
use umbra::base::random::SplitMix64;
use umbra::engine::{Pipeline, PipelineSpec, available, choose};
use umbra::model::{self, Image};
use umbra::rank::relevance::{Accumulator, Kin, Matrix, fuse, scores};
use umbra::task::{Given, Scores, head};

#[path = "../ratio/mod.rs"]
mod ratio;

const SAMPLES: usize = 200;
const CANDIDATES: usize = 20;
/// Of the large problem.
const MANY: [usize; 3] = [2000, 1280, 100];
const RUNS: usize = 5;

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("--logme") {
        let [path, samples, size, classes] = std::array::from_fn(|_| args.next().unwrap());
        let [samples, size, classes] = [samples, size, classes].map(|text| text.parse().unwrap());
        return child(Path::new(&path), samples, size, classes);
    }
    small();
    large();
}

/// Clusters as wide as they are apart.
fn features(random: &mut SplitMix64, samples: usize, size: usize, classes: usize) -> Matrix {
    let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let centres = Matrix::from_fn(classes, size, |_, _| normal());
    Matrix::from_fn(samples, size, |at, feature| centres[(at % classes, feature)] + normal())
}

fn small() {
    let mut random = SplitMix64::new(1);
    let labels: Vec<u32> = (0..SAMPLES).map(|at| (at % 10) as u32).collect();
    let named: Vec<u32> = labels.iter().map(|label| (label * 7) % 13).collect();
    let sizes = (0..CANDIDATES).map(|at| 32 + at * 96 / (CANDIDATES - 1));
    let given: Vec<Matrix> = sizes.map(|size| features(&mut random, SAMPLES, size, 10)).collect();
    let begun = ProcessTime::now();
    let found: Vec<Scores> = given
        .iter()
        .map(|features| {
            scores(&Given {
                features: Some(features),
                named: Some(&named),
                labels: &labels,
                targets: &[],
            })
        })
        .collect();
    let scored = millis(begun);
    let begun = ProcessTime::now();
    for features in &given {
        head::cross_validate(features, &labels).unwrap();
    }
    let headed = millis(begun);
    let begun = ProcessTime::now();
    let standings = fuse(&[None; CANDIDATES], &found.iter().map(Some).collect::<Vec<_>>(), None);
    let fused = millis(begun);
    assert!(standings.iter().all(Option::is_some));
    let fitted = fitted(&found);
    println!("relevance of {CANDIDATES} candidates, {SAMPLES} samples of 32 to 128 features");
    line("LogME, H-score and NCE with halves, ms for one", scored / CANDIDATES as f64);
    line("head: fifteen fits of cross-validation, ms for one", headed / CANDIDATES as f64);
    line("mean rank with intervals, ms for all", fused);
    if let Some(fitted) = fitted {
        line("the same and fitted weights, ms for all", fitted);
    }
    line("all of it, ms for all", scored + headed + fused);
    if let Some((models, forward)) = forward_passes() {
        line(&format!("forward passes of {models} bundled models, ms for one"), forward);
        let relevance = (scored + headed + fused) / CANDIDATES as f64;
        line("relevance / forward passes, for one", relevance / forward);
    }
}

/// Prior and scores by the fitted weights, in milliseconds; the candidates have the kin of the
/// bundled models.
fn fitted(found: &[Scores]) -> Option<f64> {
    let bundled = model::bundled();
    let kin: Vec<Kin> = bundled.iter().cycle().take(found.len()).map(Kin::of).collect();
    if kin.len() < found.len() {
        return None;
    }
    let prior: Vec<Option<f64>> = (0..found.len()).map(|at| Some(at as f64)).collect();
    let begun = ProcessTime::now();
    let scores: Vec<Option<&Scores>> = found.iter().map(Some).collect();
    let standings = fuse(&prior, &scores, Some(&kin));
    let spent = millis(begun);
    assert!(standings.iter().flatten().all(|standing| standing.fitted.is_some()));
    Some(spent)
}

/// The bundled models on as many images: how many, and milliseconds for each.
fn forward_passes() -> Option<(usize, f64)> {
    let mut random = SplitMix64::new(2);
    let mut pixels = || (0..32 * 32 * 3).map(|_| random.below(256) as u8).collect();
    let mut image = || Image { height: 32, width: 32, channels: 3, pixels: pixels() };
    let images: Vec<Image> = (0..SAMPLES).map(|_| image()).collect();
    let engines = available();
    let mut models = 0;
    let mut spent = 0.0;
    for candidate in model::bundled() {
        let bytes = candidate.read().unwrap();
        let spec = PipelineSpec {
            preprocess: candidate.preprocesses().into_iter().next(),
            output: candidate.output_for_features().unwrap(),
            head: None,
            threads: 1,
        };
        // A build without tract runs fewer.
        let Ok(engine) = choose(&engines, &bytes) else { continue };
        let mut pipeline = Pipeline::load(engine, &bytes, &spec).unwrap().optimise().unwrap();
        let begun = ProcessTime::now();
        for image in &images {
            pipeline.output(image).unwrap();
        }
        spent += millis(begun);
        models += 1;
    }
    if models == 0 {
        eprintln!("NOT RUN: forward passes: this build has no bundled models (feature `demo`)");
    }
    (models > 0).then(|| (models, spent / models as f64))
}

fn line(name: &str, value: f64) {
    println!("{name:<60} {value:>9.3}");
}

fn millis(begun: ProcessTime) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// Value, CPU seconds, and peak KiB of one child.
type Run = [f64; 3];

fn large() {
    let [samples, size, classes] = MANY;
    println!("\nLogME of {samples} samples, {size} features, {classes} classes");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("features");
    let features = features(&mut SplitMix64::new(3), samples, size, classes);
    let bytes: Vec<u8> = features
        .row_iter()
        .flat_map(|row| row.iter().copied().collect::<Vec<f64>>())
        .flat_map(f64::to_le_bytes)
        .collect();
    std::fs::write(&path, bytes).unwrap();
    let numbers = MANY.map(|number| number.to_string());
    let own = || {
        let exe = std::env::current_exe().unwrap();
        run(Command::new(exe).arg("--logme").arg(&path).args(&numbers))
    };
    let python = std::env::var("UMBRA_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = format!("{}/benches/relevance/logme.py", env!("CARGO_MANIFEST_DIR"));
    let theirs = || {
        let mut command = Command::new(&python);
        command.arg(&script).arg(&path).args(&numbers);
        for threads in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(threads, "1");
        }
        run(&mut command)
    };
    let ours = own().unwrap();
    line("ours: nats per sample", ours[0]);
    line("ours: CPU seconds", ours[1]);
    line("ours: peak, MB", ours[2] * 1024.0 / 1e6);
    let Some(first) = theirs() else {
        eprintln!("NOT RUN: the comparison: {python} has no numpy (UMBRA_PYTHON)");
        return;
    };
    line("numpy: CPU seconds", first[1]);
    line("numpy: peak with the interpreter, MB", first[2] * 1024.0 / 1e6);
    assert!((ours[0] - first[0]).abs() < 1e-9, "{} and {}", ours[0], first[0]);
    let pairs: Vec<(Run, Run)> = (0..RUNS).map(|_| (own().unwrap(), theirs().unwrap())).collect();
    let of = |column: usize| -> Vec<f64> {
        pairs.iter().map(|(ours, theirs)| ours[column] / theirs[column]).collect()
    };
    ratio::print("CPU time / numpy's", &of(1));
    ratio::print("peak memory / numpy's", &of(2));
}

fn run(command: &mut Command) -> Option<Run> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().ok()
}

/// Samples come from the file one by one, as on a device: no process holds them all.
fn child(path: &Path, samples: usize, size: usize, classes: usize) {
    let mut file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut row = vec![0; size * 8];
    let begun = ProcessTime::now();
    let mut gathered = Accumulator::new(size).unwrap();
    for at in 0..samples {
        file.read_exact(&mut row).unwrap();
        let values = row.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()));
        gathered.add(values, (at % classes) as u32).unwrap();
    }
    let value = gathered.finish().unwrap().logme().unwrap();
    let spent = begun.elapsed().as_secs_f64();
    println!("{value:.17} {spent} {}", peak_kib());
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
