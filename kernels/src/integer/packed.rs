//! Weights in the order in which every implementation reads them.
//!
//! Outputs in blocks of 16, the sum in groups of four neighbouring bytes: a block's group
//! is 64 bytes, `[16 outputs][4]`. That is one operand of a 512-bit dot product and four
//! of a 128-bit one. Runs are padded to whole groups with zero weights, so what is read
//! behind a run (the slack makes that safe) counts nothing.

use super::{
    chains, fold,
    range::{DEEPEST, Row},
};
use crate::{Geometry, Isa, KernelError, Run, check};

/// Outputs of a block.
pub(super) const BLOCK: usize = 16;
/// Bytes of a group.
pub(super) const GROUP: usize = 4;

/// One block's group, aligned for whole-vector loads.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Panel(pub(super) [i8; BLOCK * GROUP]);

/// Sixteen values of 32 bits, aligned likewise.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) struct Line<T>(pub(super) [T; BLOCK]);

/// The values of `list` in aligned lines.
pub(super) fn lines<T: Copy + Default>(list: &[T]) -> Vec<Line<T>> {
    let line = |values: &[T]| {
        let value = |at: usize| values.get(at).copied().unwrap_or_default();
        Line(std::array::from_fn(value))
    };
    list.chunks(BLOCK).map(line).collect()
}

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
    /// `[block][chunk of up to four groups of a run]`: how many groups' products, 4, 2 or 1,
    /// 16 bits can hold together. Only for Neon.
    #[cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]
    pub(super) chains: Vec<u8>,
    /// Groups that the geometry has a second time at its end ([`fold`]).
    pub(super) again: Vec<u32>,
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
    /// Packs for an instruction set that the processor has.
    pub(super) fn new(isa: Isa, geometry: &Geometry, sum: Sum<'_>) -> Result<Self, KernelError> {
        let Sum { outputs, weights, zero, bias, .. } = sum;
        let depth = check::depth(&geometry.runs)?;
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
        if let Some(fold::Folded { again, weights }) = fold::product(geometry, &sum)
            && let Some(wider) = fold::reread(geometry, &again)
        {
            let sum = Sum { weights: &weights, zero: &[], ..sum };
            return Ok(Self { again, ..Self::as_it_is(isa, &wider, sum)? });
        }
        Self::as_it_is(isa, geometry, sum)
    }

    /// The same for numbers that fit together, zero points kept.
    fn as_it_is(isa: Isa, geometry: &Geometry, sum: Sum<'_>) -> Result<Self, KernelError> {
        let Sum { outputs, weights, zero, bias: _, .. } = sum;
        let depth = geometry.depth();
        let padded = outputs.next_multiple_of(BLOCK);
        let used = zero.iter().any(|&zero| zero != 0);
        let spread = |n: usize| zero.get(n).map_or(0, |&zero| i32::from(zero));
        let constant = |n| constant_part(&sum, n, depth, isa.input_offset());
        let mut bias: Vec<i32> = (0..outputs).map(constant).collect::<Result<_, _>>()?;
        bias.resize(padded, 0);
        let panels = panels(geometry, outputs, weights);
        let chained = cfg!(target_arch = "aarch64") && isa == Isa::Neon;
        let chains = if chained { chains::of(geometry, &panels) } else { Vec::new() };
        Ok(Self {
            outputs,
            panels,
            chains,
            offsets: offsets(geometry)?,
            bias,
            zero: if used { (0..padded).map(spread).collect() } else { Vec::new() },
            again: Vec::new(),
        })
    }

    /// The panels and the constant parts as bytes, for the same geometry and instruction set.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let panels = self.panels.iter().flat_map(|panel| panel.0.map(i8::cast_unsigned));
        let words = self.bias.iter().chain(&self.zero).flat_map(|word| word.to_le_bytes());
        let again = [self.again.len() as u32].into_iter().chain(self.again.iter().copied());
        again.flat_map(u32::to_le_bytes).chain(panels).chain(words).collect()
    }

    /// What [`to_bytes`](Self::to_bytes) gave. Of bytes that it did not give come other sums,
    /// and nothing worse: what is to be read again is looked for in the geometry.
    pub(super) fn of_bytes(
        isa: Isa,
        geometry: &Geometry,
        outputs: usize,
        bytes: &[u8],
    ) -> Result<Self, KernelError> {
        let misfit = KernelError::Parameters("packed weights");
        let depth = check::depth(&geometry.runs)?;
        if outputs == 0 || depth == 0 || depth > DEEPEST {
            return Err(KernelError::Parameters("outputs and depth"));
        }
        let (again, bytes) = reread(bytes).ok_or(misfit)?;
        let geometry = &fold::reread(geometry, &again).ok_or(misfit)?;
        let (offsets, padded) = (offsets(geometry)?, outputs.next_multiple_of(BLOCK));
        let size = offsets.len().checked_mul(padded * GROUP);
        let (panels, words) = size.and_then(|size| bytes.split_at_checked(size)).ok_or(misfit)?;
        let panel = |bytes: &[u8; BLOCK * GROUP]| Panel(bytes.map(u8::cast_signed));
        let panels: Vec<Panel> = panels.as_chunks().0.iter().map(panel).collect();
        let (words, rest) = words.as_chunks();
        let mut bias: Vec<i32> = words.iter().map(|word| i32::from_le_bytes(*word)).collect();
        if !rest.is_empty() || !(bias.len() == padded || bias.len() == 2 * padded) {
            return Err(misfit);
        }
        let zero = bias.split_off(padded);
        let chained = cfg!(target_arch = "aarch64") && isa == Isa::Neon;
        let chains = if chained { chains::of(geometry, &panels) } else { Vec::new() };
        Ok(Self { outputs, panels, offsets, bias, zero, chains, again })
    }

    /// Groups of one sum.
    pub(super) fn groups(&self) -> usize {
        self.offsets.len()
    }

    /// Chunks of one sum.
    #[cfg(target_arch = "aarch64")]
    pub(super) fn chunks(&self) -> usize {
        self.chains.len() / self.outputs.div_ceil(BLOCK)
    }

    /// The panels of one block.
    pub(super) fn block(&self, at: usize) -> &[Panel] {
        let groups = self.groups();
        self.panels.get(at * groups..(at + 1) * groups).unwrap_or_default()
    }
}

/// The groups that are read again, and the bytes behind them.
fn reread(bytes: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let (count, bytes) = bytes.split_first_chunk()?;
    let size = (u32::from_le_bytes(*count) as usize).checked_mul(4)?;
    let (again, bytes) = bytes.split_at_checked(size)?;
    Some((again.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect(), bytes))
}

/// Where a kernel takes `offset` off every input, this adds what the sum loses by it.
fn constant_part(sum: &Sum<'_>, n: usize, depth: usize, offset: i32) -> Result<i32, KernelError> {
    let weights = sum.weights.get(n * depth..(n + 1) * depth).unwrap_or_default();
    let row = Row {
        weights: weights.iter(),
        weight_zero: sum.zero.get(n).copied().unwrap_or(0),
        input_zero: sum.input_zero,
        bias: sum.bias.get(n).copied().unwrap_or(0),
    };
    let total: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
    // Only the low 32 bits count: sums wrap, and the last one fits.
    Ok(row.constant_part()?.wrapping_add((i64::from(offset) * total) as i32))
}

fn offsets(geometry: &Geometry) -> Result<Vec<u32>, KernelError> {
    let groups = fold::groups(geometry).into_iter();
    let all: Result<Vec<u32>, _> = groups.map(|(_, run)| u32::try_from(run.offset)).collect();
    all.map_err(|_| KernelError::Parameters("offsets"))
}

fn panels(geometry: &Geometry, outputs: usize, weights: &[i8]) -> Vec<Panel> {
    let (depth, groups) = (geometry.depth(), fold::groups(geometry));
    let mut panels = Vec::with_capacity(outputs.div_ceil(BLOCK) * groups.len());
    for block in 0..outputs.div_ceil(BLOCK) {
        for &(start, Run { len, .. }) in &groups {
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
