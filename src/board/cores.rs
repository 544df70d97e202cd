//! Names of ARM cores by implementer and part number.
//!
//! Arm's numbers are in the MIDR_EL1 section of each core's technical reference
//! manual and, gathered, in the kernel's `arch/arm64/include/asm/cputype.h`.

/// Implementer, part, name.
const CORES: [(u32, u32, &str); 27] = [
    (0x41, 0xb76, "ARM1176"),
    (0x41, 0xc07, "Cortex-A7"),
    (0x41, 0xc08, "Cortex-A8"),
    (0x41, 0xc09, "Cortex-A9"),
    (0x41, 0xc0f, "Cortex-A15"),
    (0x41, 0xd03, "Cortex-A53"),
    (0x41, 0xd04, "Cortex-A35"),
    (0x41, 0xd05, "Cortex-A55"),
    (0x41, 0xd07, "Cortex-A57"),
    (0x41, 0xd08, "Cortex-A72"),
    (0x41, 0xd09, "Cortex-A73"),
    (0x41, 0xd0a, "Cortex-A75"),
    (0x41, 0xd0b, "Cortex-A76"),
    (0x41, 0xd0c, "Neoverse-N1"),
    (0x41, 0xd0d, "Cortex-A77"),
    (0x41, 0xd40, "Neoverse-V1"),
    (0x41, 0xd41, "Cortex-A78"),
    (0x41, 0xd42, "Cortex-A78AE"),
    (0x41, 0xd44, "Cortex-X1"),
    (0x41, 0xd46, "Cortex-A510"),
    (0x41, 0xd47, "Cortex-A710"),
    (0x41, 0xd48, "Cortex-X2"),
    (0x41, 0xd49, "Neoverse-N2"),
    (0x41, 0xd4f, "Neoverse-V2"),
    (0x41, 0xd83, "Neoverse-V3AE"),
    (0x4e, 0x003, "Denver 2"),
    (0x4e, 0x004, "Carmel"),
];

/// The core's name, or its numbers where nobody told us one.
pub(super) fn name(implementer: u32, part: u32) -> String {
    CORES.iter().find(|(i, p, _)| (*i, *p) == (implementer, part)).map_or_else(
        || format!("implementer 0x{implementer:02x} part 0x{part:03x}"),
        |(_, _, name)| (*name).to_owned(),
    )
}
