//! The engine against ONNX Runtime on real models.
#![cfg(feature = "tract")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use umbra::engine::{self, LoadOptions};
use umbra::model::npz::read_npz;
use umbra::model::onnx;
use umbra::model::{Tensor, TensorInfo};

/// The folder of models beside the repository; none in a clone without it.
pub(crate) fn models() -> Option<PathBuf> {
    let root = std::env::var_os("UMBRA_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let models = root.join("models");
    if models.is_dir() {
        return Some(models);
    }
    eprintln!("NOT RUN: no models at {} (set UMBRA_SHARED)", models.display());
    None
}

/// Large graphs run one golden case in place of all.
const SLOW: &[&str] = &["seg_deeplab_dm05_u8", "in_mbv2_100_224_u8", "inat_bird_mbv2_u8"];

#[test]
fn every_model_agrees_with_its_goldens() {
    let Some(models) = models() else { return };
    assert_eq!(wrong_in_the_house(&models), Vec::<String>::new());
}

/// One operator each, all that the lowering rewrites; made by `make.py` beside them.
#[test]
fn every_rewritten_operator_agrees_with_onnx_runtime() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/engine");
    assert_eq!(wrong_in_the_house(&models), Vec::<String>::new());
}

/// What each engine of the house gets wrong, and what none of them runs.
fn wrong_in_the_house(models: &Path) -> Vec<String> {
    let engines = engine::available();
    let house = engines.iter().filter(|engine| engine.is_of_the_house());
    house.flat_map(|engine| disagreeing(&**engine, models)).collect()
}

/// Models of the folder that an engine runs otherwise than their goldens say. What one engine
/// of the house leaves to the next by name is no fault of it.
pub(crate) fn disagreeing(engine: &dyn engine::Engine, models: &Path) -> Vec<String> {
    let goldens = std::fs::read_dir(models.join("goldens")).unwrap();
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut ids: Vec<String> = goldens.map(|entry| stem(entry.unwrap().path())).collect();
    assert!(!ids.is_empty());
    ids.sort();
    let verdict = |id: &String| {
        let start = Instant::now();
        let verdict = if left_to_another(engine, &models.join(format!("{id}.onnx"))) {
            Ok("left to another engine".to_owned())
        } else {
            compare(engine, models, id)
        };
        let seconds = start.elapsed().as_secs_f64();
        let name = engine.name();
        eprintln!(
            "{name:9} {id:32} {seconds:6.2} s  {}",
            verdict.as_ref().unwrap_or_else(|why| why)
        );
        verdict.is_err()
    };
    ids.retain(verdict);
    ids
}

fn left_to_another(engine: &dyn engine::Engine, model: &Path) -> bool {
    let bytes = std::fs::read(model).unwrap();
    let engines = engine::available();
    let chosen = engine::choose(&engines, &bytes).map(|chosen| chosen.name());
    engine.convolutions(&bytes).is_err() && chosen.is_ok_and(|chosen| chosen != engine.name())
}

fn compare(engine: &dyn engine::Engine, models: &Path, id: &str) -> Result<String, String> {
    let bytes = std::fs::read(models.join(format!("{id}.onnx"))).unwrap();
    let golden =
        read_npz(&std::fs::read(models.join(format!("goldens/{id}.npz"))).unwrap()).unwrap();
    let names = |key: &str| golden[key].to_strings().unwrap();
    let (inputs, outputs) = (names("names_in"), names("names_out"));
    let place =
        |names: &[String], name: &str| names.iter().position(|known| known == name).unwrap();
    let shapes = inputs.iter().enumerate();
    let shapes =
        shapes.map(|(at, name)| (name.clone(), golden[&format!("in0_{at}")].shape.clone()));
    let options = LoadOptions { input_shapes: shapes.collect(), ..LoadOptions::default() };
    let loaded = engine.load(&bytes, &options).map_err(|e| format!("load: {e}"))?;
    let mut session = loaded.optimise().map_err(|e| format!("optimise: {e}"))?;
    let quanta = quanta(&bytes);
    let cases = if SLOW.contains(&id) { 1 } else { usize::MAX };
    let mut worst = String::new();
    let mut ratio = -1.0;
    for case in (0..cases).take_while(|case| golden.contains_key(&format!("in{case}_0"))) {
        let input = |name: &str| golden[&format!("in{case}_{}", place(&inputs, name))].clone();
        let tensors: Vec<Tensor> = session.inputs().iter().map(|i| input(&i.name)).collect();
        let results = session.run(&tensors).map_err(|e| format!("run: {e}"))?;
        for (info, result) in session.outputs().iter().zip(&results) {
            let name = &info.name;
            let at = place(&outputs, name);
            let fused = &golden[&format!("ort{case}_{at}")];
            let plain = &golden[&format!("ref{case}_{at}")];
            let agreement = agreement(result, fused, plain, quanta.get(name).copied())?;
            if agreement.ratio > ratio {
                ratio = agreement.ratio;
                worst = format!("{name}[{case}]: {}", agreement.text);
            }
        }
    }
    if ratio < 0.0 {
        return Err("no golden case".to_owned());
    }
    if ratio <= 1.0 { Ok(worst) } else { Err(format!("WRONG {worst}")) }
}

struct Agreement {
    ratio: f64,
    text: String,
}

/// The largest difference as a multiple of what is allowed.
fn agreement(
    ours: &Tensor,
    fused: &Tensor,
    plain: &Tensor,
    quantum: Option<f64>,
) -> Result<Agreement, String> {
    if ours.dtype != fused.dtype {
        return Err(format!("WRONG type {:?} for {:?}", ours.dtype, fused.dtype));
    }
    let values = |tensor: &Tensor| tensor.to_f32().unwrap();
    let (fused_values, plain) = (values(fused), values(plain));
    let mut ours_values = values(ours);
    if ours_values.len() > 60_000 {
        ours_values = ours_values.into_iter().step_by(97).collect();
    } else if ours.shape != fused.shape {
        return Err(format!("WRONG shape {:?} for {:?}", ours.shape, fused.shape));
    }
    if ours_values.len() != fused_values.len() {
        return Err(format!("WRONG {} values for {}", ours_values.len(), fused_values.len()));
    }
    let gap = |a: &[f32], b: &[f32]| {
        let pairs = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
        pairs.fold(0.0, |most: f64, gap| if gap.is_nan() { f64::INFINITY } else { most.max(gap) })
    };
    let spread = gap(&fused_values, &plain);
    let range = fused_values
        .iter()
        .fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let fallback = 1e-3 * f64::from(range.1 - range.0).max(1e-6);
    let step =
        if fused.dtype.is_integer() { 1.0 } else { quantum.map_or(fallback, |q| q * 1.0001) };
    let nearest = gap(&ours_values, &fused_values).min(gap(&ours_values, &plain));
    let allowed = spread.max(step);
    let text = format!(
        "off by {nearest:.3e}, allowed {allowed:.3e} (ORT's own spread {spread:.3e}, step {step:.3e})"
    );
    Ok(Agreement { ratio: nearest / allowed, text })
}

/// The scale of the last quantisation of each output, where only its shape changed since:
/// behind any other operator a step of it says nothing about a step of the output.
fn quanta(bytes: &[u8]) -> BTreeMap<String, f64> {
    let model: onnx::Model = prost::Message::decode(bytes).unwrap();
    let graph = model.graph.unwrap();
    let find =
        |name: &str| graph.node.iter().find(|node| node.output.iter().any(|output| output == name));
    let scale =
        |name: &str| graph.initializer.iter().find(|t| t.name == name).and_then(|t| t.to_f32());
    let mut found = BTreeMap::new();
    for output in &graph.output {
        let mut name = output.name.clone();
        while let Some(node) = find(&name) {
            let at = match node.op_type.as_str() {
                "QuantizeLinear" | "DequantizeLinear" => Some(1),
                "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul" => Some(6),
                "QGemm" if node.input.len() > 7 => Some(7),
                "QLinearSoftmax" | "QLinearAveragePool" => Some(3),
                "QLinearConcat" => Some(0),
                _ => None,
            };
            if let Some(scales) = at.and_then(|at| scale(node.input.get(at)?)) {
                let largest = scales.iter().fold(0.0_f32, |most, scale| most.max(*scale));
                found.insert(output.name.clone(), f64::from(largest));
                break;
            }
            let moves = ["Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity"];
            if !moves.contains(&node.op_type.as_str()) {
                break;
            }
            let Some(next) = node.input.first() else { break };
            name.clone_from(next);
        }
    }
    found
}

/// Awkward models load and run, or are refused by the name of what is at fault.
#[test]
fn awkward_models_run_or_are_refused_by_name() {
    let Some(models) = models() else { return };
    let engines = engine::available();
    let at_fault = [
        ("awk_deeploy_MLPerf_KeywordSpotting", "RequantShift"),
        ("awk_deeploy_miniMobileNetv2", "RequantShift"),
        ("awk_qonnx_TFC_2W2A", "onnx.brevitas:Quant"),
        ("awk_silero_vad", "If"),
        ("awk_treeensemble", "ai.onnx.ml:TreeEnsembleClassifier"),
        ("pose_posenet_customop", "TFL_PosenetDecoderOp"),
        ("awk_deeploy_Transformer_DeepQuant", ""),
        ("awk_espdl_streaming", ""),
        ("awk_light_squeezenet", ""),
        ("awk_tflm_hello_int8", ""),
        // ONNX Runtime refuses it too: a bias quantised along an axis that it does not have.
        ("vww_persondetect_int8", "depthwise_bias"),
    ];
    for (id, operator) in at_fault {
        let bytes = std::fs::read(models.join(format!("awkward/{id}.onnx"))).unwrap();
        let loaded = engine::choose(&engines, &bytes)
            .and_then(|engine| engine.load(&bytes, &LoadOptions::default()));
        match loaded.and_then(|loaded| loaded.optimise()) {
            Ok(mut session) => {
                assert_eq!(operator, "", "{id} loads");
                session.run(&zeros(session.inputs())).unwrap();
            }
            Err(refusal) => {
                assert!(!operator.is_empty(), "{id}: {refusal}");
                assert!(refusal.reason.contains(operator), "{id}: {refusal}");
            }
        }
    }
}

fn zeros(inputs: &[TensorInfo]) -> Vec<Tensor> {
    let zero = |info: &TensorInfo| {
        let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap() as usize).collect();
        let bytes = shape.iter().product::<usize>() * info.dtype.size().unwrap();
        Tensor { dtype: info.dtype, shape, data: vec![0; bytes] }
    };
    inputs.iter().map(zero).collect()
}

#[test]
fn damaged_models_end_in_an_error() {
    let Some(models) = models() else { return };
    let engine = engine::available().remove(0);
    for entry in std::fs::read_dir(models.join("awkward")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // What only the validator can know; the engine may do anything but crash with them.
        let valid_enough = ["bad_no_io", "bad_opset", "bad_qdq", "bad_zero_nodes"];
        if !name.starts_with("bad_") || name.contains("bomb") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let session = engine.load(&bytes, &LoadOptions::default()).and_then(|l| l.optimise());
        eprintln!("{name}: {:?}", session.as_ref().err().map(|error| &error.reason));
        if !valid_enough.iter().any(|prefix| name.starts_with(prefix)) {
            assert!(session.is_err(), "{name} loads");
        }
    }
}

/// int8 codes whose results are often ties: where these fall depends on when the zero point is
/// added, and on its size.
#[test]
fn ties_of_int8_products_and_averages_fall_as_onnx_runtimes_do() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/engine");
    let engines = engine::available();
    for id in ["qlinearmul_s8", "qlinearaveragepool_s8", "qlinearglobalaveragepool_s8"] {
        let bytes = std::fs::read(models.join(format!("{id}.onnx"))).unwrap();
        let golden = std::fs::read(models.join(format!("goldens/{id}.npz"))).unwrap();
        let golden = read_npz(&golden).unwrap();
        let engine = &engines[0];
        let mut session = engine.load(&bytes, &LoadOptions::default()).unwrap().optimise().unwrap();
        for case in 0..3 {
            let inputs: Vec<Tensor> = (0..session.inputs().len())
                .map(|at| golden.get(&format!("in{case}_{at}")).unwrap().clone())
                .collect();
            let found = session.run(&inputs).unwrap();
            let wanted = golden.get(&format!("ort{case}_0")).unwrap();
            let apart = found[0].data.iter().zip(&wanted.data).filter(|(a, b)| a != b).count();
            assert_eq!(apart, 0, "{} of {} of {id}", engine.name(), wanted.data.len());
        }
    }
}
