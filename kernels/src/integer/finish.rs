//! What becomes of an integer sum.

use crate::KernelError;

/// Multipliers up to this keep a sum of 32 bits within 31.
const BOUNDED: f32 = 0.5;

/// From a sum to a code: `clamp(round(sum * multiplier) + zero_point, low, high)`.
///
/// The product is one in single precision, rounded half to even: the arithmetic of
/// ONNX Runtime's `MlasRequantizeOutput`.
#[derive(Debug, Clone, PartialEq)]
pub struct Requantize {
    /// One per output, or one for all.
    pub multiplier: Vec<f32>,
    /// Code of zero.
    pub zero_point: u8,
    /// Lowest code.
    pub low: u8,
    /// Highest code.
    pub high: u8,
}

/// From a sum to a real number: `clamp(sum * multiplier + bias, low, high)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dequantize {
    /// One per output, or one for all.
    pub multiplier: Vec<f32>,
    /// One per output, or empty.
    pub bias: Vec<f32>,
    /// Lowest value.
    pub low: f32,
    /// Highest value.
    pub high: f32,
}

/// What a product makes of its sums.
#[derive(Debug, Clone, PartialEq)]
pub enum Finish {
    /// Codes.
    Codes(Requantize),
    /// Reals.
    Reals(Dequantize),
}

impl Finish {
    /// The same for every output several times.
    pub(super) fn repeated(mut self, count: usize) -> Self {
        let repeat = |list: &mut Vec<f32>| {
            if list.len() > 1 {
                *list = list.repeat(count);
            }
        };
        match &mut self {
            Self::Codes(Requantize { multiplier, .. }) => repeat(multiplier),
            Self::Reals(Dequantize { multiplier, bias, .. }) => {
                repeat(multiplier);
                *bias = bias.repeat(count);
            }
        }
        self
    }
}

/// A finish spread to one set of parameters per output, padded to whole vectors.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
#[derive(Debug, Clone)]
pub(super) struct Spread {
    /// Per output, padded with 0.
    pub(super) multiplier: Vec<f32>,
    /// Per output in reals, padded with 0; of codes all 0.
    pub(super) bias: Vec<f32>,
    /// Clamp before the zero point is added: `low - zero_point`, or the range of reals.
    pub(super) low: f32,
    /// The upper end likewise.
    pub(super) high: f32,
    /// Of codes; 0 for reals.
    pub(super) zero_point: i32,
    /// Lowest code.
    pub(super) low_code: u8,
    /// Highest code.
    pub(super) high_code: u8,
    /// Whether every sum times its multiplier is far inside 32 bits, so that rounding it
    /// cannot overflow before it is clamped.
    pub(super) bounded: bool,
    /// Which of the two.
    pub(super) codes: bool,
}

impl Spread {
    pub(super) fn new(finish: Finish, outputs: usize, padded: usize) -> Result<Self, KernelError> {
        Ok(match finish {
            Finish::Codes(to) => {
                let zero = f32::from(to.zero_point);
                Self {
                    multiplier: spread(&to.multiplier, outputs, padded, "multipliers")?,
                    bias: vec![0.0; padded],
                    low: f32::from(to.low) - zero,
                    high: f32::from(to.high.max(to.low)) - zero,
                    zero_point: i32::from(to.zero_point),
                    low_code: to.low,
                    high_code: to.high.max(to.low),
                    bounded: to.multiplier.iter().all(|scale| scale.abs() <= BOUNDED),
                    codes: true,
                }
            }
            Finish::Reals(to) => {
                let bias = if to.bias.is_empty() { vec![0.0] } else { to.bias };
                Self {
                    multiplier: spread(&to.multiplier, outputs, padded, "multipliers")?,
                    bias: spread(&bias, outputs, padded, "biases")?,
                    low: to.low,
                    high: to.high,
                    zero_point: 0,
                    low_code: 0,
                    high_code: 255,
                    bounded: false,
                    codes: false,
                }
            }
        })
    }

    /// Fails unless this is what the finish makes.
    pub(super) fn makes(&self, codes: bool) -> Result<(), KernelError> {
        if self.codes == codes { Ok(()) } else { Err(KernelError::Finish) }
    }

    /// The code of a sum of output `n`.
    #[inline(always)]
    pub(super) fn code(&self, sum: i32, n: usize) -> u8 {
        let multiplier = self.multiplier.get(n).copied().unwrap_or(0.0);
        let real = (sum as f32 * multiplier).max(self.low).min(self.high);
        (real.round_ties_even() as i32 + self.zero_point) as u8
    }

    /// The real of a sum of output `n`.
    #[inline(always)]
    pub(super) fn real(&self, sum: i32, n: usize) -> f32 {
        let at = |list: &[f32]| list.get(n).copied().unwrap_or(0.0);
        (sum as f32 * at(&self.multiplier) + at(&self.bias)).max(self.low).min(self.high)
    }
}

fn spread(
    values: &[f32],
    outputs: usize,
    padded: usize,
    which: &'static str,
) -> Result<Vec<f32>, KernelError> {
    let mut all = match values {
        [one] => vec![*one; outputs],
        many if many.len() == outputs => many.to_vec(),
        _ => return Err(KernelError::Parameters(which)),
    };
    all.resize(padded, 0.0);
    Ok(all)
}
