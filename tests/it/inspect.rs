//! Cards of real and tiny models, against figures from elsewhere.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use prost::Message as _;
use umbra::model::onnx::Model;
use umbra::model::{
    Candidate, Card, Dtype, Kind, Layout, Quantization, Stage, Work, card, elements, npz, open,
    shapes, validate,
};

use crate::models;

/// The shared collection, where it is; says so loudly where it is not.
pub(crate) fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("UMBRA_SHARED").map(PathBuf::from);
    let path = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    if path.join("models/SOURCES.md").is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: the shared models are not at {} (set UMBRA_SHARED)", path.display());
    None
}

/// One row of the collection's table.
struct Row {
    id: String,
    format: String,
    params: u64,
    opset: i64,
    inputs: Vec<(String, String, Vec<Option<u64>>)>,
    outputs: Vec<(String, String, Vec<Option<u64>>)>,
}

/// `name:float[batch, 3, 32, 32] other:int8[1]`.
fn tensors(text: &str) -> Vec<(String, String, Vec<Option<u64>>)> {
    let whole = text.split_inclusive(']').filter(|part| part.contains('['));
    whole
        .map(|part| {
            let (name, rest) = part.trim().split_once('[').unwrap();
            let (name, dtype) = name.rsplit_once(':').unwrap();
            let dtype = if dtype == "float" { "float32" } else { dtype };
            let dims = rest.trim_end_matches(']').split(',').map(str::trim);
            let dims = dims.filter(|dim| !dim.is_empty()).map(|dim| dim.parse().ok()).collect();
            (name.to_owned(), dtype.to_owned(), dims)
        })
        .collect()
}

fn rows(sources: &str) -> Vec<Row> {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    sources
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(cells)
        .filter(|cells: &Vec<String>| cells.get(5).is_some_and(|p| p.parse::<u64>().is_ok()))
        .map(|cells| {
            let (inputs, outputs) = cells[7].split_once(" -> ").unwrap();
            Row {
                id: cells[1].clone(),
                format: cells[3].clone(),
                params: cells[5].parse().unwrap(),
                opset: cells[6].parse().unwrap(),
                inputs: tensors(inputs),
                outputs: tensors(outputs),
            }
        })
        .collect()
}

/// The operator counts of the collection's second list, by model.
fn operators(sources: &str) -> BTreeMap<String, BTreeMap<String, u64>> {
    let origin = sources.split("## Origin").nth(1).unwrap();
    let items = origin.split("\n- ").filter_map(|item| {
        let (id, rest) = item.split_once(": ")?;
        let (_, ops) = rest.split_once("ops {")?;
        let ops = format!("{{{}", ops.split_once('}')?.0) + "}";
        Some((id.to_owned(), serde_json::from_str(&ops).unwrap()))
    });
    items.collect()
}

fn real() -> Option<(PathBuf, Vec<Row>, Vec<Candidate>)> {
    let shared = shared()?;
    let sources = std::fs::read_to_string(shared.join("models/SOURCES.md")).unwrap();
    let candidates = open(&[shared.join("models")]).unwrap();
    let rows: Vec<Row> = rows(&sources).into_iter().filter(|row| !row.id.contains('/')).collect();
    assert_eq!((rows.len(), candidates.len()), (48, 48));
    Some((shared, rows, candidates))
}

fn found<'a>(candidates: &'a [Candidate], id: &str) -> (&'a Candidate, &'a Card) {
    let candidate = candidates.iter().find(|c| c.id == id).unwrap_or_else(|| panic!("no {id}"));
    assert_eq!(candidate.rejection, None, "{id}");
    (candidate, candidate.card.as_ref().unwrap())
}

fn decoded(candidate: &Candidate) -> Model {
    Model::decode(candidate.read().unwrap().as_slice()).unwrap()
}

/// Names in the table are cut at 18 characters, lists of outputs at three.
fn same_tensors(
    id: &str,
    ours: &[umbra::model::TensorInfo],
    theirs: &[(String, String, Vec<Option<u64>>)],
) {
    assert!(ours.len() == theirs.len() || theirs.len() == 3, "{id}");
    for (ours, (name, dtype, shape)) in ours.iter().zip(theirs) {
        let short: String = ours.name.chars().take(18).collect();
        assert_eq!((&short, ours.dtype.name()), (name, dtype.as_str()), "{id}");
        assert_eq!(&ours.shape, shape, "{id}");
    }
}

#[test]
fn cards_agree_with_the_collection() {
    let Some((shared, rows, candidates)) = real() else { return };
    let sources = std::fs::read_to_string(shared.join("models/SOURCES.md")).unwrap();
    let operators = operators(&sources);
    for row in rows {
        let (candidate, card) = found(&candidates, &row.id);
        assert_eq!(card.opset, row.opset, "{}", row.id);
        assert_eq!(card.ops, operators[&row.id], "{}", row.id);
        same_tensors(&row.id, &card.inputs, &row.inputs);
        same_tensors(&row.id, &card.outputs, &row.outputs);
        let quantization = match (row.format.as_str(), row.id.as_str()) {
            ("QDQ", _) => Quantization::Int8Qdq,
            ("QOperator", _) => Quantization::Int8QOperator,
            ("QOperator-dynamic", _) => Quantization::Int8Dynamic,
            ("wDQ", _) => Quantization::Mixed,
            ("float", "in_squeezenet_fp16") => Quantization::Float16,
            ("float", _) => Quantization::Float32,
            other => panic!("{other:?}"),
        };
        assert_eq!(card.quantization, quantization, "{}", row.id);
        // The table counts every element of every initializer; the card sorts them.
        let model = decoded(candidate);
        let sorted = elements(&model);
        let constants: u64 = model
            .graph
            .iter()
            .flat_map(|graph| &graph.node)
            .filter(|node| node.op_type == "Constant")
            .filter_map(|node| node.attr_t("value")?.count())
            .sum::<usize>() as u64;
        let all = sorted.weights + sorted.quantization + sorted.arguments;
        assert_eq!(all, row.params + constants, "{}", row.id);
        assert_eq!(card.params, sorted.weights, "{}", row.id);
    }
}

#[test]
fn every_figure_is_known_for_every_real_model() {
    let Some((_, rows, candidates)) = real() else { return };
    for row in rows {
        let (_, card) = found(&candidates, &row.id);
        let figures = (card.macs.is_some(), card.peak_activation_bytes.is_some());
        assert_eq!(figures, (true, true), "{}", row.id);
    }
}

/// Published multiply-accumulates and parameters, with the digits they are given in:
///
/// - MobileNet v1 0.25 at 128: <https://github.com/tensorflow/models/blob/master/research/slim/nets/mobilenet_v1.md>
///   (14 million, 0.47 million parameters)
/// - MobileNet v1 0.75: Howard et al., arXiv 1704.04861, table 6: 325 million at 224, which is
///   239 million at 192 (the table at slim says 233), and 2.6 million parameters
/// - MobileNet v2: <https://github.com/tensorflow/models/tree/master/research/slim/nets/mobilenet>
///   (300 million, 3.47 million)
/// - SqueezeNet 1.1: torchvision's model table (1,235,496 parameters, 0.35 G)
#[test]
fn figures_agree_with_published_ones() {
    let Some((_, _, candidates)) = real() else { return };
    for (id, macs, half, params, half_params) in [
        ("in_mbv1_025_128_u8", 14e6, 0.5e6, 0.47e6, 0.005e6),
        ("in_mbv1_075_192_u8", 239e6, 0.5e6, 2.6e6, 0.05e6),
        ("in_mbv2_100_224_u8", 300e6, 2e6, 3.47e6, 0.02e6),
        ("in_squeezenet_fp16", 0.35e9, 0.005e9, 1_235_496.0, 0.5),
    ] {
        let (_, card) = found(&candidates, id);
        let counted = card.macs.unwrap() as f64;
        assert!((counted - macs).abs() <= half, "{id}: {counted} multiply-accumulates");
        let counted = card.params as f64;
        assert!((counted - params).abs() <= half_params, "{id}: {counted} parameters");
    }
}

#[test]
fn one_network_has_the_same_multiply_accumulates_in_every_format() {
    let Some((_, _, candidates)) = real() else { return };
    for family in [
        &["ic_resnet8_f32", "ic_resnet8_int8", "ic_resnet8_k1_qdq", "ic_resnet8_nchw_f32"][..],
        &["ic_resnet8_qdq_u8u8", "ic_resnet8_qlc_u8s8", "ic_resnet8_qop_u8u8", "ic_resnet8_f32"],
        &["kws_dscnn_f32", "kws_dscnn_int8", "kws_dscnn_k1_qdq", "kws_dscnn_qop_u8"],
        &["vww_96_f32", "vww_96_int8", "vww_96_k1_qdq", "vww_96_nchw_f32", "vww_96_qop_u8s8"],
        &["ad01_f32", "ad01_int8", "ad01_k1_qdq", "ad01_qop_u8u8"],
        &["mnist_cntk_f32", "mnist_cntk_qop_u8", "mnist_cntk_dynamic_u8"],
        &["face_ultra_rfb320_f32", "face_ultra_rfb320_qop_u8"],
        &["face_yunet_n320_f32", "face_yunet_n320_qdq_u8s8pc"],
        &["det_fastestdet_f32", "det_fastestdet_qdq_s8pc"],
        &["in_tmx_mb_025_128_f32", "in_tmx_mb_025_128_int8"],
    ] {
        let counts: Vec<_> = family.iter().map(|id| found(&candidates, id).1.macs).collect();
        assert!(counts.iter().all(|count| *count == counts[0]), "{family:?}: {counts:?}");
    }
    // By hand: the autoencoder is 640-128-128-128-128-8-128-128-128-128-640.
    let by_hand = 2 * (640 * 128 + 3 * 128 * 128 + 128 * 8);
    assert_eq!(found(&candidates, "ad01_f32").1.macs, Some(by_hand));
}

/// Exporters and ONNX Runtime wrote shapes of inner tensors into many files: ours must be the
/// same when they are taken out before inference.
#[test]
fn inferred_shapes_agree_with_those_that_exporters_wrote() {
    let Some((_, rows, candidates)) = real() else { return };
    let mut compared = 0;
    for row in rows {
        let mut model = decoded(found(&candidates, &row.id).0);
        let graph = model.graph.as_mut().unwrap();
        let stated = std::mem::take(&mut graph.value_info);
        let outputs = graph.output.clone();
        for output in &mut graph.output {
            output.r#type = None;
        }
        let shapes = shapes(&model, &[]);
        let made: HashSet<&String> =
            model.graph.iter().flat_map(|g| &g.node).flat_map(|node| &node.output).collect();
        // Quantisers leave the types of tensors that they removed.
        for value in stated.iter().chain(&outputs).filter(|value| made.contains(&value.name)) {
            let Some(dims) = value.dims() else { continue };
            let dims: Vec<u64> = dims.into_iter().map(|dim| dim.unwrap_or(1)).collect();
            let id = format!("{} {}", row.id, value.name);
            assert_eq!(shapes.shape(&value.name), Some(dims.as_slice()), "{id}");
            assert_eq!(shapes.get(&value.name).unwrap().dtype, Some(value.dtype()), "{id}");
            compared += 1;
        }
    }
    assert!(compared > 1_000, "{compared}");
}

/// What ONNX Runtime gave for golden inputs has the shapes and types inferred from those inputs.
#[test]
fn inferred_outputs_agree_with_golden_ones() {
    let Some((shared, rows, candidates)) = real() else { return };
    for row in rows {
        let file = shared.join(format!("models/goldens/{}.npz", row.id));
        let goldens = npz::read_npz(&std::fs::read(file).unwrap()).unwrap();
        let names = |key: &str| goldens[key].to_strings().unwrap();
        let inputs: Vec<(String, Vec<usize>)> = names("names_in")
            .into_iter()
            .enumerate()
            .map(|(at, name)| (name, goldens[&format!("in0_{at}")].shape.clone()))
            .collect();
        let mut model = decoded(found(&candidates, &row.id).0);
        for output in &mut model.graph.as_mut().unwrap().output {
            output.r#type = None;
        }
        let shapes = shapes(&model, &inputs);
        for (at, name) in names("names_out").iter().enumerate() {
            let golden = &goldens[&format!("ort0_{at}")];
            let fact = shapes.get(name).unwrap();
            let shape: Vec<u64> = golden.shape.iter().map(|dim| *dim as u64).collect();
            assert_eq!(fact.dtype, Some(golden.dtype), "{} {name}", row.id);
            // Goldens of more than 60,000 elements keep every 97th, as a vector.
            if fact.count() <= Some(60_000) {
                assert_eq!(fact.shape, Some(shape), "{} {name}", row.id);
            }
        }
    }
}

#[test]
fn taps_of_real_classifiers_are_their_penultimate_layers() {
    let Some((_, _, candidates)) = real() else { return };
    for (id, size) in [
        ("ic_resnet8_f32", Some(64)),
        ("ic_resnet8_int8", Some(64)),
        ("ic_resnet8_qop_u8u8", Some(64)),
        ("ic_resnet8_nchw_f32", Some(64)),
        ("kws_dscnn_int8", Some(64)),
        ("kws_dscnn_qop_u8", Some(64)),
        ("vww_96_f32", Some(256)),
        ("vww_96_qop_u8s8", Some(256)),
        ("ad01_f32", Some(128)),
        ("in_mbv1_025_128_u8", Some(256)),
        ("in_mbv2_100_224_u8", Some(1280)),
        ("inat_bird_mbv2_u8", Some(1280)),
        ("ic_mbv2_ali_f32", Some(88)),
        ("mnist_cntk_f32", Some(256)),
        ("mnist_cntk_dynamic_u8", Some(256)),
        // The last layer is a convolution before the global pooling: 512 maps of 13x13.
        ("in_squeezenet_fp16", Some(512 * 13 * 13)),
        ("face_yunet_n320_f32", None),
        ("seg_deeplab_dm05_u8", None),
    ] {
        let (_, card) = found(&candidates, id);
        assert_eq!(card.feature_size, size, "{id}: {:?}", card.feature_tap);
    }
}

#[test]
fn images_are_recognised_among_inputs() {
    let Some((_, _, candidates)) = real() else { return };
    let guess = |id: &str| found(&candidates, id).0.preprocess();
    let resnet = guess("ic_resnet8_f32").unwrap();
    assert_eq!((resnet.layout, resnet.height, resnet.channels), (Layout::Nhwc, 32, 3));
    let vww = guess("vww_96_nchw_f32").unwrap();
    assert_eq!((vww.layout, vww.width, vww.std[0]), (Layout::Nchw, 96, 255.0));
    assert_eq!(guess("ic_resnet8_int8").unwrap().mean, [128.0; 3]);
    assert_eq!(guess("in_mbv1_025_128_u8").unwrap().std, [1.0; 3]);
    assert_eq!(guess("ad01_f32"), None);
}

#[test]
fn tiny_models_have_the_figures_computed_by_hand() {
    let conv = card(&models::conv_f32());
    assert_eq!((conv.macs, conv.params), (Some(1748), 137));
    assert_eq!(conv.peak_activation_bytes, Some(1024));
    assert_eq!(conv.weight_bytes, [("float32".to_owned(), 548)].into());
    assert_eq!((conv.feature_tap.as_deref(), conv.feature_size), (Some("features"), Some(4)));
    assert_eq!(conv.quantization, Quantization::Float32);

    let linear = card(&models::linear_qdq());
    assert_eq!((linear.macs, linear.params), (Some(12), 15));
    assert_eq!((linear.feature_tap.as_deref(), linear.feature_size), (Some("xd"), Some(4)));
    assert_eq!(linear.quantization, Quantization::Int8Qdq);
    assert_eq!(linear.inputs[0].shape, [None, Some(4)]);
    let bytes: BTreeMap<_, _> = [("float32", 4 + 12 + 12), ("int8", 12 + 3), ("uint8", 1)]
        .map(|(k, v)| (k.to_owned(), v))
        .into();
    assert_eq!(linear.weight_bytes, bytes);
    // Live while each node runs: x and xq (16 + 4), xq and xd (4 + 16), nothing new for the
    // weights, xd and the product (16 + 12), the product and y (12 + 12).
    assert_eq!(linear.peak_activation_bytes, Some(28));

    let conv = card(&models::conv_qoperator());
    assert_eq!((conv.macs, conv.params), (Some(96), 6));
    assert_eq!(conv.quantization, Quantization::Int8QOperator);
    assert_eq!((conv.feature_tap, conv.peak_activation_bytes), (None, Some(32 + 48)));
}

/// A zoo folder with one model and, if given, its sidecar.
#[test]
fn nodes_cost_what_was_computed_by_hand_and_some_nothing() {
    let work = |kind, int8, ops, bytes| Work { kind, int8, ops, bytes };
    // The ReLU belongs to the convolution, the flattening moves nothing. Bytes: what goes in,
    // weights and biases included, and what comes out.
    let conv = [
        work(Kind::Planes, false, 192, 192 * 5),
        work(Kind::Stem, false, 1728, 768 + 432 + 16 + 256),
        work(Kind::Pool, false, 64, 256 + 16),
        work(Kind::Product, false, 20, 16 + 80 + 20 + 20),
        work(Kind::Other, false, 0, 20 + 20),
    ];
    assert_eq!(card(&models::conv_f32()).work, conv);
    // Codes come out of the first node; the sum with a constant belongs to the product.
    let linear =
        [work(Kind::Other, true, 0, 16 + 4 + 1 + 4), work(Kind::Product, true, 12, 4 + 12 + 12)];
    assert_eq!(card(&models::linear_qdq()).work, linear);
    let one = card(&models::conv_qoperator()).work;
    let [one] = one.as_slice() else { panic!("{one:?}") };
    assert_eq!((one.kind, one.int8, one.ops), (Kind::Stem, true, 96));
}

#[test]
fn every_probe_is_a_sound_model_of_its_kind() {
    let probes = umbra::model::probes();
    assert!(probes.len() >= 30);
    for probe in &probes {
        let card = probe.card.as_ref().unwrap_or_else(|| panic!("{}: {:?}", probe.id, probe));
        let kind = probe.id.split('-').next().unwrap();
        let own = card.work.iter().filter(|work| work.kind.name() == kind).count();
        assert!(own > 0 || kind == "empty", "{}: {:?}", probe.id, card.work);
    }
}

fn zoo(sidecar: Option<&str>) -> Vec<Candidate> {
    let dir = tempfile::tempdir().unwrap();
    let bytes = models::conv_f32().encode_to_vec();
    std::fs::write(dir.path().join("tiny.onnx"), &bytes).unwrap();
    if let Some(text) = sidecar {
        let hash = umbra::base::Digest::of(&bytes).hex();
        std::fs::write(dir.path().join("tiny.toml"), text.replace("HASH", &hash)).unwrap();
    }
    open(&[dir.path().to_owned()]).unwrap()
}

const SIDECAR: &str = r#"
schema = 1
id = "tiny"
family = "cnn"
licence = "MIT"
sha256 = "HASH"
[source]
task = "shapes"
labels = ["a", "b", "c", "d", "e"]
[preprocess]
layout = "nchw"
channels = 3
height = 8
width = 8
mean = [1.0, 2.0, 3.0]
std = [4.0, 5.0, 6.0]
[outputs]
features = "pool"
scores = "scores"
[[golden]]
seed = 7
tolerance = 0.01
logits = [0.1, 0.2, 0.3, 0.2, 0.2]
"#;

#[test]
fn a_bare_model_is_a_candidate_and_its_sidecar_overrides_what_is_guessed() {
    let bare = &zoo(None)[0];
    assert_eq!((bare.id.as_str(), bare.rejection.as_ref()), ("tiny", None));
    assert_eq!(bare.preprocess().unwrap().mean, [0.0; 3]);
    assert_eq!(bare.output_for_features().as_deref(), Some("features"));
    assert_eq!(bare.output_for_scores().as_deref(), Some("scores"));
    let described = &zoo(Some(SIDECAR))[0];
    assert_eq!(described.rejection, None);
    assert_eq!(described.preprocess().unwrap().mean, [1.0, 2.0, 3.0]);
    assert_eq!(described.output_for_features().as_deref(), Some("pool"));
}

#[test]
fn sidecars_that_do_not_belong_are_refused() {
    for (old, new, words) in [
        ("schema = 1", "schema = 2", "schema 2"),
        ("\"tiny\"", "\"other\"", "is for \"other\""),
        ("HASH", &"ab".repeat(32), "for another file"),
        ("family", "familly", "unknown field `familly`"),
        ("std = [4.0, 5.0, 6.0]", "std = [4.0, 5.0]", "one mean and one std per channel"),
        ("std = [4.0, 5.0, 6.0]", "std = [4.0, 0.0, 6.0]", "cannot be computed with"),
        ("height = 8", "height = 9", "prepares 9x8x3 pixels"),
        ("scores = \"scores\"", "scores = \"score\"", "names output \"score\""),
    ] {
        let text = SIDECAR.replacen(old, new, 1);
        let rejection = zoo(Some(&text))[0].rejection.clone().unwrap();
        assert_eq!(rejection.stage, Stage::Read);
        assert!(rejection.reason.contains(words), "{new}: {}", rejection.reason);
    }
}

#[test]
fn the_bundled_zoo_is_whole_and_described() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("onnx/zoo");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let models = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "onnx"));
    let bundled = umbra::model::bundled();
    assert_eq!(bundled.len(), if cfg!(feature = "demo") { models.count() } else { 0 });
    for candidate in bundled {
        assert_eq!(candidate.rejection, None, "{}", candidate.id);
        assert!(candidate.manifest.is_some(), "{}", candidate.id);
        assert_eq!(candidate.read().unwrap().len() as u64, candidate.bytes, "{}", candidate.id);
    }
}

#[test]
fn a_zoo_that_is_not_there_is_an_error_and_a_broken_model_is_none() {
    use umbra::model::ModelError;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert!(matches!(open(&[]), Err(ModelError::NothingNamed)));
    assert!(matches!(open(&[at("none")]), Err(ModelError::Missing(_))));
    assert!(matches!(open(&[dir.path().to_owned()]), Err(ModelError::Empty(_))));
    std::fs::write(at("b.onnx"), b"<html>").unwrap();
    std::fs::write(at("a.onnx"), models::relu().encode_to_vec()).unwrap();
    std::fs::create_dir(at("c.onnx")).unwrap();
    let zoo = open(&[dir.path().to_owned(), at("a.onnx")]).unwrap();
    let ids: Vec<_> = zoo.iter().map(|c| (c.id.as_str(), c.rejection.is_some())).collect();
    assert_eq!(ids, [("a", false), ("b", true), ("c", true), ("a", true)]);
}

#[test]
fn a_file_that_changes_after_it_was_opened_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.onnx");
    std::fs::write(&file, models::relu().encode_to_vec()).unwrap();
    let zoo = open(std::slice::from_ref(&file)).unwrap();
    assert_eq!(zoo[0].read(), Ok(models::relu().encode_to_vec()));
    std::fs::write(&file, models::chain(3).encode_to_vec()).unwrap();
    assert!(zoo[0].read().unwrap_err().reason.contains("changed"));
    assert_eq!(validate(&models::relu().encode_to_vec(), None).unwrap(), models::relu());
    assert_eq!(zoo[0].card.as_ref().unwrap().inputs[0].dtype, Dtype::Float32);
}
