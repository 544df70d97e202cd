//! The house's engines against ONNX Runtime's default CPU provider, on real models.
//!
//! Both run in this process, in blocks that take turns, so that whatever else the machine does
//! meets both; what counts is the ratio of two neighbouring blocks: of processor time with one
//! thread, of the fastest wall-clock time with all cores. Load time and memory are
//! those of a fresh process each. Every figure is the house's divided by ONNX Runtime's: below
//! 1 the house is better.
//!
//!     ORT_DYLIB_PATH=.../libonnxruntime.so cargo bench --features ort --bench parity -- [OPTIONS]
//!       --only NAME     models whose name contains this (may be repeated)
//!       --engine NAME   this engine of the house only (may be repeated)
//!       --quick         some two minutes in place of some fifteen; writes nothing
//!       --counted       two runs of each: where the clock counts instructions, which come out
//!                       the same every time (scripts/counted.sh); writes nothing
//!       --models DIR    in place of ../shared/models
//!
//! A run over all models and engines writes its result into docs/benchmarks.md.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod child;
mod figure;
mod race;
mod report;
mod subject;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use umbra::engine::{self, Engine};

use report::Row;
use subject::Subject;

/// The other side of every ratio.
const REFERENCE: &str = "ort-cpu";

/// What the line asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    only: Vec<String>,
    engines: Vec<String>,
    models: PathBuf,
    pace: Pace,
    partial: bool,
}

/// How long it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Blocks of each side.
    pub(crate) blocks: usize,
    /// A block lasts about so long.
    pub(crate) block: Duration,
    /// Batches in a block, at least.
    pub(crate) batches: usize,
    /// Fresh processes of each side, for load time and memory.
    pub(crate) children: usize,
}

const FULL: Pace = Pace { blocks: 31, block: Duration::from_millis(40), batches: 3, children: 5 };
const QUICK: Pace = Pace { blocks: 9, block: Duration::from_millis(10), batches: 3, children: 3 };
const COUNTED: Pace = Pace { blocks: 2, block: Duration::from_millis(1), batches: 1, children: 0 };

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [child, engine, file] = words.as_slice()
        && child == child::FLAG
    {
        return child::work(engine, Path::new(file));
    }
    match wish(&words) {
        Ok(wish) => compare(&wish),
        Err(why) => {
            println!("parity: {why}; the head of benches/parity/main.rs lists the options");
            ExitCode::from(2)
        }
    }
}

fn wish(words: &[String]) -> Result<Wish, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let models = root.join("../shared/models");
    let mut wish = Wish { only: vec![], engines: vec![], models, pace: FULL, partial: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--only" => wish.only.push(value()?),
            "--engine" => wish.engines.push(value()?),
            "--models" => wish.models = value()?.into(),
            "--quick" => wish.pace = QUICK,
            "--counted" => wish.pace = COUNTED,
            // What cargo says to every benchmark.
            "--bench" => continue,
            other => return Err(format!("{other} is no option")),
        }
        wish.partial = true;
    }
    Ok(wish)
}

fn compare(wish: &Wish) -> ExitCode {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() || !wish.models.is_dir() {
        println!("NOT RUN: set ORT_DYLIB_PATH (scripts/setup-ort.sh) and have the models");
        println!("at {} (or name them with --models)", wish.models.display());
        return ExitCode::SUCCESS;
    }
    let engines = engines();
    let Some(reference) = engines.iter().find(|engine| engine.name() == REFERENCE) else {
        println!("parity: this build has no {REFERENCE}");
        return ExitCode::FAILURE;
    };
    let subjects = subject::all(&wish.models, &wish.only);
    let wished = |name: &str| {
        let asked = wish.engines.is_empty() || wish.engines.iter().any(|wish| wish == name);
        !name.starts_with("ort-") && asked
    };
    let mut text = String::new();
    for engine in engines.iter().filter(|engine| wished(engine.name())) {
        println!("{}", report::head(engine.as_ref()));
        let rows = rows(engine.as_ref(), reference.as_ref(), &subjects, wish);
        let summary = report::summary(&rows);
        println!("{summary}");
        text += &report::section(engine.as_ref(), reference.as_ref(), &rows, &summary);
    }
    if !wish.partial {
        report::write(&text);
    }
    ExitCode::SUCCESS
}

/// All of this build, with the library that the environment names.
pub(crate) fn engines() -> Vec<Box<dyn Engine>> {
    let onnxruntime = std::env::var_os(engine::ONNXRUNTIME).map(PathBuf::from);
    engine::available_with(&engine::Libraries { onnxruntime })
}

fn rows(
    engine: &dyn Engine,
    reference: &dyn Engine,
    subjects: &[Subject],
    wish: &Wish,
) -> Vec<Row> {
    let all = u16::try_from(race::cores()).unwrap_or(1);
    let mut rows = Vec::new();
    for subject in subjects {
        let twin = subjects.iter().find(|other| subject.is_quantised_form_of(other));
        let row = race::run(engine, reference, subject, twin, all, wish.pace)
            .map(|race| Row::of(subject, race, child::both(engine, reference, subject, wish.pace)));
        match row {
            Ok(row) => {
                println!("{}", row.line());
                rows.push(row);
            }
            Err(why) => println!("{}", report::cut(&format!("{:24} {why}", subject.id))),
        }
    }
    rows
}
