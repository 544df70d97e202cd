//! Instruction sets with kernels of their own.

/// An implementation, named after what it needs of the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust; the reference.
    Scalar,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI.
    Avx512Vnni,
    /// ARM with Advanced SIMD (Cortex-A53, A72; on integers also under a 32-bit system).
    Neon,
    /// The same with dot products (Cortex-A76, A78AE).
    NeonDot,
}

impl Isa {
    /// The fastest that this processor runs.
    #[must_use]
    pub fn best() -> Self {
        Self::available().into_iter().max().unwrap_or(Self::Scalar)
    }

    /// All that this processor runs, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let all = [Self::Scalar, Self::Avx2, Self::Avx512Vnni, Self::Neon, Self::NeonDot];
        all.into_iter().filter(|isa| isa.detected()).collect()
    }

    /// Such as `avx512vnni`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512vnni",
            Self::Neon => "neon",
            Self::NeonDot => "neon-dotprod",
        }
    }

    /// What integer kernels take off every input code: those that multiply signed bytes
    /// flip the top bit.
    pub(crate) fn input_offset(self) -> i32 {
        if matches!(self, Self::Neon | Self::NeonDot) { 128 } else { 0 }
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn detected(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512Vnni => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            _ => false,
        }
    }

    #[cfg(target_arch = "aarch64")]
    pub(crate) fn detected(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            Self::NeonDot => std::arch::is_aarch64_feature_detected!("dotprod"),
            _ => false,
        }
    }

    #[cfg(target_arch = "arm")]
    pub(crate) fn detected(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Neon => has_neon(),
            _ => false,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm")))]
    pub(crate) fn detected(self) -> bool {
        self == Self::Scalar
    }
}

/// Whether the kernel says that the processor has Advanced SIMD.
#[cfg(all(target_arch = "arm", target_os = "linux"))]
fn has_neon() -> bool {
    /// The entry of the auxiliary vector with the processor's abilities.
    const HWCAP: std::ffi::c_ulong = 16;
    const NEON: std::ffi::c_ulong = 1 << 12;
    unsafe extern "C" {
        safe fn getauxval(entry: std::ffi::c_ulong) -> std::ffi::c_ulong;
    }
    getauxval(HWCAP) & NEON != 0
}

#[cfg(all(target_arch = "arm", not(target_os = "linux")))]
fn has_neon() -> bool {
    false
}
