//! `umbra.toml`: what holds for every run on this board.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::Cores;
use crate::base::{Celsius, Fs};
use crate::bench::{Cool, Plan};
use crate::board::MeterConfig;

/// `/etc/umbra/umbra.toml`. Every key may be missing; an unknown one is refused, so that a
/// typing error is not a silent default.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The state folder.
    pub state: Option<PathBuf>,
    /// Model files, and folders of them; the bundled zoo where there is none.
    pub zoo: Vec<PathBuf>,
    /// The task; the bundled one where there is none.
    pub task: Option<PathBuf>,
    /// What to put before the program when it starts a worker (an emulator).
    pub launcher: Vec<String>,
    /// Power meters that cannot be found by looking.
    pub meters: MeterConfig,
    /// Engines to consider, such as `ort-cpu`; the house's own where there is none.
    pub engines: Vec<String>,
    /// Numbers of threads to consider; one where there is none.
    pub threads: Vec<u16>,
    /// The ONNX Runtime library, for engines whose name begins with `ort-`.
    pub onnxruntime: Option<PathBuf>,
    /// Seconds that `select` and `boot` may spend on measuring.
    pub budget: Option<f64>,
    /// How thoroughly one candidate is measured.
    pub plan: Option<Preset>,
    /// Which cores models run on.
    pub affinity: Option<Cores>,
    /// How cool the board is to be before each measurement.
    pub cool: Cooling,
}

/// The pause before each measurement; what is missing is as the plan has it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cooling {
    /// The hottest zone is to be below so many degrees.
    pub below: Option<f64>,
    /// Seconds to wait for that at most; zero does not wait.
    pub wait: Option<f64>,
}

impl Cooling {
    /// The pause of a plan with this in its place.
    #[must_use]
    pub fn over(self, cool: Cool) -> Cool {
        let wait = self.wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Cool { below: self.below.map(Celsius).or(cool.below), wait: wait.unwrap_or(cool.wait) }
    }
}

/// A usual plan, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// While a board boots.
    Boot,
    /// A bench that somebody waits for.
    Default,
    /// Just enough for the bound of the 90th percentile.
    Quick,
}

impl Preset {
    /// The plan of this name.
    #[must_use]
    pub fn plan(self) -> Plan {
        match self {
            Self::Boot => Plan::boot(),
            Self::Default => Plan::default(),
            Self::Quick => Plan::quick(),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no configuration.
    #[error("{path}, line {line}, column {column}: {what}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
}

impl ConfigError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Read { .. } => "name another file with --config",
            Self::Wrong { .. } => "packaging/umbra.toml shows every key",
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] with the line and the column.
    pub fn read(fs: &dyn Fs, path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
        let bytes = fs.read(path).map_err(unreadable)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        Self::parse(path, &text)
    }

    /// Reads a text; `path` is for the error.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let wrong = |at: usize, what: String| {
            let (line, column) = place(text, at);
            ConfigError::Wrong { path: path.to_owned(), line, column, what }
        };
        let config: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong(at, error.message().replace('\n', " "))
        })?;
        if config.threads.contains(&0) {
            let at = text.find("threads").unwrap_or(0);
            return Err(wrong(at, "threads: at least 1".to_owned()));
        }
        for (name, seconds) in [("budget", config.budget), ("wait", config.cool.wait)] {
            if let Some(seconds) = seconds.filter(|s| Duration::try_from_secs_f64(*s).is_err()) {
                let at = text.find(name).unwrap_or(0);
                return Err(wrong(at, format!("{name}: {seconds} is no number of seconds")));
            }
        }
        Ok(config)
    }
}

/// Line and column of a byte, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_a_line_and_a_column() {
        let parse = |text| Config::parse(Path::new("umbra.toml"), text);
        for (text, place) in [
            ("state = \"/x\"\n  bugdet = 3\n", "umbra.toml, line 2, column 3: "),
            ("zoo = 3\n", "umbra.toml, line 1, column 7: "),
            ("\nbudget = -1.0\n", "umbra.toml, line 2, column 1: "),
            ("affinity = \"fast\"\n", "umbra.toml, line 1, column 12: "),
            ("[cool]\nwait = -1.0\n", "umbra.toml, line 2, column 1: "),
            ("plan = \"slow\"\n", "umbra.toml, line 1, column 8: "),
            ("threads = [1, 0]\n", "umbra.toml, line 1, column 1: "),
            ("state = \n", "umbra.toml, line 1, column 9: "),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(place), "{error}");
        }
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn the_packaged_example_is_a_configuration_with_every_key() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/umbra.toml");
        let config = Config::read(&crate::base::RealFs, &path).unwrap();
        let Config { state, zoo, task, launcher, meters, budget, plan, .. } = &config;
        assert!(state.is_some() && !zoo.is_empty() && task.is_some() && launcher.is_empty());
        assert!(budget.is_some() && *plan == Some(Preset::Boot));
        assert!(*meters != MeterConfig::default());
        assert!(config.onnxruntime.is_some() && config.engines.is_empty());
        assert_eq!(config.threads, [1]);
        let cool = config.cool;
        assert!(config.affinity == Some(Cores::All) && cool.below.is_some() && cool.wait.is_some());
    }
}
