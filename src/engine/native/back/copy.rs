//! Elements moved and filled in.

use super::memory::Data;
use super::nest::{Nest, Plane};
use super::step::{Sources, Work, misfit, part, part_mut};
use super::view::View;
use crate::engine::EngineError;

/// Copies from one layout to another; a nest's operands are output and input. The n-th nest
/// reads the n-th input, or all read the only one.
#[derive(Debug)]
pub(super) struct Copy {
    nests: Vec<Nest<2>>,
}

impl Copy {
    pub(super) fn new(nests: Vec<Nest<2>>) -> Self {
        Self { nests }
    }
}

impl Work for Copy {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        self.nests.iter().enumerate().try_for_each(|(at, nest)| {
            match (from.data(at.min(from.len().saturating_sub(1)))?, &mut *to) {
                (Data::Codes(from), Data::Codes(to)) => copy(nest, from, to),
                (Data::Reals(from), Data::Reals(to)) => copy(nest, from, to),
                (Data::Wholes(from), Data::Wholes(to)) => copy(nest, from, to),
                _ => Err(misfit("a copy between kinds")),
            }
        })
    }
}

fn copy<T: std::marker::Copy>(nest: &Nest<2>, from: &[T], to: &mut [T]) -> Result<(), EngineError> {
    convert(nest, from, to, |value| value)
}

/// Writes `element(input)` for every element.
pub(super) fn convert<T: std::marker::Copy, U>(
    nest: &Nest<2>,
    from: &[T],
    to: &mut [U],
    element: impl Fn(T) -> U,
) -> Result<(), EngineError> {
    match nest.plane() {
        Some(plane) if plane.steps == [1, 0] => {
            return nest.walk_planes(|at| repeat(plane, at, from, to, &element));
        }
        Some(plane) => return nest.walk_planes(|at| transpose(plane, at, from, to, &element)),
        None => {}
    }
    let [to_step, from_step] = nest.steps;
    let span = |step: usize| (nest.len - 1) * step + 1;
    nest.walk(|[to_at, from_at]| {
        let to = part_mut(to, to_at, span(to_step))?;
        let from = part(from, from_at, span(from_step))?;
        match (to_step, from_step) {
            (1, 1) => {
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = element(from));
            }
            (_, 0) => {
                let &[from] = from else { return Err(misfit("a repeated element")) };
                to.iter_mut().step_by(to_step.max(1)).for_each(|to| *to = element(from));
            }
            _ => {
                let pairs =
                    to.iter_mut().step_by(to_step.max(1)).zip(from.iter().step_by(from_step));
                pairs.for_each(|(to, &from)| *to = element(from));
            }
        }
        Ok(())
    })
}

/// Elements on a side of the squares that a transposition goes through: both sides of one stay
/// in the nearest cache.
const SQUARE: usize = 16;

/// A plane whose input lies the other way round.
fn transpose<T: std::marker::Copy, U>(
    plane: Plane<2>,
    [to_at, from_at]: [usize; 2],
    from: &[T],
    to: &mut [U],
    element: &impl Fn(T) -> U,
) -> Result<(), EngineError> {
    let Plane { rows, strides: [row, _], columns, steps: [_, column] } = plane;
    if (row, columns) == (3, 3) {
        let channel = |c: usize| part(from, from_at + c * column, rows);
        interleave(
            [channel(0)?, channel(1)?, channel(2)?],
            part_mut(to, to_at, 3 * rows)?,
            element,
        );
        return Ok(());
    }
    let squares =
        |len: usize| (0..len).step_by(SQUARE).map(move |first| (first, len.min(first + SQUARE)));
    for (top, bottom) in squares(rows) {
        for (left, right) in squares(columns) {
            let span = (right - left - 1) * column + 1;
            for at in top..bottom {
                let from = part(from, from_at + at + left * column, span)?;
                let to = part_mut(to, to_at + at * row + left, right - left)?;
                let pairs = to.iter_mut().zip(from.iter().step_by(column));
                pairs.for_each(|(to, &from)| *to = element(from));
            }
        }
    }
    Ok(())
}

/// Every element of a row several times, side by side.
fn repeat<T: std::marker::Copy, U>(
    plane: Plane<2>,
    [to_at, from_at]: [usize; 2],
    from: &[T],
    to: &mut [U],
    element: &impl Fn(T) -> U,
) -> Result<(), EngineError> {
    let Plane { rows, strides: [row, _], columns, .. } = plane;
    let to = part_mut(to, to_at, (rows - 1) * row + columns)?;
    let from = part(from, from_at, rows)?;
    if columns < SQUARE {
        // Filling so few at once costs a call for each.
        for at in 0..columns {
            let places = to.iter_mut().skip(at).step_by(row.max(1));
            places.zip(from).for_each(|(to, &from)| *to = element(from));
        }
    } else {
        for (to, &from) in to.chunks_mut(row.max(1)).zip(from) {
            to.iter_mut().take(columns).for_each(|to| *to = element(from));
        }
    }
    Ok(())
}

/// An image of three channels from its channels.
fn interleave<T: std::marker::Copy, U>(
    [red, green, blue]: [&[T]; 3],
    to: &mut [U],
    element: impl Fn(T) -> U,
) {
    let pixels = red.iter().zip(green).zip(blue);
    for (to, ((&red, &green), &blue)) in to.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
        *to = [element(red), element(green), element(blue)];
    }
}

/// Copies stretches of `len` elements, each from and to its own place.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) len: usize,
    /// Offsets in input and output.
    pub(super) pairs: Vec<(u32, u32)>,
}

impl Work for Gather {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        match (from.data(0)?, to) {
            (Data::Codes(from), Data::Codes(to)) => self.copy(from, to),
            (Data::Reals(from), Data::Reals(to)) => self.copy(from, to),
            (Data::Wholes(from), Data::Wholes(to)) => self.copy(from, to),
            _ => Err(misfit("a copy between kinds")),
        }
    }
}

impl Gather {
    fn copy<T: std::marker::Copy>(&self, from: &[T], to: &mut [T]) -> Result<(), EngineError> {
        self.pairs.iter().try_for_each(|&(from_at, to_at)| {
            let from = part(from, from_at as usize, self.len)?;
            part_mut(to, to_at as usize, self.len)?.copy_from_slice(from);
            Ok(())
        })
    }
}

/// Writes one value into stretches of a buffer.
#[derive(Debug)]
pub(super) struct Fill {
    /// Offset and length.
    stretches: Vec<(usize, usize)>,
    value: f32,
}

impl Fill {
    /// What lies around a view in its buffer of `len` elements.
    pub(super) fn around(view: &View, len: usize, value: f32) -> Option<Self> {
        let nest = Nest::new([view])?;
        let mut stretches = Vec::new();
        let mut end = 0;
        // Neighbours that lie apart have border between them.
        let [step] = nest.steps;
        let (count, len_each) = if step == 1 { (1, nest.len) } else { (nest.len, 1) };
        let walked = nest.walk(|[first]| {
            for at in (0..count).map(|n| first + n * step) {
                if at > end {
                    stretches.push((end, at - end));
                }
                end = at + len_each;
            }
            Ok::<(), ()>(())
        });
        if len > end {
            stretches.push((end, len - end));
        }
        walked.ok().map(|()| Self { stretches, value })
    }

    /// All of a view.
    pub(super) fn of(view: &View, value: f32) -> Option<Self> {
        let nest = Nest::new([view]).filter(Nest::is_contiguous)?;
        let mut stretches = Vec::new();
        let walked = nest.walk(|[at]| {
            stretches.push((at, nest.len));
            Ok::<(), ()>(())
        });
        walked.ok().map(|()| Self { stretches, value })
    }
}

impl Work for Fill {
    fn run(&self, _: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        match to {
            Data::Codes(codes) => fill(&self.stretches, codes, self.value as u8),
            Data::Reals(reals) => fill(&self.stretches, reals, self.value),
            Data::Wholes(wholes) => fill(&self.stretches, wholes, self.value as i64),
        }
    }
}

fn fill<T: Clone>(stretches: &[(usize, usize)], to: &mut [T], value: T) -> Result<(), EngineError> {
    stretches.iter().try_for_each(|&(at, len)| {
        part_mut(to, at, len)?.fill(value.clone());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_all_but_the_view() {
        let border = [(0, 0), (0, 0), (1, 1), (1, 2)];
        let (view, len) = View::packed(0, &[1, 2, 2, 2], &[0, 2, 3, 1], &border).unwrap();
        let fill = Fill::around(&view, len, 7.0).unwrap();
        let mut data = vec![0_u8; len];
        super::fill(&fill.stretches, &mut data, 7).unwrap();
        let row = [7, 7, 0, 0, 0, 0, 7, 7, 7, 7];
        assert_eq!(data, [[7; 10], row, row, [7; 10]].concat());
    }

    #[test]
    fn a_column_has_border_between_its_elements() {
        let border = [(0, 0), (0, 0), (0, 0), (1, 1)];
        let (view, len) = View::packed(0, &[1, 1, 3, 1], &[0, 2, 3, 1], &border).unwrap();
        let fill = Fill::around(&view, len, 7.0).unwrap();
        assert_eq!(fill.stretches, [(0, 1), (2, 2), (5, 2), (8, 1)]);
    }
}
