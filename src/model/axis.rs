//! The other axis of a choice: how each model would be run.

use super::{Candidate, Config};

/// Every model in every configuration: each engine with each number of threads. An empty list
/// leaves what the candidate has. Where a model comes to stand in several configurations, its
/// id says which: `lenet@ort-cpu`, `lenet@t2`, `lenet@ort-cpu/t2`.
#[must_use]
pub fn configured(models: Vec<Candidate>, engines: &[String], threads: &[u16]) -> Vec<Candidate> {
    let (engines, threads) = (distinct(engines), distinct(threads));
    models.into_iter().flat_map(|model| ways(&model, &engines, &threads)).collect()
}

/// The file's own name, without what [`configured`] added.
#[must_use]
pub fn model_name(id: &str) -> &str {
    id.split_once('@').map_or(id, |(name, _)| name)
}

fn distinct<T: Clone + PartialEq>(list: &[T]) -> Vec<T> {
    let mut found = Vec::new();
    for one in list {
        if !found.contains(one) {
            found.push(one.clone());
        }
    }
    found
}

fn ways(model: &Candidate, engines: &[String], threads: &[u16]) -> Vec<Candidate> {
    let own = &model.config;
    let engines = if engines.is_empty() { std::slice::from_ref(&own.engine) } else { engines };
    let threads = if threads.is_empty() { std::slice::from_ref(&own.threads) } else { threads };
    let pairs = engines.iter().flat_map(|engine| threads.iter().map(move |count| (engine, *count)));
    let one = |(engine, count): (&String, u16)| {
        let what = match (engines.len() > 1, threads.len() > 1) {
            (false, false) => String::new(),
            (true, false) => format!("@{engine}"),
            (false, true) => format!("@t{count}"),
            (true, true) => format!("@{engine}/t{count}"),
        };
        Candidate {
            id: format!("{}{what}", model.id),
            config: Config { engine: engine.clone(), threads: count, ..own.clone() },
            ..model.clone()
        }
    };
    pairs.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::model::Source;

    fn model() -> Candidate {
        Candidate {
            id: "lenet".to_owned(),
            source: Source::Memory(Vec::new().into()),
            sha256: Digest::of(b""),
            bytes: 0,
            config: Config::default(),
            manifest: None,
            card: None,
            rejection: None,
        }
    }

    fn ids(engines: &[&str], threads: &[u16]) -> Vec<(String, String)> {
        let engines: Vec<String> = engines.iter().map(|&name| name.to_owned()).collect();
        let found = configured(vec![model()], &engines, threads);
        found.into_iter().map(|found| (found.config.id(), found.id)).collect()
    }

    #[test]
    fn a_model_in_one_configuration_keeps_its_name() {
        let pair = |config: &str, id: &str| (config.to_owned(), id.to_owned());
        assert_eq!(ids(&[], &[]), [pair("tract-cpu/t1/any", "lenet")]);
        assert_eq!(ids(&["ort-cpu"], &[4]), [pair("ort-cpu/t4/any", "lenet")]);
    }

    #[test]
    fn several_configurations_are_told_apart_by_what_varies() {
        let names = |engines: &[&str], threads: &[u16]| {
            ids(engines, threads).into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        };
        assert_eq!(names(&["a", "b", "a"], &[]), ["lenet@a", "lenet@b"]);
        assert_eq!(names(&[], &[1, 2]), ["lenet@t1", "lenet@t2"]);
        assert_eq!(
            names(&["a", "b"], &[1, 2]),
            ["lenet@a/t1", "lenet@a/t2", "lenet@b/t1", "lenet@b/t2"]
        );
        assert_eq!((model_name("lenet@a/t1"), model_name("lenet")), ("lenet", "lenet"));
    }
}
