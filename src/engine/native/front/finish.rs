//! The program as the back wants it: kinds that fit, live nodes only, in order.

use std::collections::HashMap;

use super::ENGINE;
use super::graph::Builder;
use super::term::{Term, shift};
use crate::engine::EngineError;
use crate::engine::lower::is_half;
use crate::engine::native::ir::{Constant, Id, Kind, Node, Op, Port, Program, Weights};
use crate::model::{Dtype, Stage, TensorInfo};

impl Builder {
    /// The program for these outputs, each with the type that the file declares.
    pub(super) fn finish(
        mut self,
        outputs: Vec<(String, Option<Dtype>)>,
    ) -> Result<Program, EngineError> {
        let mut ports = Vec::with_capacity(outputs.len());
        for (name, declared) in outputs {
            ports.push(self.port(name, declared)?);
        }
        self.program.outputs = ports;
        self.settle();
        self.prune();
        Ok(self.program)
    }

    fn port(&mut self, name: String, declared: Option<Dtype>) -> Result<Port, EngineError> {
        let refuse = |what: &str| {
            let reason = format!("output {name} {what} is not run by {ENGINE}");
            EngineError::new(Stage::Operators, reason)
        };
        let stated = self.facts.get(&name).and_then(|fact| fact.dtype);
        let term = self.known(&name).cloned();
        let (value, dtype) = match term.ok_or_else(|| refuse("that nothing computes"))? {
            Term::Codes(id) => {
                let dtype = stated.filter(|dtype| shift(*dtype).is_some());
                (id, dtype.ok_or_else(|| refuse("of this type"))?)
            }
            Term::View(id) => (self.real(id), Dtype::Float32),
            Term::Value(id) if self.kind(id) == Kind::Whole => (id, stated.unwrap_or(Dtype::Int64)),
            Term::Value(id) => (id, Dtype::Float32),
            term => {
                let reals = self.embed(&name, &term).ok_or_else(|| refuse("of this type"))?;
                (self.real(reals), Dtype::Float32)
            }
        };
        let dtype = declared.filter(|dtype| is_half(*dtype)).unwrap_or(dtype);
        let shape = self.shape(value).iter().map(|dim| Some(*dim as u64)).collect();
        Ok(Port { value, info: TensorInfo { name, dtype, shape } })
    }

    /// The reals of a value; one node per value, however many want them.
    fn real(&mut self, id: Id) -> Id {
        if self.quantised(id).is_none() {
            return id;
        }
        if let Some(known) = self.dequantised.get(&id) {
            return *known;
        }
        if let Some(constant) = self.real_constant(id) {
            self.dequantised.insert(id, constant);
            return constant;
        }
        let name = self.program.values.get(id).map_or_else(String::new, |v| v.name.clone());
        let output = self.value(&name, self.shape(id).to_vec(), Kind::Real, "DequantizeLinear");
        self.maker
            .iter_mut()
            .skip(output)
            .for_each(|maker| *maker = Some(self.program.nodes.len()));
        self.program.nodes.push(Node { op: Op::Dequantize, inputs: vec![id], output });
        self.dequantised.insert(id, output);
        output
    }

    /// The reals of constant codes.
    fn real_constant(&mut self, id: Id) -> Option<Id> {
        let (value, q) = (self.program.values.get(id)?, self.quantised(id)?);
        let Some(Constant::Codes(codes)) = &value.constant else { return None };
        let reals = codes.iter().map(|code| q.real(*code)).collect();
        let (name, shape) = (value.name.clone(), value.shape.clone());
        Some(self.constant(&name, shape, Constant::Real(reals), Kind::Real))
    }

    /// Gives operators that stayed real their reals, and products one bias.
    fn settle(&mut self) {
        for at in 0..self.program.nodes.len() {
            let Some(node) = self.program.nodes.get(at) else { return };
            let real = self.kind(node.output) == Kind::Real;
            let inputs = node.inputs.clone();
            if real && !node.op.reads_codes() {
                let inputs = inputs.into_iter().map(|input| self.real(input)).collect();
                if let Some(node) = self.program.nodes.get_mut(at) {
                    node.inputs = inputs;
                }
            }
            if let Some(node) = self.program.nodes.get_mut(at)
                && let Op::Conv(conv) = &mut node.op
            {
                one_bias(&mut conv.weights);
            } else if let Some(node) = self.program.nodes.get_mut(at)
                && let Op::Dense(dense) = &mut node.op
            {
                one_bias(&mut dense.weights);
            }
        }
    }

    /// Drops what the outputs do not need, and puts the rest in an order that can be run.
    fn prune(&mut self) {
        let roots: Vec<Id> = self.program.outputs.iter().map(|port| port.value).collect();
        let order = self.order(roots);
        let mut values: Vec<Option<_>> =
            std::mem::take(&mut self.program.values).into_iter().map(Some).collect();
        let mut nodes: Vec<Option<Node>> =
            std::mem::take(&mut self.program.nodes).into_iter().map(Some).collect();
        let mut places: HashMap<Id, Id> = HashMap::new();
        let program = &mut self.program;
        let mut place = |id: Id| {
            *places.entry(id).or_insert_with(|| {
                program.values.extend(values.get_mut(id).and_then(Option::take));
                program.values.len() - 1
            })
        };
        program.inputs.iter_mut().for_each(|port| port.value = place(port.value));
        for at in order {
            let Some(mut node) = nodes.get_mut(at).and_then(Option::take) else { continue };
            node.inputs.iter_mut().for_each(|id| *id = place(*id));
            node.output = place(node.output);
            program.nodes.push(node);
        }
        program.outputs.iter_mut().for_each(|port| port.value = place(port.value));
    }

    /// Nodes that these values need, makers first.
    fn order(&self, roots: Vec<Id>) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.program.nodes.len()];
        for root in roots {
            let mut open: Vec<(usize, usize)> = Vec::new();
            let mut next = Some(root);
            loop {
                let maker = next.take().and_then(|id| self.maker.get(id).copied().flatten());
                if let Some(maker) = maker
                    && seen.get(maker) == Some(&false)
                {
                    seen.iter_mut().skip(maker).take(1).for_each(|seen| *seen = true);
                    open.push((maker, 0));
                }
                let Some((node, input)) = open.last_mut() else { break };
                let inputs = self.program.nodes.get(*node).map_or(&[][..], |n| n.inputs.as_slice());
                next = inputs.get(*input).copied();
                *input += 1;
                if next.is_none() {
                    order.push(*node);
                    open.pop();
                }
            }
        }
        order
    }
}

impl Op {
    /// Whether codes may go in where reals come out.
    fn reads_codes(&self) -> bool {
        match self {
            Self::Conv(conv) => matches!(conv.weights, Weights::Codes { .. }),
            Self::Dense(dense) => matches!(dense.weights, Weights::Codes { .. }),
            Self::Dequantize => true,
            _ => false,
        }
    }
}

/// A bias in reals stands alone.
fn one_bias(weights: &mut Weights) {
    if let Weights::Codes { bias, real_bias, .. } = weights
        && !real_bias.is_empty()
    {
        bias.clear();
    }
}
