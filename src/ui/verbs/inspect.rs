//! `inspect`: model files from the inside.

use std::path::PathBuf;

use clap::Args;

use crate::engine::{self, Engine};
use crate::model::{self, Candidate};
use crate::ui::call::shown;
use crate::ui::show::inspect::{Convolutions, Examined, Inspected, Model};
use crate::ui::{Answer, Call};

/// Look into model files: operators, shapes, quantisation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra inspect model.onnx
  umbra inspect models --json")]
pub struct Inspect {
    /// Model files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Inspect {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let inspected = model::open(&self.files)?.into_iter().map(|candidate| {
            let examined = examine(&call.world.engines, &candidate);
            Model { candidate, examined }
        });
        shown(Inspected(inspected.collect()))
    }
}

/// What the engine that would run it makes of a model; it is not loaded, since what a hostile
/// file does to an engine must not happen to this process.
fn examine(engines: &[Box<dyn Engine>], candidate: &Candidate) -> Option<Examined> {
    let last = engines.iter().rfind(|engine| engine.is_of_the_house())?;
    let bytes = match candidate.read() {
        Ok(bytes) => bytes,
        Err(_) => return Some(Examined::default()),
    };
    let chosen = engine::choose(engines, &bytes);
    let examined = match chosen.and_then(|engine| Ok((engine, engine.convolutions(&bytes)?))) {
        Ok((engine, convolutions)) => Examined {
            engine: Some(engine.name()),
            convolutions: Some(convolutions),
            unfused: engine.unfused(&bytes).unwrap_or_default(),
            ..Examined::default()
        },
        Err(error) => {
            let card = candidate.card.as_ref();
            let unsupported = card.map(|card| last.unsupported(card)).unwrap_or_default();
            let error = unsupported.is_empty().then(|| error.to_string());
            Examined { unsupported, error, ..Examined::default() }
        }
    };
    Some(examined)
}

/// The convolutions of a candidate on the engine of its configuration.
pub(super) fn convolutions(
    engines: &[Box<dyn Engine>],
    candidate: &Candidate,
) -> Option<Convolutions> {
    let engine = engines.iter().find(|engine| engine.name() == candidate.config.engine)?;
    let bytes = candidate.read().ok()?;
    let (integer, float) = engine.convolutions(&bytes).ok()?;
    Some(Convolutions { integer, float, unfused: engine.unfused(&bytes).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::engine::{EngineError, LoadOptions, Loaded};
    use crate::model::onnx::{Graph, Model, Node, OperatorSet, ValueInfo};
    use crate::model::{Card, Dtype};

    /// An engine that a model takes down with it.
    #[derive(Debug)]
    struct Fragile;

    impl Engine for Fragile {
        fn name(&self) -> &'static str {
            "fragile"
        }
        fn version(&self) -> String {
            String::new()
        }
        fn isa(&self) -> String {
            String::new()
        }
        fn unsupported(&self, _: &Card) -> Vec<String> {
            Vec::new()
        }
        fn convolutions(&self, _: &[u8]) -> Result<(u64, u64), EngineError> {
            Ok((3, 4))
        }
        fn load(&self, _: &[u8], _: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
            panic!("the process that looks into a model must not load it")
        }
    }

    #[test]
    fn looking_into_a_model_does_not_load_it() {
        let value = |name: &str| ValueInfo::tensor(name, Dtype::Float32, &[Some(1), Some(4)]);
        let node = Node {
            op_type: "Flatten".to_owned(),
            input: vec!["x".to_owned()],
            output: vec!["y".to_owned()],
            ..Node::default()
        };
        let graph = Graph {
            node: vec![node],
            name: "g".to_owned(),
            input: vec![value("x")],
            output: vec![value("y")],
            ..Graph::default()
        };
        let opset_import = vec![OperatorSet { domain: String::new(), version: 13 }];
        let file = Model { ir_version: 8, opset_import, graph: Some(graph), ..Model::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        std::fs::write(&path, file.encode_to_vec()).unwrap();
        let candidates = model::open(&[path]).unwrap();
        assert_eq!(candidates[0].rejection, None);
        let engines: Vec<Box<dyn Engine>> = vec![Box::new(Fragile)];
        let found = examine(&engines, &candidates[0]).unwrap();
        assert_eq!((found.convolutions, found.error), (Some((3, 4)), None));
    }
}
