//! What the learned rankers cost: the bytes that ship, one question about twenty models, and the
//! same beside one inference of the smallest bundled model.
//!
//!     cargo bench --bench ranker

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::time::Instant;

use umbra::engine::{self, Engine, Pipeline, PipelineSpec};
use umbra::model::{self, Image};
use umbra::rank::cost::residual::{self, Residual};
use umbra::rank::spider::{CLASS, HARDWARE, Portrait, Question, Scorer, VIEWS, portrait, stated};

mod ratio;

const MODELS: usize = 20;
const CLASSES: usize = 10;
const RUNS: usize = 200;

fn main() {
    let engines = engine::available();
    let files = [
        ("extractor", model::extractor().bytes),
        ("spider", model::SPIDER.len() as u64),
        ("fusion", model::FUSION.len() as u64),
        ("shadow", model::SHADOW.len() as u64),
    ];
    for (name, bytes) in files {
        println!("{name}.onnx: {bytes} bytes");
    }
    let all: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    println!("together: {all} bytes (goal: at most 1,000,000)");
    let zoo = model::bundled();
    let known = zoo.iter().filter_map(|of| portrait(of, &stated(of)?));
    let portraits: Vec<Portrait> = known.cycle_to(MODELS);
    let mut inference = smallest(&engines);
    for (name, file) in [("spider", model::SPIDER), ("fusion", model::FUSION)] {
        let mut scorer = Scorer::new(file, &engines, MODELS, CLASSES).expect("a ranker that runs");
        let question = Question {
            portraits: &portraits,
            views: &[[0.5; VIEWS]; MODELS],
            classes: &[[0.5; CLASS]; CLASSES],
            hardware: &[1.0; HARDWARE],
        };
        beside(name, &mut inference, || drop(scorer.scores(&question).expect("scores")));
    }
    let mut file = Residual::new(model::SHADOW, &engines, MODELS).expect("a correction that runs");
    let models = [[0.5; residual::MODEL]; MODELS];
    beside("shadow", &mut inference, || {
        drop(file.corrections(&models, &[0.5; residual::BOARD], 0.1).expect("corrections"));
    });
}

/// One question, in milliseconds and beside one inference.
fn beside(name: &str, inference: &mut impl FnMut(), mut question: impl FnMut()) {
    let (mut times, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let model = timed(&mut *inference);
        let own = timed(&mut question);
        times.push(own * 1e3);
        ratios.push(own / model);
    }
    ratio::print(&format!("{name}: {MODELS} models, ms (goal: at most 2)"), &times);
    ratio::print(&format!("{name}: one question / one inference, smallest model"), &ratios);
}

/// So many of them, from the first again after the last.
trait CycleTo<T> {
    fn cycle_to(self, count: usize) -> Vec<T>;
}

impl<T: Clone, I: Iterator<Item = T>> CycleTo<T> for I {
    fn cycle_to(self, count: usize) -> Vec<T> {
        let all: Vec<T> = self.collect();
        all.iter().cycle().take(count).cloned().collect()
    }
}

/// Runs the bundled model with the fewest multiply-accumulates once.
fn smallest(engines: &[Box<dyn Engine>]) -> impl FnMut() {
    let zoo = model::bundled();
    let macs = |of: &&model::Candidate| of.card.as_ref().and_then(|card| card.macs);
    let least = zoo.iter().min_by_key(macs).expect("a bundled zoo");
    let file = least.read().expect("a bundled model");
    let spec = PipelineSpec {
        preprocess: least.preprocess(),
        output: least.output_for_features().expect("features"),
        head: None,
        threads: 1,
    };
    let engine = engine::choose(engines, &file).expect("an engine");
    let loaded = Pipeline::load(engine, &file, &spec).expect("a model that loads");
    let mut pipeline = loaded.optimise().expect("a model that runs");
    let image = Image { height: 32, width: 32, channels: 3, pixels: vec![99; 3072] };
    move || drop(pipeline.infer(&image).expect("an inference"))
}

fn timed(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}
