//! What a kernel refuses.

use std::fmt;

/// Sizes that do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelError {
    /// The input slice is shorter than the geometry reads.
    Input {
        /// Elements needed, slack included.
        needed: usize,
        /// Elements given.
        given: usize,
    },
    /// The output slice is shorter than the geometry writes.
    Output {
        /// Elements needed.
        needed: usize,
        /// Elements given.
        given: usize,
    },
    /// Weights, biases, multipliers or taps have another number than the shape says.
    Parameters(&'static str),
    /// The finish makes codes and reals were asked for, or the other way round.
    Finish,
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { needed, given } => {
                write!(f, "input of {given} elements, {needed} needed")
            }
            Self::Output { needed, given } => {
                write!(f, "output of {given} elements, {needed} needed")
            }
            Self::Parameters(which) => write!(f, "{which} do not fit the shape"),
            Self::Finish => f.write_str("the product finishes in the other kind of number"),
        }
    }
}

impl std::error::Error for KernelError {}
