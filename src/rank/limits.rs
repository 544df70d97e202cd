//! Hard limits.

use std::collections::BTreeMap;

use super::Violation;
use crate::task::Limits;

/// Whether a figure breaks a limit; both in the unit of task.toml.
///
/// Accuracy must reach its limit, everything else must not exceed it.
#[must_use]
pub(crate) fn breaks(name: &str, value: f64, limit: f64) -> bool {
    if name == "accuracy" { value < limit } else { value > limit }
}

/// The limits that these figures break; a figure that is not known breaks none.
#[must_use]
pub(crate) fn violations(gates: &BTreeMap<String, f64>, limits: &Limits) -> Vec<Violation> {
    let broken = |name: &str| {
        let (value, bound) = (*gates.get(name)?, limits.get(name)?);
        breaks(name, value, bound).then(|| Violation { limit: name.to_owned(), value, bound })
    };
    Limits::NAMES.iter().filter_map(|name| broken(name)).collect()
}
