//! What every writer does first: sweep what a cut left behind, and find a model that is
//! whole where the linked one is not.

use super::state::{Generations, LINK, MODELS, State};
use super::{Active, Installed, Store, StoreError, failed};
use crate::base::Digest;

impl Store<'_> {
    /// Leaves the store with a loadable active model, or with none and no link that
    /// pretends one. A damaged model is replaced by the newest other one that is whole.
    ///
    /// # Errors
    /// Whatever the file system says; nothing loadable is lost by it.
    pub fn repair(&self, at: u64) -> Result<Option<Active>, StoreError> {
        self.sweep();
        match self.active() {
            Ok(found) => Ok(found),
            Err(StoreError::Damaged { path, what }) => {
                log::warn!("{} is damaged: {what}", path.display());
                self.replace_damaged(&what, at)?;
                self.active()
            }
            Err(error) => Err(error),
        }
    }

    /// Garbage does no harm, so that it cannot be removed is not an error.
    fn sweep(&self) {
        for path in self.leftovers() {
            let fs = self.fs();
            if fs.remove_file(&path).is_err()
                && let Err(error) = fs.remove_dir_all(&path)
            {
                log::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }

    fn replace_damaged(&self, what: &str, at: u64) -> Result<(), StoreError> {
        let generations = Generations::read(self.fs(), self.root());
        let Some((address, installed)) = self.whole_model(&generations) else {
            let link = self.root().join(LINK);
            self.fs().remove_file(&link).map_err(failed("remove", &link))?;
            return self.fs().sync_dir(self.root()).map_err(failed("sync", self.root()));
        };
        let past = generations.current().unwrap_or_else(|| State::unknown(address));
        let next =
            State { current: address, previous: None, tries_left: 0, committed: true, ..past };
        self.enter(&generations, next, "repair", &installed, what, at).map(|_| ())
    }

    /// The models that the state mentions, newest first, then whatever else is there.
    fn whole_model(&self, generations: &Generations) -> Option<(Digest, Installed)> {
        let there = self.fs().list(&self.root().join(MODELS)).unwrap_or_default();
        let named = there.iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok());
        let all = generations.mentioned().into_iter().chain(named);
        let others = all.filter(|address| Some(*address) != generations.link());
        others.filter_map(|address| Some((address, self.load(address).ok()?.installed))).next()
    }
}
