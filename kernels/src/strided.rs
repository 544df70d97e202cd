//! Copies between layouts: transposes, crops, concatenations.

use crate::{KernelError, check};

/// Where element `[i, j, ..]` of a tensor lies: `offset + i * strides[0] + j * strides[1] ..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strided {
    /// The first element.
    pub offset: usize,
    /// One stride per axis, in elements; 0 repeats.
    pub strides: Vec<usize>,
}

impl Strided {
    /// Elements that a buffer needs for `shape`.
    fn needed(&self, shape: &[usize]) -> Result<usize, KernelError> {
        check::fits(self.strides.len() == shape.len(), "strides")?;
        let last = self.strides.iter().zip(shape).try_fold(self.offset, |last, (stride, len)| {
            last.checked_add(stride.checked_mul(len - 1)?)
        });
        last.and_then(|last| last.checked_add(1)).ok_or(KernelError::Parameters("strides"))
    }
}

/// Copies a tensor of `shape` from one layout to another: a transpose is a copy whose
/// strides are permuted on one side.
///
/// # Errors
///
/// [`KernelError`] when there is another number of strides than axes, or a slice is too
/// short.
pub fn copy_strided<T: Copy>(
    shape: &[usize],
    input: &[T],
    from: &Strided,
    output: &mut [T],
    to: &Strided,
) -> Result<(), KernelError> {
    check::fits(from.strides.len() == shape.len() && to.strides.len() == shape.len(), "strides")?;
    if shape.contains(&0) {
        return Ok(());
    }
    check::input(input, from.needed(shape)?)?;
    check::output(output, to.needed(shape)?)?;
    let mut axes: Vec<Axis> = shape
        .iter()
        .zip(from.strides.iter().zip(&to.strides))
        .map(|(&len, (&from, &to))| Axis { len, from, to })
        .filter(|axis| axis.len != 1)
        .collect();
    // The axis along which the output is contiguous runs innermost, and beside it the one
    // along which the input is: both then stay within few cache lines.
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.to));
    let innermost = axes.len().saturating_sub(1);
    if let Some(contiguous) = axes.iter().take(innermost).position(|axis| axis.from == 1) {
        let axis = axes.remove(contiguous);
        axes.insert(innermost - 1, axis);
    }
    walk(&axes, &input[from.offset..], &mut output[to.offset..]);
    Ok(())
}

#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    from: usize,
    to: usize,
}

fn walk<T: Copy>(axes: &[Axis], input: &[T], output: &mut [T]) {
    match *axes {
        [] => output[0] = input[0],
        [axis] => line(axis, input, output),
        [rows, columns] => plane(rows, columns, input, output),
        [axis, ref inner @ ..] => {
            for i in 0..axis.len {
                walk(inner, &input[i * axis.from..], &mut output[i * axis.to..]);
            }
        }
    }
}

fn line<T: Copy>(axis: Axis, input: &[T], output: &mut [T]) {
    let Axis { len, from, to } = axis;
    if from == 1 && to == 1 {
        output[..len].copy_from_slice(&input[..len]);
    } else if to == 1 {
        for (i, out) in output[..len].iter_mut().enumerate() {
            *out = input[i * from];
        }
    } else {
        for i in 0..len {
            output[i * to] = input[i * from];
        }
    }
}

/// Two axes in squares that fit the first-level cache on both sides.
fn plane<T: Copy>(rows: Axis, columns: Axis, input: &[T], output: &mut [T]) {
    const SQUARE: usize = 16;
    if columns.from == 1 {
        for i in 0..rows.len {
            line(columns, &input[i * rows.from..], &mut output[i * rows.to..]);
        }
        return;
    }
    for first in (0..rows.len).step_by(SQUARE) {
        for column in (0..columns.len).step_by(SQUARE) {
            let len = SQUARE.min(columns.len - column);
            let cut = Axis { len, ..columns };
            for i in first..rows.len.min(first + SQUARE) {
                let from = i * rows.from + column * columns.from;
                let to = i * rows.to + column * columns.to;
                line(cut, &input[from..], &mut output[to..]);
            }
        }
    }
}

/// Copies `count` stretches of `len` elements, such as the channels of one operand of a
/// concatenation.
///
/// # Errors
///
/// [`KernelError`] when a slice is too short.
pub fn copy_rows<T: Copy>(
    input: &[T],
    input_stride: usize,
    output: &mut [T],
    output_stride: usize,
    len: usize,
    count: usize,
) -> Result<(), KernelError> {
    if count == 0 || len == 0 {
        return Ok(());
    }
    let end = |stride: usize| stride.checked_mul(count - 1)?.checked_add(len);
    let strides = KernelError::Parameters("strides");
    check::input(input, end(input_stride).ok_or(strides)?)?;
    check::output(output, end(output_stride).ok_or(strides)?)?;
    for i in 0..count {
        let (from, to) = (i * input_stride, i * output_stride);
        output[to..to + len].copy_from_slice(&input[from..from + len]);
    }
    Ok(())
}
