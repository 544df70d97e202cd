//! Programs of real models, run by the reference, against ONNX Runtime.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::read;
use crate::engine::LoadOptions;
use crate::engine::native::ir::{Op, Port, Program, Weights};
use crate::engine::native::reference::{Data, run_as};
use crate::model::npz::read_npz;
use crate::model::{Dtype, Tensor, onnx};

/// The folder of models beside the repository; none in a clone without it.
fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("UMBRA_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let models = root.join("models");
    if !models.is_dir() {
        eprintln!("NOT RUN: no models at {} (set UMBRA_SHARED)", models.display());
        return None;
    }
    Some(models)
}

/// Multiplications that the reference does in a test of reasonable length. `UMBRA_MACS` allows
/// more: minutes for all models, built with `--release`.
const QUICK: u64 = 4_000_000;

#[test]
fn models_agree_with_their_goldens() {
    let Some(models) = shared() else { return };
    let most = std::env::var("UMBRA_MACS").ok().and_then(|most| most.parse().ok());
    assert_eq!(disagreeing(&models, most.unwrap_or(QUICK)), Vec::<String>::new());
}

/// One operator each; made by `make.py` beside them.
#[test]
fn every_operator_agrees_with_onnx_runtime() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/engine");
    assert_eq!(disagreeing(&models, u64::MAX), Vec::<String>::new());
}

/// Damaged bytes of good models: read or refused, and nothing else.
#[test]
fn damaged_models_are_read_or_refused() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/engine");
    let mut refused = 0;
    for entry in std::fs::read_dir(models).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "onnx") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len().min(1500) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                let Ok(model) = prost::Message::decode(bytes.as_slice()) else { continue };
                refused += usize::from(read(model, &LoadOptions::default()).is_err());
            }
        }
    }
    assert!(refused > 0);
}

/// Real files that no engine runs as they are.
#[test]
fn awkward_models_are_read_or_refused_by_name() {
    let Some(models) = shared() else { return };
    let at_fault = [
        ("awk_deeploy_MLPerf_KeywordSpotting", "RequantShift"),
        ("awk_qonnx_TFC_2W2A", "onnx.brevitas:Quant"),
        ("awk_silero_vad", "If"),
        ("awk_treeensemble", "ai.onnx.ml:TreeEnsembleClassifier"),
        ("pose_posenet_customop", "TFL_PosenetDecoderOp"),
        ("awk_deeploy_Transformer_DeepQuant", "Round"),
        ("vww_persondetect_int8", "depthwise_bias"),
        ("awk_espdl_streaming", ""),
        ("awk_light_squeezenet", ""),
        ("awk_tflm_hello_int8", ""),
    ];
    for (id, operator) in at_fault {
        let bytes = std::fs::read(models.join(format!("awkward/{id}.onnx"))).unwrap();
        let model: onnx::Model = prost::Message::decode(bytes.as_slice()).unwrap();
        match read(model, &LoadOptions::default()) {
            Ok(program) => assert!(operator.is_empty() && !program.nodes.is_empty(), "{id}"),
            Err(refusal) => {
                assert!(
                    !operator.is_empty() && refusal.reason.contains(operator),
                    "{id}: {refusal}"
                );
            }
        }
    }
}

fn disagreeing(models: &Path, most: u64) -> Vec<String> {
    let only = std::env::var("UMBRA_MODEL").unwrap_or_default();
    let goldens = std::fs::read_dir(models.join("goldens")).unwrap();
    let mut ids: Vec<String> = goldens
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|id| id.contains(&only))
        .collect();
    ids.sort();
    ids.retain(|id| {
        let verdict = compare(models, id, most);
        eprintln!("{id:32} {}", verdict.as_ref().unwrap_or_else(|why| why));
        verdict.is_err()
    });
    ids
}

/// One line on a model; an error where it is wrong.
fn compare(models: &Path, id: &str, most: u64) -> Result<String, String> {
    let bytes = std::fs::read(models.join(format!("{id}.onnx"))).unwrap();
    let golden = std::fs::read(models.join(format!("goldens/{id}.npz"))).unwrap();
    let golden = Golden::read(&golden);
    let model: onnx::Model = prost::Message::decode(bytes.as_slice()).unwrap();
    let options = LoadOptions { input_shapes: golden.shapes(), ..LoadOptions::default() };
    let program = match read(model, &options) {
        Ok(program) => program,
        Err(refusal) => return Ok(format!("refused: {refusal}")),
    };
    let summary = summary(&program);
    if products(&program) > most {
        return Ok(format!("{summary}; not run, {} M products", products(&program) / 1_000_000));
    }
    // ONNX Runtime adds and averages int8 tensors in reals where their neighbours keep it
    // from an operator on codes; one tie that falls the other way shows behind a Softmax.
    let fused = tallied(&program, &golden, most, false)?;
    let plain =
        if fused.worst > 1.0 { Some(tallied(&program, &golden, most, true)?) } else { None };
    match plain {
        None => Ok(format!("{summary}; {}", fused.text())),
        Some(plain) if plain.worst <= 1.0 => {
            Ok(format!("{summary}; summed plainly {}; on codes {}", plain.text(), fused.text()))
        }
        Some(plain) => Err(format!("WRONG {summary}; {}; plainly {}", fused.text(), plain.text())),
    }
}

/// All golden cases of a model; the first of a large one.
fn tallied(program: &Program, golden: &Golden, most: u64, plain: bool) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let cases = if most == u64::MAX && products(program) > 100_000_000 { 1 } else { 10 };
    for case in (0..cases).take_while(|case| golden.arrays.contains_key(&format!("in{case}_0"))) {
        let inputs: Vec<Data> =
            program.inputs.iter().map(|port| golden.input(case, &port.info.name)).collect();
        for (port, result) in program.outputs.iter().zip(run_as(program, &inputs, plain)) {
            let (fused, unfused) = golden.outputs(case, &port.info.name);
            tally.add(port, &result, fused, unfused)?;
        }
    }
    Ok(tally)
}

struct Golden {
    arrays: BTreeMap<String, Tensor>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl Golden {
    fn read(bytes: &[u8]) -> Self {
        let arrays = read_npz(bytes).unwrap();
        let names = |key: &str| arrays[key].to_strings().unwrap();
        Self { inputs: names("names_in"), outputs: names("names_out"), arrays }
    }

    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let inputs = self.inputs.iter().enumerate();
        inputs
            .map(|(at, name)| (name.clone(), self.arrays[&format!("in0_{at}")].shape.clone()))
            .collect()
    }

    fn input(&self, case: usize, name: &str) -> Data {
        let at = self.inputs.iter().position(|known| known == name).unwrap();
        let tensor = &self.arrays[&format!("in{case}_{at}")];
        match tensor.dtype {
            Dtype::UInt8 => Data::Codes(tensor.data.clone()),
            Dtype::Int8 => Data::Codes(tensor.data.iter().map(|x| x.wrapping_add(128)).collect()),
            _ => Data::Real(tensor.to_f32().unwrap()),
        }
    }

    fn outputs(&self, case: usize, name: &str) -> (&Tensor, &Tensor) {
        let at = self.outputs.iter().position(|known| known == name).unwrap();
        (&self.arrays[&format!("ort{case}_{at}")], &self.arrays[&format!("ref{case}_{at}")])
    }
}

/// Every how many elements a long golden keeps one, and from which length.
const KEPT: usize = 97;
const LONG: usize = 60_000;

#[derive(Default)]
struct Tally {
    /// Integers in the outputs, and those that ONNX Runtime has too.
    integers: (u64, u64),
    /// Largest difference as a multiple of what is allowed.
    worst: f64,
    text: String,
}

impl Tally {
    fn add(
        &mut self,
        port: &Port,
        ours: &Data,
        fused: &Tensor,
        plain: &Tensor,
    ) -> Result<(), String> {
        if port.info.dtype != fused.dtype {
            return Err(format!("WRONG type {:?} for {:?}", port.info.dtype, fused.dtype));
        }
        let shift = if port.info.dtype == Dtype::Int8 { -128.0 } else { 0.0 };
        let mut ours: Vec<f32> = match ours {
            Data::Codes(codes) => codes.iter().map(|code| f32::from(*code) + shift).collect(),
            Data::Real(reals) => reals.clone(),
            Data::Whole(whole) => whole.iter().map(|n| *n as f32).collect(),
        };
        if ours.len() > LONG {
            ours = ours.into_iter().step_by(KEPT).collect();
        }
        let (fused_values, plain) = (fused.to_f32().unwrap(), plain.to_f32().unwrap());
        if ours.len() != fused_values.len() {
            return Err(format!("WRONG {} values for {}", ours.len(), fused_values.len()));
        }
        let spread = gap(&fused_values, &plain);
        let range = fused_values
            .iter()
            .fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        let step = if fused.dtype.is_integer() {
            self.integers.0 += ours.len() as u64;
            self.integers.1 +=
                ours.iter().zip(&fused_values).filter(|(a, b)| a == b).count() as u64;
            1.0
        } else {
            1e-3 * f64::from(range.1 - range.0).max(1e-6)
        };
        let nearest = gap(&ours, &fused_values).min(gap(&ours, &plain));
        let ratio = nearest / spread.max(step);
        if ratio >= self.worst {
            self.worst = ratio;
            self.text = format!(
                "off by {nearest:.2e}, allowed {:.2e} (spread {spread:.2e})",
                spread.max(step)
            );
        }
        Ok(())
    }

    fn text(&self) -> String {
        let (all, same) = self.integers;
        if all == 0 {
            return self.text.clone();
        }
        format!(
            "{}; {same} of {all} integers as ONNX Runtime ({:.3} %)",
            self.text,
            100.0 * same as f64 / all as f64
        )
    }
}

fn gap(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    pairs.fold(0.0, |most: f64, gap| if gap.is_nan() { f64::INFINITY } else { most.max(gap) })
}

fn summary(program: &Program) -> String {
    let (whole, real) = program.convolutions();
    let dense = |on_codes: bool| {
        let is = |op: &Op| match op {
            Op::Dense(dense) => matches!(dense.weights, Weights::Codes { .. }) == on_codes,
            _ => false,
        };
        program.nodes.iter().filter(|node| is(&node.op)).count()
    };
    let unfused: Vec<&str> = program.unfused.iter().map(|found| found.op.as_str()).collect();
    let nodes = program.nodes.len();
    format!(
        "{nodes} nodes, convolutions {whole}+{real}, products {}+{}, unfused {unfused:?}",
        dense(true),
        dense(false)
    )
}

/// Multiplications of all convolutions and products.
fn products(program: &Program) -> u64 {
    let of = |node: &crate::engine::native::ir::Node| {
        let results = program.values[node.output].len() as u64;
        match &node.op {
            Op::Conv(conv) => results * conv.shape[1..].iter().product::<usize>() as u64,
            Op::Dense(dense) => results * dense.depth as u64,
            _ => results,
        }
    };
    program.nodes.iter().map(of).sum()
}
