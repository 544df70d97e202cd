//! What a verb is given, and what it gives back.

use super::show::Show;
use super::{Failure, Settings};
use crate::agent::World;
use crate::base::Sink;
use crate::deploy::Store;

/// What a verb gives back: something to show, or why there is nothing.
pub type Answer = Result<Box<dyn Show>, Failure>;

/// What a verb is given beside its own arguments.
#[allow(missing_debug_implementations, reason = "a sink has no form of its own")]
pub struct Call<'a> {
    /// Everything outside the program.
    pub world: &'a mut World,
    /// State folder, zoo, task and budget where the line names none.
    pub settings: &'a Settings,
    /// Who watches the progress.
    pub sink: &'a mut dyn Sink,
}

impl Call<'_> {
    /// The store in the state folder.
    ///
    /// # Errors
    /// [`Exit::Store`](super::Exit::Store) where it cannot be opened.
    pub fn store(&self) -> Result<Store<'_>, Failure> {
        Ok(Store::open(self.settings.state.clone(), &*self.world.fs)?)
    }
}

/// Boxes what a verb shows.
pub(crate) fn shown(show: impl Show + 'static) -> Answer {
    Ok(Box::new(show))
}
