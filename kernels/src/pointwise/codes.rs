//! Sums and products of codes.

use super::{round_to_code, scaled_code};
use crate::{Isa, KernelError, check, dispatch::compiled_per_isa};

/// How two tensors of codes are added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Add8 {
    /// Scale of the first operand over the scale of the sum.
    pub ratio_a: f32,
    /// Scale of the second operand over the scale of the sum.
    pub ratio_b: f32,
    /// Zero point of the first operand.
    pub zero_a: u8,
    /// Zero point of the second operand.
    pub zero_b: u8,
    /// Zero point of the sum.
    pub zero_c: u8,
    /// Lowest code that may come out.
    pub low: u8,
    /// Highest code that may come out.
    pub high: u8,
    /// Whether all codes stand for int8 values, 128 less. ONNX Runtime multiplies the codes
    /// before it takes off the zero points, so the last bit depends on it.
    pub signed: bool,
}

/// Sum of two tensors of codes, exactly as `MlasQLinearAdd` of ONNX Runtime computes it on
/// x86-64 with AVX2. An operand may be shorter and repeats: one code, or one per channel.
///
/// `fixed = zero_c - fma(ratio_a, zero_a, ratio_b * zero_b)`, then
/// `round_half_even(fma(a, ratio_a, fma(b, ratio_b, fixed)))`, clamped, all in f32.
///
/// # Errors
///
/// [`KernelError`] when the length of an operand does not divide that of the output.
pub fn add_codes(
    isa: Isa,
    a: &[u8],
    b: &[u8],
    add: Add8,
    output: &mut [u8],
) -> Result<(), KernelError> {
    check::repeats(a, output.len())?;
    check::repeats(b, output.len())?;
    if a.len() == 1 && b.len() != 1 {
        let Add8 { ratio_a, ratio_b, zero_a, zero_b, .. } = add;
        let swapped =
            Add8 { ratio_a: ratio_b, ratio_b: ratio_a, zero_a: zero_b, zero_b: zero_a, ..add };
        sum(isa, b, a, swapped, output);
    } else {
        sum(isa, a, b, add, output);
    }
    Ok(())
}

/// How the real numbers behind two tensors of codes are added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum8 {
    /// Scale of the first operand.
    pub scale_a: f32,
    /// Scale of the second operand; negative to subtract.
    pub scale_b: f32,
    /// Scale of the sum.
    pub scale_c: f32,
    /// Zero point of the first operand.
    pub zero_a: u8,
    /// Zero point of the second operand.
    pub zero_b: u8,
    /// Zero point of the sum.
    pub zero_c: u8,
    /// Lowest code that may come out.
    pub low: u8,
    /// Highest code that may come out.
    pub high: u8,
}

/// Sum of two tensors of codes by its definition: DequantizeLinear, Add, QuantizeLinear.
/// ONNX Runtime computes it so where it finds no way to [`add_codes`]; both round alike
/// except near ties. An operand may be shorter and repeats: one code, or one per channel.
///
/// `round_half_even(((a - zero_a) * scale_a + (b - zero_b) * scale_b) / scale_c) + zero_c`,
/// clamped, all in f32.
///
/// # Errors
///
/// [`KernelError`] when the length of an operand does not divide that of the output.
pub fn add_reals(
    isa: Isa,
    a: &[u8],
    b: &[u8],
    sum: Sum8,
    output: &mut [u8],
) -> Result<(), KernelError> {
    check::repeats(a, output.len())?;
    check::repeats(b, output.len())?;
    real_sum(isa, a, b, sum, output);
    Ok(())
}

/// How two tensors of codes are multiplied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mul8 {
    /// Product of the operands' scales over the scale of the product, in this order.
    pub ratio: f32,
    /// Zero point of the first operand.
    pub zero_a: u8,
    /// Zero point of the second operand.
    pub zero_b: u8,
    /// Zero point of the product.
    pub zero_c: u8,
    /// Lowest code that may come out.
    pub low: u8,
    /// Highest code that may come out.
    pub high: u8,
    /// Whether all codes stand for int8 values, 128 less: the zero point is added before
    /// rounding, so the last bit depends on it.
    pub signed: bool,
}

/// Product of two tensors of codes, exactly as `MlasQLinearMul` of ONNX Runtime computes
/// it on x86-64. An operand may be shorter and repeats: one code, or one per channel.
///
/// `round_half_even((a - zero_a) * (b - zero_b) * ratio + zero_c)`, clamped; the product of
/// the codes is an integer, the rest f32 without a fused multiply-add.
///
/// # Errors
///
/// [`KernelError`] when the length of an operand does not divide that of the output.
pub fn mul_codes(
    isa: Isa,
    a: &[u8],
    b: &[u8],
    mul: Mul8,
    output: &mut [u8],
) -> Result<(), KernelError> {
    check::repeats(a, output.len())?;
    check::repeats(b, output.len())?;
    product(isa, a, b, mul, output);
    Ok(())
}

compiled_per_isa!(fn sum(a: &[u8], b: &[u8], add: Add8, output: &mut [u8]) => sum_body);
compiled_per_isa!(fn real_sum(a: &[u8], b: &[u8], sum: Sum8, output: &mut [u8]) => real_sum_body);
compiled_per_isa!(fn product(a: &[u8], b: &[u8], mul: Mul8, output: &mut [u8]) => product_body);

#[inline(always)]
fn sum_body(a: &[u8], b: &[u8], add: Add8, output: &mut [u8]) {
    let Add8 { ratio_a, ratio_b, low, high, .. } = add;
    let offset = if add.signed { 128 } else { 0 };
    let real = |code: u8| (i32::from(code) - offset) as f32;
    let zeros = ratio_a.mul_add(real(add.zero_a), ratio_b * real(add.zero_b));
    let fixed = real(add.zero_c) - zeros;
    each_pair(a, b, output, |a, b| {
        let value = real(a).mul_add(ratio_a, real(b).mul_add(ratio_b, fixed));
        round_to_code(value, low, high, offset)
    });
}

#[inline(always)]
fn real_sum_body(a: &[u8], b: &[u8], sum: Sum8, output: &mut [u8]) {
    let (zero_a, zero_b) = (i32::from(sum.zero_a), i32::from(sum.zero_b));
    each_pair(a, b, output, |a, b| {
        let a = (i32::from(a) - zero_a) as f32 * sum.scale_a;
        let b = (i32::from(b) - zero_b) as f32 * sum.scale_b;
        scaled_code((a + b) / sum.scale_c, sum.zero_c, sum.low, sum.high)
    });
}

#[inline(always)]
fn product_body(a: &[u8], b: &[u8], mul: Mul8, output: &mut [u8]) {
    let Mul8 { ratio, low, high, .. } = mul;
    let offset = if mul.signed { 128 } else { 0 };
    let (zero_a, zero_b) = (i32::from(mul.zero_a), i32::from(mul.zero_b));
    let zero_c = (i32::from(mul.zero_c) - offset) as f32;
    each_pair(a, b, output, |a, b| {
        let product = (i32::from(a) - zero_a) * (i32::from(b) - zero_b);
        round_to_code(product as f32 * ratio + zero_c, low, high, offset)
    });
}

/// `output[i] = op(a[i], b[i])`, shorter operands repeated. The lengths were checked.
#[inline(always)]
pub(super) fn each_pair<T: Copy>(a: &[T], b: &[T], output: &mut [T], op: impl Fn(T, T) -> T) {
    let step = a.len().min(b.len()).max(1);
    if step == 1 {
        return match (a, b) {
            ([a], [b]) => output.fill(op(*a, *b)),
            ([a], b) => output.iter_mut().zip(b).for_each(|(out, &b)| *out = op(*a, b)),
            (a, [b]) => output.iter_mut().zip(a).for_each(|(out, &a)| *out = op(a, *b)),
            _ => {}
        };
    }
    let mut tile = [a[0]; TILE];
    let (a, b, step) = match (a.len(), b.len(), output.len()) {
        (left, right, all) if left < right && right == all && 2 * left <= TILE => {
            let len = repeat(a, &mut tile);
            (&tile[..len], b, len)
        }
        (left, right, all) if right < left && left == all && 2 * right <= TILE => {
            let len = repeat(b, &mut tile);
            (a, &tile[..len], len)
        }
        _ => (a, b, step),
    };
    for (index, out) in output.chunks_mut(step).enumerate() {
        let from = |operand: &[T]| index * step % operand.len();
        let (a, b) = (&a[from(a)..], &b[from(b)..]);
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *out = op(a, b);
        }
    }
}

/// Elements of an operand of few channels, repeated: loops over so many are worth starting.
const TILE: usize = 256;

/// Repeats an operand as often as it fits whole; how many elements that are.
#[inline(always)]
fn repeat<T: Copy>(operand: &[T], tile: &mut [T; TILE]) -> usize {
    let len = TILE / operand.len() * operand.len();
    for tile in tile[..len].chunks_exact_mut(operand.len()) {
        tile.copy_from_slice(operand);
    }
    len
}
