//! From the command line to a verb: the steps that `main` takes, in its order.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::show::progress::Progress;
use super::{Call, Cli, Exit, Failure, Settings, out, table};
use crate::agent::{self, World};
use crate::base::{RealFs, Stop, SysRoot, SystemClock};
use crate::board;
use crate::child::{self, Reach, Spawner};
use crate::engine::{self, Libraries};

/// Reads the command line; help, version and mistakes are printed here.
///
/// # Errors
/// The exit code to end with.
pub fn parse(args: &[OsString]) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(args).map_err(|error| {
        if !error.use_stderr() {
            return out::written(out::write_stdout(&error.render().to_string()), Exit::Done);
        }
        if args.iter().any(|arg| arg == "--json") {
            return out::refuse(&table::mistake(&error), true);
        }
        let _ = io::stderr().lock().write_all(error.render().to_string().as_bytes());
        ExitCode::from(Exit::Usage.code())
    })
}

/// Sends log lines to standard error, and nowhere where that is the console's own line.
pub fn start_log(cli: &Cli) {
    let level = match cli.global.verbose {
        _ if cli.is_console() && io::stderr().is_terminal() => log::LevelFilter::Off,
        0 => log::LevelFilter::Warn,
        1 => log::LevelFilter::Info,
        _ => log::LevelFilter::Debug,
    };
    // What a library warns of is nothing that a technician can act upon: what the engine would
    // get wrong was rewritten or refused before it saw the model.
    let others = if cli.global.verbose == 0 { level.min(log::LevelFilter::Error) } else { level };
    let mut logger = env_logger::Builder::new();
    logger.filter_level(others).filter_module("umbra", level);
    // Another logger in place is no reason to stop.
    let _ = logger.try_init();
}

/// The worker's side of a job.
#[must_use]
pub fn serve_worker() -> ExitCode {
    let library = std::env::var_os(engine::ONNXRUNTIME).filter(|path| !path.is_empty());
    let libraries = Libraries { onnxruntime: library.map(PathBuf::from) };
    let reach = reach(&libraries);
    let engines = engine::available_with(&libraries);
    let clock = SystemClock::default();
    let code = child::serve(io::stdin().lock(), io::stdout(), &reach, &|job, frames| {
        agent::work(job, &engines, &clock, frames)
    });
    ExitCode::from(u8::try_from(code).unwrap_or(Exit::Failed.code()))
}

/// A library that is named is loaded late, with what lies beside it, and may use graphics
/// processors. Without one the worker has all it needs.
fn reach(libraries: &Libraries) -> Reach {
    let Some(library) = &libraries.onnxruntime else { return Reach::default() };
    let real = std::fs::canonicalize(library).unwrap_or_else(|_| library.clone());
    let folders = [library, &real].map(|path| path.parent().map(Path::to_owned));
    let devices = SysRoot::default().list("/dev").into_iter();
    let devices = devices.filter(|path| is_graphics(&path.to_string_lossy())).collect();
    Reach { libraries: folders.into_iter().flatten().collect(), devices }
}

/// Not by `nv` alone: disks are called `nvme0`.
fn is_graphics(device: &str) -> bool {
    const NAMES: [&str; 6] = ["nvidia", "nvhost", "nvmap", "nvgpu", "nvsci", "dri"];
    let name = device.rsplit('/').next().unwrap_or_default();
    NAMES.iter().any(|start| name.starts_with(start))
}

/// Turns Ctrl-C and `systemctl stop` into the wish to stop. A second Ctrl-C ends the
/// program at once, but never the console, which outlives the verbs it runs.
///
/// # Errors
/// Where the system refuses a handler.
pub fn arm_signals(stop: &Stop, console: bool) -> Result<(), Failure> {
    let armed = || -> io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            if !console {
                signal_hook::flag::register_conditional_shutdown(
                    signal,
                    128 + signal,
                    stop.flag(),
                )?;
            }
            signal_hook::flag::register(signal, stop.flag())?;
        }
        Ok(())
    };
    armed().map_err(|error| {
        Failure::new(Exit::Failed, "signals", format!("cannot watch for Ctrl-C: {error}"))
    })
}

/// The world of this machine, or of the recorded tree that `--sysroot` names.
#[must_use]
pub fn build_world(settings: &Settings, stop: Stop) -> World {
    let sys = settings.sysroot.clone().map_or_else(SysRoot::default, SysRoot::new);
    let meters = board::meters(&sys, &settings.config.meters);
    let library = settings.config.onnxruntime.clone();
    let mut spawner = Spawner::new(settings.launcher.clone());
    if let Some(path) = &library {
        spawner = spawner.with_variable(engine::ONNXRUNTIME, path);
    }
    let libraries = Libraries { onnxruntime: library };
    World {
        sys,
        fs: Box::new(RealFs),
        clock: Box::new(SystemClock::default()),
        meters,
        engines: engine::available_with(&libraries),
        spawn: Box::new(spawner),
        stop,
    }
}

/// Runs the verb, prints its answer, and returns the exit code.
pub fn run(cli: Cli, settings: &Settings, world: &mut World) -> ExitCode {
    let json = cli.wants_json();
    let mut progress = Progress::new(io::stderr(), io::stderr().is_terminal());
    let mut call = Call { world, settings, sink: &mut progress };
    let answer = cli.verb.run(&mut call);
    progress.clear();
    out::answer(&answer, json)
}
