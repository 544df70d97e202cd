//! What the store remembers beside the models: two generations, written in turn.
//!
//! A generation counts only while it names the model that `current` points to, and of
//! two that do, the newer. A deployment therefore writes the state it leads to into
//! the file that does not count, and then replaces the link: that one rename is the
//! whole transition, and a cut before it leaves the old generation in force.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{HistoryEntry, StoreError, failed};
use crate::base::{Digest, Fs, fs, record};

const SCHEMA: u16 = 1;
/// Lines of history kept.
const HISTORY: usize = 100;
/// Name of the link to the active model.
pub(super) const LINK: &str = "current";
/// Folder of the models.
pub(super) const MODELS: &str = "models";

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) generation: u64,
    /// Address of the model it belongs to.
    pub(super) current: Digest,
    /// What a rollback would activate.
    pub(super) previous: Option<Digest>,
    pub(super) tries_left: u32,
    pub(super) committed: bool,
    /// Addresses that are kept from collection.
    pub(super) pins: Vec<Digest>,
    /// Oldest first.
    pub(super) history: Vec<HistoryEntry>,
}

impl State {
    /// For a model of which nothing is remembered.
    pub(super) fn unknown(current: Digest) -> Self {
        Self {
            generation: 0,
            current,
            previous: None,
            tries_left: 0,
            committed: true,
            pins: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Adds a line to the history and drops the oldest beyond the limit.
    pub(super) fn note(&mut self, entry: HistoryEntry) {
        self.history.push(entry);
        let excess = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..excess);
    }
}

/// Both files and the link, as read.
#[derive(Debug)]
pub(super) struct Generations {
    link: Option<Digest>,
    slots: [(PathBuf, Option<State>); 2],
}

impl Generations {
    /// Reads them; what is damaged does not exist.
    pub(super) fn read(fs: &dyn Fs, root: &Path) -> Self {
        let slot = |name: &str| {
            let path = root.join(name);
            let state = read_state(fs, &path);
            (path, state)
        };
        Self { link: read_link(fs, root), slots: [slot("state.a"), slot("state.b")] }
    }

    /// The address that `current` points to.
    pub(super) fn link(&self) -> Option<Digest> {
        self.link
    }

    fn in_force(&self) -> Option<&State> {
        let matching = self.slots.iter().filter_map(|(_, state)| state.as_ref());
        matching.filter(|state| Some(state.current) == self.link).max_by_key(|s| s.generation)
    }

    /// The state in force; a link that no state knows has an unknown past.
    pub(super) fn current(&self) -> Option<State> {
        self.in_force().cloned().or_else(|| self.link.map(State::unknown))
    }

    fn newest(&self) -> u64 {
        let known = self.slots.iter().filter_map(|(_, state)| state.as_ref());
        known.map(|state| state.generation).max().unwrap_or(0)
    }

    /// The generation that the next write will have.
    pub(super) fn next(&self) -> u64 {
        self.newest().saturating_add(1)
    }

    /// Every address that either file mentions: where to look when the link is broken.
    pub(super) fn mentioned(&self) -> Vec<Digest> {
        let mut known: Vec<&State> =
            self.slots.iter().filter_map(|(_, state)| state.as_ref()).collect();
        known.sort_by_key(|state| std::cmp::Reverse(state.generation));
        known
            .iter()
            .flat_map(|state| std::iter::once(state.current).chain(state.previous))
            .collect()
    }

    /// Writes `state` over the file that does not count, then makes it count.
    pub(super) fn enter(&self, fs: &dyn Fs, root: &Path, state: &State) -> Result<(), StoreError> {
        let counts = self.in_force().map(|state| state.generation);
        let spare = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.is_none() || slot.as_ref().map(|s| s.generation) != counts)
            .min_by_key(|(_, slot)| slot.as_ref().map_or(0, |slot| slot.generation));
        // Two files with the generation in force exist only if somebody copied one: either will do.
        let [first, _] = &self.slots;
        let (path, _) = spare.unwrap_or(first);
        let bytes = record::encode(SCHEMA, state)
            .map_err(|error| StoreError::Damaged { path: path.clone(), what: error.to_string() })?;
        fs::replace(fs, path, &bytes).map_err(failed("write", path))?;
        if self.link == Some(state.current) {
            return Ok(());
        }
        let link = root.join(LINK);
        let target = Path::new(MODELS).join(state.current.hex());
        fs::replace_link(fs, &target, &link).map_err(failed("replace", &link))
    }
}

fn read_state(fs: &dyn Fs, path: &Path) -> Option<State> {
    let bytes = fs.read(path).ok()?;
    match record::decode(SCHEMA, &bytes) {
        Ok(state) => Some(state),
        Err(error) => {
            log::warn!("{} is ignored: {error}", path.display());
            None
        }
    }
}

fn read_link(fs: &dyn Fs, root: &Path) -> Option<Digest> {
    let target = fs.read_link(&root.join(LINK)).ok()?;
    target.file_name()?.to_str()?.parse().ok()
}
