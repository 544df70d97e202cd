//! What a product or a window reads and writes, in elements of its buffers.

use umbra_kernels::{Geometry, Run};

use super::planner::fault;
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::Window;

/// The elements of one sum in the order in which they lie in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    /// Contiguous stretches.
    pub(super) runs: Vec<Run>,
    /// For each element its column in the weights.
    columns: Vec<usize>,
}

impl Terms {
    /// From the offset of each column, relative to a pixel's first element.
    pub(super) fn new(offsets: impl Iterator<Item = usize>) -> Self {
        let mut places: Vec<(usize, usize)> =
            offsets.enumerate().map(|(column, offset)| (offset, column)).collect();
        places.sort_unstable();
        let mut runs: Vec<Run> = Vec::new();
        for &(offset, _) in &places {
            match runs.last_mut() {
                Some(run) if run.offset + run.len == offset => run.len += 1,
                _ => runs.push(Run { offset, len: 1 }),
            }
        }
        Self { runs, columns: places.into_iter().map(|(_, column)| column).collect() }
    }

    /// Of one group's window over an image: columns are channel by channel, row by row.
    pub(super) fn of_window(image: &View, channels: usize, window: &Window) -> Option<Self> {
        let taps = offsets(image, window)?;
        let channel = *image.strides.get(1)?;
        let each = |c: usize| taps.iter().map(move |tap| c * channel + tap);
        Some(Self::new((0..channels).flat_map(each)))
    }

    /// Of all elements behind the first axis, in row order.
    pub(super) fn of_rest(view: &View) -> Self {
        let mut offsets = vec![0];
        for (dim, stride) in view.axes().skip(1) {
            let wider = offsets.iter().flat_map(|at| (0..dim).map(move |n| at + n * stride));
            offsets = wider.collect();
        }
        Self::new(offsets.into_iter())
    }

    /// Length of the sum.
    pub(super) fn depth(&self) -> usize {
        self.columns.len()
    }

    /// Rows of weights with their columns in this order; none where there are others.
    pub(super) fn arrange<T: Copy>(&self, weights: &[T]) -> Option<Vec<T>> {
        let rows = weights.chunks(self.depth().max(1));
        rows.flat_map(|row| self.columns.iter().map(|&column| row.get(column).copied())).collect()
    }

    /// With the pixels.
    pub(super) fn geometry(&self, origins: Vec<u32>, places: Vec<u32>) -> Geometry {
        Geometry { origins, runs: self.runs.clone(), places }
    }
}

/// Offset of every tap of a window, row by row, relative to the first.
pub(super) fn offsets(image: &View, window: &Window) -> Option<Vec<usize>> {
    let &[_, _, row, column] = image.strides.as_slice() else { return None };
    let [height, width] = window.kernel;
    let [down, right] = window.dilations;
    let tap = |y: usize| (0..width).map(move |x| y * down * row + x * right * column);
    Some((0..height).flat_map(tap).collect())
}

/// First tap of every output pixel of a window over a bordered image, for images of
/// `[height, width]` results, image by image and row by row.
pub(super) fn origins(
    image: &View,
    window: &Window,
    [height, width]: [usize; 2],
) -> Result<Vec<u32>, EngineError> {
    let (&[batch, _, rows, columns], &[next, _, row, column]) =
        (image.shape.as_slice(), image.strides.as_slice())
    else {
        return Err(fault("a window over what is no image"));
    };
    let [top, left, bottom, right] = window.pads;
    let [_, _, (above, below), (before, after)] = image.border[..] else {
        return Err(fault("an image without a border"));
    };
    let reach = |side: usize, count: usize| {
        let pick = |values: &[usize; 2]| values.get(side).copied().unwrap_or(0);
        let (kernel, stride) = (pick(&window.kernel), pick(&window.strides));
        count.saturating_sub(1) * stride + kernel.saturating_sub(1) * pick(&window.dilations) + 1
    };
    let inside = top <= above
        && left <= before
        && reach(0, height) <= rows + top + bottom.min(below)
        && reach(1, width) <= columns + left + right.min(after);
    let corner = image.offset.checked_sub(top * row + left * column);
    let corner = corner.filter(|_| inside).ok_or_else(|| fault("a window leaves its image"))?;
    let [down, across] = window.strides;
    let mut origins = Vec::with_capacity(batch * height * width);
    for n in 0..batch {
        for y in 0..height {
            let first = corner + n * next + y * down * row;
            origins.extend((0..width).map(|x| (first + x * across * column) as u32));
        }
    }
    Ok(origins)
}

/// First channel of every pixel of an image, image by image and row by row.
pub(super) fn places(image: &View) -> Result<Vec<u32>, EngineError> {
    let &[_, _, height, width] = image.shape.as_slice() else {
        return Err(fault("the pixels of what is no image"));
    };
    let whole = Window { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0; 4] };
    origins(image, &whole, [height, width])
}

/// First element of every row of a matrix, the last axis being the columns.
pub(super) fn rows(view: &View) -> Vec<u32> {
    let outer = view.shape.len().saturating_sub(1);
    let mut offsets = vec![view.offset];
    for (dim, stride) in view.axes().take(outer) {
        offsets = offsets.iter().flat_map(|at| (0..dim).map(move |n| at + n * stride)).collect();
    }
    offsets.into_iter().map(|at| at as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(border: usize) -> View {
        let border = [(0, 0), (0, 0), (border, border), (border, border)];
        View::packed(0, &[1, 2, 3, 3], &[0, 2, 3, 1], &border).unwrap().0
    }

    fn window(kernel: [usize; 2], pads: [usize; 4]) -> Window {
        Window { kernel, strides: [1, 1], dilations: [1, 1], pads }
    }

    #[test]
    fn rows_of_taps_are_contiguous_channels_last() {
        let terms = Terms::of_window(&image(1), 2, &window([2, 3], [0; 4])).unwrap();
        assert_eq!(terms.runs, [Run { offset: 0, len: 6 }, Run { offset: 10, len: 6 }]);
        let weights: Vec<usize> = (0..12).collect();
        let arranged = terms.arrange(&weights).unwrap();
        assert_eq!(arranged, [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]);
    }

    #[test]
    fn a_whole_image_without_border_is_one_run() {
        let terms = Terms::of_rest(&image(0));
        assert_eq!((terms.runs.len(), terms.depth()), (1, 18));
    }

    #[test]
    fn windows_start_in_the_border_and_never_leave_it() {
        let found = origins(&image(2), &window([3, 3], [1; 4]), [3, 3]).unwrap();
        assert_eq!((found[0], found[1], found[3]), (14 + 2, 14 + 4, 28 + 2));
        assert!(origins(&image(0), &window([3, 3], [1; 4]), [3, 3]).is_err());
        assert!(origins(&image(1), &window([3, 3], [1; 4]), [4, 3]).is_err());
    }
}
