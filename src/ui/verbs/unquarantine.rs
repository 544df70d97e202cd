//! `unquarantine`: let a model back in.

use clap::Args;

use crate::deploy::Quarantined;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, Failure, show};

/// Let a model back in that was shut out for doing harm.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra unquarantine
  umbra unquarantine resnet8-cifar10-int8-qdq")]
pub struct Unquarantine {
    /// Its name or hash [default: list what is shut out].
    model: Option<String>,
}

impl Unquarantine {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let store = call.store()?;
        let shut_out = store.quarantined();
        let Some(model) = self.model else {
            return shown(show::store::ShutOut { entries: shut_out, released: Vec::new() });
        };
        let is_meant = |entry: &Quarantined| entry.model == model || entry.sha256.hex() == model;
        let (released, entries): (Vec<_>, Vec<_>) = shut_out.into_iter().partition(is_meant);
        if released.is_empty() {
            return Err(Failure::usage(format!("{model:?} is not in quarantine")));
        }
        let lock = store.lock("unquarantine")?;
        released.iter().try_for_each(|entry| store.unquarantine(entry.sha256).map(drop))?;
        drop(lock);
        shown(show::store::ShutOut { entries, released })
    }
}
