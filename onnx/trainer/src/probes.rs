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

/// Kinds with their small and their large size: nodes, channels, side.
const SIZES: [(Kind, [[usize; 3]; 2]); 5] = [
    (Kind::Convolution, [[4, 16, 4], [3, 32, 16]]),
    (Kind::Depthwise, [[6, 16, 4], [6, 64, 24]]),
    (Kind::Pointwise, [[6, 16, 4], [6, 64, 16]]),
    (Kind::Product, [[6, 16, 1], [6, 96, 1]]),
    (Kind::Other, [[6, 16, 4], [6, 64, 32]]),
];

fn all() -> Vec<(String, Model)> {
    let mut found = vec![("empty".to_owned(), empty())];
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
            (Kind::Product, false) => Node::new("MatMul", &[from, "w"], &[to]),
            (Kind::Product, true) => Node::new("QLinearMatMul", &codes, &[to]),
            (_, false) => self.windowed(Node::new("Conv", &[from, "w"], &[to])),
            (_, true) => self.windowed(Node::new("QLinearConv", &codes, &[to])),
        }
    }

    fn windowed(&self, node: Node) -> Node {
        let kernel = self.kernel() as i64;
        let groups = if self.kind == Kind::Depthwise { self.channels as i64 } else { 1 };
        node.with(Attribute::ints("kernel_shape", &[kernel; 2]))
            .with(Attribute::ints("pads", &[kernel / 2; 4]))
            .with(Attribute::int("group", groups))
    }

    fn kernel(&self) -> usize {
        if self.kind == Kind::Pointwise { 1 } else { 3 }
    }

    fn weights(&self) -> Vec<usize> {
        let (channels, kernel) = (self.channels, self.kernel());
        match self.kind {
            Kind::Other => Vec::new(),
            Kind::Product => vec![channels, channels],
            Kind::Depthwise => vec![channels, 1, kernel, kernel],
            Kind::Convolution | Kind::Pointwise => vec![channels, channels, kernel, kernel],
        }
    }

    /// Weights small enough for a chain to stay finite, and scales that keep codes in range.
    fn constants(&self) -> Vec<TensorData> {
        let shape = self.weights();
        let count: usize = shape.iter().product();
        let mut random = SplitMix64::new(count as u64);
        let fan_in = (count / self.channels.max(1)).max(1) as f32;
        let mut found = Vec::new();
        if self.int8 {
            found.push(TensorData::from_f32("s", &[], &[0.05]));
            found.push(TensorData::from_u8("z", &[], &[128]));
        }
        if self.kind == Kind::Other {
            return found;
        }
        if self.int8 {
            let codes: Vec<i8> = (0..count).map(|_| random.next_u64() as i8).collect();
            found.push(TensorData::from_i8("w", &shape, &codes));
            found.push(TensorData::from_f32("ws", &[], &[1.0 / (64.0 * fan_in.sqrt())]));
            found.push(TensorData::from_i8("wz", &[], &[0]));
        } else {
            let unit = |random: &mut SplitMix64| (random.unit() as f32 - 0.5) * 2.0;
            let values: Vec<f32> = (0..count).map(|_| unit(&mut random) / fan_in.sqrt()).collect();
            found.push(TensorData::from_f32("w", &shape, &values));
        }
        found
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
