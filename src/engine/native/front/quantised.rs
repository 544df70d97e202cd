//! Codes and the numbers they stand for, one at a time.

use crate::engine::native::ir::{Quantised, Range};

impl Quantised {
    /// Code of a number: the nearest, ties to even, before the zero point is added.
    pub(in crate::engine::native) fn code(self, x: f32) -> u8 {
        let code = (x / self.scale).round_ties_even() + f32::from(self.zero);
        // A cast saturates, and takes NaN for 0.
        code as u8
    }

    /// Number that a code stands for.
    pub(in crate::engine::native) fn real(self, code: u8) -> f32 {
        (f32::from(code) - f32::from(self.zero)) * self.scale
    }

    /// Whether a code stands for exactly this number.
    pub(super) fn holds(self, x: f32) -> bool {
        self.real(self.code(x)) == x
    }

    /// The codes of an interval's ends: quantising keeps order, so clamping codes to them is
    /// clamping the numbers.
    pub(super) fn range(self, range: Range) -> Range {
        Range { low: self.code(range.low).into(), high: self.code(range.high).into() }
    }

    /// Codes for what another quantisation's codes stand for.
    pub(super) fn from(self, other: Self) -> Box<[u8; 256]> {
        self.table(&other.column())
    }

    /// Codes of 256 numbers.
    pub(super) fn table(self, column: &[f32; 256]) -> Box<[u8; 256]> {
        Box::new(column.map(|x| self.code(x)))
    }

    /// The number that each of the 256 codes stands for.
    pub(super) fn column(self) -> [f32; 256] {
        std::array::from_fn(|code| self.real(code as u8))
    }
}

impl Range {
    /// As ONNX's Clip: the upper end wins where they cross, and NaN bounds nothing.
    pub(super) fn new(low: f32, high: f32) -> Self {
        let high = if high.is_nan() { f32::INFINITY } else { high };
        let low = if low.is_nan() { f32::NEG_INFINITY } else { low };
        Self { low: low.min(high), high }
    }

    /// A number clamped.
    pub(in crate::engine::native) fn clamp(self, x: f32) -> f32 {
        if x < self.low {
            self.low
        } else if x > self.high {
            self.high
        } else {
            x
        }
    }

    /// This interval, then another.
    pub(super) fn then(self, next: Self) -> Self {
        Self { low: next.clamp(self.low), high: next.clamp(self.high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_even_and_ends_saturate() {
        let q = Quantised { scale: 2.0, zero: 3, signed: false };
        let codes = [1.0, 3.0, 5.0, -1.0, -3.0, 1e9, -1e9, f32::NAN].map(|x| q.code(x));
        assert_eq!(codes, [3, 5, 5, 3, 1, 255, 0, 0]);
        assert_eq!(
            q.range(Range { low: 0.0, high: f32::INFINITY }),
            Range { low: 3.0, high: 255.0 }
        );
        assert!(q.holds(4.0) && !q.holds(5.0) && !q.holds(-8.0));
    }

    #[test]
    fn crossed_and_missing_bounds_make_intervals() {
        assert_eq!(Range::new(5.0, 1.0), Range { low: 1.0, high: 1.0 });
        assert_eq!(Range::new(f32::NAN, f32::NAN), Range::OPEN);
        let relu = Range::new(0.0, f32::INFINITY);
        assert_eq!(Range::new(-1.0, 6.0).then(relu), Range { low: 0.0, high: 6.0 });
        assert_eq!(Range::new(-9.0, -5.0).then(relu), Range { low: 0.0, high: 0.0 });
    }
}
