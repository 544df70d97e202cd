//! `/proc`, `/sys` and `/dev`, read under a root path.
//!
//! The live board has the root `/`; a recorded tree has its folder. The paths in
//! sources and denials are those of the board, without the root.

use std::path::{Path, PathBuf};

use super::Reading;

/// Files of one kernel interface are small; anything longer is not what we look for.
const LONGEST: u64 = 1 << 20;

/// Where the board's kernel interfaces are read.
#[derive(Debug, Clone)]
pub struct SysRoot {
    root: PathBuf,
}

impl Default for SysRoot {
    fn default() -> Self {
        Self::new("/")
    }
}

impl SysRoot {
    /// Reads below this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Whether this is the machine we run on rather than a recorded tree.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The real path of a board path such as `/proc/meminfo`.
    #[must_use]
    pub fn path(&self, board_path: impl AsRef<Path>) -> PathBuf {
        let board_path = board_path.as_ref();
        self.root.join(board_path.strip_prefix("/").unwrap_or(board_path))
    }

    /// The text of a file, without the white space and NUL bytes around it.
    #[must_use]
    pub fn text(&self, board_path: impl AsRef<Path>) -> Reading<String> {
        let board_path = board_path.as_ref();
        match read_limited(&self.path(board_path)) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
                Reading::of(text.to_owned(), board_path.display().to_string())
            }
            Err(error) => Reading::from_io(&error, board_path.to_owned()),
        }
    }

    /// A file that holds one number.
    #[must_use]
    pub fn number<T: std::str::FromStr>(&self, board_path: impl AsRef<Path>) -> Reading<T> {
        self.text(board_path).and_then(|text| text.parse().ok())
    }

    /// The entries of a folder as board paths, sorted in the natural order of their numbers
    /// (`zone2` before `zone10`); empty where there is none.
    #[must_use]
    pub fn list(&self, board_path: impl AsRef<Path>) -> Vec<PathBuf> {
        let board_path = board_path.as_ref();
        let Ok(entries) = std::fs::read_dir(self.path(board_path)) else { return Vec::new() };
        let mut found: Vec<PathBuf> =
            entries.flatten().map(|entry| board_path.join(entry.file_name())).collect();
        found.sort_by_cached_key(|path| natural_key(&path.to_string_lossy()));
        found
    }
}

fn read_limited(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Letters and numbers apart, numbers padded.
fn natural_key(text: &str) -> String {
    let mut key = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            key.push_str(&format!("{digits:0>12}"));
            digits.clear();
        }
        key.push(c);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers() {
        assert!(natural_key("zone2") < natural_key("zone10"));
    }

    #[test]
    fn what_is_not_there_is_absent_and_what_does_not_parse_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("n"), "12x\n").unwrap();
        let sys = SysRoot::new(dir.path());
        assert_eq!(sys.number::<u32>("/n"), Reading::Stale);
        assert_eq!(sys.number::<u32>("/m"), Reading::Absent);
        assert_eq!(sys.text("/n"), Reading::of("12x".to_owned(), "/n"));
    }
}
