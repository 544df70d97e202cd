//! The program run slowly and plainly: what a plan of it must compute.
//!
//! Every operator is its definition, in loops over indices. Sums of reals are in double
//! precision, sums of integers exact; where rounding matters the order of operations is
//! ONNX Runtime's.

mod pointwise;
mod product;
mod window;

use super::ir::{Constant, Id, Kind, Node, Op, Program, Quantised};

/// Elements of one value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Codes(Vec<u8>),
    Real(Vec<f32>),
    Whole(Vec<i64>),
}

impl Data {
    pub(super) fn codes(&self) -> &[u8] {
        let Self::Codes(codes) = self else { panic!("no codes: {self:?}") };
        codes
    }

    pub(super) fn reals(&self) -> &[f32] {
        let Self::Real(reals) = self else { panic!("no reals") };
        reals
    }

    fn len(&self) -> usize {
        match self {
            Self::Codes(codes) => codes.len(),
            Self::Real(reals) => reals.len(),
            Self::Whole(whole) => whole.len(),
        }
    }

    /// The elements at these places, in order.
    fn picked(&self, places: impl Iterator<Item = usize>) -> Self {
        match self {
            Self::Codes(codes) => Self::Codes(places.map(|at| codes[at]).collect()),
            Self::Real(reals) => Self::Real(places.map(|at| reals[at]).collect()),
            Self::Whole(whole) => Self::Whole(places.map(|at| whole[at]).collect()),
        }
    }
}

/// Runs a program; gives its outputs. Sums and means of codes are rounded as ONNX Runtime's
/// operators on codes round them.
pub(super) fn run(program: &Program, inputs: &[Data]) -> Vec<Data> {
    run_as(program, inputs, false)
}

/// The same; `plain` rounds sums and means of codes as the definition in reals does, which
/// ONNX Runtime follows where it finds no operator on codes.
pub(super) fn run_as(program: &Program, inputs: &[Data], plain: bool) -> Vec<Data> {
    let mut known: Vec<Option<Data>> = program
        .values
        .iter()
        .map(|value| match &value.constant {
            Some(Constant::Codes(codes)) => Some(Data::Codes(codes.clone())),
            Some(Constant::Real(reals)) => Some(Data::Real(reals.clone())),
            None => None,
        })
        .collect();
    for (port, input) in program.inputs.iter().zip(inputs) {
        known[port.value] = Some(input.clone());
    }
    let mut readers = vec![0; program.values.len()];
    program.nodes.iter().flat_map(|node| &node.inputs).for_each(|id| readers[*id] += 1);
    program.outputs.iter().for_each(|port| readers[port.value] += 1);
    for node in &program.nodes {
        let result = {
            let inputs: Vec<&Data> =
                node.inputs.iter().map(|id| known[*id].as_ref().unwrap()).collect();
            Site { program, node, inputs, plain }.run()
        };
        assert_eq!(result.len(), program.values[node.output].len(), "{:?}", node.op);
        known[node.output] = Some(result);
        for id in &node.inputs {
            readers[*id] -= 1;
            if readers[*id] == 0 {
                known[*id] = None;
            }
        }
    }
    program.outputs.iter().map(|port| known[port.value].clone().unwrap()).collect()
}

/// One node with its inputs.
struct Site<'a> {
    program: &'a Program,
    node: &'a Node,
    inputs: Vec<&'a Data>,
    plain: bool,
}

impl Site<'_> {
    fn shape(&self, id: Id) -> &[usize] {
        &self.program.values[id].shape
    }

    /// Dimensions of an input.
    fn input_shape(&self, at: usize) -> &[usize] {
        self.shape(self.node.inputs[at])
    }

    /// Dimensions of the output.
    fn output_shape(&self) -> &[usize] {
        self.shape(self.node.output)
    }

    fn kind(&self) -> Kind {
        self.program.values[self.node.output].kind
    }

    fn quantised(kind: Kind) -> Quantised {
        let Kind::Codes(quantised) = kind else { panic!("{kind:?} has no quantisation") };
        quantised
    }

    /// Quantisation of an input.
    fn input_quantised(&self, at: usize) -> Quantised {
        Self::quantised(self.program.values[self.node.inputs[at]].kind)
    }

    fn run(&self) -> Data {
        let x = self.inputs[0];
        match &self.node.op {
            Op::Conv(conv) => self.conv(conv),
            Op::Dense(dense) => self.dense(dense),
            Op::MatMul => self.matmul(),
            Op::Quantize => {
                let q = Self::quantised(self.kind());
                Data::Codes(x.reals().iter().map(|x| q.code(*x)).collect())
            }
            Op::Dequantize => {
                let q = self.input_quantised(0);
                Data::Real(x.codes().iter().map(|code| q.real(*code)).collect())
            }
            Op::Table(table) => {
                Data::Codes(x.codes().iter().map(|code| table[usize::from(*code)]).collect())
            }
            Op::Affine(affine) => self.affine(affine),
            Op::Binary(op, range) => self.binary(*op, *range),
            Op::Unary(op) => Data::Real(x.reals().iter().map(|x| op.of(*x)).collect()),
            Op::Softmax(axis) => self.softmax(*axis),
            Op::MaxPool(window) => self.max_pool(window),
            Op::AveragePool(window, padding) => self.average_pool(window, *padding),
            Op::Mean(axes, _) => self.mean(axes),
            Op::Concat(axis) => self.concat(*axis),
            Op::Reshape => x.clone(),
            Op::Transpose(order) => self.transpose(order),
            Op::Pad(pads, value) => self.pad(pads, *value),
            Op::Resize(resize) => self.resize(resize),
            Op::Select(axis, places) => self.select(*axis, places),
            Op::ArgMax(axis, last) => self.arg_max(*axis, *last),
            Op::Cast => self.cast(),
        }
    }
}

/// Every index of a shape, row by row.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    (0..shape.iter().product()).map(|at| index(shape, at))
}

fn index(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (slot, dim) in index.iter_mut().zip(shape).rev() {
        *slot = at % dim;
        at /= dim;
    }
    index
}

fn offset(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (dim, index)| at * dim + index)
}
