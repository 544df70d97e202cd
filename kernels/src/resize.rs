//! Bilinear interpolation: every output pixel from four input pixels.

use crate::{Isa, KernelError, SLACK, check, dispatch::compiled_per_isa};

/// Channels at once; behind the last one as many are read and dropped.
const BLOCK: usize = 16;
const _: () = assert!(BLOCK <= SLACK);

/// Between two neighbours of one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between {
    /// The first neighbour, in elements from the image's first.
    pub low: usize,
    /// The second one likewise.
    pub high: usize,
    /// How far from the first towards the second, 0 to 1.
    pub part: f32,
}

/// Where pixels lie between those of the input, in elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Bilinear {
    /// Of input and output.
    pub channels: usize,
    /// First element of each image in the input.
    pub images: Vec<usize>,
    /// One per row of the output.
    pub rows: Vec<Between>,
    /// One per column of the output.
    pub columns: Vec<Between>,
    /// First channel of every output pixel, image by image, row by row.
    pub places: Vec<u32>,
}

impl Bilinear {
    /// Computes all output pixels: the sum of the upper left, upper right, lower left and
    /// lower right neighbour, each times its share, in this order.
    ///
    /// # Errors
    ///
    /// [`KernelError`] when there are not as many places as pixels, or a slice is too short;
    /// the input needs [`SLACK`] elements behind the last one used.
    pub fn run(&self, isa: Isa, input: &[f32], output: &mut [f32]) -> Result<(), KernelError> {
        let Self { channels, images, rows, columns, places } = self;
        check::fits(images.len() * rows.len() * columns.len() == places.len(), "places")?;
        let most = |axis: &[Between]| axis.iter().map(|at| at.low.max(at.high)).max().unwrap_or(0);
        let image = images.iter().copied().max().unwrap_or(0);
        let ends = [most(rows), most(columns), *channels, SLACK];
        let needed = ends.into_iter().try_fold(image, usize::checked_add);
        check::input(input, needed.ok_or(KernelError::Parameters("offsets"))?)?;
        check::output(output, check::output_needed(places, *channels)?)?;
        blend(isa, self, input, output);
        Ok(())
    }
}

compiled_per_isa!(fn blend(resize: &Bilinear, input: &[f32], output: &mut [f32]) => blend_body);

#[inline(always)]
fn blend_body(resize: &Bilinear, input: &[f32], output: &mut [f32]) {
    let Bilinear { channels, images, rows, columns, places } = resize;
    let mut places = places.iter();
    for image in images {
        for row in rows {
            let (top, bottom) = (1.0 - row.part, row.part);
            for (column, &place) in columns.iter().zip(&mut places) {
                let (left, right) = (1.0 - column.part, column.part);
                let shares = [top * left, top * right, bottom * left, bottom * right];
                let corner = |y: usize, x: usize| &input[image + y + x..];
                let corners = [
                    corner(row.low, column.low),
                    corner(row.low, column.high),
                    corner(row.high, column.low),
                    corner(row.high, column.high),
                ];
                pixel(corners, shares, &mut output[place as usize..place as usize + channels]);
            }
        }
    }
}

#[inline(always)]
fn pixel(corners: [&[f32]; 4], shares: [f32; 4], output: &mut [f32]) {
    // The last block begins so that it ends with the last channel: some are computed twice.
    let Some(last) = output.len().checked_sub(BLOCK) else {
        let sums = block(corners, shares, 0);
        return output.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum);
    };
    for first in (0..output.len()).step_by(BLOCK) {
        let first = first.min(last);
        if let Some(out) = output[first..].first_chunk_mut::<BLOCK>() {
            *out = block(corners, shares, first);
        }
    }
}

#[inline(always)]
fn block(corners: [&[f32]; 4], [s, t, u, v]: [f32; 4], first: usize) -> [f32; BLOCK] {
    let mut sums = [0.0; BLOCK];
    let [a, b, c, d] = corners;
    let (a, b) = (&a[first..first + BLOCK], &b[first..first + BLOCK]);
    let (c, d) = (&c[first..first + BLOCK], &d[first..first + BLOCK]);
    for (at, sum) in sums.iter_mut().enumerate() {
        *sum = s * a[at] + t * b[at] + u * c[at] + v * d[at];
    }
    sums
}
