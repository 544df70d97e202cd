//! Where a task's files are: a folder on disk, or a list embedded in the program.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::TaskError;

/// Longest file of a task: an archive of samples.
const LONGEST: u64 = 1 << 30;

/// A folder and what is in it.
#[derive(Debug)]
pub(super) enum Tree<'a> {
    /// On disk.
    Folder(&'a Path),
    /// Embedded: paths relative to the folder, with `/`, and contents.
    Embedded(&'a [(&'a str, &'a [u8])]),
}

impl Tree<'_> {
    /// A path in it, for people.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        match self {
            Self::Folder(root) if path.is_empty() => root.to_path_buf(),
            Self::Folder(root) => root.join(path),
            Self::Embedded(_) => Path::new("bundled").join(path),
        }
    }

    /// Whether a file or folder is there.
    pub(super) fn has(&self, path: &str) -> bool {
        match self {
            // A path that cannot be looked at is there: reading it says why it cannot.
            Self::Folder(root) => root.join(path).try_exists().unwrap_or(true),
            Self::Embedded(files) => {
                files.iter().any(|(name, _)| Path::new(name).starts_with(Path::new(path)))
            }
        }
    }

    /// A file's contents.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, TaskError> {
        match self {
            Self::Folder(root) => read_file(&root.join(path)),
            Self::Embedded(files) => {
                let found = files.iter().find(|(name, _)| *name == path);
                found.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| TaskError::Unreadable {
                    path: self.place(path),
                    reason: "not in this program".to_owned(),
                })
            }
        }
    }

    /// Names of the folders in a folder, sorted; hidden ones are left out.
    pub(super) fn folders(&self, path: &str) -> Result<Vec<String>, TaskError> {
        self.entries(path, true)
    }

    /// Names of the files in a folder, sorted; hidden ones are left out.
    pub(super) fn files(&self, path: &str) -> Result<Vec<String>, TaskError> {
        self.entries(path, false)
    }

    fn entries(&self, path: &str, folders: bool) -> Result<Vec<String>, TaskError> {
        let mut names = match self {
            Self::Folder(root) => list(&root.join(path), folders)?,
            Self::Embedded(files) => embedded(files, path, folders),
        };
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// A file, up to the longest that a task may have.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, TaskError> {
    let unreadable = |reason: String| TaskError::Unreadable { path: path.to_owned(), reason };
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable("longer than 1 GiB".to_owned()));
    }
    Ok(bytes)
}

fn list(folder: &Path, folders: bool) -> Result<Vec<String>, TaskError> {
    let unreadable = |error: std::io::Error| TaskError::Unreadable {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().is_dir() == folders {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn embedded(files: &[(&str, &[u8])], path: &str, folders: bool) -> Vec<String> {
    let below = |name: &str| -> Option<String> {
        let rest = Path::new(name).strip_prefix(path).ok()?;
        let mut parts = rest.components();
        let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
        (parts.next().is_some() == folders).then_some(first)
    };
    files.iter().filter_map(|(name, _)| below(name)).collect()
}
