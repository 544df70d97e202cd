//! Products of two computed matrices.

use super::memory::Data;
use super::nest::Nest;
use super::planner::{Planner, fault};
use super::step::{Sources, Work, part, part_mut};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Kind, Node};

/// `[rows, depth]` times `[depth, columns]` for every matrix of a batch. Rows of the second
/// and of the result are contiguous.
#[derive(Debug)]
struct MatMul {
    /// Offsets of result, first and second, and the steps from row to row.
    matrices: Vec<[usize; 3]>,
    rows: usize,
    depth: usize,
    columns: usize,
    /// Result, first and second.
    row_steps: [usize; 3],
    /// First.
    column_step: usize,
}

impl Work for MatMul {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let (a, b, to) = (from.reals(0)?, from.reals(1)?, to.reals_mut()?);
        let [to_step, a_step, _] = self.row_steps;
        for &[to_at, a_at, b_at] in &self.matrices {
            for row in 0..self.rows {
                let to = part_mut(to, to_at + row * to_step, self.columns)?;
                self.row(a, a_at + row * a_step, b, b_at, to)?;
            }
        }
        Ok(())
    }
}

impl MatMul {
    fn row(
        &self,
        a: &[f32],
        a_at: usize,
        b: &[f32],
        b_at: usize,
        to: &mut [f32],
    ) -> Result<(), EngineError> {
        let [_, _, b_step] = self.row_steps;
        to.fill(0.0);
        let a = part(a, a_at, (self.depth - 1) * self.column_step + 1)?;
        for (k, &factor) in a.iter().step_by(self.column_step.max(1)).take(self.depth).enumerate() {
            let b = part(b, b_at + k * b_step, self.columns)?;
            to.iter_mut().zip(b).for_each(|(to, &b)| *to += factor * b);
        }
        Ok(())
    }
}

impl Planner<'_> {
    /// Plans a product of two computed matrices of reals.
    pub(super) fn matmul(&mut self, node: &Node) -> Result<(), EngineError> {
        let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
        let misfit = || fault("a product of matrices of other shapes");
        let order: Vec<usize> = (0..self.value(node.output)?.shape.len()).collect();
        let last = order.len().checked_sub(1).ok_or_else(misfit)?;
        let own = b.shape.len().checked_sub(1).ok_or_else(misfit)?;
        let b = match b.is_dense_along(own) {
            true => b,
            false => {
                let order: Vec<usize> = (0..b.shape.len()).collect();
                self.moved(&b, Kind::Real, &order, &vec![(0, 0); order.len()])?
            }
        };
        let fits = |view: &View| view.is_dense_along(last);
        self.produce(node.output, &order, fits, |plan, to| {
            let matmul = matmul(&a, &b, to).ok_or_else(misfit)?;
            plan.push(matmul, &[&a, &b], to);
            Ok(())
        })
    }
}

fn matmul(a: &View, b: &View, to: &View) -> Option<MatMul> {
    let outer = to.shape.len().checked_sub(2)?;
    let (batch, &[rows, columns]) = to
        .shape
        .split_at_checked(outer)
        .and_then(|(batch, inner)| Some((batch, <&[usize; 2]>::try_from(inner).ok()?)))?;
    let depth = *a.shape.last()?;
    let with = |first: usize, second: usize| [batch, &[first, second]].concat();
    let (a, b) = (a.broadcast(&with(rows, depth))?, b.broadcast(&with(depth, columns))?);
    let first = |view: &View| view.narrowed(outer, 0, 1)?.narrowed(outer + 1, 0, 1);
    let nest = Nest::new([&first(to)?, &first(&a)?, &first(&b)?])?;
    let mut matrices = Vec::new();
    let walked = nest.walk(|at| {
        let along = |n: usize| {
            let mut at = at;
            at.iter_mut().zip(nest.steps).for_each(|(at, step)| *at += n * step);
            at
        };
        matrices.extend((0..nest.len).map(along));
        Ok::<(), ()>(())
    });
    walked.ok()?;
    let step = |view: &View, axis: usize| view.strides.get(axis).copied();
    Some(MatMul {
        matrices,
        rows,
        depth,
        columns,
        row_steps: [step(to, outer)?, step(&a, outer)?, step(&b, outer)?],
        column_step: step(&a, outer + 1)?,
    })
}
