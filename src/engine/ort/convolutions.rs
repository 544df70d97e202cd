//! How many convolutions ONNX Runtime runs on integers.
//!
//! The library does not say. Counted are its integer operators, and the pattern that its
//! quantisation pass fuses into one: a convolution whose data and weights come from
//! DequantizeLinear, and which only QuantizeLinear reads, behind a Relu or a Clip or not.

use std::collections::BTreeMap;

use crate::model::onnx::{Graph, Model, Node};

/// Convolutions on integers, and in floating point.
pub(super) fn count(model: &Model, integers: bool) -> (u64, u64) {
    let Some(graph) = &model.graph else { return (0, 0) };
    let wires = Wires::of(graph);
    let (mut whole, mut real) = (0, 0);
    for node in &graph.node {
        match node.op_type.as_str() {
            "QLinearConv" | "ConvInteger" => whole += 1,
            "Conv" if integers && wires.between_quantisations(node) => whole += 1,
            "Conv" | "ConvTranspose" => real += 1,
            _ => {}
        }
    }
    (whole, real)
}

/// Who makes and who reads a tensor.
struct Wires<'a> {
    maker: BTreeMap<&'a str, &'a Node>,
    readers: BTreeMap<&'a str, Vec<&'a Node>>,
}

impl<'a> Wires<'a> {
    fn of(graph: &'a Graph) -> Self {
        let (mut maker, mut readers) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
        for node in &graph.node {
            maker.extend(node.output.iter().map(|name| (name.as_str(), node)));
            node.input.iter().for_each(|name| readers.entry(name.as_str()).or_default().push(node));
        }
        Self { maker, readers }
    }

    fn between_quantisations(&self, node: &Node) -> bool {
        let dequantised = |at: usize| {
            let maker = node.input_at(at).and_then(|name| self.maker.get(name));
            maker.is_some_and(|maker| maker.op_type == "DequantizeLinear")
        };
        dequantised(0) && dequantised(1) && self.quantised(node, 2)
    }

    /// Whether everything that reads this node's output quantises it, at most so many steps on.
    fn quantised(&self, node: &Node, steps: usize) -> bool {
        let readers = node.output_at(0).and_then(|name| self.readers.get(name));
        readers.is_some_and(|readers| {
            readers.iter().all(|reader| match reader.op_type.as_str() {
                "QuantizeLinear" => true,
                "Relu" | "Clip" => steps > 1 && self.quantised(reader, steps - 1),
                _ => false,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(between: &[Node]) -> Model {
        let mut node = vec![
            Node::new("DequantizeLinear", &["x", "s"], &["dx"]),
            Node::new("DequantizeLinear", &["w", "s"], &["dw"]),
            Node::new("Conv", &["dx", "dw"], &["y"]),
        ];
        node.extend_from_slice(between);
        Model { graph: Some(Graph { node, ..Graph::default() }), ..Model::default() }
    }

    #[test]
    fn a_convolution_between_quantisations_runs_on_integers() {
        let quantised =
            [Node::new("Relu", &["y"], &["r"]), Node::new("QuantizeLinear", &["r", "s"], &["q"])];
        assert_eq!(count(&model(&quantised), true), (1, 0));
        assert_eq!(count(&model(&quantised), false), (0, 1));
        assert_eq!(count(&model(&[Node::new("Sigmoid", &["y"], &["r"])]), true), (0, 1));
        assert_eq!(count(&model(&[]), true), (0, 1));
    }
}
