//! The tokens of a task.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::table::{Align, Table};
use super::text::{bytes, number, page, plural, wrap};
use super::{Show, document};
use crate::task::tokens::{ClassToken, TaskTokens};

/// What `task build` and `task show` show.
#[derive(Debug)]
pub struct Tokens {
    /// Where they are.
    pub file: PathBuf,
    /// Size of the file.
    pub bytes: u64,
    /// The tokens.
    pub tokens: TaskTokens,
}

impl Show for Tokens {
    fn text(&self) -> String {
        let tokens = &self.tokens;
        let (classes, samples) = (tokens.classes.len(), tokens.samples());
        let mut lines = Vec::new();
        let mut say = |label: &str, text: String| lines.extend(wrap(label, &text, 3));
        say(
            "task       ",
            format!("{}: {classes} classes, {}", tokens.name, plural(samples as usize, "sample")),
        );
        say("file       ", format!("{}, {}", self.file.display(), bytes(self.bytes)));
        say(
            "extractor  ",
            format!("sha256 {}, {} features", tokens.extractor.short(), tokens.features),
        );
        say(
            "apart      ",
            tokens.separability().map_or_else(
                || "all samples look the same to the extractor".to_owned(),
                |share| format!("{:.0} % of the variance lies between classes", share * 100.0),
            ),
        );
        lines.push(String::new());
        lines.extend(self.table().lines());
        page(&lines)
    }

    fn json(&self) -> Value {
        let tokens = &self.tokens;
        let class = |(at, class): (usize, &ClassToken)| {
            let nearest = tokens.nearest(at);
            json!({
                "name": class.name,
                "samples": class.samples,
                "spread": class.spread(),
                "nearest": nearest.map(|(class, _)| &class.name),
                "distance": nearest.map(|(_, distance)| distance),
            })
        };
        document(json!({
            "file": self.file,
            "bytes": self.bytes,
            "task": { "name": tokens.name, "kind": tokens.kind, "digest": tokens.task.hex() },
            "extractor": tokens.extractor.hex(),
            "features": tokens.features,
            "samples": tokens.samples(),
            "separability": tokens.separability(),
            "classes": tokens.classes.iter().enumerate().map(class).collect::<Vec<_>>(),
            "distances": tokens.distances(),
        }))
    }
}

impl Tokens {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("class", Align::Name),
            ("samples", Align::Right),
            ("spread", Align::Right),
            ("distance", Align::Right),
            ("nearest class", Align::Left),
        ]);
        for (at, class) in self.tokens.classes.iter().enumerate() {
            let cells = vec![class.name.clone(), class.samples.to_string(), number(class.spread())];
            let Some((nearest, distance)) = self.tokens.nearest(at) else { continue };
            table.note([cells, vec![number(distance)]].concat(), &nearest.name);
        }
        table
    }
}
