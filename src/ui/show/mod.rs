//! Values turned into what people and scripts read: text of at most 79 ASCII columns,
//! and JSON whose keys are stable. Pure: a value goes in, a text comes out.

pub mod bench;
pub(crate) mod candidate;
pub mod compare;
pub mod eval;
pub mod infer;
pub mod inspect;
pub mod models;
pub mod pareto;
pub mod probe;
pub mod progress;
pub mod rank;
pub mod replay;
pub mod run;
pub mod score;
pub mod select;
pub mod speed;
pub mod store;
pub mod table;
pub mod text;
pub mod tokens;
pub mod why;
pub mod zoo;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Exit, Failure};

/// Something a verb shows.
pub trait Show {
    /// For people: lines of at most 79 ASCII columns.
    fn text(&self) -> String;
    /// For scripts: one document.
    fn json(&self) -> Value;
    /// How the verb ended.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// A document: schema 1 and these fields.
pub(crate) fn document(fields: impl Serialize) -> Value {
    let mut map = Map::from_iter([("schema".to_owned(), json!(1))]);
    // Plain data with string keys always serialises; anything else would be a missing field.
    if let Ok(Value::Object(fields)) = serde_json::to_value(fields) {
        map.extend(fields);
    }
    Value::Object(map)
}

/// `{ "schema":1, "error":{"code","message","help"} }`.
pub(crate) fn failure_json(failure: &Failure) -> Value {
    let Failure { code, message, help, .. } = failure;
    json!({ "schema": 1, "error": { "code": code, "message": message, "help": help } })
}

/// A file for another program: printed as it is.
#[derive(Debug)]
pub struct Raw {
    /// Its key in JSON.
    pub key: &'static str,
    /// The file.
    pub text: String,
}

impl Show for Raw {
    fn text(&self) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        json!({ "schema": 1, self.key: self.text })
    }
}

/// Nothing to add to what was said already.
#[derive(Debug)]
pub struct Nothing;

impl Show for Nothing {
    fn text(&self) -> String {
        String::new()
    }

    fn json(&self) -> Value {
        json!({ "schema": 1 })
    }
}
