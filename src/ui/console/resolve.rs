//! What a line asks for: pure, from the verb table.

use clap::{CommandFactory as _, Parser as _};

use super::{help, words};
use crate::ui::Failure;
use crate::ui::table::{Line, Verb, mistake};

/// What a line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// Nothing was typed: say how things are.
    State,
    /// Good-bye.
    Leave,
    /// A text to show.
    Help(String),
    /// A verb to run.
    Verb {
        /// Which, with its arguments.
        verb: Box<Verb>,
        /// Answer in JSON.
        json: bool,
    },
}

/// Words of the console itself.
const OWN: [&str; 4] = ["help", "?", "exit", "quit"];

/// Verbs that make no sense inside a console, or are for who prepares a fleet.
const NOT_HERE: [&str; 5] = ["console", "man", "task", "worker", "zoo"];

/// Names of the verbs that the console offers.
pub(crate) fn verbs() -> Vec<String> {
    let table = Line::command();
    let names =
        table.get_subcommands().filter(|verb| !verb.is_hide_set()).map(|verb| verb.get_name());
    names.filter(|name| !NOT_HERE.contains(name)).map(str::to_owned).collect()
}

/// Reads a line.
///
/// # Errors
/// A word that is no verb or more than one, or arguments that the verb does not take.
pub(crate) fn resolve(line: &str) -> Result<Request, Failure> {
    let mut words = words::split(line)?;
    // Examples in the help and habit both say `umbra select`.
    if words.first().is_some_and(|word| word == "umbra") {
        words.remove(0);
    }
    let Some(first) = words.first().cloned() else { return Ok(Request::State) };
    if let Some(help) = asked_for_help(&words)? {
        return Ok(Request::Help(help));
    }
    let name = unabbreviated(&first)?;
    match name.as_str() {
        "exit" | "quit" => Ok(Request::Leave),
        "help" | "?" => help_on(words.get(1)).map(Request::Help),
        _ => parse(name, &words),
    }
}

/// `?`, `sel?`, `select ?`: a question mark at the end of the words.
fn asked_for_help(words: &[String]) -> Result<Option<String>, Failure> {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return Ok(None) };
    if first == "?" || !last.ends_with('?') {
        return Ok(None);
    }
    if words.len() > 1 {
        return help_on(Some(first)).map(Some);
    }
    let stem = first.trim_end_matches('?');
    Ok(Some(help::list(&candidates(stem))))
}

fn help_on(word: Option<&String>) -> Result<String, Failure> {
    match word {
        None => Ok(help::all(&verbs())),
        Some(word) => {
            let name = unabbreviated(word)?;
            if OWN.contains(&name.as_str()) {
                Ok(help::all(&verbs()))
            } else {
                Ok(help::verb(&name))
            }
        }
    }
}

/// Every word that begins like this.
fn candidates(stem: &str) -> Vec<String> {
    let own = OWN.into_iter().map(str::to_owned);
    verbs().into_iter().chain(own).filter(|name| name.starts_with(stem)).collect()
}

/// The one word that is meant.
fn unabbreviated(word: &str) -> Result<String, Failure> {
    let found = candidates(word);
    if let Some(exact) = found.iter().find(|name| *name == word) {
        return Ok(exact.clone());
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::usage(format!("no verb is called {word:?}")).help("? lists the verbs")),
        many => Err(Failure::usage(format!("{word:?} may be {}", many.join(", ")))),
    }
}

fn parse(name: String, words: &[String]) -> Result<Request, Failure> {
    let arguments = words.iter().skip(1).cloned();
    let line = Line::try_parse_from(std::iter::once(name).chain(arguments));
    match line {
        Ok(Line { verb, json }) => Ok(Request::Verb { verb: Box::new(verb), json }),
        Err(error) if !error.use_stderr() => Ok(Request::Help(error.render().to_string())),
        Err(error) => Err(mistake(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        resolve(line).unwrap_err().message
    }

    #[test]
    fn unique_abbreviations_resolve_and_ambiguous_ones_list_what_they_may_be() {
        assert!(matches!(resolve("stat").unwrap(), Request::Verb { json: false, .. }));
        assert!(matches!(
            resolve("umbra sel --dry-run --json").unwrap(),
            Request::Verb { json: true, .. }
        ));
        assert!(matches!(resolve("run a.png").unwrap(), Request::Verb { .. }));
        assert_eq!(refused("com"), "\"com\" may be compare, commit, completions");
        assert_eq!(refused("frobnicate"), "no verb is called \"frobnicate\"");
        assert_eq!(refused("worker"), "no verb is called \"worker\"");
        // Tokens are for who prepares a fleet, not for who stands before one board.
        assert_eq!(refused("task show f"), "no verb is called \"task\"");
    }

    #[test]
    fn a_question_mark_helps_wherever_it_stands() {
        let text = |line: &str| match resolve(line).unwrap() {
            Request::Help(text) => text,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(text("?"), text("help"));
        for line in ["? select", "select ?", "help sel", "sel --help", "sel ?"] {
            assert!(text(line).contains("--dry-run"), "{line}");
        }
        assert_eq!(text("sta?").lines().count(), 1);
        assert!(text("zzz?").contains("no verb"));
    }

    #[test]
    fn an_empty_line_asks_for_the_state_and_exit_leaves() {
        assert!(matches!(resolve(" \t ").unwrap(), Request::State));
        assert!(matches!(resolve("exit").unwrap(), Request::Leave));
        assert!(matches!(resolve("q").unwrap(), Request::Leave));
    }

    #[test]
    fn mistakes_are_one_line_each() {
        for line in ["select --nonsense", "inspect", "deploy", "select --budget x", "a 'b"] {
            let failure = resolve(line).unwrap_err();
            assert!(!failure.message.contains('\n') && !failure.message.is_empty(), "{line}");
        }
    }
}
