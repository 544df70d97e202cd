//! The probes: micro-models of one kind of node each, in two sizes, on floats and on codes.
//!
//! A probe is a chain of equal nodes that share one weight, so that a file of a few kilobytes
//! is work enough. The small size shows what a node costs whatever it does, the large one how
//! fast it then goes. Weights are pseudo-random from a seed: the same files come out every time.

use std::path::PathBuf;

use clap::Args;
use prost::Message as _;
use umbra::base::random::SplitMix64;
use umbra::model::onnx::{Attribute, Graph, Model, Node, TensorData, ValueInfo};
use umbra::model::{Dtype, Kind};

/// Operator set of all of them, and the one that holds `QLinearAdd`.
const OPSET: i64 = 13;
const MICROSOFT: &str = "com.microsoft";

/// Write the probes.
#[derive(Debug, Args)]
pub(crate) struct Probes {
    /// Folder.
    #[arg(long, value_name = "DIR", default_value = "onnx/probes")]
    out: PathBuf,
}

impl Probes {
    pub(crate) fn run(&self) -> std::io::Result<String> {
        std::fs::create_dir_all(&self.out)?;
        let mut bytes = 0;
        for (name, model) in all() {
            let file = model.encode_to_vec();
            bytes += file.len();
            std::fs::write(self.out.join(format!("{name}.onnx")), file)?;
        }
        Ok(format!("{} probes, {bytes} bytes in all\n", all().len()))
    }
}

/// One of them.
struct Probe {
    kind: Kind,
    int8: bool,
    /// Nodes in a row.
    nodes: usize,
    channels: usize,
    /// Rows and columns of the picture.
    side: usize,
}

/// Kinds with their small and their large size: nodes, channels, side. Chains are long, so that
/// bringing the input in and the output out is a small part.
const SIZES: [(Kind, [[usize; 3]; 2]); 6] = [
    (Kind::Convolution, [[12, 16, 4], [6, 32, 12]]),
    (Kind::Depthwise, [[24, 16, 4], [24, 64, 14]]),
    (Kind::Pointwise, [[24, 16, 4], [12, 64, 12]]),
    (Kind::Product, [[24, 16, 1], [24, 96, 1]]),
    (Kind::Pool, [[24, 16, 4], [12, 32, 16]]),
    (Kind::Other, [[24, 16, 4], [24, 64, 20]]),
];

/// Rows and columns of a picture, small and large, and channels that a stem makes of it.
const PICTURES: [(&str, u64); 2] = [("small", 8), ("large", 48)];
const STEM: usize = 16;

fn all() -> Vec<(String, Model)> {
    let mut found = vec![("empty".to_owned(), empty())];
    for (size, side) in PICTURES {
        for (name, shape) in [("planes", [1, 3, side, side]), ("pixels", [1, side, side, 3])] {
            for (number, int8) in [("float", false), ("int8", true)] {
                found.push((format!("{name}-{number}-{size}"), input(shape, int8)));
            }
        }
        found.push((format!("stem-float-{size}"), picture(side, false)));
        found.push((format!("stem-int8-{size}"), picture(side, true)));
    }
    for (kind, sizes) in SIZES {
        for (size, [nodes, channels, side]) in ["small", "large"].into_iter().zip(sizes) {
            for int8 in [false, true] {
                let number = if int8 { "int8" } else { "float" };
                let probe = Probe { kind, int8, nodes, channels, side };
                found.push((format!("{}-{number}-{size}", kind.name()), probe.model()));
            }
        }
    }
    found
}

/// Next to nothing: what an inference costs whatever it does.
fn empty() -> Model {
    let value = |name| ValueInfo::tensor(name, Dtype::Float32, &[Some(1), Some(8)]);
    let relu = Node::new("Relu", &["x"], &["y"]);
    Model::of(OPSET, Graph::of(vec![value("x")], vec![relu], vec![value("y")]))
}

/// A picture, and the mean of each of its second dimension: little comes out. A model that
/// takes bytes makes floats of them itself.
fn input(shape: [u64; 4], int8: bool) -> Model {
    let (dtype, name) = if int8 { (Dtype::UInt8, "b") } else { (Dtype::Float32, "x") };
    let real = Node::new("DequantizeLinear", &["b", "s", "z"], &["x"]);
    let nodes = if int8 { vec![real] } else { Vec::new() };
    let mut graph = averaged(ValueInfo::tensor(name, dtype, &shape.map(Some)), nodes, shape[1]);
    graph.initializer = if int8 { codes() } else { Vec::new() };
    Model::of(OPSET, graph)
}

/// A picture, and the first convolution of a network on it.
fn picture(side: u64, int8: bool) -> Model {
    let shape = [1, 3, side, side].map(Some);
    let picture = ValueInfo::tensor("p", Dtype::Float32, &shape);
    let mut graph = averaged(picture, stem(int8), STEM as u64);
    graph.initializer = weights(&[STEM, 3, 3, 3], STEM, int8);
    Model::of(OPSET, graph)
}

/// The nodes from an input to `x`, and the mean of each of its channels.
fn averaged(input: ValueInfo, nodes: Vec<Node>, channels: u64) -> Graph {
    let mean = Node::new("GlobalAveragePool", &["x"], &["mean"]);
    let shape = [1, channels, 1, 1].map(Some);
    let output = ValueInfo::tensor("mean", Dtype::Float32, &shape);
    Graph::of(vec![input], nodes.into_iter().chain([mean]).collect(), vec![output])
}

/// The first convolution of a network.
fn stem(int8: bool) -> Vec<Node> {
    let window = |node: Node| {
        node.with(Attribute::ints("kernel_shape", &[3, 3]))
            .with(Attribute::ints("pads", &[1, 1, 1, 1]))
    };
    if !int8 {
        return vec![window(Node::new("Conv", &["p", "w"], &["x"]))];
    }
    let codes = ["q", "s", "z", "w", "ws", "wz", "s", "z"];
    vec![
        Node::new("QuantizeLinear", &["p", "s", "z"], &["q"]),
        window(Node::new("QLinearConv", &codes, &["c"])),
        Node::new("DequantizeLinear", &["c", "s", "z"], &["x"]),
    ]
}

/// Weights small enough for a chain to stay finite, and scales that keep codes in range.
fn weights(shape: &[usize], outputs: usize, int8: bool) -> Vec<TensorData> {
    let count: usize = shape.iter().product();
    let mut random = SplitMix64::new(count as u64);
    let fan_in = (count / outputs.max(1)).max(1) as f32;
    if !int8 {
        let mut unit = || (random.unit() as f32 - 0.5) * 2.0 / fan_in.sqrt();
        let values: Vec<f32> = (0..count).map(|_| unit()).collect();
        return vec![TensorData::from_f32("w", shape, &values)];
    }
    let values: Vec<i8> = (0..count).map(|_| random.next_u64() as i8).collect();
    let mut found = codes();
    found.push(TensorData::from_i8("w", shape, &values));
    found.push(TensorData::from_f32("ws", &[], &[1.0 / (64.0 * fan_in.sqrt())]));
    found.push(TensorData::from_i8("wz", &[], &[0]));
    found
}

/// Scale and zero point of all activations.
fn codes() -> Vec<TensorData> {
    vec![TensorData::from_f32("s", &[], &[0.05]), TensorData::from_u8("z", &[], &[128])]
}

impl Probe {
    fn model(&self) -> Model {
        let dtype = if self.int8 { Dtype::UInt8 } else { Dtype::Float32 };
        let shape: Vec<Option<u64>> = self.shape().iter().map(|dim| Some(*dim as u64)).collect();
        let value = |name: &str| ValueInfo::tensor(name, dtype, &shape);
        let last = self.tensor(self.nodes);
        let nodes = (0..self.nodes).map(|at| self.node(at)).collect();
        let mut inputs = vec![value(&self.tensor(0))];
        if self.kind == Kind::Other {
            inputs.push(value("w"));
        }
        let mut graph = Graph::of(inputs, nodes, vec![value(&last)]);
        graph.initializer = self.constants();
        let model = Model::of(OPSET, graph);
        if self.kind == Kind::Other && self.int8 { model.with_opset(MICROSOFT, 1) } else { model }
    }

    fn shape(&self) -> Vec<usize> {
        match self.kind {
            Kind::Product => vec![1, self.channels],
            _ => vec![1, self.channels, self.side, self.side],
        }
    }

    fn tensor(&self, at: usize) -> String {
        format!("t{at}")
    }

    fn node(&self, at: usize) -> Node {
        let (from, to) = (self.tensor(at), self.tensor(at + 1));
        let (from, to) = (from.as_str(), to.as_str());
        let codes = [from, "s", "z", "w", "ws", "wz", "s", "z"];
        let sum = [from, "s", "z", "w", "s", "z", "s", "z"];
        match (self.kind, self.int8) {
            (Kind::Other, false) => Node::new("Add", &[from, "w"], &[to]),
            (Kind::Other, true) => Node::new("QLinearAdd", &sum, &[to]).in_domain(MICROSOFT),
            (Kind::Pool, _) => self.windowed(Node::new("MaxPool", &[from], &[to])),
            (Kind::Product, false) => Node::new("MatMul", &[from, "w"], &[to]),
            (Kind::Product, true) => Node::new("QLinearMatMul", &codes, &[to]),
            (_, false) => self.windowed(Node::new("Conv", &[from, "w"], &[to])),
            (_, true) => self.windowed(Node::new("QLinearConv", &codes, &[to])),
        }
    }

    fn windowed(&self, node: Node) -> Node {
        let kernel = self.kernel() as i64;
        let groups = if self.kind == Kind::Depthwise { self.channels as i64 } else { 1 };
        let node = node
            .with(Attribute::ints("kernel_shape", &[kernel; 2]))
            .with(Attribute::ints("pads", &[kernel / 2; 4]));
        if self.kind == Kind::Pool { node } else { node.with(Attribute::int("group", groups)) }
    }

    fn kernel(&self) -> usize {
        if self.kind == Kind::Pointwise { 1 } else { 3 }
    }

    fn weights(&self) -> Vec<usize> {
        let (channels, kernel) = (self.channels, self.kernel());
        match self.kind {
            Kind::Other | Kind::Pool => Vec::new(),
            Kind::Product => vec![channels, channels],
            Kind::Depthwise => vec![channels, 1, kernel, kernel],
            _ => vec![channels, channels, kernel, kernel],
        }
    }

    fn constants(&self) -> Vec<TensorData> {
        match self.kind {
            Kind::Pool => Vec::new(),
            Kind::Other if self.int8 => codes(),
            Kind::Other => Vec::new(),
            _ => weights(&self.weights(), self.channels, self.int8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_repository_are_what_this_makes() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../probes");
        let mut bytes = 0;
        for (name, model) in all() {
            let file = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
            assert_eq!(file, model.encode_to_vec(), "{name}");
            bytes += file.len();
        }
        assert!(all().len() >= 10 && bytes < 200_000, "{bytes}");
    }
}
