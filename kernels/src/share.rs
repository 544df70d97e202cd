//! How threads share the pixels of one call.

use std::ops::Range;

use crate::Pool;

/// Products that a part should have at least: microseconds of work, several times what
/// handing it over costs.
const WORTH: usize = 1 << 17;
/// Pixels that all tiles divide, or nearly.
const TILE: usize = 24;
/// Parts per thread, so that one that was held up leaves the rest to the others.
const PARTS: usize = 2;

/// Calls `work` with ranges that together are `0..pixels`; `products` is what one pixel
/// costs.
pub(crate) fn pixels(
    pool: &Pool,
    pixels: usize,
    products: usize,
    work: impl Fn(Range<usize>) + Sync,
) {
    let each = part(pool.threads(), pixels, products);
    if each >= pixels {
        return work(0..pixels);
    }
    pool.run(pixels.div_ceil(each), |part| {
        let first = part * each;
        work(first..pixels.min(first + each));
    });
}

/// Pixels of one part.
pub(crate) fn part(threads: usize, pixels: usize, products: usize) -> usize {
    if threads == 1 {
        return pixels;
    }
    let fair = pixels.div_ceil(threads * PARTS);
    let worth = WORTH.div_ceil(products.max(1));
    fair.max(worth).next_multiple_of(TILE).max(1)
}

/// Whether no two pixels write the same element, each `width` elements from its place: a
/// condition for writing them at once.
pub(crate) fn apart(places: &[u32], width: usize) -> bool {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    let distance = |(from, to): (&u32, &u32)| (to - from) as usize;
    sorted.iter().zip(sorted.iter().skip(1)).map(distance).all(|distance| distance >= width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_calls_stay_whole_and_large_ones_are_cut_in_tiles() {
        assert_eq!(part(1, 10_000, 10_000), 10_000);
        assert!(part(4, 64, 64) >= 64);
        assert_eq!(part(2, 1024, 4096), 264);
        assert!(part(usize::MAX / 8, 50, 0) >= 50);
    }

    #[test]
    fn places_that_overlap_are_found_in_any_order() {
        assert!(apart(&[8, 0, 4], 4));
        assert!(!apart(&[8, 0, 3], 4));
        assert!(!apart(&[5, 5], 1));
    }
}
