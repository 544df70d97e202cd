//! What the harness adds to what it measures: the same pipeline timed by the harness and
//! by a bare loop, in interleaved blocks; the ratio of medians with its 95 % interval.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::time::{Duration, Instant};

use umbra::base::{Digest, Stop, SysRoot, SystemClock};
use umbra::bench::{Plan, TrialKey, run};
use umbra::child::Context;
use umbra::engine::{Engine, EngineError, LoadOptions, Loaded, Pipeline, PipelineSpec, Session};
use umbra::model::{
    Affinity, Candidate, Card, Config, Dtype, Quantization, Source, Tensor, TensorInfo,
};

mod inside;

use inside::Inside;

const BLOCKS: usize = 60;

/// A model of known size: products of small matrices, as long as a small network takes.
#[derive(Debug, Clone)]
struct Work {
    inputs: Vec<TensorInfo>,
    weights: Vec<f32>,
}

impl Engine for Work {
    fn name(&self) -> &'static str {
        "work"
    }
    fn version(&self) -> String {
        "1".into()
    }
    fn isa(&self) -> String {
        String::new()
    }
    fn unsupported(&self, _: &Card) -> Vec<String> {
        Vec::new()
    }
    fn convolutions(&self, _: &[u8]) -> Result<(u64, u64), EngineError> {
        Ok((0, 0))
    }
    fn load(&self, _: &[u8], _: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        Ok(Box::new(self.clone()))
    }
}

impl Loaded for Work {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        Ok(self)
    }
}

impl Session for Work {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }
    fn outputs(&self) -> &[TensorInfo] {
        &self.inputs
    }
    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        let bytes = inputs.iter().flat_map(|input| input.data.chunks_exact(4));
        let mut values: Vec<f32> =
            bytes.map(|b| b.try_into().map_or(0.0, f32::from_le_bytes)).collect();
        for _ in 0..8 {
            values = self
                .weights
                .chunks(values.len())
                .map(|row| row.iter().zip(&values).map(|(w, v)| w * v).sum::<f32>().tanh())
                .collect();
        }
        Ok(vec![Tensor::from_f32(vec![1, values.len()], &values)])
    }
    fn convolutions(&self) -> (u64, u64) {
        (0, 0)
    }
}

fn work() -> Work {
    let info =
        TensorInfo { name: "x".into(), dtype: Dtype::Float32, shape: vec![Some(1), Some(256)] };
    let weights = (0..256 * 256).map(|k| ((k * 7919 % 101) as f32 - 50.0) / 800.0).collect();
    Work { inputs: vec![info], weights }
}

fn candidate() -> Candidate {
    let bytes = b"unused".to_vec();
    Candidate {
        id: "work".into(),
        sha256: Digest::of(&bytes),
        bytes: 6,
        source: Source::Memory(bytes.into()),
        config: Config { engine: "work".into(), threads: 1, affinity: Affinity::Any },
        manifest: None,
        card: Some(Card {
            opset: 13,
            inputs: work().inputs,
            outputs: work().inputs,
            ops: Default::default(),
            params: 0,
            macs: None,
            work: Vec::new(),
            weight_bytes: Default::default(),
            peak_activation_bytes: None,
            quantization: Quantization::Float32,
            feature_tap: None,
            feature_size: None,
        }),
        rejection: None,
    }
}

/// Median latency in microseconds, as the harness sees it.
fn with_harness(plan: &Plan) -> f64 {
    let (clock, stop, sys) = (SystemClock::default(), Stop::default(), SysRoot::new("/nowhere"));
    let half: inside::Half = |job, clock, frames| {
        let engines = [Box::new(work()) as Box<dyn Engine>];
        umbra::bench::work(&job.payload, &engines, clock, frames)
    };
    let ctx = Context { spawn: &Inside(half), clock: &clock, sys: &sys, stop: &stop };
    let digest = Digest::of(b"");
    let key = TrialKey {
        sha256: digest,
        config_id: String::new(),
        engine: String::new(),
        fingerprint: digest,
        kernel: String::new(),
        power: String::new(),
        outputs: String::new(),
    };
    let trial = run(plan, &candidate(), key, ctx, &mut [], None, &mut ());
    trial.latency.unwrap_or_else(|| panic!("{trial:?}")).p50.0
}

/// The same from a bare loop over the same pipeline.
fn without(plan: &Plan) -> f64 {
    let spec = PipelineSpec { preprocess: None, output: "x".into(), head: None, threads: 1 };
    let mut pipeline = Pipeline::load(&work(), b"", &spec).unwrap().optimise().unwrap();
    let values: Vec<f32> = (0..256).map(|k| k as f32 / 256.0).collect();
    let input = [Tensor::from_f32(vec![1, 256], &values)];
    let started = Instant::now();
    while started.elapsed() < plan.min_time / 3 {
        pipeline.infer_raw(&input).unwrap();
    }
    let mut samples = Vec::new();
    let started = Instant::now();
    while started.elapsed() < plan.max_time {
        let before = Instant::now();
        std::hint::black_box(pipeline.infer_raw(&input).unwrap());
        samples.push(before.elapsed().as_nanos() as f64 / 1000.0);
    }
    median(&mut samples)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let time = Duration::from_millis(60);
    let bounds = Plan { min_time: time, max_time: time, patience: time, ..Plan::quick() };
    let plan = Plan { max_samples: 1_000_000, ..bounds };
    let mut ratios: Vec<f64> = (0..BLOCKS)
        .map(|block| {
            // Whoever goes first changes every time.
            if block % 2 == 0 {
                let with = with_harness(&plan);
                with / without(&plan)
            } else {
                let bare = without(&plan);
                with_harness(&plan) / bare
            }
        })
        .collect();
    let middle = median(&mut ratios);
    // Order statistics: 60 blocks, ranks 22 and 39 hold the median with 97 %.
    let (low, high) = (ratios[21], ratios[38]);
    println!("with / without harness: {middle:.4} [{low:.4}, {high:.4}], {BLOCKS} blocks");
    println!("goal 0.98 to 1.02: {}", if low >= 0.98 && high <= 1.02 { "met" } else { "missed" });
}
