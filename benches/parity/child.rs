//! Load time and peak memory, each of a fresh process: this program again.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use prost::Message as _;
use umbra::engine::{Engine, LoadOptions};
use umbra::model::Dtype;
use umbra::model::onnx::{
    Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorType, Type, TypeValue,
    ValueInfo,
};

use super::Pace;
use super::figure::median;
use super::subject::Subject;

/// The word that makes this program such a process.
pub(crate) const FLAG: &str = "--child";

/// The house's over ONNX Runtime's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// Reading and optimising.
    pub(crate) load: f64,
    /// Peak resident memory after one inference.
    pub(crate) memory: f64,
}

/// The process itself: prints nanoseconds and kibibytes.
pub(crate) fn work(engine: &str, file: &Path) -> ExitCode {
    let engines = super::engines();
    let engine = engines.iter().find(|known| known.name() == engine).unwrap();
    let bytes = std::fs::read(file).unwrap();
    // Opening the library and building the engine's tables is no part of loading this model.
    let _ = engine.load(&first(), &LoadOptions::default()).and_then(|loaded| loaded.optimise());
    let start = Instant::now();
    let loaded = engine.load(&bytes, &LoadOptions { threads: 1, ..LoadOptions::default() });
    drop(bytes);
    let Ok(mut session) = loaded.and_then(|loaded| loaded.optimise()) else {
        return ExitCode::FAILURE;
    };
    let nanos = start.elapsed().as_nanos();
    let inputs: Vec<_> = session.inputs().iter().map(super::subject::zeros).collect();
    if session.run(&inputs).is_err() {
        return ExitCode::FAILURE;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{nanos} {}", peak.trim().trim_end_matches(" kB"));
    ExitCode::SUCCESS
}

/// The smallest model there is.
fn first() -> Vec<u8> {
    let dim = vec![Dimension { value: Some(DimensionValue::Number(1)) }];
    let tensor = TensorType { elem_type: Dtype::Float32.onnx(), shape: Some(Shape { dim }) };
    let kind = Some(Type { value: Some(TypeValue::Tensor(tensor)) });
    let graph = Graph {
        name: "first".into(),
        node: vec![Node::new("Relu", &["x"], &["y"])],
        input: vec![ValueInfo { name: "x".into(), r#type: kind.clone() }],
        output: vec![ValueInfo { name: "y".into(), r#type: kind }],
        ..Graph::default()
    };
    let opset_import = vec![OperatorSet { domain: String::new(), version: 13 }];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }.encode_to_vec()
}

/// Both sides, taking turns; none where a process failed.
pub(crate) fn both(
    engine: &dyn Engine,
    reference: &dyn Engine,
    subject: &Subject,
    pace: Pace,
) -> Option<Costs> {
    let (mut loads, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..pace.children {
        let (ours, theirs) = (one(engine, subject)?, one(reference, subject)?);
        loads.push(ours.0 / theirs.0);
        peaks.push(ours.1 / theirs.1);
    }
    (!loads.is_empty()).then(|| Costs { load: median(&loads), memory: median(&peaks) })
}

fn one(engine: &dyn Engine, subject: &Subject) -> Option<(f64, f64)> {
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(program);
    let output = command.args([FLAG, engine.name()]).arg(&subject.path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (nanos, kib) = text.trim().split_once(' ')?;
    Some((nanos.parse().ok()?, kib.parse().ok()?))
}
