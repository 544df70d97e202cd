//! Operators along one axis: Softmax and ArgMax.

use umbra_kernels::{Isa, SLACK, arg_max_codes, softmax_f32};

use super::memory::Data;
use super::nest::Nest;
use super::planner::{Planner, fault};
use super::step::{Sources, Work, misfit, part, part_mut};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::Node;

/// Softmax of rows that follow one another.
#[derive(Debug)]
struct Softmax {
    isa: Isa,
    row: usize,
    len: usize,
    /// Offsets in input and output.
    from: usize,
    to: usize,
}

impl Work for Softmax {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let from = part(from.reals(0)?, self.from, self.len)?;
        let to = part_mut(to.reals_mut()?, self.to, self.len)?;
        Ok(softmax_f32(self.isa, from, self.row, to)?)
    }
}

/// Index of the largest of `count` elements that lie `step` apart.
#[derive(Debug)]
struct ArgMax {
    isa: Isa,
    /// Output and the first element of every lane.
    nest: Nest<2>,
    count: usize,
    step: usize,
    last: bool,
}

impl Work for ArgMax {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let Data::Wholes(to) = to else { return Err(misfit("indices are written elsewhere")) };
        let [to_step, from_step] = self.nest.steps;
        match from.data(0)? {
            Data::Codes(from) if (self.step, to_step) == (1, 1) && self.count <= 256 => {
                self.find_codes(from, from_step, to)
            }
            Data::Codes(from) => self.find(from, to),
            Data::Reals(from) => self.find(from, to),
            Data::Wholes(from) => self.find(from, to),
        }
    }
}

impl ArgMax {
    /// Of codes side by side.
    fn find_codes(&self, from: &[u8], step: usize, to: &mut [i64]) -> Result<(), EngineError> {
        let Self { isa, nest, count, last, .. } = self;
        let span = (nest.len - 1) * step + count + SLACK;
        nest.walk(|[to_at, from_at]| {
            let (from, to) = (part(from, from_at, span)?, part_mut(to, to_at, nest.len)?);
            Ok(arg_max_codes(*isa, from, (*count, step), *last, to)?)
        })
    }

    fn find<T: PartialOrd>(&self, from: &[T], to: &mut [i64]) -> Result<(), EngineError> {
        let span = self.count.saturating_sub(1) * self.step + 1;
        let [to_step, from_step] = self.nest.steps;
        self.nest.walk(|[to_at, from_at]| {
            for n in 0..self.nest.len {
                let lane = part(from, from_at + n * from_step, span)?;
                let [to] = part_mut(to, to_at + n * to_step, 1)? else { continue };
                *to = match self.step {
                    1 => self.place(lane.iter()),
                    step => self.place(lane.iter().step_by(step.max(1)).take(self.count)),
                };
            }
            Ok(())
        })
    }

    /// Where the largest of a lane is.
    fn place<'t, T: PartialOrd + 't>(&self, lane: impl Iterator<Item = &'t T>) -> i64 {
        let mut lane = lane.enumerate();
        let Some((mut best, mut most)) = lane.next() else { return 0 };
        for (at, value) in lane {
            if value > most || (self.last && value == most) {
                (best, most) = (at, value);
            }
        }
        best as i64
    }
}

impl Planner<'_> {
    /// Plans a Softmax; its axis lies innermost.
    pub(super) fn softmax(&mut self, node: &Node, axis: usize) -> Result<(), EngineError> {
        let (isa, given) = (self.isa, self.input(node, 0)?);
        let kind = self.input_value(node, 0)?.kind;
        let row = given.shape.get(axis).copied().ok_or_else(|| fault("a Softmax over no axis"))?;
        let mut order = given.order();
        order.retain(|&other| other != axis);
        order.push(axis);
        let whole = |view: &View| {
            let nest = Nest::new([view]).filter(|nest| nest.len == view.len());
            nest.is_some_and(|nest| nest.is_contiguous()) && view.is_ordered(&order)
        };
        let from = match whole(&given) {
            true => given,
            false => self.moved(&given, kind, &order, &vec![(0, 0); order.len()])?,
        };
        self.produce(node.output, &order, whole, |plan, to| {
            if to.shape != from.shape {
                return Err(fault("a Softmax into another shape"));
            }
            let softmax = Softmax { isa, row, len: from.len(), from: from.offset, to: to.offset };
            plan.push(softmax, &[&from], to);
            Ok(())
        })
    }

    /// Plans an ArgMax.
    pub(super) fn arg_max(
        &mut self,
        node: &Node,
        axis: usize,
        last: bool,
    ) -> Result<(), EngineError> {
        let from = self.input(node, 0)?;
        let misfit = || fault("an ArgMax into another shape");
        let (count, step) = from.axes().nth(axis).ok_or_else(misfit)?;
        let shape = &self.value(node.output)?.shape;
        let order: Vec<usize> = (0..shape.len()).collect();
        self.produce(
            node.output,
            &order,
            |_| true,
            |plan, to| {
                let first = from.narrowed(axis, 0, 1).and_then(|first| first.reshaped(&to.shape));
                let nest = first.and_then(|first| Nest::new([to, &first])).ok_or_else(misfit)?;
                plan.push(ArgMax { isa: plan.isa, nest, count, step, last }, &[&from], to);
                Ok(())
            },
        )
    }
}
