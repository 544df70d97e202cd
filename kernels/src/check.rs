//! The checks on which the unsafe code rests, free of overflow.

use crate::{KernelError, Run, SLACK};

/// Fails unless `slice` has at least `needed` elements.
pub(crate) fn input<T>(slice: &[T], needed: usize) -> Result<(), KernelError> {
    let given = slice.len();
    if given < needed { Err(KernelError::Input { needed, given }) } else { Ok(()) }
}

/// The same for what is written.
pub(crate) fn output<T>(slice: &[T], needed: usize) -> Result<(), KernelError> {
    let given = slice.len();
    if given < needed { Err(KernelError::Output { needed, given }) } else { Ok(()) }
}

/// Fails with the name of the parameters unless the condition holds.
pub(crate) fn fits(condition: bool, which: &'static str) -> Result<(), KernelError> {
    if condition { Ok(()) } else { Err(KernelError::Parameters(which)) }
}

/// Elements that `origins` plus the reach of one pixel touch, slack included.
pub(crate) fn input_needed(origins: &[u32], reach: Option<usize>) -> Result<usize, KernelError> {
    let origin = origins.iter().max().map_or(0, |&origin| origin as usize);
    reach
        .and_then(|reach| origin.checked_add(reach))
        .and_then(|end| end.checked_add(SLACK))
        .filter(|&end| isize::try_from(end).is_ok())
        .ok_or(KernelError::Parameters("offsets"))
}

/// Elements that are written when each of `places` gets `channels`.
pub(crate) fn output_needed(places: &[u32], channels: usize) -> Result<usize, KernelError> {
    places
        .iter()
        .max()
        .map_or(Some(0), |&place| (place as usize).checked_add(channels))
        .filter(|&end| isize::try_from(end).is_ok())
        .ok_or(KernelError::Parameters("places"))
}

/// End of the run that reaches farthest; `None` when it cannot be counted.
pub(crate) fn runs_reach(runs: &[Run]) -> Option<usize> {
    runs.iter().try_fold(0, |reach, run| Some(reach.max(run.offset.checked_add(run.len)?)))
}

/// Length of the sum over `runs`.
pub(crate) fn depth(runs: &[Run]) -> Result<usize, KernelError> {
    let depth = runs.iter().try_fold(0_usize, |depth, run| depth.checked_add(run.len));
    depth.ok_or(KernelError::Parameters("runs"))
}

/// The same for taps of `channels` elements each.
pub(crate) fn taps_reach(taps: &[usize], channels: usize) -> Option<usize> {
    taps.iter().max().map_or(Some(0), |tap| tap.checked_add(channels))
}

/// Fails unless every operand repeats a whole number of times in `out`.
pub(crate) fn repeats<T>(operand: &[T], out: usize) -> Result<(), KernelError> {
    let given = operand.len();
    let whole = if out == 0 { true } else { given != 0 && out.is_multiple_of(given) };
    if whole { Ok(()) } else { Err(KernelError::Input { needed: out, given }) }
}
