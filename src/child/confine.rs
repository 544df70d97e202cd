//! What a worker may touch, once it has its order: the kernel's own files and the
//! system's libraries, for reading. It writes nowhere, starts no program, opens no TCP
//! connection and signals no process but its own, as far as this kernel's Landlock goes.
//!
//! Nothing is lost by it: the model comes through a pipe, and what is open stays open.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Confinement;

/// Rights up to this version of the interface are taken away where the kernel knows them.
const NEWEST: ABI = ABI::V6;
/// The kernel's own files: what an engine asks of the processor, and the memory figures.
const KERNEL: [&str; 2] = ["/proc", "/sys"];
/// For an engine that loads its library late.
const LIBRARIES: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/local/lib", "/etc/ld.so.cache"];

/// Confines this thread and all that come from it, as far as the kernel can.
pub(super) fn confine() -> Confinement {
    match restrict() {
        Ok(RulesetStatus::FullyEnforced) => Confinement::Full,
        Ok(RulesetStatus::PartiallyEnforced) => Confinement::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Confinement::None,
    }
}

fn restrict() -> Result<RulesetStatus, RulesetError> {
    let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let rules = path_beneath_rules(KERNEL.iter().chain(&LIBRARIES), reading);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(rules)?
        .restrict_self()?;
    Ok(status.ruleset)
}
