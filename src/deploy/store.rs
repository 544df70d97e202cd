//! The store's verbs. Whoever calls one that writes holds the [`Lock`].

use std::path::{Path, PathBuf};

use super::plans::PLANS;
use super::state::{Generations, LINK, MODELS, State};
use super::{Active, Deployment, HistoryEntry, Installed, Lock, Package, Quarantined, Status};
use super::{StoreError, failed, folder, is_leftover, lock, make_folder};
use crate::base::{Digest, Fs};

/// Starts a new model gets to prove itself.
pub const TRIES: u32 = 3;
/// Space that is left over for state, link and records.
const RESERVE: u64 = 256 * 1024;

/// The store below one folder. Opening it writes nothing.
#[derive(Debug, Clone)]
pub struct Store<'fs> {
    root: PathBuf,
    fs: &'fs dyn Fs,
}

impl<'fs> Store<'fs> {
    /// The store at `root`, which need not exist yet.
    ///
    /// # Errors
    /// `root` is there and is no folder that we may read.
    pub fn open(root: PathBuf, fs: &'fs dyn Fs) -> Result<Self, StoreError> {
        if fs.exists(&root) {
            fs.list(&root).map_err(failed("read", &root))?;
        }
        Ok(Self { root, fs })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn fs(&self) -> &'fs dyn Fs {
        self.fs
    }

    /// Makes this process the only writer; `command` tells others what it does.
    ///
    /// # Errors
    /// [`StoreError::Locked`] names the holder.
    pub fn lock(&self, command: &str) -> Result<Lock, StoreError> {
        // A folder whose name is not on the disk yet would take all that is in it along.
        make_folder(self.fs, &self.root)?;
        lock::take(&self.root, command)
    }

    /// The active model, proven whole.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where it is not; [`Store::repair`] finds another.
    pub fn active(&self) -> Result<Option<Active>, StoreError> {
        Ok(self.find_active()?.map(|(active, _)| active))
    }

    /// The active model with its bytes.
    ///
    /// # Errors
    /// [`StoreError::Nothing`], or [`StoreError::Damaged`].
    pub fn active_model(&self) -> Result<(Installed, Vec<u8>), StoreError> {
        let (active, model) = self.find_active()?.ok_or(StoreError::Nothing)?;
        Ok((active.installed, model))
    }

    fn find_active(&self) -> Result<Option<(Active, Vec<u8>)>, StoreError> {
        match Generations::read(self.fs, &self.root).current() {
            Some(state) => self.load(state.current).map(|package| {
                let path = self.path_of(state.current);
                let Package { model, installed } = package;
                let State { current: address, generation, committed, tries_left, .. } = state;
                let active = Active { address, path, installed, generation, committed, tries_left };
                Some((active, model))
            }),
            None if self.fs.exists(&self.root.join(LINK)) => Err(StoreError::Damaged {
                path: self.root.join(LINK),
                what: "it does not point to a model".to_owned(),
            }),
            None => Ok(None),
        }
    }

    /// The address that a package would have.
    ///
    /// # Errors
    /// The package cannot be written down.
    pub fn address(&self, package: &Package) -> Result<Digest, StoreError> {
        Ok(folder::Files::of(package)?.address())
    }

    /// Puts a model in place: stage, sync, name, switch. Until the switch the old one is
    /// active, from the switch on the new one.
    ///
    /// # Errors
    /// [`StoreError::Full`] before the first byte is written; otherwise what failed.
    pub fn apply(
        &self,
        package: &Package,
        reason: &str,
        at: u64,
    ) -> Result<Deployment, StoreError> {
        let files = folder::Files::of(package)?;
        let address = files.address();
        let staged = self.load(address).is_ok();
        self.preflight(if staged { 0 } else { files.bytes() })?;
        if !staged {
            files.write(self.fs, &self.root.join(MODELS))?;
        }
        let generations = Generations::read(self.fs, &self.root);
        let past = generations.current().unwrap_or_else(|| State::unknown(address));
        let previous = if past.current == address { past.previous } else { Some(past.current) };
        let next =
            State { current: address, previous, tries_left: TRIES, committed: false, ..past };
        let deployed = self.enter(&generations, next, "deploy", &package.installed, reason, at)?;
        self.collect_or_warn();
        Ok(deployed)
    }

    /// Notes that the active model was looked at and stays. The same note is not repeated,
    /// so a board that restarts daily does not wear its card.
    ///
    /// # Errors
    /// [`StoreError::Nothing`], or what failed.
    pub fn keep(&self, reason: &str, at: u64) -> Result<(), StoreError> {
        let generations = Generations::read(self.fs, &self.root);
        let state = generations.current().ok_or(StoreError::Nothing)?;
        let installed = self.load(state.current)?.installed;
        let repeated = state.history.last().is_some_and(|last| {
            last.action == "keep" && last.reason == reason && last.sha256 == installed.sha256
        });
        if !repeated {
            self.enter(&generations, state, "keep", &installed, reason, at)?;
        }
        Ok(())
    }

    /// Goes back to the previous model; a second rollback returns.
    ///
    /// # Errors
    /// [`StoreError::NoPrevious`]; [`StoreError::Damaged`] where the previous model is not
    /// whole, and the active one stays.
    pub fn rollback(&self, at: u64) -> Result<Deployment, StoreError> {
        self.go_back("asked for", at, true)
    }

    /// The active model did harm: quarantines it and goes back to the previous one.
    ///
    /// In this order, so that a model that was left is always in quarantine. A cut between the
    /// two leaves it active *and* in quarantine, by which the next start knows to go on.
    ///
    /// # Errors
    /// As [`Store::rollback`]; the active model then stays, and is not quarantined where there
    /// is nothing to go back to.
    pub fn give_up(&self, reason: &str, at: u64) -> Result<Deployment, StoreError> {
        let (active, _) = self.find_active()?.ok_or(StoreError::Nothing)?;
        let state = Generations::read(self.fs, &self.root).current().ok_or(StoreError::Nothing)?;
        self.load(state.previous.ok_or(StoreError::NoPrevious)?)?;
        let Installed { sha256, id: model, .. } = active.installed;
        self.quarantine(&Quarantined { sha256, model, reason: reason.to_owned(), at })?;
        self.go_back(reason, at, false)
    }

    fn go_back(&self, reason: &str, at: u64, may_return: bool) -> Result<Deployment, StoreError> {
        let generations = Generations::read(self.fs, &self.root);
        let past = generations.current().ok_or(StoreError::Nothing)?;
        let target = past.previous.ok_or(StoreError::NoPrevious)?;
        let installed = self.load(target)?.installed;
        let previous = may_return.then_some(past.current);
        let next = State { current: target, previous, tries_left: 0, committed: true, ..past };
        self.enter(&generations, next, "rollback", &installed, reason, at)
    }

    /// Confirms the active model: it is no longer given up by itself.
    ///
    /// # Errors
    /// [`StoreError::Nothing`], or what failed.
    pub fn commit(&self) -> Result<(), StoreError> {
        self.amend(|state| {
            state.committed = true;
            state.tries_left = 0;
        })
    }

    /// Counts one start of a model that is not confirmed yet, before it is tried; how many
    /// are left after it.
    ///
    /// # Errors
    /// [`StoreError::Nothing`], or what failed.
    pub fn count_try(&self) -> Result<u32, StoreError> {
        let mut left = 0;
        self.amend(|state| {
            state.tries_left = state.tries_left.saturating_sub(1);
            left = state.tries_left;
        })?;
        Ok(left)
    }

    /// Keeps the active model's folder from collection, or no longer.
    ///
    /// # Errors
    /// [`StoreError::Nothing`], or what failed.
    pub fn pin(&self, pinned: bool) -> Result<(), StoreError> {
        self.amend(|state| {
            let current = state.current;
            state.pins.retain(|pin| *pin != current);
            if pinned {
                state.pins.push(current);
            }
        })
    }

    fn amend(&self, change: impl FnOnce(&mut State)) -> Result<(), StoreError> {
        let generations = Generations::read(self.fs, &self.root);
        let now = generations.current().ok_or(StoreError::Nothing)?;
        let mut next = now.clone();
        change(&mut next);
        if next == now {
            return Ok(());
        }
        next.generation = generations.next();
        generations.enter(self.fs, &self.root, &next)
    }

    /// The store at a glance.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the active model is not whole.
    pub fn status(&self) -> Result<Status, StoreError> {
        let active = self.active()?;
        let state = Generations::read(self.fs, &self.root).current();
        let pins = state.as_ref().map_or(&[][..], |state| &state.pins);
        let pinned = active.as_ref().is_some_and(|active| pins.contains(&active.address));
        let previous = state.and_then(|state| state.previous);
        let previous = previous.and_then(|address| self.load(address).ok());
        Ok(Status {
            previous: previous.map(|package| package.installed.id),
            committed: active.as_ref().is_some_and(|active| active.committed),
            pinned,
            tries_left: active.as_ref().map_or(0, |active| active.tries_left),
            current: active.map(|active| Deployment {
                generation: active.generation,
                model: active.installed.id,
                path: active.path,
            }),
            free_bytes: self.free().ok(),
        })
    }

    /// What happened, newest first.
    #[must_use]
    pub fn history(&self, limit: usize) -> Vec<HistoryEntry> {
        let state = Generations::read(self.fs, &self.root).current();
        state.map_or_else(Vec::new, |state| state.history.into_iter().rev().take(limit).collect())
    }

    pub(super) fn load(&self, address: Digest) -> Result<Package, StoreError> {
        folder::load(self.fs, &self.root.join(MODELS), address)
    }

    fn path_of(&self, address: Digest) -> PathBuf {
        self.root.join(MODELS).join(address.hex())
    }

    /// Enters the next state with its line of history.
    pub(super) fn enter(
        &self,
        generations: &Generations,
        mut next: State,
        action: &str,
        installed: &Installed,
        reason: &str,
        at: u64,
    ) -> Result<Deployment, StoreError> {
        next.generation = generations.next();
        next.note(HistoryEntry {
            generation: next.generation,
            at,
            action: action.to_owned(),
            model: installed.id.clone(),
            sha256: installed.sha256,
            reason: reason.to_owned(),
        });
        generations.enter(self.fs, &self.root, &next)?;
        Ok(Deployment {
            generation: next.generation,
            model: installed.id.clone(),
            path: self.path_of(next.current),
        })
    }

    fn free(&self) -> Result<u64, StoreError> {
        let exists = self.root.ancestors().find(|part| self.fs.exists(part));
        let place = exists.unwrap_or(&self.root);
        self.fs.free_bytes(place).map_err(failed("ask for the free space of", place))
    }

    /// There is room for this many bytes and the reserve, or nothing is written.
    pub(super) fn preflight(&self, bytes: u64) -> Result<(), StoreError> {
        let (needed, free) = (bytes.saturating_add(RESERVE), self.free()?);
        if free < needed {
            return Err(StoreError::Full { path: self.root.clone(), needed, free });
        }
        Ok(())
    }

    /// A deployment that worked is not failed by the broom.
    fn collect_or_warn(&self) {
        if let Err(error) = self.collect() {
            log::warn!("old models are left in the store: {error}");
        }
    }

    /// Removes models that are neither current, nor previous, nor pinned, nor leased.
    fn collect(&self) -> Result<(), StoreError> {
        let Some(state) = Generations::read(self.fs, &self.root).current() else { return Ok(()) };
        let models = self.root.join(MODELS);
        let leases = self.fs.list(&self.root.join("leases")).unwrap_or_default();
        for path in self.fs.list(&models).map_err(failed("read", &models))? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Ok(address) = name.parse::<Digest>() else { continue };
            let leased = leases.iter().any(|lease| lease.to_string_lossy().ends_with(name));
            let used = state.current == address || state.previous == Some(address);
            if !used && !leased && !state.pins.contains(&address) {
                folder::discard_as(self.fs, &path, &models.join(format!(".{name}.tmp")))?;
            }
        }
        Ok(())
    }

    /// Unfinished writes of an earlier run.
    pub(super) fn leftovers(&self) -> Vec<PathBuf> {
        let folders = ["", MODELS, "trials", "evidence", "speeds", "quarantine", PLANS];
        let all =
            folders.iter().flat_map(|dir| self.fs.list(&self.root.join(dir)).unwrap_or_default());
        all.filter(|path| is_leftover(path)).collect()
    }
}
