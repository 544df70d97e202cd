//! How well probes and a few measured models predict the rest, on this machine: each
//! configuration is gauged, every model is measured, and what was predicted is held against it.
//!
//!     cargo bench --bench predict
//!     cargo bench --bench predict -- --models a b
//!
//! Models are the bundled zoo, beside it those of `../shared/models` where it is there. Nothing
//! can be said here of another board: its configurations are engines and threads of this one.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::path::PathBuf;

use umbra::agent::{self, World};
use umbra::base::random::SplitMix64;
use umbra::base::{RealFs, Stop, SysRoot, SystemClock};
use umbra::bench::Plan;
use umbra::child::Spawner;
use umbra::engine;
use umbra::model::{self, Affinity, Candidate, Card, Config};
use umbra::rank::cost::residual::{self, Cost, Residual};
use umbra::rank::cost::roofline::{self, Rates};

mod here;
mod judge;

use judge::{By, Seen, judge};

const ENGINES: [&str; 2] = ["umbra-cpu", "tract-cpu"];
/// Tract runs on one thread only.
const THREADS: [u16; 2] = [1, 2];
/// Measured models that the rest is predicted from, and how often they are drawn.
const ANCHORS: [usize; 3] = [0, 3, 5];
const DRAWS: usize = 50;

fn main() {
    let state = tempfile::tempdir().expect("a temporary state folder");
    let (zoo, shared) = models();
    println!("{} models of the zoo, {} of ../shared/models\n", zoo.len(), shared.len());
    let wall = std::env::args().any(|word| word == "--wall");
    for engine in ENGINES {
        for threads in THREADS {
            let config = Config { engine: engine.to_owned(), threads, affinity: Affinity::Any };
            let configs = std::slice::from_ref(&config);
            let mut world = world(threads == 1 && !wall);
            let speeds =
                agent::speeds(&mut world, model::probes, configs, state.path(), true, &mut ())
                    .expect("the store is there");
            let Some(rates) = speeds.get(&config.id()) else {
                println!("{}: no speeds\n", config.id());
                continue;
            };
            println!("{}: {:.3} us an inference", config.id(), rates.inference.0);
            for rate in &rates.rates {
                let (kind, int8) = (rate.kind.name(), if rate.int8 { "int8" } else { "float" });
                let (overhead, speed) = (rate.overhead.0, rate.per_micro / 1e3);
                println!("  {kind:12} {int8:6} {overhead:8.3} us a node, {speed:8.2} G/s");
            }
            for (name, models) in [("zoo", &zoo), ("shared", &shared)] {
                let seen = measure(&mut world, &config, rates, models, state.path());
                report(&format!("{name} on {}", config.id()), &seen);
            }
        }
    }
}

/// Prints how good every way is, before and after anchors.
fn report(title: &str, seen: &[Seen]) {
    println!("{title}: {} models", seen.len());
    if seen.len() < 8 {
        println!("too few\n");
        return;
    }
    println!("| anchors | by | Spearman | within 10 % | 25 % | in interval | deviation of ln |");
    println!("|---|---|---|---|---|---|---|");
    for anchors in ANCHORS {
        for by in By::ALL {
            let found = judge(seen, anchors, by, DRAWS, &mut SplitMix64::new(7));
            println!("| {anchors} | {} | {found} |", by.name());
        }
    }
    if std::env::args().any(|word| word == "--verbose") {
        for one in seen {
            let (us, expected) = (one.measured, one.expected);
            println!("{:44} {us:10.1} {expected:10.1} {:6.2}", one.id, expected / us);
        }
    }
    println!();
}

fn measure(
    world: &mut World,
    config: &Config,
    rates: &Rates,
    models: &[Candidate],
    state: &std::path::Path,
) -> Vec<Seen> {
    let with = |model: &Candidate| Candidate { config: config.clone(), ..model.clone() };
    let candidates: Vec<Candidate> = models.iter().map(with).collect();
    let plan = Plan {
        cool: umbra::bench::Cool { below: None, wait: std::time::Duration::ZERO },
        ..Plan::quick()
    };
    let trials = agent::bench(world, candidates, &plan, state, &mut ()).expect("not stopped");
    let seen = |(candidate, trial): &(Candidate, umbra::bench::Trial)| {
        let card = candidate.card.as_ref()?;
        let expected = roofline::latency(rates, &card.work)?.0;
        let macs = card.macs.filter(|macs| *macs > 0)? as f64;
        let corrected = expected * correction(world, rates, card).exp();
        let (id, measured) = (candidate.id.clone(), trial.latency?.p50.0);
        let traits = umbra::rank::cost::Traits::of(card);
        Some(Seen { id, expected, corrected, macs, measured, traits })
    };
    trials.iter().filter_map(seen).collect()
}

/// What was learned on other boards says of a model here.
fn correction(world: &World, rates: &Rates, card: &Card) -> f64 {
    let model = residual::model(rates, &card.work, residual::BY_PROBES).expect("has a prediction");
    let board = residual::board(rates, residual::PROBES, Cost::Latency);
    let mut file = Residual::new(model::SHADOW, &world.engines, 1).expect("the file runs");
    let found = file.corrections(&[model], &board, residual::BY_PROBES).expect("the file runs");
    found[0].mean
}

/// The bundled zoo, and models that are not part of this repository.
fn models() -> (Vec<Candidate>, Vec<Candidate>) {
    let words: Vec<String> =
        std::env::args().skip_while(|word| word != "--models").skip(1).collect();
    let paths: Vec<PathBuf> =
        words.iter().filter(|w| !w.starts_with("--")).map(PathBuf::from).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = if paths.is_empty() { vec![root.join("../shared/models")] } else { paths };
    let shared = model::open(&shared).unwrap_or_else(|error| {
        eprintln!("NOT RUN on other models: {error}");
        Vec::new()
    });
    (model::bundled(), shared)
}

/// Of this machine; `alone` times the processor rather than the wall.
fn world(alone: bool) -> World {
    let spawner = Spawner::new(Vec::new()).with_program(env!("CARGO_BIN_EXE_umbra"), &["worker"]);
    World {
        sys: SysRoot::default(),
        fs: Box::new(RealFs),
        clock: Box::new(SystemClock::default()),
        meters: Vec::new(),
        engines: engine::available(),
        spawn: if alone { Box::new(here::Here) } else { Box::new(spawner) },
        stop: Stop::default(),
    }
}
