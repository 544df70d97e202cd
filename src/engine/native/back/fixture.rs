//! Programs written by hand.

use crate::engine::native::ir::{
    Constant, Conv, Dense, Id, Kind, Node, Op, Port, Program, Quantised, Range, Value, Weights,
    Window,
};
use crate::model::{Dtype, TensorInfo};

/// A program in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    program: Program,
    seed: u64,
}

pub(super) fn program() -> Draft {
    Draft { program: Program::default(), seed: 7 }
}

pub(super) fn quantised(scale: f32, zero: u8) -> Kind {
    Kind::Codes(Quantised { scale, zero, signed: false })
}

impl Draft {
    /// Pseudo-random numbers, the same in every run.
    pub(super) fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        self.seed >> 33
    }

    /// A number from `low` to `high`.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.random() as usize % (high - low + 1)
    }

    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

    pub(super) fn small_reals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.random() as f32 % 2001.0 / 1000.0 - 1.0).collect()
    }

    pub(super) fn codes_at_random(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.random() as u8).collect()
    }

    fn value(&mut self, kind: Kind, shape: &[usize], constant: Option<Constant>) -> Id {
        let id = self.program.values.len();
        let name = format!("v{id}");
        self.program.values.push(Value { name, shape: shape.to_vec(), kind, constant });
        id
    }

    pub(super) fn kind(&self, id: Id) -> Kind {
        self.program.values[id].kind
    }

    pub(super) fn shape(&self, id: Id) -> Vec<usize> {
        self.program.values[id].shape.clone()
    }

    /// An input.
    pub(super) fn given(&mut self, kind: Kind, shape: &[usize]) -> Id {
        let value = self.value(kind, shape, None);
        let port = self.port(value);
        self.program.inputs.push(port);
        value
    }

    /// An input of reals.
    pub(super) fn real(&mut self, shape: &[usize]) -> Id {
        self.given(Kind::Real, shape)
    }

    /// A constant at random.
    pub(super) fn constant(&mut self, kind: Kind, shape: &[usize]) -> Id {
        let count = shape.iter().product();
        let constant = match kind {
            Kind::Codes(_) => Constant::Codes(self.codes_at_random(count)),
            _ => Constant::Real(self.small_reals(count)),
        };
        self.value(kind, shape, Some(constant))
    }

    pub(super) fn node_of(&mut self, op: Op, inputs: &[Id], kind: Kind, shape: &[usize]) -> Id {
        let output = self.value(kind, shape, None);
        self.program.nodes.push(Node { op, inputs: inputs.to_vec(), output });
        output
    }

    /// A node whose output is of its first input's kind.
    pub(super) fn node(&mut self, op: Op, inputs: &[Id], shape: &[usize]) -> Id {
        let kind = self.kind(inputs[0]);
        self.node_of(op, inputs, kind, shape)
    }

    /// A convolution of reals without strides, weights at random.
    pub(super) fn conv_real(
        &mut self,
        x: Id,
        outputs: usize,
        kernel: [usize; 2],
        pads: [usize; 4],
    ) -> Id {
        let window = Window { kernel, strides: [1, 1], dilations: [1, 1], pads };
        self.conv(x, outputs, 1, window, Kind::Real)
    }

    /// A convolution whose weights are of the input's kind.
    pub(super) fn conv(
        &mut self,
        x: Id,
        outputs: usize,
        groups: usize,
        window: Window,
        to: Kind,
    ) -> Id {
        let from = self.shape(x);
        let [height, width] = window.kernel;
        let shape = [outputs, from[1] / groups, height, width];
        let size = |axis: usize| {
            let padded = from[2 + axis] + window.pads[axis] + window.pads[2 + axis];
            let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
            (padded - reach) / window.strides[axis] + 1
        };
        let to_shape = [from[0], outputs, size(0), size(1)];
        let weights = self.weights(x, outputs, shape.iter().product(), to);
        let range = self.range(to);
        let conv = Conv { shape, groups, window, weights, range };
        self.node_of(Op::Conv(conv), &[x], to, &to_shape)
    }

    pub(super) fn dense(&mut self, x: Id, outputs: usize, to: Kind) -> Id {
        let mut shape = self.shape(x);
        let depth = std::mem::replace(shape.last_mut().unwrap(), outputs);
        let weights = self.weights(x, outputs, outputs * depth, to);
        let range = self.range(to);
        self.node_of(Op::Dense(Dense { depth, outputs, weights, range }), &[x], to, &shape)
    }

    pub(super) fn range(&mut self, to: Kind) -> Range {
        match to {
            Kind::Codes(_) => Range { low: self.between(0, 40) as f32, high: 250.0 },
            _ if self.random().is_multiple_of(2) => Range { low: 0.0, high: 6.0 },
            _ => Range::OPEN,
        }
    }

    fn weights(&mut self, x: Id, outputs: usize, count: usize, to: Kind) -> Weights {
        if self.kind(x) == Kind::Real {
            return Weights::Reals(self.small_reals(count), self.small_reals(outputs));
        }
        let each = self.random().is_multiple_of(2);
        let scales = if each { outputs } else { 1 };
        let scale: Vec<f32> =
            (0..scales).map(|_| 0.000_5 + self.random() as f32 % 100.0 * 1e-5).collect();
        let codes = self.codes_at_random(count).into_iter().map(|code| code as i8).collect();
        let zero: Vec<i8> = match self.between(0, 3) {
            0 => (0..outputs).map(|_| self.random() as i8 / 8).collect(),
            _ => Vec::new(),
        };
        let bias = (0..outputs).map(|_| self.random() as i32 % 2000 - 1000).collect();
        let reals = to == Kind::Real && each;
        let real_bias = if reals { self.small_reals(outputs) } else { Vec::new() };
        Weights::Codes { codes, zero, scale, bias, real_bias }
    }

    fn port(&self, value: Id) -> Port {
        let Value { name, shape, kind, .. } = &self.program.values[value];
        let dtype = match kind {
            Kind::Codes(_) => Dtype::UInt8,
            Kind::Real => Dtype::Float32,
            Kind::Whole => Dtype::Int64,
        };
        let shape = shape.iter().map(|&dim| Some(dim as u64)).collect();
        Port { value, info: TensorInfo { name: name.clone(), dtype, shape } }
    }

    /// The program with these outputs.
    pub(super) fn outputs(mut self, outputs: &[Id]) -> Program {
        self.program.outputs = outputs.iter().map(|&id| self.port(id)).collect();
        self.program
    }
}
