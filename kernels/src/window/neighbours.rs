//! Pixels that follow one another, taken for one pixel of more channels.
//!
//! A register holds more channels than narrow images have. Where pixels lie side by side in
//! the input and in the output, so do the channels of several of them.

use std::ops::Range;

use super::Window;

/// A window whose pixels are taken together where they can be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Together {
    /// Pixels that are one.
    pub(crate) count: usize,
    /// Their channels as those of one.
    pub(crate) wide: Window,
    /// The other pixels.
    pub(crate) rest: Window,
}

impl Window {
    /// As many pixels together as `lanes` have room for; none where that is one, or no two
    /// pixels follow one another.
    pub(crate) fn together(&self, lanes: usize) -> Option<Together> {
        let most = lanes.checked_div(self.channels).filter(|&most| most > 1)?;
        let rows = self.rows();
        let length = rows.iter().map(Range::len).max()?;
        let divides = |count: &usize| length.is_multiple_of(*count);
        let count = (2..=most).rev().find(divides).unwrap_or(most);
        let (mut wide, mut rest) = (Vec::new(), Vec::new());
        for row in rows {
            let end = row.start + row.len() / count * count;
            wide.extend((row.start..end).step_by(count));
            rest.extend(end..row.end);
        }
        let wide = Self { channels: self.channels * count, ..self.of(&wide) };
        (!wide.origins.is_empty()).then(|| Together { count, wide, rest: self.of(&rest) })
    }

    /// Stretches of pixels that follow one another on both sides.
    fn rows(&self) -> Vec<Range<usize>> {
        let mut rows: Vec<Range<usize>> = Vec::new();
        let follows = |list: &[u32], at: usize| match (list.get(at.wrapping_sub(1)), list.get(at)) {
            (Some(&before), Some(&own)) => before as usize + self.channels == own as usize,
            _ => false,
        };
        for at in 0..self.origins.len() {
            match rows.last_mut() {
                Some(row) if follows(&self.origins, at) && follows(&self.places, at) => {
                    row.end = at + 1;
                }
                _ => rows.push(at..at + 1),
            }
        }
        rows
    }

    /// The same for some pixels.
    fn of(&self, pixels: &[usize]) -> Self {
        let picked = |list: &[u32]| pixels.iter().map(|&at| list[at]).collect();
        Self { origins: picked(&self.origins), places: picked(&self.places), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(across: u32, gap: u32) -> Window {
        let pixels = || (0..3).flat_map(|y| (0..across).map(move |x| (y, x)));
        let places = pixels().map(|(y, x)| (y * across + x) * 4);
        let origins = pixels().map(|(y, x)| y * 100 + x * (4 + gap)).collect();
        Window { origins, taps: vec![0, 4], places: places.collect(), channels: 4 }
    }

    #[test]
    fn rows_are_cut_in_equal_parts_where_they_can_be() {
        let Together { count, wide, rest } = window(6, 0).together(16).unwrap();
        assert_eq!((count, wide.channels, rest.origins.len()), (3, 12, 0));
        assert_eq!(wide.origins, [0, 12, 100, 112, 200, 212]);
        assert_eq!(wide.places, [0, 12, 24, 36, 48, 60]);
    }

    #[test]
    fn what_is_left_of_a_row_stays_as_it_is() {
        let Together { count, wide, rest } = window(7, 0).together(16).unwrap();
        assert_eq!((count, wide.origins), (4, vec![0, 100, 200]));
        assert_eq!(rest.origins, [16, 20, 24, 116, 120, 124, 216, 220, 224]);
        assert_eq!((rest.channels, rest.places[0]), (4, 16));
    }

    #[test]
    fn pixels_apart_or_too_wide_are_not_taken_together() {
        assert_eq!(window(7, 4).together(16), None);
        assert_eq!(window(7, 0).together(7), None);
    }
}
