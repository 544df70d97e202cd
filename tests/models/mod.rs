//! Tiny models made by code, so that tests need no files: good ones whose figures can be
//! computed by hand, and bad ones with the words their rejection must contain.

use prost::Message as _;
use umbra::model::onnx::{Attribute, Entry, Graph, Model, Node, TensorData, ValueInfo};
use umbra::model::{Dtype, Stage};

/// The operator set of all of them.
pub(crate) const OPSET: i64 = 13;

pub(crate) fn value(name: &str, dtype: Dtype, dims: &[u64]) -> ValueInfo {
    let dims: Vec<Option<u64>> = dims.iter().copied().map(Some).collect();
    ValueInfo::tensor(name, dtype, &dims)
}

pub(crate) fn floats(name: &str, dims: &[u64]) -> ValueInfo {
    value(name, Dtype::Float32, dims)
}

/// Deterministic weights between -0.5 and 0.5.
pub(crate) fn weights(name: &str, shape: &[usize]) -> TensorData {
    let count = shape.iter().product();
    let values: Vec<f32> =
        (0..count).map(|n: usize| ((n * 37) % 101) as f32 / 100.0 - 0.5).collect();
    TensorData::from_f32(name, shape, &values)
}

fn model(graph: Graph) -> Model {
    Model::of(OPSET, graph)
}

/// Image [1,3,8,8] -> 3x3 convolution of 4 channels, stride 2 -> ReLU -> pooling -> 5 scores.
///
/// By hand: the convolution makes 4x4x4 values of 3x3x3 products each (64 x 27 = 1728), the
/// product 4x5 = 20: 1748 in all. Weights: 4x3x3x3 + 4 + 4x5 + 5 = 137. Memory: image 768,
/// convolution 256, ReLU 256 bytes; image and convolution are live together (1024), which is the
/// peak.
pub(crate) fn conv_f32() -> Model {
    let mut graph = Graph::of(
        vec![floats("image", &[1, 3, 8, 8])],
        vec![
            Node::new("Conv", &["image", "cw", "cb"], &["conv"])
                .with(Attribute::ints("kernel_shape", &[3, 3]))
                .with(Attribute::ints("strides", &[2, 2]))
                .with(Attribute::ints("pads", &[1, 1, 1, 1])),
            Node::new("Relu", &["conv"], &["relu"]),
            Node::new("GlobalAveragePool", &["relu"], &["pool"]),
            Node::new("Flatten", &["pool"], &["features"]),
            Node::new("Gemm", &["features", "gw", "gb"], &["logits"]),
            Node::new("Softmax", &["logits"], &["scores"]),
        ],
        vec![floats("scores", &[1, 5])],
    );
    graph.initializer = vec![
        weights("cw", &[4, 3, 3, 3]),
        weights("cb", &[4]),
        weights("gw", &[4, 5]),
        weights("gb", &[5]),
    ];
    model(graph)
}

/// Vector [N,4] -> QDQ linear layer -> 3 scores: 12 products, 12 weights and a bias of 3.
pub(crate) fn linear_qdq() -> Model {
    let mut graph = Graph::of(
        vec![ValueInfo::tensor("x", Dtype::Float32, &[None, Some(4)])],
        vec![
            Node::new("QuantizeLinear", &["x", "xs", "xz"], &["xq"]),
            Node::new("DequantizeLinear", &["xq", "xs", "xz"], &["xd"]),
            Node::new("DequantizeLinear", &["wq", "ws", "wz"], &["wd"])
                .with(Attribute::int("axis", 1)),
            Node::new("MatMul", &["xd", "wd"], &["product"]),
            Node::new("Add", &["product", "bias"], &["y"]),
        ],
        vec![ValueInfo::tensor("y", Dtype::Float32, &[None, Some(3)])],
    );
    graph.initializer = vec![
        TensorData::from_f32("xs", &[], &[0.02]),
        TensorData::from_u8("xz", &[], &[128]),
        TensorData::from_i8("wq", &[4, 3], &[1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12]),
        TensorData::from_f32("ws", &[3], &[0.1, 0.2, 0.3]),
        TensorData::from_i8("wz", &[3], &[0, 0, 0]),
        TensorData::from_f32("bias", &[3], &[0.5, 0.0, -0.5]),
    ];
    model(graph)
}

/// Bytes [1,2,4,4] -> QLinearConv 1x1 to 3 channels: 3x16x2 = 96 products, 6 weights.
pub(crate) fn conv_qoperator() -> Model {
    let mut graph = Graph::of(
        vec![value("x", Dtype::UInt8, &[1, 2, 4, 4])],
        vec![Node::new("QLinearConv", &["x", "s", "z", "w", "s", "wz", "s", "z"], &["y"])],
        vec![value("y", Dtype::UInt8, &[1, 3, 4, 4])],
    );
    graph.initializer = vec![
        TensorData::from_f32("s", &[], &[0.05]),
        TensorData::from_u8("z", &[], &[3]),
        TensorData::from_i8("wz", &[], &[0]),
        TensorData::from_i8("w", &[3, 2, 1, 1], &[1, 2, 3, 4, 5, 6]),
    ];
    model(graph)
}

/// A chain of so many ReLUs.
pub(crate) fn chain(length: usize) -> Model {
    let name = |at: usize| if at == length { "y".to_owned() } else { format!("t{at}") };
    let nodes = (0..length).map(|at| Node::new("Relu", &[&name(at)], &[&name(at + 1)])).collect();
    model(Graph::of(vec![floats("t0", &[1, 4])], nodes, vec![floats("y", &[1, 4])]))
}

/// One `Relu`, the smallest valid model.
pub(crate) fn relu() -> Model {
    model(Graph::of(
        vec![floats("x", &[1, 4])],
        vec![Node::new("Relu", &["x"], &["y"])],
        vec![floats("y", &[1, 4])],
    ))
}

/// All good ones, by name.
pub(crate) fn good() -> Vec<(&'static str, Model)> {
    vec![
        ("conv_f32", conv_f32()),
        ("linear_qdq", linear_qdq()),
        ("conv_qoperator", conv_qoperator()),
        ("chain", chain(50)),
        ("relu", relu()),
    ]
}

/// A file that must be refused: name, bytes, stage, words of the reason.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stage: Stage,
    pub(crate) words: &'static str,
}

fn read(name: &'static str, bytes: &[u8], words: &'static str) -> Bad {
    Bad { name, bytes: bytes.to_vec(), stage: Stage::Read, words }
}

fn bad(
    name: &'static str,
    mut base: Model,
    words: &'static str,
    spoil: impl FnOnce(&mut Model),
) -> Bad {
    spoil(&mut base);
    Bad { name, bytes: base.encode_to_vec(), stage: Stage::Validate, words }
}

fn graph(model: &mut Model) -> &mut Graph {
    model.graph.as_mut().unwrap()
}

fn set(model: &mut Model, tensor: TensorData) {
    let all = &mut graph(model).initializer;
    let slot = all.iter_mut().find(|old| old.name == tensor.name).unwrap();
    *slot = tensor;
}

/// Files that are not even a model.
pub(crate) fn bad_files() -> Vec<Bad> {
    let whole = conv_f32().encode_to_vec();
    vec![
        read("empty", b"", "is empty"),
        read(
            "lfs",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:aa",
            "Git LFS pointer",
        ),
        read("html", b"\n<!DOCTYPE html><html>404</html>", "web page"),
        read("zip", b"PK\x03\x04rest", "zip archive"),
        read("tflite", b"\x1c\0\0\0TFL3rest", "TensorFlow Lite"),
        read("text", b"hello, world, this is no model", "not protobuf"),
        read("half", &whole[..whole.len() / 2], "cut off"),
    ]
}

/// Scales and zero points that quantise nothing.
pub(crate) fn bad_quantisation() -> Vec<Bad> {
    let scale = |name, value, words| {
        bad(name, linear_qdq(), words, |m| set(m, TensorData::from_f32("xs", &[], &[value])))
    };
    vec![
        scale("zero_scale", 0.0, "zero scale: 'xs'"),
        scale("nan_scale", f32::NAN, "NaN scale: 'xs'"),
        scale("infinite_scale", f32::INFINITY, "infinite scale: 'xs'"),
        scale("negative_scale", -0.02, "negative scale: 'xs'"),
        bad("one_bad_channel", linear_qdq(), "zero scale: 'ws'", |m| {
            set(m, TensorData::from_f32("ws", &[3], &[0.1, 0.0, 0.1]));
        }),
        bad("float_zero_point", linear_qdq(), "'xz' of type float32", |m| {
            set(m, TensorData::from_f32("xz", &[], &[0.0]));
        }),
        bad("other_zero_point", linear_qdq(), "of type uint8 for a tensor of type int8", |m| {
            set(m, TensorData::from_u8("wz", &[3], &[0, 0, 0]));
        }),
        bad("integer_scale", linear_qdq(), "int32 scale", |m| {
            set(m, TensorData::from_i32("xs", &[], &[1]));
        }),
        bad("too_few_zeros", linear_qdq(), "3 scales ('ws') and 2 zero points", |m| {
            set(m, TensorData::from_i8("wz", &[2], &[0, 0]));
        }),
        bad("wrong_axis", linear_qdq(), "3 scales for 4 channels (axis 0)", |m| {
            graph(m).node[2].attribute[0].i = 0;
        }),
        bad("constant_scale", linear_qdq(), "zero scale: 'xs'", |m| {
            let zero = TensorData::from_f32("", &[], &[0.0]);
            graph(m).initializer.retain(|tensor| tensor.name != "xs");
            let node = Node::new("Constant", &[], &["xs"]).with(Attribute::tensor("value", zero));
            graph(m).node.insert(0, node);
        }),
    ]
}

/// Graphs that do not hang together.
pub(crate) fn bad_graphs() -> Vec<Bad> {
    vec![
        bad("no_graph", relu(), "has no graph", |m| m.graph = None),
        bad("no_nodes", relu(), "has no nodes", |m| graph(m).node.clear()),
        bad("no_inputs", relu(), "has no inputs", |m| graph(m).input.clear()),
        bad("no_outputs", relu(), "has no outputs", |m| graph(m).output.clear()),
        bad("opset_999", relu(), "operator set 999", |m| m.opset_import[0].version = 999),
        bad("opset_6", relu(), "operator set 6", |m| m.opset_import[0].version = 6),
        bad("no_opset", relu(), "does not import", |m| m.opset_import.clear()),
        bad("two_opsets", relu(), "two versions", |m| *m = m.clone().with_opset("ai.onnx", 9)),
        bad("unknown_domain", relu(), "(my.lab:Relu) is of an operator set", |m| {
            graph(m).node[0].domain = "my.lab".to_owned();
        }),
        bad("functions", relu(), "1 functions", |m| m.functions.push(vec![])),
        bad("sparse", relu(), "1 sparse", |m| graph(m).sparse_initializer.push(vec![])),
        bad("sequence", relu(), "input 'x' is no tensor", |m| {
            graph(m).input[0].r#type.as_mut().unwrap().value = None;
        }),
        bad("string_input", relu(), "type that cannot be fed", |m| {
            graph(m).input[0] = value("x", Dtype::String, &[1]);
        }),
        bad("unproduced_output", relu(), "reads 'z', which nothing produces", |m| {
            graph(m).output[0].name = "z".to_owned();
        }),
        bad("unproduced_input", relu(), "node 'y' (Relu) reads 'q', which nothing", |m| {
            graph(m).node[0].input[0] = "q".to_owned();
        }),
        bad("two_producers", relu(), "'y' is produced twice", |m| {
            let again = graph(m).node[0].clone();
            graph(m).node.push(again);
        }),
        bad("shadowed_input", relu(), "'x' is produced twice", |m| {
            graph(m).node[0].output[0] = "x".to_owned();
        }),
        bad("cycle", chain(3), "depends on its own output", |m| {
            graph(m).node[0].input[0] = "t2".to_owned();
        }),
    ]
}

/// Constants that lie, and graphs that would fill the memory.
pub(crate) fn bad_sizes() -> Vec<Bad> {
    let bomb = |op: &str, extra: TensorData| {
        let mut graph = Graph::of(
            vec![floats("x", &[1, 4])],
            vec![Node::new(op, &["x", "n"], &["big"]), Node::new("Relu", &["big"], &["y"])],
            vec![ValueInfo { name: "y".to_owned(), r#type: None }],
        );
        graph.initializer = vec![extra];
        model(graph)
    };
    let none = |_: &mut Model| {};
    let shape = |values: &[i64]| TensorData::from_i64("n", &[values.len()], values);
    vec![
        bad("too_little_data", conv_f32(), "needs 432 bytes and holds 400", |m| {
            graph(m).initializer[0].raw_data.truncate(400);
        }),
        bad("too_much_data", conv_f32(), "needs 432 bytes and holds 436", |m| {
            graph(m).initializer[0].raw_data.extend([0; 4]);
        }),
        bad("huge_dims", conv_f32(), "needs 4398046511104 bytes", |m| {
            graph(m).initializer[0].dims = vec![1 << 20, 1 << 20];
        }),
        bad("overflowing_dims", conv_f32(), "impossible dimensions", |m| {
            graph(m).initializer[0].dims = vec![i64::MAX, i64::MAX];
        }),
        bad("negative_dims", conv_f32(), "impossible dimensions", |m| {
            graph(m).initializer[0].dims = vec![-108];
        }),
        bad("many_dims", conv_f32(), "impossible dimensions", |m| {
            graph(m).initializer[0].dims = vec![1; 1000];
        }),
        bad("unknown_type", conv_f32(), "unknown type 99", |m| {
            graph(m).initializer[0].data_type = 99;
        }),
        bad("expand_bomb", bomb("Expand", shape(&[131_072, 131_072, 4])), "more than 1 GiB", none),
        bad("tile_bomb", bomb("Tile", shape(&[1 << 40, 1 << 40])), "more than 1 GiB", none),
        bad("pad_bomb", bomb("Pad", shape(&[0, 0, 0, 1 << 40])), "more than 1 GiB", none),
        bad("shape_bomb", bomb("Expand", shape(&[131_072, 131_072])), "more than 1 GiB", |m| {
            graph(m).node[0] = Node::new("ConstantOfShape", &["n"], &["big"]);
        }),
        bad("input_bomb", relu(), "input 'x' makes a tensor of shape", |m| {
            graph(m).input[0] = floats("x", &[1 << 20, 1 << 20]);
        }),
        bad("external", conv_f32(), "without a folder", |m| {
            let tensor = &mut graph(m).initializer[0];
            tensor.raw_data.clear();
            tensor.data_location = 1;
            tensor.external_data.push(entry("location", "weights.bin"));
        }),
    ]
}

pub(crate) fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.to_owned(), value: value.to_owned() }
}
