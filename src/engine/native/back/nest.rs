//! Walks over several views of one shape at once, in stretches as long as possible.

use super::view::View;

/// Offsets of `K` operands for every stretch of `len` elements; neighbours in a stretch
/// lie `steps` apart. Axes that all operands lay out as one are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nest<const K: usize> {
    /// Elements per stretch.
    pub(super) len: usize,
    /// Distance of neighbours within a stretch, per operand.
    pub(super) steps: [usize; K],
    start: [usize; K],
    /// Outer axes, slowest first: dimension and strides.
    outer: Vec<(usize, [usize; K])>,
}

/// Two loops: rows `strides` apart, of elements `steps` apart, per operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plane<const K: usize> {
    pub(super) rows: usize,
    pub(super) strides: [usize; K],
    pub(super) columns: usize,
    pub(super) steps: [usize; K],
}

impl<const K: usize> Nest<K> {
    /// Of views of the same shape; the first decides the order of the walk.
    pub(super) fn new(views: [&View; K]) -> Option<Self> {
        let first = *views.first()?;
        if views.iter().any(|view| view.shape != first.shape) {
            return None;
        }
        let mut axes: Vec<(usize, [usize; K])> = Vec::new();
        for axis in first.order() {
            let dim = *first.shape.get(axis)?;
            if dim == 1 {
                continue;
            }
            let strides = views.map(|view| view.strides.get(axis).copied().unwrap_or(0));
            let joins = |outer: &[usize; K]| {
                outer.iter().zip(&strides).all(|(outer, inner)| *outer == inner * dim)
            };
            match axes.last_mut() {
                Some((dims, outer)) if joins(outer) => (*dims, *outer) = (*dims * dim, strides),
                _ => axes.push((dim, strides)),
            }
        }
        let (len, steps) = axes.pop().unwrap_or((1, [1; K]));
        Some(Self { len, steps, start: views.map(|view| view.offset), outer: axes })
    }

    /// Whether every operand's stretches are contiguous.
    pub(super) fn is_contiguous(&self) -> bool {
        self.len == 1 || self.steps.iter().all(|&step| step == 1)
    }

    /// Elements of one operand.
    pub(super) fn elements(&self) -> usize {
        self.outer.iter().map(|(dim, _)| dim).product::<usize>() * self.len
    }

    /// The innermost loop around the stretches: how often, and each operand's stride.
    pub(super) fn innermost(&self) -> Option<&(usize, [usize; K])> {
        self.outer.last()
    }

    /// Leaves that loop to the caller's stretches.
    pub(super) fn drop_innermost(&mut self) {
        self.outer.pop();
    }

    /// Calls `each` with the operands' offsets of every stretch, in order.
    pub(super) fn walk<E>(
        &self,
        mut each: impl FnMut([usize; K]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.level(&self.outer, self.start, &mut each)
    }

    /// The two innermost loops where the last operand is contiguous along the outer one and
    /// the first along the inner one: what a transposition is made of.
    pub(super) fn plane(&self) -> Option<Plane<K>> {
        let &(rows, strides) = self.outer.last()?;
        let (first, last) = (self.steps.first()?, self.steps.last()?);
        let transposed = *first == 1 && *last != 1 && strides.last() == Some(&1);
        transposed.then_some(Plane { rows, strides, columns: self.len, steps: self.steps })
    }

    /// Calls `each` with the operands' offsets of every plane.
    pub(super) fn walk_planes<E>(
        &self,
        mut each: impl FnMut([usize; K]) -> Result<(), E>,
    ) -> Result<(), E> {
        let outer = self.outer.split_last().map_or(&[][..], |(_, outer)| outer);
        self.level(outer, self.start, &mut each)
    }

    fn level<E>(
        &self,
        outer: &[(usize, [usize; K])],
        mut at: [usize; K],
        each: &mut impl FnMut([usize; K]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(((dim, strides), inner)) = outer.split_first() else { return each(at) };
        for _ in 0..*dim {
            match inner {
                [] => each(at)?,
                _ => self.level(inner, at, each)?,
            }
            for (at, stride) in at.iter_mut().zip(strides) {
                *at += stride;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shape: &[usize], order: &[usize], border: &[(usize, usize)]) -> View {
        View::packed(0, shape, order, border).unwrap().0
    }

    fn offsets<const K: usize>(nest: &Nest<K>) -> Vec<[usize; K]> {
        let mut found = Vec::new();
        nest.walk(|at| {
            found.push(at);
            Ok::<(), ()>(())
        })
        .unwrap();
        found
    }

    #[test]
    fn equal_layouts_are_one_stretch() {
        let image = view(&[1, 3, 4, 5], &[0, 2, 3, 1], &[(0, 0); 4]);
        let nest = Nest::new([&image, &image]).unwrap();
        assert_eq!((nest.len, offsets(&nest)), (60, vec![[0, 0]]));
        assert!(nest.is_contiguous());
    }

    #[test]
    fn a_border_makes_one_stretch_per_row() {
        let plain = view(&[1, 2, 3, 4], &[0, 2, 3, 1], &[(0, 0); 4]);
        let bordered = view(&[1, 2, 3, 4], &[0, 2, 3, 1], &[(0, 0), (0, 0), (1, 1), (1, 1)]);
        let nest = Nest::new([&plain, &bordered]).unwrap();
        assert_eq!((nest.len, offsets(&nest)), (8, vec![[0, 14], [8, 26], [16, 38]]));
    }

    #[test]
    fn other_orders_are_walked_in_the_first_ones() {
        let to = view(&[2, 3], &[1, 0], &[(0, 0); 2]);
        let from = view(&[2, 3], &[0, 1], &[(0, 0); 2]);
        let nest = Nest::new([&to, &from]).unwrap();
        assert_eq!((nest.len, nest.steps), (2, [1, 3]));
        assert_eq!(offsets(&nest), [[0, 0], [2, 1], [4, 2]]);
        assert!(!nest.is_contiguous());
    }

    #[test]
    fn a_transposition_is_walked_in_planes() {
        let to = view(&[1, 3, 4, 5], &[0, 2, 3, 1], &[(0, 0), (0, 0), (1, 1), (1, 1)]);
        let from = view(&[1, 3, 4, 5], &[0, 1, 2, 3], &[(0, 0); 4]);
        let nest = Nest::new([&to, &from]).unwrap();
        let plane = Plane { rows: 5, strides: [3, 1], columns: 3, steps: [1, 20] };
        assert_eq!(nest.plane(), Some(plane));
        let mut found = Vec::new();
        let planes = nest.walk_planes(|at| {
            found.push(at);
            Ok::<(), ()>(())
        });
        assert_eq!((planes, found), (Ok(()), vec![[24, 0], [45, 5], [66, 10], [87, 15]]));
        assert_eq!(Nest::new([&from, &from]).unwrap().plane(), None);
    }
}
