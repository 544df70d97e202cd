//! `collect`: measurements of one's own, as the agent prints them, become the tables that
//! `train` and `evaluate` read.
//!
//! Three kinds of file are taken, told apart by what is in them: what `umbra eval --json` printed
//! of a task, the tokens of that task (`umbra task build`), and what `umbra rank --json` printed on
//! a board. Models are those of a folder; what is measured of others is an error.

mod boards;
mod models;
mod tasks;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use umbra::model::npz::NpzError;
use umbra::model::{self, Candidate};
use umbra::task::tokens::{TaskTokens, TokenError};

use crate::portraits::PortraitError;

/// Make tables of what the agent measured.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  on a board, or where the samples are:
    umbra eval --zoo models --task gauges --labelled gauges/test --per-class 20 --json > gauges.json
    umbra task build gauges -o gauges.umbra
    umbra select --zoo models; umbra rank --zoo models --json > board-7.json
  then:
    umbra-train collect --zoo models --out facts gauges.json gauges.umbra board-7.json board-8.json
    umbra-train train --facts onnx/zoo/lab/facts --facts facts --out mine
    umbra-train evaluate --train facts")]
pub(crate) struct Collect {
    /// Folder of the models, with sidecars.
    #[arg(long, value_name = "DIR")]
    zoo: PathBuf,
    /// Write the tables into this folder.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What was printed: a board is called by the name of its file.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Why there are no tables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectError {
    /// A file, to read or to write.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file of another kind.
    #[error("{path} is neither `umbra eval --json`, `umbra rank --json` nor a file of task tokens")]
    Unknown {
        /// Which one.
        path: PathBuf,
    },
    /// Damaged tokens.
    #[error("{path}: {source}")]
    Tokens {
        /// Which ones.
        path: PathBuf,
        /// What is wrong.
        source: TokenError,
    },
    /// Nothing to make a table of.
    #[error("nothing was measured in these files, so there is no table to write")]
    Nothing,
    /// Two files of one board.
    #[error(
        "there are two files of board {0}: a board is called as its file, so give each its own name"
    )]
    Twice(String),
    /// Another file under the name of one of the folder.
    #[error("{path} measured another file called {model} than the zoo has")]
    OtherFile {
        /// Which file.
        path: PathBuf,
        /// Which model.
        model: String,
    },
    /// A model that the folder does not have.
    #[error("{path} speaks of {model}, which the zoo does not have")]
    Model {
        /// Which file.
        path: PathBuf,
        /// Which model.
        model: String,
    },
    /// A task that only one of its two files speaks of.
    #[error("task {0} has figures but no tokens: umbra task build makes them")]
    NoTokens(String),
    /// The models.
    #[error(transparent)]
    Portraits(#[from] PortraitError),
    /// The archive of prototypes.
    #[error(transparent)]
    Archive(#[from] NpzError),
    /// A table.
    #[error(transparent)]
    Table(#[from] csv::Error),
}

/// One file, told by its content.
enum Given {
    Task(Value),
    Tokens(TaskTokens),
    Board(Value),
}

impl Collect {
    pub(crate) fn run(&self) -> Result<String, CollectError> {
        let zoo = model::open(std::slice::from_ref(&self.zoo)).map_err(PortraitError::Zoo)?;
        let (mut of_tasks, mut of_boards) = (tasks::Tables::default(), boards::Boards::default());
        for path in &self.files {
            match read(path)? {
                Given::Task(found) => of_tasks.add(&zoo, path, &found)?,
                Given::Tokens(found) => of_tasks.tokens(path, found)?,
                Given::Board(found) => of_boards.add(&zoo, path, &found)?,
            }
        }
        let mut written = of_boards.finish()?;
        if !of_tasks.is_empty() {
            written.extend(of_tasks.finish()?);
            written.extend([models::portraits(&self.zoo)?, models::backbones(&zoo)?]);
        }
        if written.is_empty() {
            return Err(CollectError::Nothing);
        }
        std::fs::create_dir_all(&self.out)
            .map_err(|source| CollectError::File { path: self.out.clone(), source })?;
        let mut text = String::new();
        for (name, bytes, rows) in written {
            self.write(name, &bytes)?;
            text += &format!("{name}: {rows} rows\n");
        }
        Ok(text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CollectError> {
        let path = self.out.join(name);
        std::fs::write(&path, bytes).map_err(|source| CollectError::File { path, source })
    }
}

/// A file to write: its name, its bytes, and how many rows (or arrays) it has.
type Written = (&'static str, Vec<u8>, usize);

fn read(path: &Path) -> Result<Given, CollectError> {
    let bytes = std::fs::read(path)
        .map_err(|source| CollectError::File { path: path.to_owned(), source })?;
    let unknown = || CollectError::Unknown { path: path.to_owned() };
    if let Ok(found) = serde_json::from_slice::<Value>(&bytes) {
        let rows = found.get("candidates").is_some_and(Value::is_array);
        let task =
            found.get("held_out").is_some() && found.get("task").is_some_and(Value::is_string);
        let board = found.get("speeds").is_some_and(Value::is_object);
        return match (rows, task, board) {
            (true, true, _) => Ok(Given::Task(found)),
            (true, false, true) => Ok(Given::Board(found)),
            _ => Err(unknown()),
        };
    }
    if bytes.is_empty() {
        return Err(unknown());
    }
    match TaskTokens::decode(&bytes) {
        Ok(found) => Ok(Given::Tokens(found)),
        Err(TokenError::NotTokens) => Err(unknown()),
        Err(source) => Err(CollectError::Tokens { path: path.to_owned(), source }),
    }
}

/// The candidates of a document, each with the model of the zoo that it is.
fn candidates<'a>(
    zoo: &'a [Candidate],
    path: &Path,
    document: &'a Value,
) -> Result<Vec<(&'a Candidate, &'a Value)>, CollectError> {
    let found = document.get("candidates").and_then(Value::as_array).into_iter().flatten();
    found
        .map(|row| {
            let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
            let model = zoo.iter().find(|model| model.id == id);
            let (path, name) = (path.to_owned(), id.to_owned());
            let Some(model) = model else { return Err(CollectError::Model { path, model: name }) };
            // `eval` does not say which file it measured; `rank` does.
            let measured = row.get("sha256").and_then(Value::as_str);
            if measured.is_some_and(|hash| hash != model.sha256.hex()) {
                return Err(CollectError::OtherFile { path, model: name });
            }
            Ok((model, row))
        })
        .collect()
}

/// A table from its header and rows.
fn table(
    name: &'static str,
    header: &[&str],
    rows: &[Vec<String>],
) -> Result<Written, CollectError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok((name, bytes, rows.len()))
}

/// A cell: the number at a path of the document, blank where there is none.
fn cell(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).and_then(Value::as_f64).map_or_else(String::new, |n| n.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use umbra::base::Digest;
    use umbra::task::TaskKind;
    use umbra::task::tokens::ClassToken;

    use super::*;
    use crate::ranker::Facts;
    use crate::{table, tables};

    const MODELS: [&str; 2] = ["cnn-small-digmnist-int8-qdq", "cnn-small-mnist-int8-qdq"];

    /// A folder with a zoo of two small models, and the files given.
    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("zoo")).unwrap();
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../zoo");
        for name in MODELS.iter().flat_map(|id| [format!("{id}.onnx"), format!("{id}.toml")]) {
            std::fs::copy(bundled.join(&name), folder.path().join("zoo").join(&name)).unwrap();
        }
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn collect(folder: &Path, files: &[&str]) -> Result<String, CollectError> {
        let files = files.iter().map(|name| folder.join(name)).collect();
        Collect { zoo: folder.join("zoo"), out: folder.join("facts"), files }.run()
    }

    fn task(name: &str) -> Vec<u8> {
        let row = |id, truth| json!({"id": id, "truth": truth, "logme": -0.1, "hscore": 1.0});
        let rows = [row(MODELS[0], json!(0.4)), row(MODELS[1], json!(0.6))];
        let found = json!({"task": name, "samples": 40, "held_out": 9, "candidates": rows});
        found.to_string().into_bytes()
    }

    fn tokens(name: &str) -> Vec<u8> {
        let class = |name: &str, value| ClassToken {
            name: name.to_owned(),
            samples: 20,
            prototype: vec![value; 128],
        };
        TaskTokens {
            kind: TaskKind::Classification,
            name: name.to_owned(),
            task: Digest::of(b""),
            extractor: umbra::model::extractor().sha256,
            features: 128,
            classes: vec![class("low", 0.1), class("high", -0.1)],
        }
        .encode()
        .unwrap()
    }

    fn board(model: &str) -> Vec<u8> {
        let row = |verdict| {
            json!({"id": model, "config_id": "umbra-cpu/t1", "verdict": verdict,
                "latency_us": {"p50": 7.5}, "energy_mj": 2.0, "energy_scope": "estimate"})
        };
        let unmeasured = json!({"id": MODELS[1], "config_id": "umbra-cpu/t1", "latency_us": null});
        let speeds = json!({"inference": 1.0, "memory": 900.0, "rates": []});
        let found = json!({"candidates": [row("valid"), row("invalid"), unmeasured], "speeds": {"umbra-cpu/t1": speeds}});
        found.to_string().into_bytes()
    }

    #[test]
    fn what_was_printed_of_tasks_and_boards_can_be_learned_from() {
        let files = [
            ("a.json", &task("gauges")[..]),
            ("a.umbra", &tokens("gauges")),
            ("b.json", &task("doors")),
            ("b.umbra", &tokens("doors")),
            ("kitchen.json", &board(MODELS[0])),
        ];
        let folder = folder(&files);
        let said = collect(folder.path(), &files.map(|(name, _)| name)).unwrap();
        assert!(said.contains("scores.csv: 4 rows") && said.contains("tokens.npz: 2"), "{said}");
        let facts = Facts::read(&[folder.path().join("facts")]).unwrap();
        assert_eq!((facts.datasets().len(), facts.boards.len()), (2, 1));
        let task = &facts.tasks[0];
        assert_eq!((task.truth.as_slice(), task.classes.len()), ([0.4, 0.6].as_slice(), 2));
        assert_eq!(task.scores[0], [Some(-0.1), Some(1.0), None], "what abstains stays blank");
    }

    #[test]
    fn what_was_measured_on_a_board_becomes_rows() {
        let folder = folder(&[("kitchen.json", &board(MODELS[0]))]);
        collect(folder.path(), &["kitchen.json"]).unwrap();
        let table = table::Table::read(&folder.path().join("facts"), "fleet").unwrap().unwrap();
        let columns = ["model", "device", "latency_us", "energy_mj"];
        let rows: Vec<_> = table.rows(columns).unwrap().collect();
        assert_eq!(rows, [[MODELS[0], "kitchen", "7.5", ""]], "an estimate is no measurement");
        assert!(tables::read(&folder.path().join("facts")).unwrap().is_empty(), "too few to judge");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut of_others = TaskTokens::decode(&tokens("gauges")).unwrap();
        of_others.extractor = Digest::of(b"another");
        let stranger = of_others.encode().unwrap();
        let row = json!({"id": MODELS[0], "sha256": "00", "latency_us": {"p50": 7.5}});
        let replaced = json!({"candidates": [row], "speeds": {}}).to_string().into_bytes();
        let files = [
            ("gauges.json", &task("gauges")[..]),
            ("other.json", &board("unheard-of")),
            ("text", b"hello"),
            ("cut.umbra", &tokens("gauges")[..100]),
            ("empty", b""),
            ("nothing", br#"{"candidates": [], "speeds": {}}"#),
            ("stranger.umbra", &stranger),
            ("replaced.json", &replaced),
            ("kitchen.json", &board(MODELS[0])),
        ];
        let folder = folder(&files);
        let refused = |name: &str| collect(folder.path(), &[name]).unwrap_err().to_string();
        assert!(refused("gauges.json").contains("no tokens"));
        assert!(refused("other.json").contains("unheard-of"));
        assert!(refused("text").contains("neither"));
        assert!(refused("cut.umbra").contains("cut.umbra"));
        assert!(refused("missing").contains("missing"));
        assert!(refused("empty").contains("neither"));
        assert!(refused("nothing").contains("nothing was measured"));
        assert!(refused("stranger.umbra").contains("extractor"));
        assert!(refused("replaced.json").contains("another file"));
        let twice = collect(folder.path(), &["kitchen.json", "kitchen.json"]).unwrap_err();
        assert!(twice.to_string().contains("board kitchen"), "{twice}");
    }

    #[test]
    fn one_dataset_is_too_few_to_leave_one_out() {
        let folder = folder(&[("a.json", &task("gauges")), ("a.umbra", &tokens("gauges"))]);
        collect(folder.path(), &["a.json", "a.umbra"]).unwrap();
        let refused = Facts::read(&[folder.path().join("facts")]).unwrap_err().to_string();
        assert!(refused.contains("1 found"), "{refused}");
    }
}
