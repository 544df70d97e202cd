//! A disk in memory that fails on purpose.
//!
//! It keeps what a program sees (`live`) apart from what a power cut leaves
//! (`durable`): a file's bytes become durable when it is synced, a name becomes
//! durable when its folder is synced, and nothing else is promised. Tests run an
//! operation with a [`Fault`] at its k-th step, for every k, switch the disk off and
//! on again and look at what is there. [`FaultFs::forget_syncs`] makes the disk lie
//! about syncing: a suite that still passes then proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Fs;

/// What goes wrong, and at which change (the first is 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// That one change fails for want of space.
    Once(u64),
    /// From that change on there is no space for anything that needs some.
    Full(u64),
    /// The power goes off in the middle of that change.
    Cut(u64),
}

/// What of the unsynced a power cut takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// All of it.
    Everything,
    /// None of it.
    Nothing,
    /// Some names and some bytes, chosen by this seed.
    Some(u64),
}

/// Which syncs a lying disk forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgets {
    /// Those of files.
    Files,
    /// Those of folders.
    Folders,
}

/// The disk; clones are the same disk. Links are not followed inside a path.
#[derive(Debug, Clone)]
pub struct FaultFs(Arc<Mutex<Disk>>);

type Entries = BTreeMap<OsString, usize>;

#[derive(Debug, Clone)]
enum Node {
    Folder { live: Entries, durable: Entries },
    File { live: Vec<u8>, durable: Vec<u8> },
    Link(PathBuf),
}

#[derive(Debug, Clone)]
struct Disk {
    nodes: Vec<Node>,
    fault: Fault,
    changes: u64,
    off: bool,
    free: u64,
    forgets: Option<Forgets>,
}

impl Default for FaultFs {
    /// An empty disk with plenty of space that does nothing wrong.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Disk {
            nodes: vec![Node::folder()],
            fault: Fault::None,
            changes: 0,
            off: false,
            free: 1 << 30,
            forgets: None,
        })))
    }
}

impl FaultFs {
    /// Another disk with what is on this one now, that will suffer this fault; changes count from 0.
    #[must_use]
    pub fn copy(&self, fault: Fault) -> Self {
        let mut disk = self.disk().clone();
        disk.fault = fault;
        disk.changes = 0;
        Self(Arc::new(Mutex::new(disk)))
    }

    /// Changes tried so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.disk().changes
    }

    /// Sets what [`Fs::free_bytes`] answers.
    pub fn set_free(&self, bytes: u64) {
        self.disk().free = bytes;
    }

    /// From now on the disk says that it has synced and has not.
    pub fn forget_syncs(&self, which: Forgets) {
        self.disk().forgets = Some(which);
    }

    /// Off and on again: what was not synced is lost as told, and no fault is left.
    pub fn power_cycle(&self, lost: Lost) {
        let mut disk = self.disk();
        for (at, node) in disk.nodes.iter_mut().enumerate() {
            node.settle(lost, at as u64);
        }
        disk.fault = Fault::None;
        disk.off = false;
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    fn folder() -> Self {
        Self::Folder { live: Entries::new(), durable: Entries::new() }
    }

    /// Makes what survives both live and durable.
    fn settle(&mut self, lost: Lost, at: u64) {
        match self {
            Self::Folder { live, durable } => {
                let names: BTreeSet<OsString> =
                    live.keys().chain(durable.keys()).cloned().collect();
                for (nth, name) in names.into_iter().enumerate() {
                    let from = if lost.takes(at, nth as u64) { &*durable } else { &*live };
                    match from.get(&name).copied() {
                        Some(node) => live.insert(name, node),
                        None => live.remove(&name),
                    };
                }
                durable.clone_from(live);
            }
            Self::File { live, durable } if lost.takes(at, u64::MAX) => live.clone_from(durable),
            Self::File { live, durable } => durable.clone_from(live),
            Self::Link(_) => {}
        }
    }
}

impl Lost {
    fn takes(self, node: u64, nth: u64) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Some(seed) => {
                let mixed = (seed ^ node.wrapping_mul(0x9E37_79B9) ^ nth.wrapping_mul(0x85EB_CA6B))
                    .wrapping_mul(0xBF58_476D_1CE4_E5B9);
                (mixed >> 40) & 1 == 1
            }
        }
    }
}

/// Whether a change happens whole, or is what the power cut interrupts.
#[derive(PartialEq)]
enum Step {
    Whole,
    Interrupted,
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk {
    /// Every change passes here once.
    fn step(&mut self, needs_space: bool) -> io::Result<Step> {
        self.look()?;
        let this = self.changes;
        self.changes += 1;
        match self.fault {
            Fault::Once(at) if at == this => Err(io::ErrorKind::StorageFull.into()),
            Fault::Full(from) if this >= from && needs_space => {
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::Cut(at) if at == this => {
                self.off = true;
                Ok(Step::Interrupted)
            }
            _ => Ok(Step::Whole),
        }
    }

    fn look(&self) -> io::Result<()> {
        if self.off { Err(power_is_off()) } else { Ok(()) }
    }

    fn node(&self, at: usize) -> io::Result<&Node> {
        self.nodes.get(at).ok_or_else(not_found)
    }

    fn entries(&self, at: usize) -> io::Result<&Entries> {
        match self.node(at)? {
            Node::Folder { live, .. } => Ok(live),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn entries_mut(&mut self, at: usize) -> io::Result<&mut Entries> {
        match self.nodes.get_mut(at) {
            Some(Node::Folder { live, .. }) => Ok(live),
            Some(_) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(not_found()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for name in names(path) {
            at = *self.entries(at)?.get(&name).ok_or_else(not_found)?;
        }
        Ok(at)
    }

    /// The folder of a path and the last name in it.
    fn place(&self, path: &Path) -> io::Result<(usize, OsString)> {
        let folder = self.find(path.parent().unwrap_or(Path::new("/")))?;
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((folder, name.to_owned()))
    }

    fn add(&mut self, folder: usize, name: OsString, node: Node) -> io::Result<()> {
        let at = self.nodes.len();
        self.entries_mut(folder)?.insert(name, at);
        self.nodes.push(node);
        Ok(())
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let step = self.step(true)?;
        let (folder, name) = self.place(path)?;
        let whole = step == Step::Whole;
        let live = if whole { bytes } else { bytes.get(..bytes.len() / 2).unwrap_or_default() };
        let synced = whole && self.forgets != Some(Forgets::Files);
        let durable = if synced { bytes.to_vec() } else { Vec::new() };
        let file = Node::File { live: live.to_vec(), durable };
        match self.entries(folder)?.get(&name).copied() {
            Some(at) => *self.nodes.get_mut(at).ok_or_else(not_found)? = file,
            None => self.add(folder, name, file)?,
        }
        if whole { Ok(()) } else { Err(power_is_off()) }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let ((source, name), (target, new)) = (self.place(from)?, self.place(to)?);
        let node = *self.entries(source)?.get(&name).ok_or_else(not_found)?;
        if let Some(old) = self.entries(target)?.get(&new)
            && self.entries(*old).is_ok_and(|entries| !entries.is_empty())
        {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.entries_mut(source)?.remove(&name);
        self.entries_mut(target)?.insert(new, node);
        Ok(())
    }

    fn sync(&mut self, dir: &Path) -> io::Result<()> {
        let at = self.find(dir)?;
        if self.forgets == Some(Forgets::Folders) {
            return Ok(());
        }
        match self.nodes.get_mut(at) {
            Some(Node::Folder { live, durable }) => durable.clone_from(live),
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        }
        Ok(())
    }

    fn create_all(&mut self, dir: &Path) -> io::Result<()> {
        let mut at = 0;
        for name in names(dir) {
            if !self.entries(at)?.contains_key(&name) {
                self.add(at, name.clone(), Node::folder())?;
            }
            at = *self.entries(at)?.get(&name).ok_or_else(not_found)?;
        }
        Ok(())
    }

    /// Interrupted, it has removed the first entry of the folder and not the folder.
    fn remove_all(&mut self, dir: &Path, step: &Step) -> io::Result<()> {
        if *step == Step::Whole {
            let (folder, name) = self.place(dir)?;
            self.entries_mut(folder)?.remove(&name).ok_or_else(not_found)?;
        } else {
            let at = self.find(dir)?;
            self.entries_mut(at)?.pop_first();
        }
        Ok(())
    }

    /// A change that an interruption prevents altogether.
    fn change(
        &mut self,
        needs_space: bool,
        change: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.step(needs_space)? {
            Step::Whole => change(self),
            Step::Interrupted => Err(power_is_off()),
        }
    }
}

fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        _ => None,
    })
}

impl Fs for FaultFs {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        disk.look()?;
        match disk.node(disk.find(path)?)? {
            Node::File { live, .. } => Ok(live.clone()),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let disk = self.disk();
        disk.look()?;
        Ok(disk.entries(disk.find(dir)?)?.keys().map(|name| dir.join(name)).collect())
    }

    fn exists(&self, path: &Path) -> bool {
        let disk = self.disk();
        !disk.off && disk.find(path).is_ok()
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let disk = self.disk();
        disk.look()?;
        match disk.node(disk.find(path)?)? {
            Node::Link(target) => Ok(target.clone()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let disk = self.disk();
        disk.look()?;
        disk.find(path).map(|_| disk.free)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk().change(true, |disk| disk.create_all(dir))
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.disk().write(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk().change(false, |disk| disk.rename(from, to))
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.disk().change(true, |disk| {
            let (folder, name) = disk.place(link)?;
            if disk.entries(folder)?.contains_key(&name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disk.add(folder, name, Node::Link(target.to_owned()))
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk().change(false, |disk| disk.sync(dir))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk().change(false, |disk| {
            if disk.entries(disk.find(path)?).is_ok() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let (folder, name) = disk.place(path)?;
            disk.entries_mut(folder)?.remove(&name).map(|_| ()).ok_or_else(not_found)
        })
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let step = disk.step(false)?;
        disk.remove_all(dir, &step)?;
        if step == Step::Whole { Ok(()) } else { Err(power_is_off()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_takes_what_was_not_synced_and_only_that() {
        let disk = FaultFs::default();
        disk.create_dir_all(Path::new("/d")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.write_synced(Path::new("/d/kept"), b"kept").unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.rename(Path::new("/d/kept"), Path::new("/d/renamed")).unwrap();
        let lucky = disk.copy(Fault::None);
        lucky.power_cycle(Lost::Nothing);
        assert_eq!(lucky.read(Path::new("/d/renamed")).unwrap(), b"kept");
        disk.power_cycle(Lost::Everything);
        assert_eq!(disk.list(Path::new("/d")).unwrap(), [PathBuf::from("/d/kept")]);
    }

    #[test]
    fn faults_strike_at_their_change_and_a_lying_disk_forgets() {
        let disk = FaultFs::default();
        let once = disk.copy(Fault::Once(1));
        once.write_synced(Path::new("/a"), b"a").unwrap();
        let full = once.write_synced(Path::new("/b"), b"b").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        once.write_synced(Path::new("/b"), b"b").unwrap();
        let cut = disk.copy(Fault::Cut(0));
        cut.write_synced(Path::new("/a"), b"abcd").unwrap_err();
        assert!(cut.read(Path::new("/a")).is_err() && !cut.exists(Path::new("/a")));
        cut.power_cycle(Lost::Nothing);
        assert_eq!(cut.read(Path::new("/a")).unwrap(), b"ab");
        disk.forget_syncs(Forgets::Files);
        disk.write_synced(Path::new("/a"), b"a").unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.power_cycle(Lost::Everything);
        assert_eq!(disk.read(Path::new("/a")).unwrap(), b"");
    }
}
