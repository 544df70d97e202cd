//! The only place that writes to standard output and standard error.
//!
//! A reader that has gone away (`umbra rank | head`) is no failure; a full disk is.

use std::io::{self, Write};
use std::process::ExitCode;

use super::show::{self, text};
use super::{Answer, Exit, Failure};

/// Prints an answer and returns the program's exit code.
pub(crate) fn answer(answer: &Answer, json: bool) -> ExitCode {
    match answer {
        Ok(show) => {
            let body = if json { line(&show.json()) } else { show.text() };
            written(write_stdout(&body), show.exit())
        }
        Err(failure) => refuse(failure, json),
    }
}

/// Prints a failure: on standard error for people, as the one document on standard output for scripts.
pub fn refuse(failure: &Failure, json: bool) -> ExitCode {
    if json {
        return written(write_stdout(&line(&show::failure_json(failure))), failure.exit);
    }
    let mut lines = text::wrap("umbra: ", &failure.message, 12);
    if let Some(help) = &failure.help {
        lines.extend(text::wrap("help:  ", help, 6));
    }
    // Nothing is left to tell when standard error is gone too.
    let _ = io::stderr().lock().write_all(text::page(&lines).as_bytes());
    ExitCode::from(failure.exit.code())
}

/// Writes and flushes in one go.
pub(crate) fn write_stdout(body: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(body.as_bytes())?;
    out.flush()
}

/// One document, one line.
pub(crate) fn line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}

/// The exit code once the writing itself has been judged.
pub(crate) fn written(result: io::Result<()>, exit: Exit) -> ExitCode {
    match result {
        Ok(()) => ExitCode::from(exit.code()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(exit.code()),
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "umbra: cannot write the answer: {error}");
            ExitCode::from(Exit::Failed.code())
        }
    }
}
