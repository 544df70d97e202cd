//! Small quantised graphs with outputs computed by hand.
#![cfg(feature = "tract")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

use std::collections::BTreeMap;

use prost::Message;
use umbra::engine::{self, EngineError, LoadOptions, Pipeline, PipelineSpec};
use umbra::model::onnx::{
    Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorData,
    TensorType, Type, TypeValue, ValueInfo,
};
use umbra::model::{Dtype, Head, Image, Layout, Preprocess, Stage, Tensor};

fn info(name: &str, dtype: Dtype, shape: &[i64]) -> ValueInfo {
    let number = |&dim: &i64| match dim {
        -1 => Dimension { value: Some(DimensionValue::Symbol("n".to_owned())) },
        dim => Dimension { value: Some(DimensionValue::Number(dim)) },
    };
    let shape = Some(Shape { dim: shape.iter().map(number).collect() });
    let tensor = TensorType { elem_type: dtype.onnx(), shape };
    let value = Some(TypeValue::Tensor(tensor));
    ValueInfo { name: name.to_owned(), r#type: Some(Type { value }) }
}

fn model(
    nodes: Vec<Node>,
    constants: Vec<TensorData>,
    inputs: Vec<ValueInfo>,
    outputs: Vec<ValueInfo>,
) -> Vec<u8> {
    let set = |domain: &str, version| OperatorSet { domain: domain.to_owned(), version };
    let graph = Graph {
        node: nodes,
        name: "fixture".to_owned(),
        initializer: constants,
        input: inputs,
        output: outputs,
        ..Graph::default()
    };
    Model {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![set("", 13), set("com.microsoft", 1)],
        ..Model::default()
    }
    .encode_to_vec()
}

fn f32s(name: &str, values: &[f32]) -> TensorData {
    let shape: &[usize] = if values.len() == 1 { &[] } else { &[values.len()] };
    TensorData::from_f32(name, shape, values)
}

fn i8s(shape: &[usize], values: &[i8]) -> Tensor {
    let data = values.iter().map(|&value| value as u8).collect();
    Tensor { dtype: Dtype::Int8, shape: shape.to_vec(), data }
}

fn u8s(shape: &[usize], values: &[u8]) -> Tensor {
    Tensor { dtype: Dtype::UInt8, shape: shape.to_vec(), data: values.to_vec() }
}

/// On the engine that would run it.
fn run(model: &[u8], inputs: &[(&str, Tensor)]) -> Result<BTreeMap<String, Tensor>, EngineError> {
    let inputs = inputs.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.clone())).collect();
    engine::infer(engine::choose(&engine::available(), model)?, model, &inputs)
}

fn codes(model: &[u8], name: &str, input: Tensor) -> Vec<i64> {
    run(model, &[(name, input)]).unwrap()["y"].to_i64().unwrap()
}

/// The chain that tract 0.23.9 turns into a table of 256 entries, each the Softmax over a
/// row of all codes: every score saturates.
#[test]
fn softmax_between_quantisations_is_over_its_own_row() {
    let graph = model(
        vec![
            Node::new("DequantizeLinear", &["x", "s", "z"], &["real"]),
            Node::new("Softmax", &["real"], &["p"]).with(Attribute::int("axis", -1)),
            Node::new("QuantizeLinear", &["p", "ps", "pz"], &["y"]),
        ],
        vec![
            f32s("s", &[std::f32::consts::LN_2]),
            TensorData::from_i8("z", &[], &[1]),
            f32s("ps", &[1.0 / 256.0]),
            TensorData::from_i8("pz", &[], &[-128]),
        ],
        vec![info("x", Dtype::Int8, &[1, 3])],
        vec![info("y", Dtype::Int8, &[1, 3])],
    );
    // Powers of two: 2^0, 2^1, 2^2 -> 1/7, 2/7, 4/7 of 256 = 36.57, 73.14, 146.29; less 128.
    assert_eq!(codes(&graph, "x", i8s(&[1, 3], &[1, 2, 3])), [-91, -55, 18]);
}

#[test]
fn an_array_of_another_shape_is_refused_by_name() {
    let graph = model(
        vec![Node::new("Relu", &["x"], &["y"])],
        Vec::new(),
        vec![info("x", Dtype::Float32, &[1, 3])],
        vec![info("y", Dtype::Float32, &[1, 3])],
    );
    let given = |shape: &[usize]| {
        let values = vec![1.0; shape.iter().product()];
        run(&graph, &[("x", Tensor::from_f32(shape.to_vec(), &values))])
    };
    assert!(given(&[1, 3]).is_ok());
    for shape in [&[1, 4][..], &[3], &[1, 3, 1], &[]] {
        let error = given(shape).unwrap_err();
        assert!(error.reason.contains("input x is") && error.reason.contains("[1, 3]"), "{error}");
    }
}

/// tract 0.23.9 refuses to optimise it.
#[test]
fn unsigned_codes_become_signed_ones() {
    let graph = model(
        vec![
            Node::new("DequantizeLinear", &["x", "s", "z"], &["real"]),
            Node::new("QuantizeLinear", &["real", "s", "signed"], &["y"]),
        ],
        vec![
            f32s("s", &[0.5]),
            TensorData::from_u8("z", &[], &[128]),
            TensorData::from_i8("signed", &[], &[0]),
        ],
        vec![info("x", Dtype::UInt8, &[1, 4])],
        vec![info("y", Dtype::Int8, &[1, 4])],
    );
    assert_eq!(codes(&graph, "x", u8s(&[1, 4], &[0, 1, 128, 255])), [-128, -127, 0, 127]);
}

/// Per-channel weights, an int32 bias with a scale of its own, asymmetric activations.
#[test]
fn a_quantised_convolution_is_what_its_real_numbers_say() {
    let graph = model(
        vec![
            Node::new("QuantizeLinear", &["x", "xs", "xz"], &["xq"]),
            Node::new("DequantizeLinear", &["xq", "xs", "xz"], &["xr"]),
            Node::new("DequantizeLinear", &["w", "ws", "wz"], &["wr"])
                .with(Attribute::int("axis", 0)),
            Node::new("DequantizeLinear", &["b", "bs"], &["br"]).with(Attribute::int("axis", 0)),
            Node::new("Conv", &["xr", "wr", "br"], &["c"]),
            Node::new("QuantizeLinear", &["c", "ys", "yz"], &["yq"]),
            Node::new("DequantizeLinear", &["yq", "ys", "yz"], &["y"]),
        ],
        vec![
            f32s("xs", &[0.25]),
            TensorData::from_u8("xz", &[], &[10]),
            TensorData::from_i8("w", &[2, 1, 1, 1], &[4, -4]),
            f32s("ws", &[0.5, 0.25]),
            TensorData::from_i8("wz", &[2], &[0, 0]),
            TensorData::from_i32("b", &[2], &[8, 16]),
            f32s("bs", &[0.125, 0.0625]),
            f32s("ys", &[0.5]),
            TensorData::from_u8("yz", &[], &[3]),
        ],
        vec![info("x", Dtype::Float32, &[-1, 1, 1, 2])],
        vec![info("y", Dtype::Float32, &[-1, 2, 1, 2])],
    );
    let engine = engine::available().remove(0);
    let session = engine.load(&graph, &LoadOptions::default()).unwrap().optimise().unwrap();
    assert_eq!(session.convolutions(), (1, 0));
    let x = Tensor::from_f32(vec![1, 1, 1, 2], &[0.3, -9.0]);
    // 0.3 -> code 11 -> 0.25; -9 -> code 0 (cut) -> -2.5. Weights 2 and -1, biases 1 and 1:
    // 1.5, -4 | 0.75, 3.5. In steps of 0.5 from -1.5: 1.5, -1.5 | 1.0 (1.5 rounds to even 2), 3.5.
    let y = run(&graph, &[("x", x)]).unwrap();
    assert_eq!(y["y"].to_f32().unwrap(), [1.5, -1.5, 1.0, 3.5]);
}

#[test]
fn qlinear_conv_pads_with_its_zero_point_and_rounds_half_to_even() {
    let graph = model(
        vec![
            Node::new("QLinearConv", &["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], &["y"])
                .with(Attribute::ints("pads", &[0, 1, 0, 0])),
        ],
        vec![
            f32s("xs", &[0.5]),
            TensorData::from_u8("xz", &[], &[100]),
            TensorData::from_i8("w", &[1, 1, 1, 2], &[1, 2]),
            f32s("ws", &[1.0]),
            TensorData::from_i8("wz", &[], &[0]),
            f32s("ys", &[1.0]),
            TensorData::from_u8("yz", &[], &[7]),
            TensorData::from_i32("b", &[1], &[1]),
        ],
        vec![info("x", Dtype::UInt8, &[1, 1, 1, 2])],
        vec![info("y", Dtype::UInt8, &[1, 1, 1, 2])],
    );
    // Less the zero point: 1, 5. Sums: 0 + 2*1 + 1 = 3; 1 + 2*5 + 1 = 12. Halved: 1.5 -> 2, 6; plus 7.
    assert_eq!(codes(&graph, "x", u8s(&[1, 1, 1, 2], &[101, 105])), [9, 13]);
}

#[test]
fn microsoft_operators_of_a_quantised_head_agree_with_their_definition() {
    let quantised = |op: &str, inputs: &[&str], output: &str| {
        Node::new(op, inputs, &[output]).in_domain("com.microsoft")
    };
    let graph = model(
        vec![
            quantised("QLinearAdd", &["x", "s", "z", "x", "s", "z", "t", "z"], "sum"),
            quantised("QLinearGlobalAveragePool", &["sum", "t", "z", "t", "z"], "mean"),
            Node::new("Flatten", &["mean"], &["flat"]),
            quantised("QGemm", &["flat", "t", "z", "w", "ws", "wz", "b", "t", "z"], "g")
                .with(Attribute::int("transB", 1)),
            quantised("QLinearConcat", &["t", "z", "g", "t", "z", "g", "s", "z"], "y")
                .with(Attribute::int("axis", 1)),
        ],
        vec![
            f32s("s", &[0.5]),
            f32s("t", &[1.0]),
            TensorData::from_u8("z", &[], &[10]),
            TensorData::from_i8("w", &[2, 2], &[1, 2, 3, -4]),
            f32s("ws", &[1.0, 0.5]),
            TensorData::from_i8("wz", &[2], &[0, 0]),
            TensorData::from_i32("b", &[2], &[1, -1]),
        ],
        vec![info("x", Dtype::UInt8, &[1, 2, 1, 2])],
        vec![info("y", Dtype::UInt8, &[1, 4])],
    );
    // Real x: 1, 2 | 3, 5. Doubled: 2, 4 | 6, 10. Means: 3 | 8.
    // Products: 3 + 16 + 1 = 20; (9 - 32 - 1) / 2 = -12, cut to -10 by the code 0.
    // The second half reads the same codes (30, 0) with scale 0.5: 10, -5.
    assert_eq!(codes(&graph, "x", u8s(&[1, 2, 1, 2], &[12, 14, 16, 20])), [30, 0, 20, 5]);
}

#[test]
fn dynamically_quantised_products_scale_back() {
    let graph = model(
        vec![
            Node::new("DynamicQuantizeLinear", &["x"], &["q", "s", "z"]),
            Node::new("MatMulInteger", &["q", "w", "z", "wz"], &["i"]),
            Node::new("Cast", &["i"], &["f"]).with(Attribute::int("to", 1)),
            Node::new("Mul", &["f", "s"], &["y"]),
        ],
        vec![TensorData::from_i8("w", &[2, 1], &[5, 2]), TensorData::from_i8("wz", &[], &[1])],
        vec![info("x", Dtype::Float32, &[1, 2])],
        vec![info("y", Dtype::Float32, &[1, 1])],
    );
    // Range -55..200 gives scale 1 and zero point 55, so the codes are exact: 4*200 - 55 = 745.
    let y = run(&graph, &[("x", Tensor::from_f32(vec![1, 2], &[200.0, -55.0]))]).unwrap();
    assert_eq!(y["y"].to_f32().unwrap(), [745.0]);
}

#[test]
fn half_precision_stays_the_declared_type_at_the_boundary() {
    let half = |values: &[f32]| -> Vec<u8> {
        values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect()
    };
    let graph = model(
        vec![Node::new("Mul", &["x", "w"], &["y"])],
        vec![TensorData::raw("w", Dtype::Float16, &[2], half(&[0.5, 3.0]))],
        vec![info("x", Dtype::Float16, &[1, 2])],
        vec![info("y", Dtype::Float16, &[1, 2])],
    );
    let x = Tensor { dtype: Dtype::Float16, shape: vec![1, 2], data: half(&[4.0, -1.5]) };
    let y = run(&graph, &[("x", x)]).unwrap();
    assert_eq!((y["y"].dtype, y["y"].to_f32().unwrap()), (Dtype::Float16, vec![2.0, -4.5]));
}

#[test]
fn outputs_are_pruned_and_may_be_inner_tensors() {
    let graph = model(
        vec![Node::new("Relu", &["x"], &["inner"]), Node::new("NoSuchThing", &["inner"], &["y"])],
        vec![],
        vec![info("x", Dtype::Float32, &[-1, 2])],
        vec![info("y", Dtype::Float32, &[-1, 2])],
    );
    let engine = engine::available().remove(0);
    let options = LoadOptions { outputs: Some(vec!["inner".to_owned()]), ..LoadOptions::default() };
    let mut session = engine.load(&graph, &options).unwrap().optimise().unwrap();
    let x = Tensor::from_f32(vec![1, 2], &[-1.0, 2.0]);
    assert_eq!(session.run(&[x]).unwrap()[0].to_f32().unwrap(), [0.0, 2.0]);
    let refusal = engine.load(&graph, &LoadOptions::default()).unwrap_err();
    assert_eq!(refusal.stage, Stage::Operators);
    assert!(refusal.reason.contains("NoSuchThing"), "{refusal}");
    assert!(refusal.help.is_some());
}

#[test]
fn wrong_inputs_are_named() {
    let graph = model(
        vec![Node::new("Relu", &["x"], &["y"])],
        vec![],
        vec![info("x", Dtype::Float32, &[1, 2])],
        vec![info("y", Dtype::Float32, &[1, 2])],
    );
    let tensor = || Tensor::from_f32(vec![1, 2], &[0.0; 2]);
    assert!(run(&graph, &[]).unwrap_err().reason.contains("input x"));
    assert!(run(&graph, &[("z", tensor())]).unwrap_err().reason.contains("no input z"));
    let wrong = run(&graph, &[("x", u8s(&[1, 2], &[1, 2]))]).unwrap_err();
    assert!(wrong.reason.contains("uint8"), "{wrong}");
    assert_eq!(run(&graph, &[("x", tensor())]).unwrap()["y"].to_f32().unwrap(), [0.0; 2]);
}

/// Image of 1x2 RGB in, mean over the pixels of each channel out, then a head.
fn pipeline(head: Option<Head>, std: f32) -> Result<Pipeline, EngineError> {
    let graph = model(
        vec![
            Node::new("GlobalAveragePool", &["x"], &["mean"]),
            Node::new("Flatten", &["mean"], &["features"]),
            Node::new("Neg", &["features"], &["unused"]),
        ],
        vec![],
        vec![info("x", Dtype::Float32, &[-1, 3, 1, 2])],
        vec![info("unused", Dtype::Float32, &[-1, 3])],
    );
    let preprocess = Preprocess {
        layout: Layout::Nchw,
        channels: 3,
        height: 1,
        width: 2,
        mean: vec![0.0; 3],
        std: vec![std; 3],
    };
    let output = "features".to_owned();
    let spec = PipelineSpec { preprocess: Some(preprocess), output, head, threads: 1 };
    Pipeline::load(engine::available().remove(0).as_ref(), &graph, &spec)?.optimise()
}

#[test]
fn a_pipeline_goes_from_image_to_scores() {
    let head = Head {
        labels: vec!["a".to_owned(), "b".to_owned()],
        features: 3,
        weights: vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0],
        bias: vec![0.0, -1.0],
    };
    assert_eq!(pipeline(None, 10.0).unwrap().session().convolutions(), (0, 0));
    let image = Image { height: 1, width: 2, channels: 3, pixels: vec![0, 10, 20, 20, 30, 40] };
    let scores = pipeline(None, 10.0).unwrap().infer(&image).unwrap();
    assert_eq!(scores, [1.0, 2.0, 3.0]);
    let scores = pipeline(Some(head.clone()), 10.0).unwrap().infer(&image).unwrap();
    assert_eq!(scores, [1.0, 5.0]);
    let short = Head { features: 2, weights: vec![0.0; 4], ..head };
    assert!(pipeline(Some(short), 10.0).unwrap().infer(&image).is_err());
    assert!(pipeline(None, 0.0).is_err());
}

#[test]
fn a_refusal_names_what_the_card_already_shows() {
    let engines = engine::available();
    let tract = engines.iter().find(|engine| engine.name() == "tract-cpu").unwrap();
    let mut card: umbra::model::Card = serde_json::from_value(serde_json::json!({
        "opset": 13, "inputs": [], "outputs": [], "ops": {}, "params": 0, "macs": null,
        "weight_bytes": {}, "peak_activation_bytes": null, "quantization": "mixed",
        "feature_tap": null, "feature_size": null
    }))
    .unwrap();
    let ops = ["Conv", "QLinearConv", "com.microsoft:QGemm", "Loop", "com.microsoft:Nothing"];
    card.ops = ops.iter().map(|op| ((*op).to_owned(), 1)).collect();
    for engine in engines.iter().filter(|engine| engine.is_of_the_house()) {
        assert_eq!(engine.unsupported(&card), ["Loop", "com.microsoft:Nothing"]);
    }
    let lock = include_str!("../../Cargo.lock");
    let release = format!("name = \"tract-onnx\"\nversion = \"{}\"", tract.version());
    assert!(lock.contains(&release), "the version in trial keys is not the one linked");
}
