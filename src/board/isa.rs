//! Instruction-set extensions that decide which kernels an engine can run.

use super::cpuinfo;
use crate::base::{Reading, SysRoot};

/// Of the hundred flags a kernel prints, those that matter to inference.
const MATTER: [&str; 27] = [
    "neon",
    "vfpv4",
    "asimd",
    "asimdhp",
    "fphp",
    "asimdrdm",
    "asimddp",
    "asimdfhm",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
    "sme",
    "sse2",
    "ssse3",
    "sse4_1",
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_bf16",
    "amx_int8",
];

/// The extensions that matter, as the kernel names them. On a live aarch64 board
/// the auxiliary vector is asked, because emulators show the host's cpuinfo.
pub(super) fn features(sys: &SysRoot) -> Reading<Vec<String>> {
    let own = if sys.is_live() { host::detected() } else { Vec::new() };
    if own.is_empty() { listed(sys) } else { Reading::of(own, "HWCAP") }
}

fn listed(sys: &SysRoot) -> Reading<Vec<String>> {
    sys.text("/proc/cpuinfo").and_then(|text| {
        let flags = cpuinfo::flags(&text)?;
        Some(flags.into_iter().filter(|flag| MATTER.contains(&flag.as_str())).collect())
    })
}

#[cfg(target_arch = "aarch64")]
mod host {
    use std::arch::is_aarch64_feature_detected as detect;

    /// In the kernel's words.
    pub(super) fn detected() -> Vec<String> {
        let all = [
            ("asimd", detect!("neon")),
            ("asimdhp", detect!("fp16")),
            ("asimdrdm", detect!("rdm")),
            ("asimddp", detect!("dotprod")),
            ("asimdfhm", detect!("fhm")),
            ("i8mm", detect!("i8mm")),
            ("bf16", detect!("bf16")),
            ("sve", detect!("sve")),
            ("sve2", detect!("sve2")),
        ];
        all.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned()).collect()
    }
}

#[cfg(not(target_arch = "aarch64"))]
mod host {
    /// Elsewhere cpuinfo tells the truth or nothing does.
    pub(super) fn detected() -> Vec<String> {
        Vec::new()
    }
}
