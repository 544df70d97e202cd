//! One deployed model as a folder, named by the hash of everything in it.
//!
//! The address covers the ONNX file, the manifest and the head, so another head on
//! the same backbone is another folder, and a folder proves itself: what it holds
//! hashes to its name or it is damaged.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Installed, Package, StoreError, failed, make_folder};
use crate::base::{Digest, Fs, record};
use crate::model::Head;

const SCHEMA: u32 = 1;
const HEAD_SCHEMA: u16 = 1;
const MODEL: &str = "model.onnx";
const MANIFEST: &str = "manifest.toml";
const HEAD: &str = "head.postcard";

/// `manifest.toml`.
#[derive(Serialize, Deserialize)]
struct Sheet {
    schema: u32,
    #[serde(flatten)]
    installed: Installed,
}

/// The bytes of a folder's files.
#[derive(Debug)]
pub(super) struct Files<'m> {
    model: &'m [u8],
    manifest: String,
    head: Option<Vec<u8>>,
}

impl<'m> Files<'m> {
    /// The files of a package.
    pub(super) fn of(package: &'m Package) -> Result<Self, StoreError> {
        let unwritable = |file: &str, what: String| StoreError::Damaged { path: file.into(), what };
        let installed = Installed { head: None, ..package.installed.clone() };
        let manifest = toml::to_string(&Sheet { schema: SCHEMA, installed })
            .map_err(|error| unwritable(MANIFEST, error.to_string()))?;
        let head = package.installed.head.as_ref();
        let head = head
            .map(|head| record::encode(HEAD_SCHEMA, head))
            .transpose()
            .map_err(|error| unwritable(HEAD, error.to_string()))?;
        Ok(Self { model: &package.model, manifest, head })
    }

    /// Hash of all of them; no head is not an empty head.
    pub(super) fn address(&self) -> Digest {
        address(self.model, self.manifest.as_bytes(), self.head.as_deref())
    }

    /// Bytes to be written.
    pub(super) fn bytes(&self) -> u64 {
        (self.model.len() + self.manifest.len() + self.head.as_ref().map_or(0, Vec::len)) as u64
    }

    /// Writes them into a folder that nobody knows yet, and gives it its name when every
    /// byte is on the disk.
    pub(super) fn write(&self, fs: &dyn Fs, models: &Path) -> Result<(), StoreError> {
        let name = self.address().hex();
        let (folder, temp) = (models.join(&name), models.join(format!(".{name}.tmp")));
        make_folder(fs, models)?;
        discard(fs, &temp)?;
        // A folder of that name whose contents are not its name is damaged.
        discard_as(fs, &folder, &temp)?;
        let written = self.fill(fs, &temp).and_then(|()| {
            fs.rename(&temp, &folder).map_err(failed("rename", &temp))?;
            fs.sync_dir(models).map_err(failed("sync", models))
        });
        if written.is_err() {
            // Best effort: the error that matters is the one above.
            let _ = fs.remove_dir_all(&temp);
        }
        written
    }

    fn fill(&self, fs: &dyn Fs, temp: &Path) -> Result<(), StoreError> {
        fs.create_dir_all(temp).map_err(failed("create", temp))?;
        let put = |name: &str, bytes: &[u8]| {
            let path = temp.join(name);
            fs.write_synced(&path, bytes).map_err(failed("write", &path))
        };
        put(MODEL, self.model)?;
        put(MANIFEST, self.manifest.as_bytes())?;
        if let Some(head) = &self.head {
            put(HEAD, head)?;
        }
        fs.sync_dir(temp).map_err(failed("sync", temp))
    }
}

fn address(model: &[u8], manifest: &[u8], head: Option<&[u8]>) -> Digest {
    Digest::of_parts([model, manifest].into_iter().chain(head))
}

/// Removes a folder if it is there.
pub(super) fn discard(fs: &dyn Fs, folder: &Path) -> Result<(), StoreError> {
    if fs.exists(folder) {
        fs.remove_dir_all(folder).map_err(failed("remove", folder))?;
    }
    Ok(())
}

/// Removes a named folder by way of its temporary name, so that a cut leaves no half of it
/// under an address.
pub(super) fn discard_as(fs: &dyn Fs, folder: &Path, temp: &Path) -> Result<(), StoreError> {
    if fs.exists(folder) {
        fs.rename(folder, temp).map_err(failed("rename", folder))?;
        fs.remove_dir_all(temp).map_err(failed("remove", temp))?;
    }
    Ok(())
}

/// Reads a folder and proves it whole.
pub(super) fn load(fs: &dyn Fs, models: &Path, wanted: Digest) -> Result<Package, StoreError> {
    let folder = models.join(wanted.hex());
    let damaged = |what: String| StoreError::Damaged { path: folder.clone(), what };
    let read = |name: &str| {
        let path = folder.join(name);
        fs.read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => damaged(format!("{name} is missing")),
            _ => failed("read", &path)(error),
        })
    };
    let (model, manifest) = (read(MODEL)?, read(MANIFEST)?);
    let head = if fs.exists(&folder.join(HEAD)) { Some(read(HEAD)?) } else { None };
    if address(&model, &manifest, head.as_deref()) != wanted {
        return Err(damaged("its contents do not hash to its name".to_owned()));
    }
    let text = String::from_utf8(manifest).map_err(|error| damaged(error.to_string()))?;
    let sheet: Sheet = toml::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    if sheet.schema != SCHEMA {
        return Err(damaged(format!("{MANIFEST} has schema {}, not {SCHEMA}", sheet.schema)));
    }
    let head: Option<Head> = head
        .map(|head| record::decode(HEAD_SCHEMA, &head))
        .transpose()
        .map_err(|error| damaged(error.to_string()))?;
    Ok(Package { model, installed: Installed { head, ..sheet.installed } })
}
