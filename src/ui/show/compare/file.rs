//! Trials in a file that `bench --json` or `select --json` wrote.

use serde_json::Value;

use super::Side;
use crate::ui::Failure;

/// Of the documents that are read.
const SCHEMA: u64 = 1;

/// The trials of such a file.
#[derive(Debug)]
pub struct Recorded {
    file: String,
    trials: Vec<Value>,
}

impl Recorded {
    /// From the text of the file of this name.
    ///
    /// # Errors
    /// It is no such document, or of another schema.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Failure> {
        let refused = |why: String| {
            Failure::input(format!("{file}: {why}"))
                .help("give a file that `umbra bench --json` or `umbra select --json` wrote")
        };
        let mut document: Value =
            serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
        if document.get("schema").and_then(Value::as_u64) != Some(SCHEMA) {
            return Err(refused(format!("not of schema {SCHEMA}")));
        }
        let mut found = ["trials", "candidates"].iter().filter_map(|key| {
            let list = document.get_mut(key).map(Value::take)?;
            if let Value::Array(list) = list { Some(list) } else { None }
        });
        let trials = found.next().ok_or_else(|| refused("no trials in it".to_owned()))?;
        Ok(Self { file: file.to_owned(), trials })
    }

    /// The trial of this name; without a name the only one.
    ///
    /// # Errors
    /// There is no such trial, or none is named and there are several.
    pub fn side(self, id: Option<&str>) -> Result<Side, Failure> {
        let name = |trial: &Value| trial.get("id").and_then(Value::as_str).map(str::to_owned);
        let known: Vec<String> = self.trials.iter().filter_map(name).collect();
        let help = format!("say which: {}:ID with ID one of {}", self.file, known.join(", "));
        let wrong = |why: String| Failure::input(format!("{}: {why}", self.file)).help(help);
        let mut matching: Vec<Value> = self.trials;
        matching.retain(|trial| id.is_none_or(|id| name(trial).as_deref() == Some(id)));
        match (<[Value; 1]>::try_from(matching), id) {
            (Ok([trial]), _) => {
                let name = name(&trial).unwrap_or_else(|| "unnamed".to_owned());
                Ok(Side { name: format!("{name} ({})", self.file), trial })
            }
            (Err(_), Some(id)) => Err(wrong(format!("no trial, or more than one, of {id:?}"))),
            (Err(several), None) => Err(wrong(format!("it holds {} trials", several.len()))),
        }
    }
}
