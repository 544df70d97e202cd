//! A prompt for a technician on a serial line.
//!
//! The same verbs as on the command line, from the same table, abbreviated as far as
//! they stay unique. At most 79 columns of ASCII; every answer is closed by a line
//! `ok` or `err <code> <text>`, so that a script needs one pattern. Noise on the line
//! is refused, Ctrl-C ends the running verb only, and logs never appear here.

mod answer;
#[cfg(feature = "console")]
mod editor;
#[cfg(not(feature = "console"))]
#[path = "no_editor.rs"]
mod editor;
mod help;
mod lines;
mod resolve;
mod state;
pub(crate) mod tty;
mod words;

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGTERM;

use self::lines::{Input, Lines, Plain};
use self::resolve::{Request, resolve};
use super::show::progress::Progress;
use super::{Call, Exit, Failure};

/// What the technician sees when it is his turn.
const PROMPT: &str = "umbra> ";

/// How the line at the other end is to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manner {
    /// Somebody types: greet, prompt.
    typed: bool,
    /// The terminal knows how to move its cursor: edit lines, rewrite progress.
    edits: bool,
}

impl Manner {
    fn of_this_process() -> Self {
        let typed = io::stdin().is_terminal() && io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        Self { typed, edits: typed && !dumb }
    }
}

/// Reads and answers lines until the technician leaves or the line goes dead.
///
/// # Errors
/// Where the line cannot be read or written; a line that is gone is no failure.
pub(crate) fn serve(call: &mut Call<'_>) -> Result<(), Failure> {
    let manner = Manner::of_this_process();
    let termination = Termination::watch()?;
    let mut lines: Box<dyn Lines> =
        match manner.edits.then(|| editor::open(call.settings)).flatten() {
            Some(editor) => editor,
            None => Box::new(Plain::new(manner.typed)),
        };
    match converse(call, manner, &mut *lines, &termination) {
        Err(error) if !gone(&error) => {
            Err(Failure::new(Exit::Failed, "console", format!("the line failed: {error}")))
        }
        _ => Ok(()),
    }
}

/// The other end hung up.
fn gone(error: &io::Error) -> bool {
    let hung_up = rustix::io::Errno::IO.raw_os_error();
    error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(hung_up)
}

fn converse(
    call: &mut Call<'_>,
    manner: Manner,
    lines: &mut dyn Lines,
    termination: &Termination,
) -> io::Result<()> {
    let state = state::Board::look(call);
    if manner.typed {
        say(&state.banner(call))?;
    }
    while !termination.is_wanted() {
        // A Ctrl-C was for the verb that ran, or for the line; not for what comes next.
        call.world.stop.flag().store(false, Ordering::SeqCst);
        let input = termination.during(|| lines.next(PROMPT, &call.world.stop))?;
        call.world.stop.flag().store(false, Ordering::SeqCst);
        match input {
            Input::End => return Ok(()),
            Input::Interrupted => {}
            Input::Refused(why) => say(&answer::refused(&Failure::usage(why), false))?,
            Input::Line(line) => match resolve(&line) {
                Ok(Request::Leave) => return say(answer::OK),
                Ok(Request::State) => say(&format!("{}{}", state.lines(call), answer::OK))?,
                Ok(Request::Help(text)) => say(&format!("{text}{}", answer::OK))?,
                Ok(Request::Verb { verb, json }) => say(&perform(call, manner, *verb, json))?,
                Err(failure) => say(&answer::refused(&failure, false))?,
            },
        }
    }
    Ok(())
}

/// Runs a verb and returns its whole answer.
fn perform(call: &mut Call<'_>, manner: Manner, verb: super::table::Verb, json: bool) -> String {
    let out: Box<dyn Write> =
        if manner.typed && !json { Box::new(io::stdout()) } else { Box::new(io::stderr()) };
    let mut progress = Progress::new(out, manner.edits);
    let mut inner = Call { world: call.world, settings: call.settings, sink: &mut progress };
    let answer = verb.run(&mut inner);
    progress.clear();
    // The kernel has echoed `^C` where the cursor stood; the answer's lines stand alone.
    let echoed = manner.typed && !manner.edits && call.world.stop.wanted();
    format!("{}{}", if echoed { "\n" } else { "" }, answer::closed(&answer, json))
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// `systemctl stop` ends an idle console at once; while a verb runs it asks that verb
/// to stop, like Ctrl-C, and ends the console afterwards.
#[derive(Debug, Default)]
struct Termination {
    /// Nothing runs: the signal may do what it does by default.
    idle: Arc<AtomicBool>,
    /// It came while a verb ran.
    wanted: Arc<AtomicBool>,
}

impl Termination {
    fn watch() -> Result<Self, Failure> {
        let flags = Self::default();
        signal_hook::flag::register_conditional_default(SIGTERM, Arc::clone(&flags.idle))
            .and_then(|_| signal_hook::flag::register(SIGTERM, Arc::clone(&flags.wanted)))
            .map_err(|error| {
                let text = format!("cannot watch for SIGTERM: {error}");
                Failure::new(Exit::Failed, "signals", text)
            })?;
        Ok(flags)
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    /// Waits for input, during which the signal ends the program.
    fn during<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.idle.store(true, Ordering::SeqCst);
        let waited = wait();
        self.idle.store(false, Ordering::SeqCst);
        waited
    }
}
