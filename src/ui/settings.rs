//! What holds for a whole run: the state folder, and the defaults of `umbra.toml`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Failure;
use super::table::Global;
use crate::agent::Config;
use crate::base::RealFs;
use crate::engine;

/// Where the configuration is looked for when the line names none.
const CONFIG: &str = "/etc/umbra/umbra.toml";

/// The configuration, with the command line and the environment applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// State folder.
    pub state: PathBuf,
    /// Root of the board's files, where it is not `/`.
    pub sysroot: Option<PathBuf>,
    /// Launcher prefix of workers.
    pub launcher: Vec<String>,
    /// The rest of the configuration.
    pub config: Config,
}

impl Settings {
    /// Line before environment before file before default.
    ///
    /// # Errors
    /// A configuration that cannot be read, or no place for the state folder.
    pub fn resolve(
        global: &Global,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        let config = match &global.config {
            Some(path) => Config::read(&RealFs, path)?,
            None if Path::new(CONFIG).exists() => Config::read(&RealFs, Path::new(CONFIG))?,
            None => Config::default(),
        };
        let named = global.state.clone().or_else(|| config.state.clone());
        let state = named.map_or_else(|| default_state(env), Ok)?;
        if let Some(missing) = global.sysroot.as_deref().filter(|root| !root.is_dir()) {
            return Err(Failure::input(format!("{}: there is no such folder", missing.display()))
                .help("--sysroot names a folder that holds proc/ and sys/ of a recorded board"));
        }
        let library = env(engine::ONNXRUNTIME).filter(|path| !path.is_empty());
        let onnxruntime = library.map(PathBuf::from).or_else(|| config.onnxruntime.clone());
        let config = Config { onnxruntime, ..config };
        let launcher = launcher(env).unwrap_or_else(|| config.launcher.clone());
        Ok(Self { state, sysroot: global.sysroot.clone(), launcher, config })
    }
}

/// `UMBRA_LAUNCHER`, split at white space; an empty one counts as not set.
fn launcher(env: &dyn Fn(&str) -> Option<OsString>) -> Option<Vec<String>> {
    let text = env("UMBRA_LAUNCHER")?.to_string_lossy().into_owned();
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

fn default_state(env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/umbra"));
    }
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("umbra"))
        .ok_or_else(|| {
            Failure::usage("there is no home folder to keep the state in")
                .help("name one with --state DIR")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(config: Option<PathBuf>) -> Global {
        Global { config, ..Global::default() }
    }

    #[test]
    fn the_line_wins_over_the_environment_and_that_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("umbra.toml");
        std::fs::write(&file, "state = \"/from/file\"\nlauncher = [\"a\"]\nbudget = 5.0\n")
            .unwrap();
        let env = |name: &str| (name == "UMBRA_LAUNCHER").then(|| OsString::from("qemu -L /x"));
        let settings = Settings::resolve(&global(Some(file.clone())), &env).unwrap();
        assert_eq!(settings.state, Path::new("/from/file"));
        assert_eq!(settings.launcher, ["qemu", "-L", "/x"]);
        let line = Global { state: Some("/line".into()), ..global(Some(file)) };
        let settings = Settings::resolve(&line, &|_| None).unwrap();
        assert_eq!(settings.state, Path::new("/line"));
        assert_eq!(settings.launcher, ["a"]);
    }

    #[test]
    fn an_unknown_key_and_a_missing_file_are_bad_input() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("umbra.toml");
        std::fs::write(&file, "zooo = []\n").unwrap();
        let failure = Settings::resolve(&global(Some(file.clone())), &|_| None).unwrap_err();
        assert_eq!(failure.exit, super::super::Exit::Input);
        assert!(failure.message.contains("zooo"), "{}", failure.message);
        std::fs::remove_file(&file).unwrap();
        assert!(Settings::resolve(&global(Some(file)), &|_| None).is_err());
    }

    #[test]
    fn a_recorded_board_that_is_not_there_is_bad_input() {
        let dir = tempfile::tempdir().unwrap();
        let named = |root| Global {
            state: Some("/state".into()),
            sysroot: Some(root),
            ..Global::default()
        };
        assert!(Settings::resolve(&named(dir.path().to_owned()), &|_| None).is_ok());
        let failure = Settings::resolve(&named(dir.path().join("no")), &|_| None).unwrap_err();
        assert_eq!(failure.exit, super::super::Exit::Input);
    }
}
