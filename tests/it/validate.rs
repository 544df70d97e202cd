//! The validator on good, bad, hostile and mutated files.

use std::path::Path;

use prost::Message as _;
use umbra::model::onnx::{Attribute, AttributeType, Graph, Model, Node, TensorData};
use umbra::model::{Rejection, Stage, card, golden_image, open, validate};

use crate::inspect::shared;
use crate::models::{self, Bad, entry};

fn refused(bytes: &[u8]) -> Rejection {
    validate(bytes, None).expect_err("must be refused")
}

#[test]
fn good_models_pass_unchanged() {
    for (name, model) in models::good() {
        let passed = validate(&model.encode_to_vec(), None);
        assert_eq!(passed.as_ref(), Ok(&model), "{name}");
    }
}

#[test]
fn bad_models_are_refused_with_stage_reason_and_help() {
    let groups = [
        models::bad_files(),
        models::bad_quantisation(),
        models::bad_graphs(),
        models::bad_sizes(),
    ];
    for Bad { name, bytes, stage, words } in groups.into_iter().flatten() {
        let Rejection { stage: at, reason, help } = refused(&bytes);
        assert!(reason.contains(words), "{name}: {reason}");
        assert_eq!(at, stage, "{name}: {reason}");
        assert!(!reason.contains('\n') && reason.len() < 250, "{name}: {reason}");
        assert!(help.is_some_and(|help| help.len() > 10), "{name}");
    }
}

#[test]
fn unsorted_nodes_are_sorted_and_keep_their_order_where_it_is_free() {
    let sorted = models::chain(40);
    let mut shuffled = sorted.clone();
    shuffled.graph.as_mut().unwrap().node.reverse();
    assert_eq!(validate(&shuffled.encode_to_vec(), None), Ok(sorted));
}

#[test]
fn long_and_wide_graphs_are_checked() {
    let mut long = models::chain(200_000);
    assert!(validate(&long.encode_to_vec(), None).is_ok());
    long.graph.as_mut().unwrap().node.reverse();
    let sorted = validate(&long.encode_to_vec(), None).unwrap();
    assert_eq!(card(&sorted).ops["Relu"], 200_000);
    // Every node reads one tensor, and one node reads them all.
    let mut wide = models::chain(1);
    let graph = wide.graph.as_mut().unwrap();
    let names: Vec<String> = (0..100_000).map(|n| format!("w{n}")).collect();
    graph.node.extend(names.iter().map(|name| Node::new("Relu", &["t0"], &[name.as_str()])));
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    graph.node.push(Node::new("Sum", &all, &["sum"]));
    assert!(validate(&wide.encode_to_vec(), None).is_ok());
}

#[test]
fn constants_shared_by_many_nodes_are_looked_at_once() {
    let (channels, nodes) = (500_000, 5_000);
    let mut model = models::chain(1);
    let graph = model.graph.as_mut().unwrap();
    graph.input.push(models::floats("wide", &[1, channels as u64]));
    graph.initializer.push(TensorData::from_f32("scales", &[channels], &vec![0.5; channels]));
    graph.initializer.push(TensorData::from_i8("zeros", &[channels], &vec![0; channels]));
    graph.node.extend((0..nodes).map(|n| {
        Node::new("QuantizeLinear", &["wide", "scales", "zeros"], &[format!("q{n}").as_str()])
    }));
    assert!(validate(&model.encode_to_vec(), None).is_ok());
}

/// A body that calls itself a body, so many levels deep.
fn nested(levels: usize) -> Model {
    let relu = |input: &str, output: &str| Node::new("Relu", &[input], &[output]);
    let mut body =
        Graph::of(vec![], vec![relu("x", "deep")], vec![models::floats("deep", &[1, 4])]);
    for level in 0..levels {
        let name = format!("out{level}");
        let mut branch = Attribute::int("then_branch", 0);
        branch.kind = AttributeType::Graph as i32;
        branch.g = Some(body);
        let node = Node::new("If", &["x"], &[&name]).with(branch);
        body = Graph::of(vec![], vec![node], vec![models::floats(&name, &[1, 4])]);
    }
    body.input = vec![models::floats("x", &[1, 4])];
    Model::of(13, body)
}

#[test]
fn nesting_is_followed_as_far_as_the_decoder_goes_and_then_refused() {
    let shallow = validate(&nested(5).encode_to_vec(), None).unwrap();
    assert_eq!(card(&shallow).ops["If"], 5);
    assert_eq!(card(&shallow).macs, None, "what a body computes is not counted");
    let Rejection { stage, reason, .. } = refused(&nested(60).encode_to_vec());
    assert_eq!((stage, reason.contains("recursion")), (Stage::Read, true), "{reason}");
}

#[test]
fn a_body_may_read_from_outside_but_not_from_nowhere() {
    let mut model = nested(3);
    model.graph.as_mut().unwrap().input[0].name = "other".to_owned();
    assert!(refused(&model.encode_to_vec()).reason.contains("reads 'x', which nothing produces"));
}

/// A model whose first weight is in `location`, written into `dir` with 500 bytes of data.
fn external(dir: &Path, location: &str, offset: u64, length: u64) -> Result<Model, Rejection> {
    let mut model = models::conv_f32();
    let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
    std::fs::write(dir.join("weights.bin"), [[7; 68].as_slice(), &tensor.raw_data].concat())
        .unwrap();
    tensor.raw_data.clear();
    tensor.data_location = 1;
    tensor.external_data = vec![
        entry("location", location),
        entry("offset", &offset.to_string()),
        entry("length", &length.to_string()),
    ];
    validate(&model.encode_to_vec(), Some(dir))
}

#[test]
fn external_data_inside_the_folder_is_joined() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(external(dir.path(), "weights.bin", 68, 432), Ok(models::conv_f32()));
    assert_eq!(external(dir.path(), "./weights.bin", 68, 432), Ok(models::conv_f32()));
}

#[test]
fn external_data_anywhere_else_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("zoo");
    std::fs::create_dir_all(dir.join("folder")).unwrap();
    let secret = outer.path().join("secret.bin");
    std::fs::write(&secret, [0; 500]).unwrap();
    std::os::unix::fs::symlink(&secret, dir.join("link.bin")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.join("zero.bin")).unwrap();
    let absolute = secret.to_str().unwrap().to_owned();
    let outside = "outside the model's folder";
    for (location, offset, length, words) in [
        ("../secret.bin", 0, 432, outside),
        ("folder/../../secret.bin", 0, 432, outside),
        (absolute.as_str(), 0, 432, outside),
        ("link.bin", 0, 432, outside),
        ("zero.bin", 0, 432, outside),
        ("..\\secret.bin", 0, 432, outside),
        ("", 0, 432, outside),
        ("missing.bin", 0, 432, "No such file"),
        ("folder", 0, 432, "no regular file"),
        ("weights.bin", 69, 432, "too short"),
        ("weights.bin", u64::MAX, 432, "too short"),
        ("weights.bin", 0, 431, "needs 432 bytes, its external data has 431"),
    ] {
        let reason = external(&dir, location, offset, length).unwrap_err().reason;
        assert!(reason.contains(words) && reason.contains("'cw'"), "{location}: {reason}");
    }
}

#[test]
fn a_link_that_stays_inside_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("weights.bin", dir.path().join("link.bin")).unwrap();
    assert_eq!(external(dir.path(), "link.bin", 68, 432), Ok(models::conv_f32()));
}

/// Calls `each` with files near a valid one: flipped, cut, doubled, overwritten.
fn mutations(file: &[u8], count: u32, each: impl Fn(&[u8])) {
    let dice = golden_image(0x5eed, count, 1, 9);
    for roll in dice.pixels.chunks_exact(9) {
        let at = |n: usize| {
            let number = u32::from_le_bytes(roll[n..n + 4].try_into().unwrap()) as usize;
            number % file.len()
        };
        let (from, to) = (at(0).min(at(4)), at(0).max(at(4)));
        let mut bytes = file.to_vec();
        match roll[8] % 5 {
            0 => bytes[from] ^= 1 << (roll[8] >> 5),
            1 => bytes.truncate(from),
            2 => drop(bytes.drain(from..to)),
            3 => bytes[from] = [0x00, 0x7f, 0x80, 0xff][usize::from(roll[8] >> 6)],
            _ => bytes = [&file[..to], &file[from..]].concat(),
        }
        each(&bytes);
    }
}

#[test]
fn mutated_models_never_panic() {
    for (_, model) in models::good() {
        mutations(&model.encode_to_vec(), 2_000, |bytes| match validate(bytes, None) {
            Ok(model) => drop(card(&model)),
            Err(rejection) => assert!(!rejection.reason.is_empty()),
        });
    }
}

#[test]
fn mutated_archives_never_panic() {
    let tensor = umbra::model::Tensor::from_f32(vec![2, 3], &[1.0; 6]);
    let arrays = [("x".to_owned(), tensor.clone()), ("y".to_owned(), tensor)].into();
    let file = umbra::model::npz::write_npz(&arrays).unwrap();
    mutations(&file, 5_000, |bytes| drop(umbra::model::npz::read_npz(bytes)));
}

#[test]
fn mutated_real_models_never_panic() {
    let Some(shared) = shared() else { return };
    for name in ["mnist_cntk_qop_u8", "mnist_tmx_arduino_q", "face_ultra_rfb320_qop_u8"] {
        let file = std::fs::read(shared.join(format!("models/{name}.onnx"))).unwrap();
        mutations(&file, 300, |bytes| {
            if let Ok(model) = validate(bytes, None) {
                drop(card(&model));
            }
        });
    }
}

/// Damaged and hostile files of the shared collection, and the words of their rejection.
const HOSTILE: &[(&str, Stage, &str)] = &[
    ("bad_bitflips_200", Stage::Read, "damaged"),
    (
        "bad_constantofshape_bomb",
        Stage::Validate,
        "(ConstantOfShape) makes a tensor of shape [131072x131072]",
    ),
    ("bad_cycle", Stage::Validate, "depends on its own output"),
    ("bad_empty", Stage::Read, "is empty"),
    ("bad_external_missing", Stage::Validate, "No such file"),
    ("bad_external_path_traversal", Stage::Validate, "outside the model's folder"),
    ("bad_html_not_onnx", Stage::Read, "web page"),
    (
        "bad_huge_initializer_dims",
        Stage::Validate,
        "shape [1048576x1048576] needs 1099511627776 elements and holds 0",
    ),
    ("bad_lfs_pointer", Stage::Read, "Git LFS pointer"),
    ("bad_no_io", Stage::Validate, "has no nodes, no inputs, no outputs"),
    ("bad_opset_999", Stage::Validate, "operator set 999"),
    ("bad_qdq_nan_scale", Stage::Validate, "NaN scale"),
    ("bad_qdq_negative_scale", Stage::Validate, "negative scale"),
    ("bad_random_bytes", Stage::Read, "not protobuf"),
    ("bad_slow_loop_1e9", Stage::Validate, "goes round 1000000000 times"),
    ("bad_truncated_half", Stage::Read, "cut off"),
    ("bad_zero_nodes", Stage::Validate, "has no nodes"),
];

#[test]
fn every_hostile_file_of_the_collection_is_refused() {
    let Some(shared) = shared() else { return };
    let awkward = open(&[shared.join("models/awkward")]).unwrap();
    let bad: Vec<_> = awkward.iter().filter(|c| c.id.starts_with("bad_")).collect();
    assert_eq!(bad.len(), HOSTILE.len());
    for (candidate, (id, stage, words)) in bad.into_iter().zip(HOSTILE) {
        assert_eq!(candidate.id, *id);
        let rejection = candidate.rejection.as_ref().unwrap_or_else(|| panic!("{id} passed"));
        assert_eq!(rejection.stage, *stage, "{id}: {}", rejection.reason);
        assert!(rejection.reason.contains(words), "{id}: {}", rejection.reason);
        assert_eq!(candidate.read().as_ref(), Err(rejection));
    }
}

#[test]
fn the_other_awkward_files_pass_or_are_refused_by_the_name_of_an_operator() {
    let Some(shared) = shared() else { return };
    let awkward = open(&[shared.join("models/awkward")]).unwrap();
    let refused: Vec<(&str, &str)> = awkward
        .iter()
        .filter(|candidate| !candidate.id.starts_with("bad_"))
        .filter_map(|c| Some((c.id.as_str(), c.rejection.as_ref()?.reason.as_str())))
        .collect();
    for (id, reason) in &refused {
        assert!(reason.contains("node '") && reason.contains(" ("), "{id}: {reason}");
    }
    let ids: Vec<&str> = refused.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["awk_qonnx_TFC_2W2A", "vww_persondetect_int8"], "{refused:?}");
}

#[test]
fn external_models_of_the_collection_are_joined() {
    let Some(shared) = shared() else { return };
    let joined = open(&[shared.join("models/awkward/external/mnist.onnx")]).unwrap();
    let whole = open(&[shared.join("models/mnist_rten_f32.onnx")]).unwrap();
    let bytes = joined[0].read().unwrap();
    assert_eq!(bytes.len() as u64, joined[0].bytes);
    let params = |bytes: &[u8]| card(&validate(bytes, None).unwrap()).params;
    assert_eq!(params(&bytes), params(&whole[0].read().unwrap()));
}
