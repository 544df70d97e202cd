//! The shared library: where it is, what identifies it, and opening it once.
//!
//! Only the worker opens it. A library built for another processor ends the process that
//! loads it (ONNX Runtime 1.21 did on the Raspberry Pi 4), so the agent never does: what it
//! says of the library comes from the file's name, size and age.

use std::panic::catch_unwind;
use std::path::Path;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use crate::engine::EngineError;
use crate::model::Stage;

/// What to do where there is none.
const HELP: &str = "name ONNX Runtime 1.17 or newer with ORT_DYLIB_PATH, or with \
                    `onnxruntime` in the configuration";

/// What tells this library from another without opening it.
pub(super) fn identity(named: Option<&Path>) -> String {
    let Some(named) = named else { return "no library".to_owned() };
    // A link such as libonnxruntime.so leads to a name with the version.
    let path = std::fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Ok(facts) = std::fs::metadata(&path) else { return format!("{name} missing") };
    let changed = facts.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{name} {} {}", facts.len(), changed.unwrap_or_default().as_secs())
}

/// Opens the library; the first call decides for the whole process. Nothing is searched for:
/// which library measured a model must never depend on a loader's search path.
///
/// # Errors
/// [`EngineError`] of stage [`Stage::Load`]: none is named, it cannot be loaded, or it is too
/// old.
pub(super) fn open(named: Option<&Path>) -> Result<(), EngineError> {
    static OPENED: OnceLock<Result<(), EngineError>> = OnceLock::new();
    OPENED.get_or_init(|| first(named)).clone()
}

fn first(named: Option<&Path>) -> Result<(), EngineError> {
    let refuse = |reason: String| EngineError::new(Stage::Load, reason).help(HELP);
    let path = named.ok_or_else(|| refuse("no ONNX Runtime library is named".to_owned()))?;
    if !path.is_file() {
        return Err(refuse(format!("there is no library at {}", path.display())));
    }
    match catch_unwind(|| load(path)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(refuse(super::one_line(&error))),
        Err(_) => Err(refuse(format!("{} is no usable ONNX Runtime", path.display()))),
    }
}

fn load(path: &Path) -> Result<(), String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    let environment = ort::init_from(absolute).map_err(|error| explain(&error))?;
    environment.with_name("umbra").with_telemetry(false).commit();
    Ok(())
}

fn explain(error: &ort::LoadDynamicError) -> String {
    match error {
        ort::LoadDynamicError::BadVersion { version_str, .. } => format!(
            "the library is ONNX Runtime {version_str}, at least 1.{}.0 is needed",
            ort::MINOR_VERSION
        ),
        ort::LoadDynamicError::MissingApi { path } => {
            format!("{} is no ONNX Runtime library", path.display())
        }
        ort::LoadDynamicError::Dlopen { error, .. } => {
            // The loader's own words: a missing dependency, another architecture.
            format!("the library cannot be loaded: {error}")
        }
    }
}
