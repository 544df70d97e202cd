//! Tiny graphs: what each fusion makes of them, and what is refused.

use super::{read, rules};
use crate::engine::native::ir::{Binary, Kind, Op, Program, Quantised, Range, Unary, Weights};
use crate::engine::native::reference::{Data, run};
use crate::engine::{EngineError, LoadOptions};
use crate::model::onnx::{Attribute, Graph, Model, Node, TensorData, ValueInfo};
use crate::model::{Dtype, Stage};

/// Scales `s` (0.5), `t` (0.25), zero points `z` (uint8 128), `i` (int8 -128), int8 weights
/// `w` [2, 1, 1, 1] in steps of 0.125 behind a dequantisation `wd`, float bias `b`.
fn graph(dtype: Dtype, dims: &[u64], nodes: Vec<Node>) -> Model {
    let dims: Vec<Option<u64>> = dims.iter().map(|dim| Some(*dim)).collect();
    let input = ValueInfo::tensor("x", dtype, &dims);
    let output = ValueInfo { name: "y".to_owned(), r#type: None };
    let mut graph = Graph::of(vec![input], nodes, vec![output]);
    graph.initializer = vec![
        TensorData::from_f32("s", &[], &[0.5]),
        TensorData::from_f32("t", &[], &[0.25]),
        TensorData::from_f32("ws", &[], &[0.125]),
        TensorData::from_f32("pair", &[2], &[0.5, 0.25]),
        TensorData::from_u8("z", &[], &[128]),
        TensorData::from_i8("i", &[], &[-128]),
        TensorData::from_i8("w", &[2, 1, 1, 1], &[2, -3]),
        TensorData::from_i8("m", &[2, 3], &[1, 2, 3, 4, 5, 6]),
        TensorData::from_f32("b", &[2], &[0.6, -1.0]),
        TensorData::from_f32("six", &[], &[6.0]),
        TensorData::from_f32("three", &[], &[3.0]),
        TensorData::from_f32("none", &[], &[0.0]),
        TensorData::from_i64("pads", &[8], &[0, 0, 1, 1, 0, 0, 1, 1]),
        TensorData::from_i64("last", &[], &[-1]),
    ];
    Model::of(13, graph).with_opset("com.microsoft", 1)
}

fn program(dtype: Dtype, dims: &[u64], nodes: Vec<Node>) -> Program {
    read(graph(dtype, dims, nodes), &LoadOptions::default()).unwrap()
}

fn refusal(dtype: Dtype, dims: &[u64], nodes: Vec<Node>) -> EngineError {
    let error = read(graph(dtype, dims, nodes), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.stage, Stage::Operators, "{error}");
    error
}

fn node(op: &str, inputs: &[&str], output: &str) -> Node {
    Node::new(op, inputs, &[output])
}

fn dequantize(input: &str, scale: &str, zero: &str, output: &str) -> Node {
    node("DequantizeLinear", &[input, scale, zero], output)
}

fn weights(output: &str) -> Node {
    node("DequantizeLinear", &["w", "ws"], output)
}

fn quantize(input: &str, scale: &str, zero: &str) -> Node {
    node("QuantizeLinear", &[input, scale, zero], "y")
}

fn only(program: &Program) -> &Op {
    assert_eq!(program.nodes.len(), 1, "{:?}", program.nodes);
    &program.nodes[0].op
}

#[test]
fn a_convolution_between_quantisations_takes_in_bias_and_clamp() {
    let nodes = vec![
        dequantize("x", "s", "z", "xd"),
        weights("wd"),
        node("Conv", &["xd", "wd", "b"], "c"),
        node("Relu", &["c"], "r"),
        quantize("r", "t", "z"),
    ];
    let program = program(Dtype::UInt8, &[1, 1, 2, 2], nodes);
    let Op::Conv(conv) = only(&program) else { panic!("{:?}", program.nodes) };
    // 0.6 is 9.6 steps of 0.0625, -1 is -16.
    let weights = Weights::Codes {
        codes: vec![2, -3],
        zero: vec![],
        scale: vec![0.0625],
        bias: vec![10, -16],
        real_bias: vec![],
    };
    assert_eq!((&conv.weights, conv.range), (&weights, Range { low: 128.0, high: 255.0 }));
    assert_eq!((program.convolutions(), program.unfused.len()), ((1, 0), 0));
    // (132 - 128) * 2 + 10 = 18, * 0.0625 / 0.25 = 4.5 -> 4; second: -12 - 16 < 0.
    let codes = run(&program, &[Data::Codes(vec![132, 128, 0, 255])]);
    assert_eq!(codes[0].codes(), [132, 130, 128, 194, 128, 128, 220, 128]);
}

#[test]
fn without_a_quantisation_behind_it_the_result_and_the_bias_stay_real() {
    let nodes =
        vec![dequantize("x", "s", "z", "xd"), weights("wd"), node("Conv", &["xd", "wd", "b"], "y")];
    let program = program(Dtype::UInt8, &[1, 1, 1, 1], nodes);
    let Op::Conv(conv) = only(&program) else { panic!() };
    let Weights::Codes { bias, real_bias, .. } = &conv.weights else { panic!() };
    assert_eq!((bias.len(), real_bias.as_slice()), (0, &[0.6, -1.0][..]));
    assert_eq!(program.values[program.outputs[0].value].kind, Kind::Real);
    assert_eq!(run(&program, &[Data::Codes(vec![130])])[0].reals(), [0.85, -1.375]);
}

#[test]
fn signed_codes_are_shifted_with_their_zero_points() {
    let nodes = vec![
        dequantize("x", "s", "i", "xd"),
        node("MaxPool", &["xd"], "m").with(Attribute::ints("kernel_shape", &[2, 2])),
        quantize("m", "s", "i"),
    ];
    let program = program(Dtype::Int8, &[1, 1, 2, 2], nodes);
    assert!(matches!(only(&program), Op::MaxPool(_)));
    let kind = Kind::Codes(Quantised { scale: 0.5, zero: 0, signed: false });
    assert_eq!(program.values.iter().map(|value| value.kind).collect::<Vec<_>>(), [kind, kind]);
    assert_eq!(program.outputs[0].info.dtype, Dtype::Int8);
}

#[test]
fn codes_flow_through_what_moves_them_and_are_requantised_by_a_table() {
    let nodes = vec![
        dequantize("x", "s", "z", "xd"),
        node("Transpose", &["xd"], "p"),
        node("Relu", &["p"], "r"),
        quantize("r", "t", "z"),
    ];
    let program = program(Dtype::UInt8, &[2, 3], nodes);
    let ops: Vec<&Op> = program.nodes.iter().map(|node| &node.op).collect();
    let [Op::Transpose(_), Op::Table(table)] = ops.as_slice() else { panic!("{ops:?}") };
    // Half steps become quarter steps: twice as many, from the zero on.
    assert_eq!([0, 128, 129, 200, 255].map(|code: usize| table[code]), [128, 128, 130, 255, 255]);
}

#[test]
fn functions_between_quantisations_become_one_table() {
    let nodes = vec![
        dequantize("x", "s", "z", "xd"),
        node("Add", &["xd", "three"], "a"),
        node("Clip", &["a", "none", "six"], "c"),
        node("Mul", &["c", "t"], "m"),
        quantize("m", "t", "z"),
    ];
    let program = program(Dtype::UInt8, &[5], nodes);
    let Op::Table(table) = only(&program) else { panic!() };
    assert_eq!([0, 128, 130, 255].map(|code: usize| table[code]), [128, 131, 132, 134]);
}

#[test]
fn a_normalisation_between_quantisations_stays_on_codes() {
    let normalise = Node::new("BatchNormalization", &["xd", "pair", "b", "b", "pair"], &["n"]);
    let nodes = vec![
        dequantize("x", "s", "z", "xd"),
        normalise.with(Attribute::float("epsilon", 0.0)),
        node("Relu", &["n"], "r"),
        quantize("r", "t", "z"),
    ];
    let program = program(Dtype::UInt8, &[1, 2, 1, 2], nodes);
    let Op::Affine(affine) = only(&program) else { panic!("{:?}", program.nodes) };
    assert_eq!(affine.range, Range { low: 128.0, high: 255.0 });
    // Factors are 0.5 / sqrt(0.5) and 0.25 / sqrt(0.25), summands 0.6 and -1 less 0.6 and -1
    // times these: (130 - 128) * 0.5 * 0.7071 + 0.1757 = 0.88, 3.5 quarters.
    let codes = run(&program, &[Data::Codes(vec![130, 0, 140, 130])]);
    assert_eq!(codes[0].codes(), [132, 128, 138, 128]);
}

#[test]
fn a_sum_of_codes_is_one_of_integers_and_a_sum_of_others_is_not() {
    let fused = |last: Node| {
        let nodes = vec![
            dequantize("x", "s", "z", "xd"),
            node("Transpose", &["xd"], "p"),
            node("Add", &["xd", "p"], "a"),
            last,
        ];
        program(Dtype::UInt8, &[2, 2], nodes)
    };
    let codes = fused(quantize("a", "t", "z"));
    assert!(codes.nodes.iter().all(|node| node.op != Op::Dequantize));
    let real = fused(node("Relu", &["a"], "y"));
    let count = |program: &Program, op: &Op| program.nodes.iter().filter(|n| n.op == *op).count();
    assert_eq!(count(&real, &Op::Dequantize), 2);
    let sum = Op::Binary(Binary::Add, Range { low: 0.0, high: f32::INFINITY });
    assert_eq!(count(&real, &sum), 1);
}

#[test]
fn joined_codes_of_different_scales_are_requantised_first() {
    let nodes = vec![
        dequantize("x", "s", "z", "a"),
        node("Transpose", &["x"], "xt"),
        dequantize("xt", "t", "z", "c"),
        node("Concat", &["a", "c"], "j").with(Attribute::int("axis", 0)),
        quantize("j", "t", "z"),
    ];
    let program = program(Dtype::UInt8, &[2, 2], nodes);
    let tables = program.nodes.iter().filter(|node| matches!(node.op, Op::Table(_))).count();
    let [codes] = &run(&program, &[Data::Codes(vec![128, 129, 130, 131])])[..] else { panic!() };
    assert_eq!(codes.codes(), [128, 130, 132, 134, 128, 130, 129, 131]);
    assert!(tables >= 1 && program.nodes.iter().all(|node| node.op != Op::Dequantize));
}

#[test]
fn a_softmax_between_quantisations_is_computed_in_reals() {
    let nodes = vec![
        dequantize("x", "s", "z", "xd"),
        node("Softmax", &["xd"], "f"),
        quantize("f", "t", "z"),
    ];
    let program = program(Dtype::UInt8, &[1, 4], nodes);
    let ops: Vec<&Op> = program.nodes.iter().map(|node| &node.op).collect();
    assert_eq!(ops, [&Op::Dequantize, &Op::Softmax(1), &Op::Quantize]);
}

#[test]
fn a_value_that_others_read_is_not_changed() {
    let nodes = vec![
        node("Conv", &["x", "k"], "c"),
        node("Relu", &["c"], "r"),
        node("Add", &["r", "c"], "y"),
    ];
    let mut model = graph(Dtype::Float32, &[1, 1, 2, 2], nodes);
    let kernel = TensorData::from_f32("k", &[1, 1, 1, 1], &[2.0]);
    model.graph.as_mut().unwrap().initializer.push(kernel);
    let program = read(model, &LoadOptions::default()).unwrap();
    let [result] = &run(&program, &[Data::Real(vec![-1.0, 2.0, 0.0, 1.0])])[..] else { panic!() };
    assert_eq!(result.reals(), [-2.0, 8.0, 0.0, 4.0]);
    assert!(matches!(program.nodes[1].op, Op::Unary(Unary::Clamp(_))));
}

#[test]
fn padding_and_normalisation_go_into_the_convolution() {
    let nodes = vec![
        weights("wd"),
        node("Pad", &["x", "pads"], "p"),
        node("Conv", &["p", "wd"], "c"),
        node("BatchNormalization", &["c", "pair", "b", "b", "pair"], "y"),
    ];
    let program = program(Dtype::Float32, &[1, 1, 2, 2], nodes);
    let Op::Conv(conv) = only(&program) else { panic!() };
    assert_eq!(conv.window.pads, [1; 4]);
    // Weights that are only stored in 8 bits are plain reals.
    assert!(matches!(conv.weights, Weights::Reals(..)) && program.unfused.is_empty());
}

#[test]
fn a_convolution_kept_real_names_what_keeps_it() {
    let nodes = vec![
        dequantize("x", "s", "z", "xd"),
        node("Sqrt", &["xd"], "r"),
        weights("wd"),
        node("Conv", &["r", "wd"], "y"),
    ];
    let program = program(Dtype::UInt8, &[1, 1, 2, 2], nodes);
    let [found] = program.unfused.as_slice() else { panic!("{:?}", program.unfused) };
    assert_eq!((found.op.as_str(), found.node.as_str()), ("Sqrt", "y"));
    assert!(found.why.contains("real numbers"));
}

#[test]
fn a_convolution_on_codes_with_real_weights_is_listed_itself() {
    let nodes = vec![dequantize("x", "s", "z", "xd"), node("Conv", &["xd", "k"], "y")];
    let mut model = graph(Dtype::UInt8, &[1, 1, 2, 2], nodes);
    let kernel = TensorData::from_f32("k", &[1, 1, 1, 1], &[2.0]);
    model.graph.as_mut().unwrap().initializer.push(kernel);
    let program = read(model, &LoadOptions::default()).unwrap();
    let [found] = program.unfused.as_slice() else { panic!("{:?}", program.unfused) };
    assert_eq!((found.op.as_str(), found.node.as_str()), ("Conv", "y"));
    assert!(found.why.contains("weights"));
}

#[test]
fn products_in_operator_form_fuse_like_those_between_quantisations() {
    let inputs = ["x", "s", "z", "m", "ws", "i0", "t", "z"];
    let mut model = graph(Dtype::UInt8, &[1, 2], vec![node("QLinearMatMul", &inputs, "y")]);
    model.graph.as_mut().unwrap().initializer.push(TensorData::from_i8("i0", &[], &[0]));
    let program = read(model, &LoadOptions::default()).unwrap();
    let Op::Dense(dense) = only(&program) else { panic!() };
    let Weights::Codes { codes, scale, .. } = &dense.weights else { panic!() };
    assert_eq!((codes.as_slice(), scale.as_slice()), (&[1, 4, 2, 5, 3, 6][..], &[0.0625][..]));
    assert_eq!((dense.depth, dense.outputs), (2, 3));
}

#[test]
fn what_has_no_right_form_is_refused_by_name() {
    let image: &[u64] = &[1, 1, 2, 2];
    let cases = [
        (vec![node("Loop", &["x"], "y")], "Loop"),
        (vec![node("Conv", &["x", "x"], "y")], "computed weights"),
        (vec![node("Resize", &["x", "", "three"], "y")], "Resize"),
        (vec![node("MaxPool", &["x"], "y")], "window"),
        (vec![quantize("x", "pair", "z")], "several scales"),
        (vec![quantize("x", "none", "z")], "these scales"),
        (
            vec![node("Transpose", &["x"], "y").with(Attribute::ints("perm", &[0, 0, 1, 2]))],
            "order",
        ),
        (vec![node("Softmax", &["x"], "y").with(Attribute::int("axis", 9))], "axis"),
        (vec![node("Reshape", &["x", "x"], "y")], "computed shape"),
        (vec![node("Add", &["q", "x"], "y")], "before q is computed"),
    ];
    for (nodes, why) in cases {
        let error = refusal(Dtype::Float32, image, nodes).reason;
        assert!(error.contains(why), "{error} lacks {why}");
    }
    assert!(refusal(Dtype::Int64, &[2], vec![node("Relu", &["x"], "y")]).reason.contains("int64"));
    assert!(
        refusal(Dtype::UInt8, &[2], vec![node("Relu", &["x"], "y")]).reason.contains("integers")
    );
}

#[test]
fn names_tell_what_may_run() {
    for op in ["Conv", "Constant", "QLinearConv", "com.microsoft:QGemm", "com.microsoft:QLinearAdd"]
    {
        assert!(rules::runs(op), "{op}");
    }
    for op in ["Loop", "ConvInteger", "com.microsoft:QLinearWhere", "com.microsoft:Conv"] {
        assert!(!rules::runs(op), "{op}");
    }
}
