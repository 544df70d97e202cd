//! Line editing, history and completion for terminals that can move their cursor.

use std::cell::OnceCell;
use std::io;

use clap::CommandFactory as _;
use rustyline::completion::Completer;
use rustyline::config::{ColorMode, CompletionType, Configurer as _};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::lines::{Input, LONGEST, Lines, judge};
use super::resolve::verbs;
use crate::base::Stop;
use crate::model;
use crate::ui::Settings;
use crate::ui::table::Line;

/// Lines that the history keeps.
const HISTORY: usize = 200;

/// An editor on standard input and output, where the terminal lets us.
pub(crate) fn open(settings: &Settings) -> Option<Box<dyn Lines>> {
    let config = Config::builder()
        .max_history_size(HISTORY)
        .ok()?
        .auto_add_history(true)
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .color_mode(ColorMode::Disabled)
        .bracketed_paste(false)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history).ok()?;
    // Serial terminals print what they do not know.
    editor.enable_synchronized_output(false);
    editor.set_helper(Some(Words { settings: settings.clone(), ids: OnceCell::new() }));
    Some(Box::new(Edited(editor)))
}

struct Edited(Editor<Words, MemHistory>);

impl Lines for Edited {
    fn next(&mut self, prompt: &str, _: &Stop) -> io::Result<Input> {
        match self.0.readline(prompt) {
            Ok(line) => {
                let too_long = line.len() >= LONGEST;
                Ok(judge(line.into_bytes(), too_long))
            }
            Err(ReadlineError::Interrupted) => Ok(Input::Interrupted),
            Err(ReadlineError::Eof) => Ok(Input::End),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Ok(judge(vec![0xff], false))
            }
            Err(ReadlineError::Io(error)) => Err(error),
            Err(ReadlineError::Errno(errno)) => Err(errno.into()),
            Err(other) => Err(io::Error::other(other.to_string())),
        }
    }
}

/// What Tab offers: verbs, then their options and the names of the candidates.
struct Words {
    settings: Settings,
    /// Names of candidates; looked up at the first Tab that wants them.
    ids: OnceCell<Vec<String>>,
}

impl Words {
    fn offered(&self, before: &str) -> Vec<String> {
        let Some(verb) = before.split_whitespace().next() else { return verbs() };
        let table = Line::command();
        let options =
            table.find_subcommand(verb).into_iter().flat_map(clap::Command::get_arguments);
        let options =
            options.filter_map(|option| option.get_long().map(|long| format!("--{long}")));
        let ids = self.ids.get_or_init(|| ids(&self.settings));
        options.chain(ids.iter().cloned()).collect()
    }
}

/// Names alone: a Tab must not wait until every model has been read.
fn ids(settings: &Settings) -> Vec<String> {
    let zoo = &settings.config.zoo;
    if zoo.is_empty() {
        return model::bundled().into_iter().map(|candidate| candidate.id).collect();
    }
    let inside =
        zoo.iter().flat_map(std::fs::read_dir).flatten().flatten().map(|entry| entry.path());
    let files = inside.chain(zoo.iter().cloned());
    let models = files.filter(|path| path.extension().is_some_and(|end| end == "onnx"));
    models.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect()
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..position).unwrap_or(line);
        let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let (before, stem) = typed.split_at_checked(start).unwrap_or(("", typed));
        let mut offered = self.offered(before);
        offered.retain(|word| word.starts_with(stem));
        Ok((start, offered))
    }
}

impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> (usize, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("resnet8.onnx"), b"").unwrap();
        std::fs::write(dir.path().join("notes.txt"), b"").unwrap();
        let mut settings = Settings::resolve(
            &crate::ui::table::Global { state: Some("/nowhere".into()), ..Default::default() },
            &|_| None,
        )
        .unwrap();
        settings.config.zoo = vec![dir.path().to_owned()];
        let words = Words { settings, ids: OnceCell::new() };
        let history = MemHistory::new();
        words.complete(line, line.len(), &Context::new(&history)).unwrap()
    }

    #[test]
    fn tab_offers_verbs_then_options_and_candidates() {
        assert_eq!(completed("sel"), (0, vec!["select".to_owned()]));
        assert_eq!(completed("why res"), (4, vec!["resnet8".to_owned()]));
        assert_eq!(completed("select --dry"), (7, vec!["--dry-run".to_owned()]));
        assert_eq!(completed("why x").1, Vec::<String>::new());
    }
}
