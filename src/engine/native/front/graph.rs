//! The program while it is built, and what the rules ask of it.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::term::{Term, shift};
use super::{constant, refuse, rules, shape};
use crate::engine::EngineError;
use crate::engine::lower::is_half;
use crate::engine::native::ir::{Constant, Id, Kind, Node, Op, Port, Program, Quantised, Value};
use crate::model::onnx::{self, TensorData};
use crate::model::{Dtype, Shapes, Stage, TensorInfo};

/// A program under construction.
#[derive(Debug)]
pub(super) struct Builder {
    /// What there is so far; nodes in any order, some of them dead.
    pub program: Program,
    /// Per value, the node that makes it.
    pub maker: Vec<Option<usize>>,
    /// Per value, the operator of the file behind it.
    pub origin: Vec<String>,
    /// Codes whose quantisation no node has stated yet: they came in as integers.
    pub loose: BTreeSet<Id>,
    /// Constants that are operands, by name.
    pub embedded: HashMap<String, Id>,
    /// Reals already made of codes.
    pub dequantised: HashMap<Id, Id>,
    /// Version of the default operator set.
    pub opset: i64,
    /// Types, shapes and small constants of the graph.
    pub facts: Shapes,
    /// Per value, whether several read it or the caller does: it must stay as it is.
    pinned: Vec<bool>,
    terms: HashMap<String, Term>,
    readers: HashMap<String, usize>,
}

impl Builder {
    pub(super) fn new(graph: &onnx::Graph, opset: i64, facts: Shapes) -> Self {
        let mut readers: HashMap<String, usize> = HashMap::new();
        let read = graph.node.iter().flat_map(|node| &node.input);
        read.for_each(|name| *readers.entry(name.clone()).or_default() += 1);
        // The caller counts as more than one reader.
        graph
            .output
            .iter()
            .for_each(|output| *readers.entry(output.name.clone()).or_default() += 2);
        Self {
            program: Program::default(),
            maker: Vec::new(),
            origin: Vec::new(),
            loose: BTreeSet::new(),
            embedded: HashMap::new(),
            dequantised: HashMap::new(),
            opset,
            facts,
            pinned: Vec::new(),
            terms: HashMap::new(),
            readers,
        }
    }

    /// A constant of the file.
    pub(super) fn store(&mut self, tensor: TensorData) {
        self.terms.insert(tensor.name.clone(), Term::Constant(Rc::new(tensor)));
    }

    /// An input of the graph.
    pub(super) fn input(&mut self, info: TensorInfo) -> Result<(), EngineError> {
        let refuse = || {
            let reason = format!("input {} of type {}", info.name, info.dtype.name());
            EngineError::new(Stage::Operators, format!("{reason} is not run by {}", super::ENGINE))
        };
        let shape = info.shape.iter().map(|dim| usize::try_from((*dim)?).ok());
        let shape: Vec<usize> = shape.collect::<Option<_>>().ok_or_else(refuse)?;
        shape::count(&shape).ok_or_else(refuse)?;
        let real = info.dtype == Dtype::Float32 || is_half(info.dtype);
        let kind = match shift(info.dtype) {
            Some(zero) => {
                Kind::Codes(Quantised { scale: 1.0, zero, signed: info.dtype == Dtype::Int8 })
            }
            None if real => Kind::Real,
            None => return Err(refuse()),
        };
        let id = self.value(&info.name, shape, kind, "input");
        let term = if real { Term::Value(id) } else { Term::Codes(id) };
        if !real {
            self.loose.insert(id);
        }
        self.bind(&info.name, term);
        self.program.inputs.push(Port { value: id, info });
        Ok(())
    }

    /// One node of the file: folded if it is constant, else by the rule of its operator.
    pub(super) fn node(&mut self, node: &onnx::Node) -> Result<(), EngineError> {
        if constant::fold(self, node)? {
            return Ok(());
        }
        let rule = rules::rule(&node.op()).ok_or_else(|| refuse(node, "here"))?;
        rule(self, node)
    }

    /// A new value.
    pub(super) fn value(&mut self, name: &str, shape: Vec<usize>, kind: Kind, op: &str) -> Id {
        self.program.values.push(Value { name: name.to_owned(), shape, kind, constant: None });
        self.maker.push(None);
        self.origin.push(op.to_owned());
        self.pinned.push(false);
        self.program.values.len() - 1
    }

    /// A new constant value.
    pub(super) fn constant(
        &mut self,
        name: &str,
        shape: Vec<usize>,
        data: Constant,
        kind: Kind,
    ) -> Id {
        let id = self.value(name, shape, kind, "constant");
        self.pin(id);
        if let Some(value) = self.program.values.get_mut(id) {
            value.constant = Some(data);
        }
        id
    }

    /// A new node, its output named after the file's node; checks that the shape is what the
    /// operator makes of its inputs.
    pub(super) fn emit(
        &mut self,
        node: &onnx::Node,
        op: Op,
        inputs: Vec<Id>,
        shape: Vec<usize>,
        kind: Kind,
    ) -> Result<Id, EngineError> {
        let from: Vec<&[usize]> = inputs.iter().map(|id| self.shape(*id)).collect();
        if !shape::agrees(&op, &from, &shape) {
            return Err(refuse(node, "with these shapes"));
        }
        let output = self.value(node.label(), shape, kind, &node.op_type);
        if let Some(maker) = self.maker.get_mut(output) {
            *maker = Some(self.program.nodes.len());
        }
        self.program.nodes.push(Node { op, inputs, output });
        Ok(output)
    }

    /// Makes a name stand for something.
    pub(super) fn bind(&mut self, name: &str, term: Term) {
        if let Term::Value(id) | Term::Codes(id) | Term::View(id) = &term
            && self.readers.get(name).is_none_or(|count| *count != 1)
        {
            self.pin(*id);
        }
        self.terms.insert(name.to_owned(), term);
    }

    /// The same for the one output of a node.
    pub(super) fn give(&mut self, node: &onnx::Node, term: Term) -> Result<(), EngineError> {
        let output = node.output_at(0).ok_or_else(|| refuse(node, "without an output"))?;
        self.bind(output, term);
        Ok(())
    }

    /// What a name stands for.
    pub(super) fn known(&self, name: &str) -> Option<&Term> {
        self.terms.get(name)
    }

    /// What an input of a node stands for.
    pub(super) fn term(&self, node: &onnx::Node, at: usize) -> Result<Term, EngineError> {
        let name = node.input_at(at).ok_or_else(|| refuse(node, &format!("without input {at}")))?;
        let known = self.terms.get(name).cloned();
        known.ok_or_else(|| refuse(node, &format!("before {name} is computed")))
    }

    /// Whether anything reads a name.
    pub(super) fn is_read(&self, name: &str) -> bool {
        self.readers.contains_key(name)
    }

    /// Its dimensions.
    pub(super) fn shape(&self, id: Id) -> &[usize] {
        self.program.values.get(id).map_or(&[], |value| value.shape.as_slice())
    }

    /// What its elements are.
    pub(super) fn kind(&self, id: Id) -> Kind {
        self.program.values.get(id).map_or(Kind::Real, |value| value.kind)
    }

    /// Its quantisation, if it holds codes.
    pub(super) fn quantised(&self, id: Id) -> Option<Quantised> {
        match self.kind(id) {
            Kind::Codes(quantised) => Some(quantised),
            _ => None,
        }
    }

    /// States what the elements of a value are.
    pub(super) fn set_kind(&mut self, id: Id, kind: Kind) {
        if let Some(value) = self.program.values.get_mut(id) {
            value.kind = kind;
        }
    }

    /// Keeps a value from being changed.
    pub(super) fn pin(&mut self, id: Id) {
        self.pinned.iter_mut().skip(id).take(1).for_each(|pinned| *pinned = true);
    }

    /// The node that makes a value.
    pub(super) fn made(&self, id: Id) -> Option<&Node> {
        self.program.nodes.get((*self.maker.get(id)?)?)
    }

    /// The same, to be changed; none if others rely on the value as it is.
    pub(super) fn made_for_one(&mut self, id: Id) -> Option<&mut Node> {
        if self.pinned.get(id).is_none_or(|pinned| *pinned) {
            return None;
        }
        self.program.nodes.get_mut((*self.maker.get(id)?)?)
    }
}
