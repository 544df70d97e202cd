//! A reading of the outside world, with where it came from or why there is none.
//!
//! "Unsupported", "denied", "absent" and "stale" are different answers to a
//! technician: buy another board, run as root, plug it in, look again.

use std::path::PathBuf;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A value with its source, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading<T> {
    /// The value and the file or call that gave it.
    Value {
        /// What was read.
        value: T,
        /// Path or call, for people.
        source: String,
    },
    /// The device is there and cannot tell (for example NVML's `NotSupported`).
    Unsupported,
    /// Permission to read this path was refused.
    Denied(PathBuf),
    /// There is no such thing here.
    Absent,
    /// It was there and stopped answering, or its value no longer means anything.
    Stale,
}

impl<T> Reading<T> {
    /// A value from a source.
    pub fn of(value: T, source: impl Into<String>) -> Self {
        Self::Value { value, source: source.into() }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The same reading with its value changed.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        self.and_then(|value| Some(f(value)))
    }

    /// The same reading with its value parsed; a value that does not parse is [`Reading::Stale`].
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Option<U>) -> Reading<U> {
        match self {
            Self::Value { value, source } => match f(value) {
                Some(value) => Reading::Value { value, source },
                None => Reading::Stale,
            },
            Self::Unsupported => Reading::Unsupported,
            Self::Denied(path) => Reading::Denied(path),
            Self::Absent => Reading::Absent,
            Self::Stale => Reading::Stale,
        }
    }

    /// This reading, or another where this one has no value.
    #[must_use]
    pub fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Value { .. } => self,
            _ => match other() {
                Self::Absent => self,
                found => found,
            },
        }
    }
}

impl<T> From<std::io::Error> for Reading<T> {
    /// `NotFound` is absent, anything else stale; use [`Reading::from_io`] to keep the path of a denial.
    fn from(error: std::io::Error) -> Self {
        Self::from_io(&error, PathBuf::new())
    }
}

impl<T> Reading<T> {
    /// What a failed read of `path` means.
    #[must_use]
    pub fn from_io(error: &std::io::Error, path: PathBuf) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Absent,
            std::io::ErrorKind::PermissionDenied => Self::Denied(path),
            std::io::ErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Stale,
        }
    }
}

impl<T: Serialize> Serialize for Reading<T> {
    /// `{"value","source"} | {"unsupported":true} | {"denied":path} | {"absent":true} | {"stale":true}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Value { value, source } => {
                map.serialize_entry("value", value)?;
                map.serialize_entry("source", source)?;
            }
            Self::Unsupported => map.serialize_entry("unsupported", &true)?,
            Self::Denied(path) => map.serialize_entry("denied", path)?,
            Self::Absent => map.serialize_entry("absent", &true)?,
            Self::Stale => map.serialize_entry("stale", &true)?,
        }
        map.end()
    }
}
