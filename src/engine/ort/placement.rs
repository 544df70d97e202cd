//! Which provider got how many nodes, overheard from ONNX Runtime's own log.
//!
//! A registered provider that supports no node of a model is no error to ONNX Runtime: all
//! nodes go to the CPU without a word, and a comparison of providers would compare the CPU
//! with itself. The only interface for it in every version is the verbose log, where each
//! provider has one line: `Node(s) placed on [NAME]. Number of nodes: N`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ort::logging::LogLevel;

use crate::engine::EngineError;
use crate::model::Stage;

/// What was overheard so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Placement(Arc<Mutex<BTreeMap<String, u64>>>);

/// A function that takes a log line.
type Listener = Arc<dyn Fn(LogLevel, &str, &str, &str, &str) + Send + Sync>;

impl Placement {
    /// Listens to a session's log, and passes its complaints on.
    pub(super) fn listener(&self) -> Listener {
        let heard = self.clone();
        Arc::new(move |level, _, _, _, line| {
            heard.hear(line);
            if matches!(level, LogLevel::Error | LogLevel::Fatal) {
                log::warn!("ONNX Runtime: {line}");
            }
        })
    }

    fn hear(&self, line: &str) {
        if let Some((provider, nodes)) = placed(line) {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(provider.to_owned()).or_default() += nodes;
        }
    }

    /// Refuses a session of which this provider runs no node.
    ///
    /// # Errors
    /// [`EngineError`] of stage [`Stage::Operators`].
    pub(super) fn require(&self, provider: &str) -> Result<(), EngineError> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: u64 = counts.values().sum();
        let reason = match counts.get(provider) {
            Some(_) => return Ok(()),
            None if total == 0 => {
                format!("ONNX Runtime does not say which nodes {provider} runs")
            }
            None => {
                let others: Vec<&str> = counts.keys().map(String::as_str).collect();
                let others = others.join(", ");
                format!("{provider} runs none of the {total} nodes, they are on {others}")
            }
        };
        Err(EngineError::new(Stage::Operators, reason)
            .help("measure the model with ort-cpu, or name a library made for this provider"))
    }
}

/// Provider and number of nodes, from the line that says them.
fn placed(line: &str) -> Option<(&str, u64)> {
    let (_, rest) = line.split_once("laced on [")?;
    let (provider, rest) = rest.split_once(']')?;
    let (_, number) = rest.split_once("Number of nodes: ")?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((provider, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_line_are_understood() {
        let all = "All nodes placed on [CPUExecutionProvider]. Number of nodes: 12";
        let some = " Node(s) placed on [XnnpackExecutionProvider]. Number of nodes: 3";
        assert_eq!(placed(all), Some(("CPUExecutionProvider", 12)));
        assert_eq!(placed(some), Some(("XnnpackExecutionProvider", 3)));
        assert_eq!(placed("Node placements"), None);
    }

    #[test]
    fn a_provider_without_nodes_and_a_silent_log_are_refused() {
        let heard = Placement::default();
        assert!(heard.require("X").unwrap_err().reason.contains("does not say"));
        heard.hear("All nodes placed on [CPUExecutionProvider]. Number of nodes: 12");
        let refusal = heard.require("X").unwrap_err();
        assert_eq!(refusal.stage, Stage::Operators);
        assert!(refusal.reason.contains("none of the 12 nodes"), "{refusal}");
        heard.hear("Node(s) placed on [X]. Number of nodes: 1");
        assert_eq!(heard.require("X"), Ok(()));
    }
}
