//! What a worker may touch, once it has its order: the kernel's own files and the
//! system's libraries, for reading. It writes nowhere, starts no program, opens no TCP
//! connection and signals no process but its own, as far as this kernel's Landlock goes.
//!
//! Nothing is lost by it: the model comes through a pipe, and what is open stays open.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Confinement, Reach};

/// Rights up to this version of the interface are taken away where the kernel knows them.
const NEWEST: ABI = ABI::V6;
/// The kernel's own files: what an engine asks of the processor, and the memory figures.
const KERNEL: [&str; 2] = ["/proc", "/sys"];
/// What a library that is loaded late needs beside itself.
const LIBRARIES: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/local", "/etc/ld.so.cache"];

/// Confines this thread and all that come from it to this reach, as far as the kernel can.
pub(super) fn confine(reach: &Reach) -> Confinement {
    match restrict(reach) {
        Ok(RulesetStatus::FullyEnforced) => Confinement::Full,
        Ok(RulesetStatus::PartiallyEnforced) => Confinement::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Confinement::None,
    }
}

fn restrict(reach: &Reach) -> Result<RulesetStatus, RulesetError> {
    let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    // What is not there needs no rule.
    let rules = path_beneath_rules(KERNEL.iter().chain(&LIBRARIES), reading);
    let libraries = path_beneath_rules(&reach.libraries, reading);
    let using = reading | AccessFs::WriteFile | AccessFs::IoctlDev;
    let devices = path_beneath_rules(&reach.devices, using);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(rules)?
        .add_rules(libraries)?
        .add_rules(devices)?
        .restrict_self()?;
    Ok(status.ruleset)
}
