//! What every operator's plan is made with: views of values, buffers, steps.

use umbra_kernels::{Isa, SLACK};

use super::copy::{Copy, Fill};
use super::layout::{self, Wish, zero_of};
use super::memory::{Buffer, Data, Sort};
use super::nest::Nest;
use super::product::Products;
use super::step::{Step, Work};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Constant, Id, Kind, Node, Op, Program, Value};
use crate::model::Stage;

/// A plan in the making.
#[derive(Debug)]
pub(super) struct Planner<'p> {
    pub(super) isa: Isa,
    program: &'p Program,
    wishes: Vec<Option<Wish>>,
    views: Vec<Option<View>>,
    /// Views before a flattening that only products with constants read.
    flattened: Vec<Option<View>>,
    joins: Vec<Option<Join>>,
    packs: Packs<'p>,
    /// The node that is planned.
    pub(super) at: usize,
    pub(super) buffers: Vec<Buffer>,
    pub(super) steps: Vec<Step>,
}

/// Packed weights of nodes, by node and group.
#[derive(Debug)]
pub(super) enum Packs<'p> {
    /// They are packed, and that is all.
    Pack,
    /// They are packed and listed.
    List(Vec<Vec<Vec<u8>>>),
    /// They were packed before; nodes without any are packed.
    Use(&'p [Vec<&'p [u8]>]),
}

/// A value that nobody reads but a concatenation: it is made where it belongs.
#[derive(Debug, Clone, Copy)]
struct Join {
    output: Id,
    axis: usize,
    start: usize,
}

/// A program that the plan cannot follow.
pub(super) fn fault(why: impl Into<String>) -> EngineError {
    EngineError::new(Stage::Optimise, why)
}

impl<'p> Planner<'p> {
    /// For a program whose nodes were taken out of it, to be planned one after another.
    pub(super) fn new(program: &'p Program, nodes: &[Node], isa: Isa, packs: Packs<'p>) -> Self {
        let count = program.values.len();
        Self {
            isa,
            program,
            wishes: layout::wishes(program, nodes),
            views: vec![None; count],
            flattened: vec![None; count],
            joins: joins(program, nodes),
            packs,
            at: 0,
            buffers: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(super) fn value(&self, id: Id) -> Result<&'p Value, EngineError> {
        self.program.values.get(id).ok_or_else(|| fault(format!("value {id} does not exist")))
    }

    /// Where a value lies.
    pub(super) fn view(&mut self, id: Id) -> Result<View, EngineError> {
        if let Some(view) = self.views.get(id).and_then(Option::as_ref) {
            return Ok(view.clone());
        }
        let value = self.value(id)?;
        let constant = value.constant.as_ref();
        let constant = constant
            .ok_or_else(|| fault(format!("{} is read before it is computed", value.name)))?;
        let data = match constant {
            Constant::Codes(codes) => Data::Codes(with_slack(codes)),
            Constant::Real(reals) => Data::Reals(with_slack(reals)),
        };
        let view = self.keep(&value.shape, data)?;
        self.put(id, view.clone());
        Ok(view)
    }

    /// The view of a node's `at`-th input.
    pub(super) fn input(&mut self, node: &Node, at: usize) -> Result<View, EngineError> {
        let id = node.inputs.get(at).copied();
        self.view(id.ok_or_else(|| fault("an operator lacks an input"))?)
    }

    /// What a node's `at`-th input is.
    pub(super) fn input_value(&self, node: &Node, at: usize) -> Result<&'p Value, EngineError> {
        let id = node.inputs.get(at).copied();
        self.value(id.ok_or_else(|| fault("an operator lacks an input"))?)
    }

    /// States where a value lies.
    pub(super) fn put(&mut self, id: Id, view: View) {
        if let Some(known) = self.views.get_mut(id) {
            *known = Some(view);
        }
    }

    /// The image that this value flattens, where it was not moved.
    pub(super) fn flattened(&self, id: Id) -> Option<&View> {
        self.flattened.get(id)?.as_ref()
    }

    /// States that a value is this image in row order, without moving it.
    pub(super) fn put_flattened(&mut self, id: Id, image: View) {
        if let Some(known) = self.flattened.get_mut(id) {
            *known = Some(image);
        }
    }

    /// The layout that readers wish for.
    pub(super) fn wish(&self, id: Id) -> Option<&Wish> {
        self.wishes.get(id)?.as_ref()
    }

    /// A constant of the plan, row by row; `data` has its slack.
    fn keep(&mut self, shape: &[usize], data: Data) -> Result<View, EngineError> {
        let (order, border): (Vec<usize>, _) =
            ((0..shape.len()).collect(), vec![(0, 0); shape.len()]);
        let (view, len) = View::packed(self.buffers.len(), shape, &order, &border)
            .ok_or_else(|| fault("a constant is too large"))?;
        let (sort, given) = match &data {
            Data::Codes(codes) => (Sort::Codes, codes.len()),
            Data::Reals(reals) => (Sort::Reals, reals.len()),
            Data::Wholes(wholes) => (Sort::Wholes, wholes.len()),
        };
        if given != len + SLACK {
            return Err(fault(format!("a constant of shape {shape:?} has {given} elements")));
        }
        self.buffers.push(Buffer { sort, len: given, constant: Some(data) });
        Ok(view)
    }

    /// A new buffer, its border filled with the zero of `kind` by a step.
    pub(super) fn allocate(
        &mut self,
        kind: Kind,
        shape: &[usize],
        order: &[usize],
        border: &[(usize, usize)],
    ) -> Result<View, EngineError> {
        if shape.contains(&0) {
            return Err(fault(format!("a tensor of shape {shape:?} has no elements")));
        }
        let (view, len) = View::packed(self.buffers.len(), shape, order, border)
            .ok_or_else(|| fault(format!("a tensor of shape {shape:?} is too large")))?;
        let sort = Sort::of(kind);
        self.buffers.push(Buffer { sort, len: len + SLACK, constant: None });
        if border.iter().any(|&border| border != (0, 0)) {
            let fill = Fill::around(&view, len, zero_of(kind)).ok_or_else(|| fault("border"))?;
            self.push(fill, &[], &view);
        }
        Ok(view)
    }

    /// Room for a value, laid in `order` unless its readers or the buffer it is joined into
    /// want another.
    pub(super) fn place(&mut self, id: Id, order: &[usize]) -> Result<View, EngineError> {
        if let Some(view) = self.views.get(id).and_then(Option::as_ref) {
            return Ok(view.clone());
        }
        let value = self.value(id)?;
        let view = match self.joined(id, order)? {
            Some(view) => view,
            None => {
                let wish =
                    self.wish(id).filter(|wish| same_order(&value.shape, &wish.order, order));
                let none = vec![(0, 0); value.shape.len()];
                let border = wish.map_or(none, |wish| wish.border.clone());
                self.allocate(value.kind, &value.shape, order, &border)?
            }
        };
        self.put(id, view.clone());
        Ok(view)
    }

    /// A part of the buffer that the value is to be joined into.
    fn joined(&mut self, id: Id, order: &[usize]) -> Result<Option<View>, EngineError> {
        let Some(Join { output, axis, start }) = self.joins.get(id).copied().flatten() else {
            return Ok(None);
        };
        let whole = self.place(output, order)?;
        let len = self.value(id)?.shape.get(axis).copied().unwrap_or(0);
        Ok(whole.narrowed(axis, start, len).filter(|part| part.is_ordered(order)))
    }

    /// Appends a step.
    pub(super) fn push(&mut self, work: impl Work + 'static, inputs: &[&View], output: &View) {
        let inputs = inputs.iter().map(|view| view.buffer).collect();
        self.steps.push(Step { work: Box::new(work), inputs, output: output.buffer });
    }

    /// What was packed before for the node that is planned.
    pub(super) fn packed(&self) -> &'p [&'p [u8]] {
        match self.packs {
            Packs::Use(packs) => packs.get(self.at).map_or(&[], Vec::as_slice),
            Packs::Pack | Packs::List(_) => &[],
        }
    }

    /// Appends products, and lists their weights where that is wished.
    pub(super) fn push_products(&mut self, products: Products, input: &View, output: &View) {
        if let Packs::List(list) = &mut self.packs {
            list.resize(list.len().max(self.at + 1), Vec::new());
            list.iter_mut().skip(self.at).for_each(|packed| *packed = products.packed());
        }
        self.push(products, &[input], output);
    }

    /// All that was listed.
    pub(super) fn listed(self) -> Vec<Vec<Vec<u8>>> {
        match self.packs {
            Packs::List(list) => list,
            Packs::Pack | Packs::Use(_) => Vec::new(),
        }
    }

    /// Appends a copy of all elements.
    pub(super) fn copy(&mut self, from: &View, to: &View) -> Result<(), EngineError> {
        let nest = Nest::new([to, from]);
        let nest = nest.ok_or_else(|| fault("a copy between other shapes"))?;
        self.push(Copy::new(vec![nest]), &[from], to);
        Ok(())
    }

    /// The same elements in a buffer of their own.
    pub(super) fn moved(
        &mut self,
        from: &View,
        kind: Kind,
        order: &[usize],
        border: &[(usize, usize)],
    ) -> Result<View, EngineError> {
        let to = self.allocate(kind, &from.shape, order, border)?;
        self.copy(from, &to)?;
        Ok(to)
    }

    /// Lets `make` write a value in `order`: in its place where that has room for it as
    /// `fits` says, else somewhere else, copied from there.
    pub(super) fn produce(
        &mut self,
        id: Id,
        order: &[usize],
        fits: impl Fn(&View) -> bool,
        make: impl FnOnce(&mut Self, &View) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let to = self.place(id, order)?;
        if fits(&to) {
            return make(self, &to);
        }
        let kind = self.value(id)?.kind;
        let aside = self.allocate(kind, &to.shape, order, &vec![(0, 0); to.shape.len()])?;
        make(self, &aside)?;
        self.copy(&aside, &to)
    }
}

/// Whether two orders of the axes differ in axes of length 1 only.
fn same_order(shape: &[usize], a: &[usize], b: &[usize]) -> bool {
    let long = |axis: &&usize| shape.get(**axis).is_some_and(|&dim| dim != 1);
    a.iter().filter(long).eq(b.iter().filter(long))
}

fn with_slack<T: Clone + Default>(elements: &[T]) -> Vec<T> {
    let mut all = elements.to_vec();
    all.resize(elements.len() + SLACK, T::default());
    all
}

/// The values that only one concatenation reads, once.
fn joins(program: &Program, nodes: &[Node]) -> Vec<Option<Join>> {
    let mut readers = vec![0_usize; program.values.len()];
    let outputs = program.outputs.iter().map(|port| &port.value);
    for &id in nodes.iter().flat_map(|node| &node.inputs).chain(outputs) {
        readers.iter_mut().skip(id).take(1).for_each(|count| *count += 1);
    }
    let mut joins = vec![None; program.values.len()];
    for node in nodes {
        let Op::Concat(axis) = node.op else { continue };
        let mut start = 0;
        for &id in &node.inputs {
            let dims = program.values.get(id).and_then(|value| value.shape.get(axis));
            if let (Some(1), Some(join)) = (readers.get(id), joins.get_mut(id)) {
                *join = Some(Join { output: node.output, axis, start });
            }
            start += dims.copied().unwrap_or(0);
        }
    }
    joins
}
