//! Quantising a result turns the operator that made it into one on integers.

use super::graph::Builder;
use super::refuse;
use crate::engine::EngineError;
use crate::engine::native::ir::{Binary, Id, Kind, Op, Quantised, Range, Weights};
use crate::model::onnx::Node;

/// Nodes that a quantisation is carried back over, and functions that one table composes.
const LONGEST_CHAIN: usize = 12;

impl Builder {
    /// States what codes stand for; where something else is already stated, the same codes
    /// under another quantisation.
    pub(super) fn state(&mut self, node: &Node, id: Id, q: Quantised) -> Result<Id, EngineError> {
        if self.quantised(id) == Some(q) {
            self.loose.remove(&id);
            return Ok(id);
        }
        if !self.loose.contains(&id) {
            let same = Box::new(std::array::from_fn(|code| code as u8));
            return self.mapped(node, id, same, q);
        }
        let mut next = Some(id);
        // Only operators that move elements stand between loose codes.
        while let Some(id) = next.filter(|id| self.loose.remove(id)) {
            self.set_kind(id, Kind::Codes(q));
            next = self.made(id).and_then(|node| node.inputs.first().copied());
        }
        Ok(id)
    }

    /// Codes through a table.
    pub(super) fn mapped(
        &mut self,
        node: &Node,
        id: Id,
        table: Box<[u8; 256]>,
        to: Quantised,
    ) -> Result<Id, EngineError> {
        let idle = table.iter().enumerate().all(|(code, to)| code == usize::from(*to));
        if idle && self.quantised(id) == Some(to) {
            return Ok(id);
        }
        let shape = self.shape(id).to_vec();
        self.emit(node, Op::Table(table), vec![id], shape, Kind::Codes(to))
    }

    /// Codes of what other codes stand for. Behind a table it becomes one table: what that
    /// one gives stands for exact numbers.
    pub(super) fn requantised(
        &mut self,
        node: &Node,
        id: Id,
        to: Quantised,
    ) -> Result<Id, EngineError> {
        let Some(from) = self.quantised(id) else { return Err(refuse(node, "of reals")) };
        if from == to {
            return Ok(id);
        }
        let table = to.from(from);
        if let Some(made) = self.made(id)
            && let (Op::Table(first), [source]) = (&made.op, made.inputs.as_slice())
        {
            let composed = first.map(|code| table.get(usize::from(code)).copied().unwrap_or(0));
            let source = *source;
            return self.mapped(node, source, Box::new(composed), to);
        }
        self.mapped(node, id, table, to)
    }

    /// Codes of a real value: the operator that made it gives them where it can.
    pub(super) fn quantise(
        &mut self,
        node: &Node,
        id: Id,
        to: Quantised,
    ) -> Result<Id, EngineError> {
        self.quantise_within(node, id, to, LONGEST_CHAIN)
    }

    fn quantise_within(
        &mut self,
        node: &Node,
        id: Id,
        to: Quantised,
        depth: usize,
    ) -> Result<Id, EngineError> {
        if self.quantised(id).is_some() {
            return self.requantised(node, id, to);
        }
        if self.fused(node, id, to, depth)? {
            self.set_kind(id, Kind::Codes(to));
            return Ok(id);
        }
        let shape = self.shape(id).to_vec();
        self.emit(node, Op::Quantize, vec![id], shape, Kind::Codes(to))
    }

    /// Turns the operator that makes a real value into one that makes its codes; whether it
    /// could.
    fn fused(
        &mut self,
        node: &Node,
        id: Id,
        to: Quantised,
        depth: usize,
    ) -> Result<bool, EngineError> {
        let Some(made) = self.made_for_one(id) else { return Ok(false) };
        if matches!(made.op, Op::Conv(_) | Op::Dense(_)) {
            return Ok(made.op.requantise(to));
        }
        let (op, inputs) = (made.op.clone(), made.inputs.clone());
        let on_codes = inputs.iter().all(|input| self.quantised(*input).is_some());
        match op {
            Op::Binary(Binary::Add | Binary::Mul, range) if on_codes => {
                Ok(self.replace_range(id, to.range(range)))
            }
            Op::AveragePool(..) | Op::Mean(..) => Ok(on_codes),
            Op::Binary(..) | Op::Unary(_) => Ok(self.tabulated(id, to) || self.affine(id, to)),
            Op::Concat(_) | Op::Reshape | Op::Transpose(_) | Op::MaxPool(_) | Op::Select(..)
                if depth > 0 =>
            {
                self.carry(node, id, &inputs, to, depth)
            }
            _ => Ok(false),
        }
    }

    /// Quantises the inputs of an operator that only moves or picks elements.
    fn carry(
        &mut self,
        node: &Node,
        id: Id,
        inputs: &[Id],
        to: Quantised,
        depth: usize,
    ) -> Result<bool, EngineError> {
        let inputs = inputs.iter().map(|input| self.quantise_within(node, *input, to, depth - 1));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        if let Some(made) = self.made_for_one(id) {
            made.inputs = inputs;
        }
        Ok(true)
    }

    fn replace_range(&mut self, id: Id, codes: Range) -> bool {
        if let Some(node) = self.made_for_one(id)
            && let Op::Binary(_, range) = &mut node.op
        {
            *range = codes;
        }
        true
    }

    /// Makes a function of one code a table; whether the value is one.
    fn tabulated(&mut self, id: Id, to: Quantised) -> bool {
        let mut source = None;
        let Some(column) = self.column(id, &mut source, LONGEST_CHAIN) else { return false };
        let Some(source) = source.filter(|source| self.shape(*source) == self.shape(id)) else {
            return false;
        };
        if let Some(node) = self.made_for_one(id) {
            (node.op, node.inputs) = (Op::Table(to.table(&column)), vec![source]);
        }
        true
    }

    /// A value for each code of the one source that it depends on element by element.
    fn column(&self, id: Id, source: &mut Option<Id>, depth: usize) -> Option<[f32; 256]> {
        if let Some(constant) = self.scalar(id) {
            return Some([constant; 256]);
        }
        if let Some(q) = self.quantised(id) {
            return (*source.get_or_insert(id) == id).then(|| q.column());
        }
        let depth = depth.checked_sub(1)?;
        let node = self.made(id)?;
        match (&node.op, node.inputs.as_slice()) {
            (Op::Unary(op), [x]) => Some(self.column(*x, source, depth)?.map(|x| op.of(x))),
            (Op::Binary(op, range), [left, right]) => {
                // One side a constant, so that the work does not double with every step.
                if self.scalar(*left).is_none()
                    && self.scalar(*right).is_none()
                    && depth < LONGEST_CHAIN / 2
                {
                    return None;
                }
                let (left, right) =
                    (self.column(*left, source, depth)?, self.column(*right, source, depth)?);
                let pairs = left.iter().zip(&right);
                let mut results = pairs.map(|(left, right)| range.clamp(op.of(*left, *right)));
                Some(std::array::from_fn(|_| results.next().unwrap_or(0.0)))
            }
            _ => None,
        }
    }
}

impl Binary {
    /// The operation.
    pub(in crate::engine::native) fn of(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
        }
    }
}

impl Op {
    /// Makes a product of integers give codes; whether it is one.
    fn requantise(&mut self, to: Quantised) -> bool {
        let (weights, range) = match self {
            Self::Conv(conv) => (&mut conv.weights, &mut conv.range),
            Self::Dense(dense) => (&mut dense.weights, &mut dense.range),
            _ => return false,
        };
        let Weights::Codes { real_bias, .. } = weights else { return false };
        real_bias.clear();
        *range = to.range(*range);
        true
    }
}
