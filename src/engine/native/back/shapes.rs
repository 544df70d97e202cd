//! Operators that only move elements, or do not even do that.

use super::copy::{Copy, Fill};
use super::nest::Nest;
use super::planner::{Planner, fault};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Node};

impl Planner<'_> {
    /// Plans a transpose: another view.
    pub(super) fn transpose(
        &mut self,
        node: &Node,
        permutation: &[usize],
    ) -> Result<(), EngineError> {
        let view = self.input(node, 0)?.permuted(permutation);
        self.agree(node.output, view)
    }

    /// Plans a reshape: another view where the elements need not move. `products` says that
    /// only products with constant matrices read it, which can read an image as it lies.
    pub(super) fn reshape(&mut self, node: &Node, products: bool) -> Result<(), EngineError> {
        let from = self.input(node, 0)?;
        let value = self.value(node.output)?;
        if let Some(view) = from.reshaped(&value.shape) {
            self.put(node.output, view);
            return Ok(());
        }
        let keeps_rows = value.shape.len() == 2 && value.shape.first() == from.shape.first();
        if products && keeps_rows {
            self.put_flattened(node.output, from);
            return Ok(());
        }
        let order: Vec<usize> = (0..value.shape.len()).collect();
        self.produce(
            node.output,
            &order,
            |to| to.reshaped(&from.shape).is_some(),
            |plan, to| {
                let to = to.reshaped(&from.shape);
                plan.copy(&from, &to.ok_or_else(|| fault("a reshape to another size"))?)
            },
        )
    }

    /// Plans a concatenation; what lies in its place already is not copied.
    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Result<(), EngineError> {
        let first = self.input(node, 0)?.order();
        let to = self.place(node.output, &first)?;
        let (mut start, mut from, mut nests) = (0, Vec::new(), Vec::new());
        for at in 0..node.inputs.len() {
            let view = self.input(node, at)?;
            let len = view.shape.get(axis).copied().unwrap_or(0);
            let part = to.narrowed(axis, start, len).filter(|part| part.shape == view.shape);
            let part = part.ok_or_else(|| fault("a concatenation of other shapes"))?;
            start += len;
            if (part.buffer, part.offset) != (view.buffer, view.offset) {
                nests.extend(Nest::new([&part, &view]));
                from.push(view);
            }
        }
        if to.shape.get(axis) != Some(&start) {
            return Err(fault("a concatenation of another length"));
        }
        if !nests.is_empty() {
            self.push(Copy::new(nests), &from.iter().collect::<Vec<_>>(), &to);
        }
        Ok(())
    }

    /// Plans a constant border: another view where the buffer has it already.
    pub(super) fn pad(
        &mut self,
        node: &Node,
        pads: &[(usize, usize)],
        fill: f32,
    ) -> Result<(), EngineError> {
        let (from, kind) = (self.input(node, 0)?, self.input_value(node, 0)?.kind);
        let merged = from.padded(pads).filter(|_| super::layout::zero_of(kind) == fill);
        if merged.is_some() {
            return self.agree(node.output, merged);
        }
        let order = from.order();
        let fits = |to: &View| Fill::of(to, fill).is_some();
        self.produce(node.output, &order, fits, |plan, to| {
            let around = Fill::of(to, fill).ok_or_else(|| fault("a border without room"))?;
            plan.push(around, &[], to);
            let mut inner = Some(to.clone());
            for (axis, (&(before, _), &len)) in pads.iter().zip(&from.shape).enumerate() {
                inner = inner.and_then(|inner| inner.narrowed(axis, before, len));
            }
            plan.copy(&from, &inner.ok_or_else(|| fault("a border of another shape"))?)
        })
    }

    /// Plans elements picked along an axis: another view where they lie equally far apart.
    pub(super) fn select(
        &mut self,
        node: &Node,
        axis: usize,
        places: &[usize],
    ) -> Result<(), EngineError> {
        let from = self.input(node, 0)?;
        let outside = || fault("elements picked behind the last one");
        let dim = from.shape.get(axis).copied().ok_or_else(outside)?;
        if places.iter().any(|&place| place >= dim) {
            return Err(outside());
        }
        if let Some(view) = evenly(&from, axis, places) {
            return self.agree(node.output, Some(view));
        }
        let order = from.order();
        self.produce(
            node.output,
            &order,
            |_| true,
            |plan, to| {
                let one = |(at, &place): (usize, &usize)| {
                    let (to, from) = (to.narrowed(axis, at, 1)?, from.narrowed(axis, place, 1)?);
                    Nest::new([&to, &from])
                };
                let nests = places.iter().enumerate().map(one).collect::<Option<Vec<_>>>();
                plan.push(Copy::new(nests.ok_or_else(outside)?), &[&from], to);
                Ok(())
            },
        )
    }

    /// States where a value lies, if that has the value's shape.
    fn agree(&mut self, id: Id, view: Option<View>) -> Result<(), EngineError> {
        let value = self.value(id)?;
        let view = view.filter(|view| view.shape == value.shape);
        let view = view.ok_or_else(|| fault(format!("{} has another shape", value.name)))?;
        self.put(id, view);
        Ok(())
    }
}

/// A view of places that are equally far apart.
fn evenly(from: &View, axis: usize, places: &[usize]) -> Option<View> {
    let first = *places.first()?;
    let step = places.get(1).map_or(Some(1), |second| second.checked_sub(first))?;
    let even = places.iter().enumerate().all(|(at, &place)| place == first + at * step);
    let mut view = from.narrowed(axis, first, 1).filter(|_| even && step > 0)?;
    *view.shape.get_mut(axis)? = places.len();
    *view.strides.get_mut(axis)? *= step;
    Some(view)
}
