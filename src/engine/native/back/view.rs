//! How a value lies in a buffer: an offset, a stride per axis, and the border around it.
//!
//! Transposes, most reshapes, slices and broadcasts only make another view of the same
//! elements; nothing moves. Elements of axes of length 1 have no neighbours, so the
//! strides of such axes say nothing and are never compared.

/// Largest buffer in elements: kernels count in 32 bits.
const LARGEST: usize = u32::MAX as usize / 2;

/// A value in memory. Offsets and strides are in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// Index of the buffer.
    pub(super) buffer: usize,
    /// The first element, behind any border.
    pub(super) offset: usize,
    /// Dimensions as ONNX has them.
    pub(super) shape: Vec<usize>,
    /// Distance of neighbours along each axis; 0 repeats.
    pub(super) strides: Vec<usize>,
    /// Filled elements before and after each axis.
    pub(super) border: Vec<(usize, usize)>,
}

impl View {
    /// A view of a buffer of its own with `order` from the slowest axis to the fastest,
    /// and that buffer's length; none where it would be too large or `order` does not fit.
    pub(super) fn packed(
        buffer: usize,
        shape: &[usize],
        order: &[usize],
        border: &[(usize, usize)],
    ) -> Option<(Self, usize)> {
        let mut strides = vec![0; shape.len()];
        let (mut offset, mut len) = (0_usize, 1_usize);
        for &axis in order.iter().rev() {
            let (before, after) = *border.get(axis)?;
            *strides.get_mut(axis)? = len;
            offset = offset.checked_add(before.checked_mul(len)?)?;
            let whole = shape.get(axis)?.checked_add(before)?.checked_add(after)?;
            len = len.checked_mul(whole).filter(|&len| len <= LARGEST)?;
        }
        let fits = order.len() == shape.len() && border.len() == shape.len();
        let (shape, border) = (shape.to_vec(), border.to_vec());
        fits.then_some((Self { buffer, offset, shape, strides, border }, len))
    }

    /// Elements.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Dimension and stride of each axis.
    pub(super) fn axes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.shape.iter().copied().zip(self.strides.iter().copied())
    }

    /// Stride of an axis; 0 where it has a single element.
    pub(super) fn stride(&self, axis: usize) -> Option<usize> {
        let dim = *self.shape.get(axis)?;
        self.strides.get(axis).map(|&stride| if dim == 1 { 0 } else { stride })
    }

    /// Whether neighbours along this axis lie side by side.
    pub(super) fn is_dense_along(&self, axis: usize) -> bool {
        self.shape.get(axis) == Some(&1) || self.strides.get(axis) == Some(&1)
    }

    /// Axes from the slowest to the fastest.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shape.len()).collect();
        let key = |&axis: &usize| std::cmp::Reverse(self.strides.get(axis).copied());
        order.sort_by_key(key);
        order
    }

    /// Whether the axes that matter lie in this order.
    pub(super) fn is_ordered(&self, order: &[usize]) -> bool {
        let strides = order.iter().filter_map(|&axis| self.stride(axis)).filter(|&s| s > 0);
        strides.is_sorted_by(|a, b| a >= b)
    }

    /// Axis `i` of the result is axis `permutation[i]` of this.
    pub(super) fn permuted(&self, permutation: &[usize]) -> Option<Self> {
        let pick = |from: &[usize]| -> Option<Vec<usize>> {
            permutation.iter().map(|&axis| from.get(axis).copied()).collect()
        };
        let border = permutation.iter().map(|&axis| self.border.get(axis).copied());
        Some(Self {
            shape: pick(&self.shape)?,
            strides: pick(&self.strides)?,
            border: border.collect::<Option<_>>()?,
            ..*self
        })
    }

    /// `len` elements of an axis from `start` on.
    pub(super) fn narrowed(&self, axis: usize, start: usize, len: usize) -> Option<Self> {
        let mut view = self.clone();
        let end = start.checked_add(len)?;
        view.shape.get(axis).filter(|&&dim| end <= dim)?;
        view.offset += start * self.strides.get(axis)?;
        *view.shape.get_mut(axis)? = len;
        *view.border.get_mut(axis)? = (0, 0);
        Some(view)
    }

    /// The border taken for elements: `pads` before and after each axis.
    pub(super) fn padded(&self, pads: &[(usize, usize)]) -> Option<Self> {
        let mut view = self.clone();
        for (axis, &(before, after)) in pads.iter().enumerate() {
            let border = view.border.get_mut(axis)?;
            *border = (border.0.checked_sub(before)?, border.1.checked_sub(after)?);
            view.offset = view.offset.checked_sub(before * self.strides.get(axis)?)?;
            *view.shape.get_mut(axis)? += before + after;
        }
        (pads.len() == self.shape.len()).then_some(view)
    }

    /// Repeated to a larger shape as NumPy broadcasts; none where the shapes do not fit.
    pub(super) fn broadcast(&self, shape: &[usize]) -> Option<Self> {
        let lead = shape.len().checked_sub(self.shape.len())?;
        let mut strides = vec![0; lead];
        for ((dim, stride), &wanted) in self.axes().zip(shape.iter().skip(lead)) {
            match dim {
                _ if dim == wanted => strides.push(stride),
                1 => strides.push(0),
                _ => return None,
            }
        }
        let border = vec![(0, 0); shape.len()];
        Some(Self { shape: shape.to_vec(), strides, border, ..*self })
    }

    /// The same elements in row order under another shape; none where they would have to
    /// move. Borders stay around the axes that are the same in both.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Option<Self> {
        let mut strides = vec![0; shape.len()];
        let mut from = self.axes().filter(|&(dim, _)| dim != 1).peekable();
        let mut to = shape.iter().enumerate().filter(|&(_, &dim)| dim != 1);
        while let Some((mut dims, mut inner)) = from.next() {
            let mut group = Vec::new();
            let mut made = 1_usize;
            while made != dims {
                if made < dims {
                    let (axis, &dim) = to.next()?;
                    group.push((axis, dim));
                    made = made.checked_mul(dim)?;
                } else {
                    let (dim, stride) = from.next()?;
                    if inner != dim * stride {
                        return None;
                    }
                    dims *= dim;
                    inner = stride;
                }
            }
            for (axis, dim) in group.into_iter().rev() {
                *strides.get_mut(axis)? = inner;
                inner = inner.checked_mul(dim)?;
            }
        }
        let same: usize = shape.iter().product();
        let border = self.borders_under(shape);
        (to.next().is_none() && same == self.len()).then(|| Self {
            shape: shape.to_vec(),
            strides,
            border,
            ..*self
        })
    }

    fn borders_under(&self, shape: &[usize]) -> Vec<(usize, usize)> {
        let none = vec![(0, 0); shape.len()];
        let Some(axes) = same_axes(&self.shape, shape) else { return none };
        axes.iter()
            .map(|axis| axis.and_then(|axis| self.border.get(axis).copied()).unwrap_or_default())
            .collect()
    }
}

/// For each axis of `to` the axis of `from` that it is, where both shapes differ only in
/// axes of length 1; none where more changes.
pub(super) fn same_axes(from: &[usize], to: &[usize]) -> Option<Vec<Option<usize>>> {
    let mut rest = from.iter().enumerate().filter(|&(_, &dim)| dim != 1);
    let axes = to.iter().map(|&dim| match dim {
        1 => Some(None),
        dim => rest.next().filter(|&(_, &other)| other == dim).map(|(axis, _)| Some(axis)),
    });
    let axes = axes.collect::<Option<Vec<_>>>()?;
    rest.next().is_none().then_some(axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shape: &[usize], order: &[usize], border: &[(usize, usize)]) -> (View, usize) {
        View::packed(0, shape, order, border).unwrap()
    }

    const NHWC: [usize; 4] = [0, 2, 3, 1];

    #[test]
    fn a_border_lies_around_the_inner_axes() {
        let (view, len) = view(&[1, 8, 4, 5], &NHWC, &[(0, 0), (0, 0), (1, 1), (1, 2)]);
        assert_eq!(len, (4 + 2) * (5 + 3) * 8);
        assert_eq!((view.offset, view.strides), ((8 + 1) * 8, vec![len, 1, 64, 8]));
    }

    #[test]
    fn transposing_to_channels_first_and_back_moves_nothing() {
        let (given, _) = view(&[1, 4, 5, 3], &[0, 1, 2, 3], &[(0, 0); 4]);
        let first = given.permuted(&[0, 3, 1, 2]).unwrap();
        assert_eq!((first.shape.as_slice(), first.order()), (&[1, 3, 4, 5][..], NHWC.to_vec()));
        assert_eq!(first.permuted(&[0, 2, 3, 1]).unwrap(), given);
    }

    #[test]
    fn reshapes_are_views_where_the_row_order_is_the_order_in_memory() {
        let (rows, _) = view(&[2, 3, 4], &[0, 1, 2], &[(0, 0); 3]);
        assert_eq!(rows.reshaped(&[6, 2, 2]).unwrap().strides, [4, 2, 1]);
        assert_eq!(rows.reshaped(&[2, 1, 12]).unwrap().strides, [12, 0, 1]);
        assert_eq!(rows.reshaped(&[2, 3, 5]), None);
        let (image, _) = view(&[1, 8, 4, 5], &NHWC, &[(0, 0); 4]);
        assert_eq!(image.reshaped(&[1, 160]), None);
        assert!(image.permuted(&[0, 2, 3, 1]).unwrap().reshaped(&[1, 160]).is_some());
    }

    #[test]
    fn a_bordered_image_keeps_its_border_when_an_axis_of_one_is_added() {
        let (line, _) = view(&[1, 8, 5], &[0, 2, 1], &[(0, 0), (0, 0), (2, 1)]);
        let image = line.reshaped(&[1, 8, 1, 5]).unwrap();
        assert_eq!(image.border, [(0, 0), (0, 0), (0, 0), (2, 1)]);
        assert_eq!(image.strides[3], 8);
        assert_eq!(line.reshaped(&[1, 40]), None);
    }

    #[test]
    fn padding_takes_from_the_border() {
        let (view, _) = view(&[1, 1, 4, 4], &NHWC, &[(0, 0), (0, 0), (1, 2), (1, 2)]);
        let wider = view.padded(&[(0, 0), (0, 0), (1, 1), (0, 2)]).unwrap();
        assert_eq!((wider.shape[2], wider.shape[3], wider.border[3]), (6, 6, (1, 0)));
        assert_eq!(wider.offset, view.offset - 7);
        assert_eq!(view.padded(&[(0, 0), (0, 0), (2, 0), (0, 0)]), None);
    }

    #[test]
    fn vectors_are_broadcast_with_strides_of_zero() {
        let (row, _) = view(&[3, 1], &[0, 1], &[(0, 0); 2]);
        assert_eq!(row.broadcast(&[2, 3, 5]).unwrap().strides, [0, 1, 0]);
        assert_eq!(row.broadcast(&[2, 4, 5]), None);
    }
}
