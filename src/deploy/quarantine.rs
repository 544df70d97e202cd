//! Models that did harm: `quarantine/<sha256>`, one record each, with the reason.

use super::{Quarantined, Store, StoreError, failed, is_leftover, make_folder};
use crate::base::{Digest, fs, record};

const SCHEMA: u16 = 1;
const FOLDER: &str = "quarantine";

impl Store<'_> {
    /// Every quarantined model, by hash.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        let found = self.fs().list(&self.root().join(FOLDER)).unwrap_or_default();
        let named = found.iter().filter(|path| !is_leftover(path));
        let records = named.filter_map(|path| self.fs().read(path).ok());
        records.filter_map(|bytes| record::decode(SCHEMA, &bytes).ok()).collect()
    }

    /// Keeps a model from being deployed again.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn quarantine(&self, entry: &Quarantined) -> Result<(), StoreError> {
        let folder = self.root().join(FOLDER);
        let path = folder.join(entry.sha256.hex());
        let bytes = record::encode(SCHEMA, entry)
            .map_err(|error| StoreError::Damaged { path: path.clone(), what: error.to_string() })?;
        make_folder(self.fs(), &folder)?;
        fs::replace(self.fs(), &path, &bytes).map_err(failed("write", &path))
    }

    /// Lets a model back in; whether it was in quarantine.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn unquarantine(&self, sha256: Digest) -> Result<bool, StoreError> {
        let folder = self.root().join(FOLDER);
        let path = folder.join(sha256.hex());
        if !self.fs().exists(&path) {
            return Ok(false);
        }
        self.fs().remove_file(&path).map_err(failed("remove", &path))?;
        self.fs().sync_dir(&folder).map_err(failed("sync", &folder))?;
        Ok(true)
    }
}
