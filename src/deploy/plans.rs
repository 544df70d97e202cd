//! What engines keep of models, so that these load faster: a cache.
//!
//! A plan proves itself to the engine that reads it, so nothing here needs to be trusted or
//! survive: no lock is taken, what cannot be written is not there, and deleting the folder
//! costs time and nothing else. A file's name says its age (a number, since a board's clock may be
//! wrong), its size and what it is a plan of.

use std::path::PathBuf;

use super::{Store, StoreError, failed, make_folder};
use crate::base::{Digest, fs};

/// The folder.
pub(super) const PLANS: &str = "plans";
/// Plans that are kept, the oldest removed first.
const MOST: usize = 24;
/// Bytes that all of them may take.
const MOST_BYTES: u64 = 64 << 20;

/// The name of the plan of a model for one of its outputs on one engine.
#[must_use]
pub fn plan_name(model: Digest, engine: &str, output: &str) -> Digest {
    Digest::of_parts([model.hex().as_bytes(), engine.as_bytes(), output.as_bytes()])
}

/// A plan's file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    age: u64,
    bytes: u64,
    name: Digest,
    path: PathBuf,
}

impl Store<'_> {
    /// The plan of this name, as it was saved or not; its reader finds out.
    #[must_use]
    pub fn plan(&self, name: Digest) -> Option<Vec<u8>> {
        let newest = self.plans().into_iter().rfind(|entry| entry.name == name)?;
        self.fs().read(&newest.path).ok()
    }

    /// Saves a plan in place of the one of this name, and removes the oldest beyond the bounds.
    ///
    /// # Errors
    /// What failed; nothing depends on it.
    pub fn save_plan(&self, name: Digest, plan: &[u8]) -> Result<(), StoreError> {
        let folder = self.root().join(PLANS);
        let bytes = plan.len() as u64;
        if bytes > MOST_BYTES {
            return Ok(());
        }
        self.preflight(bytes)?;
        let known = self.plans();
        let age = known.last().map_or(0, |entry| entry.age.saturating_add(1));
        make_folder(self.fs(), &folder)?;
        for path in surplus(known, name, bytes) {
            self.fs().remove_file(&path).map_err(failed("remove", &path))?;
        }
        let path = folder.join(format!("{age}-{bytes}-{}", name.hex()));
        fs::replace(self.fs(), &path, plan).map_err(failed("write", &path))
    }

    /// All plans, the oldest first.
    fn plans(&self) -> Vec<Entry> {
        let paths = self.fs().list(&self.root().join(PLANS)).unwrap_or_default();
        let mut found: Vec<Entry> = paths.into_iter().filter_map(entry).collect();
        found.sort_by_key(|entry| entry.age);
        found
    }
}

fn entry(path: PathBuf) -> Option<Entry> {
    let mut parts = path.file_name()?.to_str()?.splitn(3, '-');
    let (age, bytes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let name = parts.next()?.parse().ok()?;
    Some(Entry { age, bytes, name, path })
}

/// What makes room for a plan of so many bytes.
fn surplus(mut known: Vec<Entry>, name: Digest, bytes: u64) -> Vec<PathBuf> {
    let (mut gone, mut kept): (Vec<Entry>, Vec<Entry>) =
        known.drain(..).partition(|entry| entry.name == name);
    let sum = |kept: &[Entry]| {
        kept.iter().fold(bytes, |sum, entry| sum.saturating_add(entry.bytes)) > MOST_BYTES
    };
    while !kept.is_empty() && (kept.len() >= MOST || sum(&kept)) {
        gone.push(kept.remove(0));
    }
    gone.into_iter().map(|entry| entry.path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RealFs;

    fn name(number: usize) -> Digest {
        plan_name(Digest::of(&number.to_le_bytes()), "engine", "y")
    }

    #[test]
    fn the_newest_of_a_name_is_found_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned(), &RealFs).unwrap();
        assert_eq!(store.plan(name(0)), None);
        store.save_plan(name(0), b"old").unwrap();
        store.save_plan(name(0), b"new").unwrap();
        assert_eq!(store.plan(name(0)).as_deref(), Some(&b"new"[..]));
        for number in 1..=MOST {
            store.save_plan(name(number), &[number as u8]).unwrap();
        }
        assert_eq!(store.plan(name(0)), None);
        assert_eq!(store.plan(name(MOST)), Some(vec![MOST as u8]));
        assert_eq!(store.plans().len(), MOST);
        let strange = folder.path().join(PLANS).join("README");
        std::fs::write(&strange, "no plan").unwrap();
        assert_eq!(store.plans().len(), MOST);
        std::fs::remove_dir_all(folder.path().join(PLANS)).unwrap();
        assert_eq!(store.plan(name(1)), None);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let entry = |age: u64, bytes: u64| Entry {
            age,
            bytes,
            name: name(age as usize),
            path: PathBuf::from(age.to_string()),
        };
        let known = vec![entry(0, MOST_BYTES / 2), entry(1, MOST_BYTES / 2), entry(2, 1)];
        assert_eq!(surplus(known.clone(), name(9), 1), [PathBuf::from("0")]);
        let all = ["0", "1", "2"].map(PathBuf::from);
        assert_eq!(surplus(known, name(9), MOST_BYTES), all);
    }
}
