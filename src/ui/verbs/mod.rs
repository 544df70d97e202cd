//! One file per verb: its arguments, and a handler that calls one stage function and
//! hands the value to `show`.

use std::path::Path;

use super::{Call, Exit, Failure};
use crate::base::fs::replace;

mod aim;
mod ways;

pub(crate) mod bench;
pub(crate) mod boot;
pub(crate) mod commit;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod console;
pub(crate) mod deploy;
pub(crate) mod eval;
pub(crate) mod history;
pub(crate) mod infer;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod models;
pub(crate) mod pin;
pub(crate) mod probe;
pub(crate) mod rank;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod select;
pub(crate) mod status;
pub(crate) mod task;
pub(crate) mod unquarantine;
pub(crate) mod why;
pub(crate) mod zoo;

/// A file that the line names.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))
}

/// Writes a file that the line names, whole or not at all.
fn write(call: &Call<'_>, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace(&*call.world.fs, path, bytes).map_err(|error| {
        let path = path.display();
        Failure::new(Exit::Failed, "output", format!("cannot write {path}: {error}"))
    })
}
