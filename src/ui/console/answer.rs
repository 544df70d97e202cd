//! How an answer is closed: `ok`, or `err <code> <text>` with the exit code's number.

use crate::ui::show::text::{WIDTH, ascii, end, page, wrap};
use crate::ui::show::{self, Show};
use crate::ui::{Answer, Exit, Failure, out};

/// All is well.
pub(crate) const OK: &str = "ok\n";

/// The whole answer of a verb, with its last line.
pub(crate) fn closed(answer: &Answer, json: bool) -> String {
    match answer {
        Ok(show) => {
            let body = if json { out::line(&show.json()) } else { show.text() };
            format!("{body}{}", status(&**show))
        }
        Err(failure) => refused(failure, json),
    }
}

fn status(show: &dyn Show) -> String {
    match show.exit() {
        Exit::Done => OK.to_owned(),
        exit => last_line(exit, exit.text()),
    }
}

/// What failed in full, the advice, and the last line.
pub(crate) fn refused(failure: &Failure, json: bool) -> String {
    let last = last_line(failure.exit, &failure.message);
    if json {
        return format!("{}{last}", out::line(&show::failure_json(failure)));
    }
    let mut lines = Vec::new();
    if last.trim_end().ends_with("...") {
        lines.extend(wrap("", &failure.message, 12));
    }
    lines.extend(failure.help.iter().flat_map(|help| wrap("help: ", help, 6)));
    format!("{}{last}", page(&lines))
}

fn last_line(exit: Exit, text: &str) -> String {
    format!("{}\n", end(&format!("err {} {}", exit.code(), ascii(text)), WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_one_pattern_and_a_long_reason_stands_above_it() {
        let failure = Failure::usage("no").help("try again");
        assert_eq!(refused(&failure, false), "help: try again\nerr 2 no\n");
        let failure = Failure::input("because of ".repeat(20));
        let text = refused(&failure, false);
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert!(text.lines().last().unwrap().starts_with("err 4 because of"));
        assert!(text.lines().count() == 4, "{text}");
    }
}
