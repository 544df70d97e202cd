//! Pools and means.
//!
//! A window at the edge covers less of the image. Pixels whose windows are cut alike form
//! one part with its own taps, so neither padding nor a border is ever read.

use std::ops::Range as Span;

use umbra_kernels::{
    Average8, Isa, Window as Taps, average_pool_codes, average_pool_f32, global_average_codes,
    max_pool_codes, max_pool_f32,
};

use super::conv::channels_are_dense;
use super::layout::CHANNELS_LAST;
use super::memory::Data;
use super::planner::{Planner, fault};
use super::step::{Sources, Work};
use super::taps;
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Kind, Node, Window};

/// What is made of the elements under a window.
#[derive(Debug, Clone, Copy)]
enum Sum {
    Maximum,
    /// Of reals.
    Average,
    /// Of codes, as QLinearAveragePool.
    AverageCodes(Average8),
    /// Of codes, as QLinearGlobalAveragePool.
    MeanCodes(Average8),
}

/// Pixels with the same taps.
#[derive(Debug)]
struct Part {
    taps: Taps,
    /// What sums are divided by.
    count: u32,
}

#[derive(Debug)]
struct Pool {
    isa: Isa,
    sum: Sum,
    parts: Vec<Part>,
}

impl Work for Pool {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        self.parts.iter().try_for_each(|part| self.part(part, from, to))
    }
}

impl Pool {
    fn part(
        &self,
        Part { taps, count }: &Part,
        from: &Sources<'_>,
        to: &mut Data,
    ) -> Result<(), EngineError> {
        let (isa, counts, pool) = (self.isa, [*count], from.pool);
        match (self.sum, to) {
            (Sum::Maximum, Data::Codes(to)) => {
                let from = from.codes(0)?;
                taps.share(pool, to, |taps, to| max_pool_codes(isa, taps, from, to))?;
            }
            (Sum::Maximum, to) => {
                let (from, to) = (from.reals(0)?, to.reals_mut()?);
                taps.share(pool, to, |taps, to| max_pool_f32(isa, taps, from, to))?;
            }
            (Sum::Average, to) => {
                let (from, to) = (from.reals(0)?, to.reals_mut()?);
                taps.share(pool, to, |taps, to| average_pool_f32(isa, taps, &counts, from, to))?;
            }
            (Sum::AverageCodes(scales), to) => {
                let (from, to) = (from.codes(0)?, to.codes_mut()?);
                taps.share(pool, to, |taps, to| {
                    average_pool_codes(isa, taps, &counts, scales, from, to)
                })?;
            }
            (Sum::MeanCodes(scales), to) => {
                global_average_codes(isa, taps, scales, from.codes(0)?, to.codes_mut()?)?;
            }
        }
        Ok(())
    }
}

impl Planner<'_> {
    /// Plans a windowed maximum.
    pub(super) fn max_pool(&mut self, node: &Node, window: &Window) -> Result<(), EngineError> {
        self.pool(node, window, Sum::Maximum, false)
    }

    /// Plans a windowed mean.
    pub(super) fn average_pool(
        &mut self,
        node: &Node,
        window: &Window,
        padding_counts: bool,
    ) -> Result<(), EngineError> {
        let sum = match self.scales(node)? {
            None => Sum::Average,
            Some(scales) => Sum::AverageCodes(scales),
        };
        self.pool(node, window, sum, padding_counts)
    }

    fn pool(
        &mut self,
        node: &Node,
        window: &Window,
        sum: Sum,
        padding_counts: bool,
    ) -> Result<(), EngineError> {
        let (isa, kind) = (self.isa, self.input_value(node, 0)?.kind);
        let given = self.input(node, 0)?;
        let image = match channels_are_dense(&given) {
            true => given,
            false => self.moved(&given, kind, &CHANNELS_LAST, &vec![(0, 0); given.shape.len()])?,
        };
        self.produce(node.output, &CHANNELS_LAST, channels_are_dense, |plan, to| {
            let parts = parts(&image, to, window, padding_counts)?;
            plan.push(Pool { isa, sum, parts }, &[&image], to);
            Ok(())
        })
    }

    /// Plans a mean over axes.
    pub(super) fn mean(&mut self, node: &Node, axes: &[usize]) -> Result<(), EngineError> {
        let isa = self.isa;
        let sum = match self.scales(node)? {
            None => Sum::Average,
            Some(scales) => Sum::MeanCodes(scales),
        };
        let from = self.input(node, 0)?;
        let rank = self.value(node.output)?.shape.len();
        let stays = rank == from.shape.len();
        let kept: Vec<usize> =
            (0..from.shape.len()).filter(|axis| stays || !axes.contains(axis)).collect();
        // With the reduced axes of length 1, or without them: how the result looks.
        let order = match (stays, rank) {
            (true, 4) => CHANNELS_LAST.to_vec(),
            _ => (0..rank).collect(),
        };
        let misfit = || fault("a mean over other axes");
        let reduced = from.permuted(&kept).filter(|view| view.shape.len() == rank);
        let pixels = reduced.ok_or_else(misfit)?;
        self.produce(
            node.output,
            &order,
            |_| true,
            |plan, to| {
                let taps = mean(&from, &pixels, axes, to).ok_or_else(misfit)?;
                let count = taps.taps.len() as u32;
                plan.push(Pool { isa, sum, parts: vec![Part { taps, count }] }, &[&from], to);
                Ok(())
            },
        )
    }

    /// How an average goes from codes to codes; none for reals.
    fn scales(&self, node: &Node) -> Result<Option<Average8>, EngineError> {
        let from = self.input_value(node, 0)?.kind;
        match (from, self.value(node.output)?.kind) {
            (Kind::Codes(from), Kind::Codes(to)) => Ok(Some(Average8 {
                scale_in: from.scale,
                zero_in: from.zero,
                scale_out: to.scale,
                zero_out: to.zero,
                low: 0,
                high: 255,
                signed: to.adds_zero_as_int8(),
            })),
            (Kind::Real, Kind::Real) => Ok(None),
            _ => Err(fault("an average between codes and reals")),
        }
    }
}

/// Outputs of one axis whose windows cover the same taps.
#[derive(Debug, PartialEq)]
struct Stretch {
    outputs: Vec<usize>,
    taps: Span<usize>,
    /// Taps in the image or its stated padding.
    within: usize,
}

/// One side (height or width) of a window.
struct Side {
    size: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
}

impl Side {
    fn stretches(&self) -> Option<Vec<Stretch>> {
        let mut found: Vec<Stretch> = Vec::new();
        for output in 0..self.outputs {
            let at = |tap: usize| output * self.stride + tap * self.dilation;
            let count = |end: usize| (0..self.kernel).filter(|&tap| at(tap) < end).count();
            let taps = count(self.before)..count(self.before + self.size);
            let within = count(self.before + self.size + self.after);
            if taps.is_empty() {
                return None;
            }
            match found.iter_mut().find(|known| known.taps == taps && known.within == within) {
                Some(known) => known.outputs.push(output),
                None => found.push(Stretch { outputs: vec![output], taps, within }),
            }
        }
        Some(found)
    }
}

fn parts(
    image: &View,
    to: &View,
    window: &Window,
    padding_counts: bool,
) -> Result<Vec<Part>, EngineError> {
    let (&[batch, channels, height, width], &[n, c, down, across]) =
        (image.shape.as_slice(), to.shape.as_slice())
    else {
        return Err(fault("a pool over what is no image"));
    };
    if n != batch || c != channels {
        return Err(fault("a pool into another shape"));
    }
    let Window { kernel, strides, dilations, pads } = *window;
    let vertical = Side {
        size: height,
        outputs: down,
        kernel: kernel[0],
        stride: strides[0],
        dilation: dilations[0],
        before: pads[0],
        after: pads[2],
    };
    let horizontal = Side {
        size: width,
        outputs: across,
        kernel: kernel[1],
        stride: strides[1],
        dilation: dilations[1],
        before: pads[1],
        after: pads[3],
    };
    let empty = || fault("a pool with a window outside the image");
    let (rows, columns) =
        (vertical.stretches().ok_or_else(empty)?, horizontal.stretches().ok_or_else(empty)?);
    let mut parts = Vec::new();
    for rows in &rows {
        for columns in &columns {
            let count = match padding_counts {
                true => rows.within * columns.within,
                false => rows.taps.len() * columns.taps.len(),
            };
            let taps = part(image, to, window, rows, columns).ok_or_else(empty)?;
            parts.push(Part { taps, count: count as u32 });
        }
    }
    Ok(parts)
}

fn part(
    image: &View,
    to: &View,
    window: &Window,
    rows: &Stretch,
    columns: &Stretch,
) -> Option<Taps> {
    let &[batch, channels, _, _] = image.shape.as_slice() else { return None };
    let &[next, _, row, column] = image.strides.as_slice() else { return None };
    let &[next_to, _, row_to, column_to] = to.strides.as_slice() else { return None };
    let Window { strides, dilations, pads, .. } = *window;
    let kernel = [rows.taps.len(), columns.taps.len()];
    let taps = taps::offsets(image, &Window { kernel, ..*window })?;
    let (mut origins, mut places) = (Vec::new(), Vec::new());
    for n in 0..batch {
        for &y in &rows.outputs {
            for &x in &columns.outputs {
                let top = (y * strides[0] + rows.taps.start * dilations[0]).checked_sub(pads[0])?;
                let left =
                    (x * strides[1] + columns.taps.start * dilations[1]).checked_sub(pads[1])?;
                origins.push((image.offset + n * next + top * row + left * column) as u32);
                places.push((to.offset + n * next_to + y * row_to + x * column_to) as u32);
            }
        }
    }
    Some(Taps { origins, taps, places, channels })
}

/// A window per kept element over all reduced ones. `pixels` is the input without its
/// reduced axes, or with all of them.
fn mean(from: &View, pixels: &View, axes: &[usize], to: &View) -> Option<Taps> {
    let mut pixels = pixels.clone();
    if pixels.shape.len() == from.shape.len() {
        for &axis in axes {
            pixels = pixels.narrowed(axis, 0, 1)?;
        }
    }
    if pixels.shape != to.shape {
        return None;
    }
    let dense = |&axis: &usize| {
        pixels.shape.get(axis).is_some_and(|&dim| dim > 1)
            && pixels.is_dense_along(axis)
            && to.is_dense_along(axis)
    };
    let channel = (0..to.shape.len()).find(dense);
    let channels = channel.and_then(|axis| to.shape.get(axis).copied()).unwrap_or(1);
    let firsts = |view: &View| {
        let first = match channel {
            Some(axis) => view.narrowed(axis, 0, 1)?,
            None => view.clone(),
        };
        Some(offsets(&first).map(|at| (first.offset + at) as u32).collect())
    };
    let mut reduced = from.clone();
    for axis in (0..from.shape.len()).filter(|axis| !axes.contains(axis)) {
        reduced = reduced.narrowed(axis, 0, 1)?;
    }
    let taps = offsets(&reduced).collect();
    Some(Taps { origins: firsts(&pixels)?, taps, places: firsts(to)?, channels })
}

/// Every element in row order, relative to the first.
fn offsets(view: &View) -> impl Iterator<Item = usize> {
    let mut offsets = vec![0];
    for (dim, stride) in view.axes() {
        offsets = offsets.iter().flat_map(|at| (0..dim).map(move |n| at + n * stride)).collect();
    }
    offsets.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cut_alike_are_one_stretch() {
        let side =
            Side { size: 5, outputs: 5, kernel: 3, stride: 1, dilation: 1, before: 1, after: 1 };
        let taps: Vec<_> = side.stretches().unwrap();
        let stretch =
            |outputs: &[usize], taps, within| Stretch { outputs: outputs.to_vec(), taps, within };
        let expected =
            [stretch(&[0], 1..3, 3), stretch(&[1, 2, 3], 0..3, 3), stretch(&[4], 0..2, 3)];
        assert_eq!(taps, expected);
    }

    #[test]
    fn a_window_beside_the_image_is_refused() {
        let side =
            Side { size: 2, outputs: 3, kernel: 1, stride: 1, dilation: 1, before: 0, after: 9 };
        assert_eq!(side.stretches(), None);
    }
}
