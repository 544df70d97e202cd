//! One loop in plain Rust, compiled once per instruction set.
//!
//! Simple loops need no intrinsics: the compiler vectorises them well when it may use
//! the wide registers. What it cannot do is choose at run time; that is done here.

/// Defines `fn name(isa, args..)`, which runs `body(args..)` compiled for `isa`. `body`
/// has to be `#[inline(always)]`, or it is compiled for the baseline only.
///
/// An [`Isa`](crate::Isa) that this processor lacks falls back to the baseline, so no
/// caller can reach an illegal instruction.
macro_rules! compiled_per_isa {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) => $body:path) => {
        $(#[$doc])*
        $vis fn $name(isa: $crate::Isa, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) {
                    $body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $ty),*) {
                    $body($($arg),*)
                }
                match isa {
                    // SAFETY: the processor has just been found to have the features.
                    $crate::Isa::Avx512Vnni if isa.detected() => return unsafe { avx512($($arg),*) },
                    // SAFETY: the same.
                    $crate::Isa::Avx2 if isa.detected() => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            let _ = isa;
            $body($($arg),*)
        }
    };
}

pub(crate) use compiled_per_isa;
