//! Instruction sets that decide which kernels run, named as the kernel of the system names them.

/// Such as `avx2+fma+avx512f`; `base` where none of them is there.
#[must_use]
pub(super) fn detect() -> String {
    let found: Vec<&str> =
        features().into_iter().filter_map(|(name, there)| there.then_some(name)).collect();
    if found.is_empty() { "base".to_owned() } else { found.join("+") }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<(&'static str, bool)> {
    use std::arch::is_aarch64_feature_detected as has;
    vec![
        ("asimd", has!("neon")),
        ("fphp", has!("fp16")),
        ("asimddp", has!("dotprod")),
        ("i8mm", has!("i8mm")),
        ("sve", has!("sve")),
    ]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<(&'static str, bool)> {
    Vec::new()
}
