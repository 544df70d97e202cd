//! Weights in the order in which every implementation reads them.
//!
//! Outputs in blocks of 16, the sum in groups of four neighbouring bytes: a block's group
//! is 64 bytes, `[16 outputs][4]`. That is one operand of a 512-bit dot product and four
//! of a 128-bit one. Runs are padded to whole groups with zero weights, so what is read
//! behind a run (the slack makes that safe) counts nothing.

use crate::{Geometry, KernelError};

/// Outputs of a block.
pub(super) const BLOCK: usize = 16;
/// Bytes of a group.
pub(super) const GROUP: usize = 4;
/// Longest sum: 255 * 255 times it stays within 31 bits.
const DEEPEST: usize = i32::MAX as usize / (255 * 255);

/// One block's group, aligned for whole-vector loads.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Panel(pub(super) [i8; BLOCK * GROUP]);

/// Packed weights with the constant part of every sum.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    pub(super) outputs: usize,
    /// `[block][group]`.
    pub(super) panels: Vec<Panel>,
    /// First byte of each group, relative to a pixel's origin.
    pub(super) offsets: Vec<u32>,
    /// Bias and all that does not depend on the input, padded to whole blocks.
    pub(super) bias: Vec<i32>,
    /// Zero point of each output's weights, padded; empty where all are 0.
    pub(super) zero: Vec<i32>,
}

/// What a product sums, as the caller has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum<'a> {
    pub(super) outputs: usize,
    /// `[outputs][depth]`.
    pub(super) weights: &'a [i8],
    /// Per output, or empty.
    pub(super) zero: &'a [i8],
    /// Per output, or empty.
    pub(super) bias: &'a [i32],
    pub(super) input_zero: u8,
}

impl Packed {
    pub(super) fn new(geometry: &Geometry, sum: Sum<'_>) -> Result<Self, KernelError> {
        let Sum { outputs, weights, zero, bias, .. } = sum;
        let depth = geometry.depth();
        let fits = |length: usize| length == 0 || length == outputs;
        if outputs == 0 || depth == 0 || depth > DEEPEST {
            return Err(KernelError::Parameters("outputs and depth"));
        }
        if depth.checked_mul(outputs) != Some(weights.len()) {
            return Err(KernelError::Parameters("weights"));
        }
        if !fits(zero.len()) || !fits(bias.len()) {
            return Err(KernelError::Parameters("zero points and biases"));
        }
        let padded = outputs.next_multiple_of(BLOCK);
        let used = zero.iter().any(|&zero| zero != 0);
        let spread = |n: usize| zero.get(n).map_or(0, |&zero| i32::from(zero));
        Ok(Self {
            outputs,
            panels: panels(geometry, outputs, weights),
            offsets: offsets(geometry)?,
            bias: (0..padded).map(|n| constant_part(&sum, n, depth)).collect(),
            zero: if used { (0..padded).map(spread).collect() } else { Vec::new() },
        })
    }

    /// Groups of one sum.
    pub(super) fn groups(&self) -> usize {
        self.offsets.len()
    }

    /// The panels of one block.
    pub(super) fn block(&self, at: usize) -> &[Panel] {
        let groups = self.groups();
        self.panels.get(at * groups..(at + 1) * groups).unwrap_or_default()
    }
}

/// `sum (x - zx)(w - zw) = sum x w - zw sum x - zx (sum w - K zw)`: the bias and the last term.
fn constant_part(sum: &Sum<'_>, n: usize, depth: usize) -> i32 {
    let row = sum.weights.get(n * depth..(n + 1) * depth).unwrap_or_default();
    let weights: i64 = row.iter().map(|&weight| i64::from(weight)).sum();
    let zero = sum.zero.get(n).map_or(0, |&zero| i64::from(zero));
    let bias = sum.bias.get(n).map_or(0, |&bias| i64::from(bias));
    let part = bias - i64::from(sum.input_zero) * (weights - depth as i64 * zero);
    part.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn offsets(geometry: &Geometry) -> Result<Vec<u32>, KernelError> {
    let of_run = |run: &crate::Run| {
        let offset = run.offset;
        (0..run.len.div_ceil(GROUP)).map(move |group| u32::try_from(offset + group * GROUP))
    };
    let all: Result<Vec<u32>, _> = geometry.runs.iter().flat_map(of_run).collect();
    all.map_err(|_| KernelError::Parameters("offsets"))
}

fn panels(geometry: &Geometry, outputs: usize, weights: &[i8]) -> Vec<Panel> {
    let depth = geometry.depth();
    let mut starts = Vec::new();
    let mut start = 0;
    for run in &geometry.runs {
        starts.extend((0..run.len).step_by(GROUP).map(|at| (start + at, GROUP.min(run.len - at))));
        start += run.len;
    }
    let mut panels = Vec::with_capacity(outputs.div_ceil(BLOCK) * starts.len());
    for block in 0..outputs.div_ceil(BLOCK) {
        for &(start, len) in &starts {
            let mut panel = Panel([0; BLOCK * GROUP]);
            for (lane, group) in panel.0.chunks_exact_mut(GROUP).enumerate() {
                let row = (block * BLOCK + lane) * depth + start;
                if let Some(found) =
                    weights.get(row..row + len).filter(|_| block * BLOCK + lane < outputs)
                {
                    group.iter_mut().zip(found).for_each(|(to, &from)| *to = from);
                }
            }
            panels.push(panel);
        }
    }
    panels
}
