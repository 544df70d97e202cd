//! How well probes and a few measured models predict the rest, on this machine: each
//! configuration is gauged, every model is measured, and what was predicted is held against it.
//!
//!     cargo bench --bench predict
//!     cargo bench --bench predict -- --models DIR --engine umbra-cpu --wall --verbose
//!     ORT_DYLIB_PATH=FILE cargo bench --features ort --bench predict -- --engine ort-cpu
//!     scripts/counted.sh predict CORE     another instruction set, in instructions
//!
//! Models are the bundled zoo, beside it those of `../shared/models` where it is there. One thread is
//! timed by the processor's time, `--wall` by the wall clock; `--cpu N` binds to a core; `--verbose`
//! prints every model.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use cpu_time::ProcessTime;
use umbra::agent::{self, World};
use umbra::base::random::SplitMix64;
use umbra::base::{Clock, RealFs, Stop, SysRoot, SystemClock};
use umbra::bench::Plan;
use umbra::child::Spawner;
use umbra::engine::{self, Engine};
use umbra::model::{self, Affinity, Candidate, Card, Config};
use umbra::rank::cost::residual::{self, Cost, Residual};
use umbra::rank::cost::roofline::{self, Rates};

#[path = "../inside/mod.rs"]
mod inside;
mod judge;

use inside::Inside;
use judge::{By, Seen, judge};

const ENGINES: [&str; 2] = ["umbra-cpu", "tract-cpu"];
/// Tract runs on one thread only.
const THREADS: [u16; 2] = [1, 2];
/// Measured models that the rest is predicted from, and how often they are drawn.
const ANCHORS: [usize; 3] = [0, 3, 5];
const DRAWS: usize = 50;

/// What the command line asks for.
struct Wish {
    engines: Vec<String>,
    models: Vec<PathBuf>,
    affinity: Affinity,
    wall: bool,
    verbose: bool,
}

impl Wish {
    fn read() -> Self {
        let mut wish = Self {
            engines: Vec::new(),
            models: Vec::new(),
            affinity: Affinity::Any,
            wall: false,
            verbose: false,
        };
        let mut option = String::new();
        for word in std::env::args().skip(1) {
            match (option.as_str(), word.as_str()) {
                (_, "--wall") => wish.wall = true,
                (_, "--verbose") => wish.verbose = true,
                (_, flag) if flag.starts_with("--") => option = word,
                ("--engine", _) => wish.engines.push(word),
                ("--models", _) => wish.models.push(word.into()),
                // Only a process of its own is bound to a core, and it has only the wall's clock.
                ("--cpu", cpu) => {
                    wish.affinity = Affinity::Cpus(vec![cpu.parse().expect("number of a core")]);
                    wish.wall = true;
                }
                _ => {}
            }
        }
        if wish.engines.is_empty() {
            wish.engines = ENGINES.map(str::to_owned).to_vec();
        }
        wish
    }
}

fn main() {
    let wish = Wish::read();
    let state = tempfile::tempdir().expect("a temporary state folder");
    let sets = [("zoo", model::bundled()), ("shared", others(&wish.models))];
    let cores = match wish.affinity {
        Affinity::Any => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        Affinity::Cpus(_) => 1,
    };
    for engine in &wish.engines {
        for threads in THREADS.into_iter().filter(|threads| usize::from(*threads) <= cores) {
            let config =
                Config { engine: engine.clone(), threads, affinity: wish.affinity.clone() };
            let mut world = world(threads == 1 && !wish.wall);
            let Some(rates) = gauge(&mut world, &config, state.path()) else { continue };
            for (name, models) in &sets {
                let seen = measure(&mut world, &config, &rates, models, state.path());
                report(&format!("{name} on {}", config.id()), &seen, wish.verbose);
            }
        }
    }
}

/// Speeds of one configuration, printed too; none where the engine does not run so.
fn gauge(world: &mut World, config: &Config, state: &Path) -> Option<Rates> {
    let configs = std::slice::from_ref(config);
    let speeds = agent::speeds(world, model::probes, configs, state, true, &mut ())
        .expect("the store is there");
    let Some(rates) = speeds.get(&config.id()) else {
        println!("{}: no speeds\n", config.id());
        return None;
    };
    let isa = world.engines.iter().find(|engine| engine.name() == config.engine)?.isa();
    println!("{} ({isa}): {:.3} us an inference", config.id(), rates.inference.0);
    for rate in &rates.rates {
        let (kind, int8) = (rate.kind.name(), if rate.int8 { "int8" } else { "float" });
        let (overhead, speed) = (rate.overhead.0, rate.per_micro / 1e3);
        println!("  {kind:12} {int8:6} {overhead:8.3} us a node, {speed:8.2} G/s");
    }
    Some(rates.clone())
}

/// Prints how good every way is, before and after anchors.
fn report(title: &str, seen: &[Seen], verbose: bool) {
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
    if verbose {
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
    state: &Path,
) -> Vec<Seen> {
    let with = |model: &Candidate| Candidate { config: config.clone(), ..model.clone() };
    let candidates: Vec<Candidate> = models.iter().map(with).collect();
    let plan =
        Plan { cool: umbra::bench::Cool { below: None, wait: Duration::ZERO }, ..Plan::quick() };
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

/// Models that are not part of this repository.
fn others(paths: &[PathBuf]) -> Vec<Candidate> {
    let there = [PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/models")];
    model::open(if paths.is_empty() { &there } else { paths }).unwrap_or_else(|error| {
        eprintln!("NOT RUN on other models: {error}");
        Vec::new()
    })
}

/// The processor time of this process: on a machine that others use too, an inference longer
/// than a time slice would count their work as well.
#[derive(Debug)]
struct Used;

impl Clock for Used {
    fn now(&self) -> Duration {
        ProcessTime::now().as_duration()
    }
    fn unix_seconds(&self) -> u64 {
        SystemClock::default().unix_seconds()
    }
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// All of this build, with the library of ONNX Runtime that the environment names.
fn engines() -> Vec<Box<dyn Engine>> {
    let onnxruntime = std::env::var_os(engine::ONNXRUNTIME).map(PathBuf::from);
    engine::available_with(&engine::Libraries { onnxruntime })
}

/// Of this machine; `alone` times the processor rather than the wall.
fn world(alone: bool) -> World {
    let half: inside::Half = |job, _, frames| agent::work(job, &engines(), &Used, frames);
    let spawner = Spawner::new(Vec::new()).with_program(env!("CARGO_BIN_EXE_umbra"), &["worker"]);
    World {
        sys: SysRoot::default(),
        fs: Box::new(RealFs),
        clock: Box::new(SystemClock::default()),
        meters: Vec::new(),
        engines: engines(),
        spawn: if alone { Box::new(Inside(half)) } else { Box::new(spawner) },
        stop: Stop::default(),
    }
}
