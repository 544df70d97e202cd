//! The weights of a depthwise convolution in the order that an instruction set takes, and
//! with it the choice of the kernel.

#[cfg(target_arch = "x86_64")]
use super::{avx2_depthwise, avx512_depthwise, fours::Fours, pairs::Pairs};
use super::{
    depthwise::{Filter, Job},
    portable_depthwise,
};
#[cfg(target_arch = "aarch64")]
use super::{neon_depthwise, strips::Strips};
use crate::Isa;

/// One of the orders.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// `[taps][channels]`, as given.
    Plain,
    /// AVX-512 VNNI.
    #[cfg(target_arch = "x86_64")]
    Fours(Fours),
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Pairs(Pairs),
    /// Neon.
    #[cfg(target_arch = "aarch64")]
    Strips(Strips),
}

impl Order {
    /// That of an instruction set which the processor has.
    pub(super) fn of(isa: Isa, filter: &Filter) -> Self {
        let _ = filter;
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => Self::Fours(Fours::new(filter)),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Self::Pairs(Pairs::new(filter)),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot => Self::Strips(Strips::new(filter)),
            _ => Self::Plain,
        }
    }

    /// Computes the pixels of a job.
    ///
    /// # Safety
    ///
    /// The job keeps what [`Job`] promises, and this is its filter's order.
    pub(super) unsafe fn depthwise(&self, job: &Job<'_>) {
        // SAFETY: what the caller promises; the order was made for the processor.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Fours(fours) => avx512_depthwise::depthwise(job, fours),
                #[cfg(target_arch = "x86_64")]
                Self::Pairs(pairs) => avx2_depthwise::depthwise(job, pairs),
                #[cfg(target_arch = "aarch64")]
                Self::Strips(strips) => neon_depthwise::depthwise(job, strips),
                Self::Plain => portable_depthwise::depthwise(job),
            }
        }
    }
}
