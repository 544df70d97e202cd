//! Whether a file says what the network says that it was written from.

use umbra::engine;
use umbra::rank::spider::{Question, Scorer};

use super::error::TrainError;
use super::facts::Facts;
use super::fit::{Fitted, predict};

/// Largest difference between a file and the network that was trained.
pub(crate) const SAME: f64 = 1e-5;

/// Largest difference between the file's scores and the network's, over all tasks, after samples and
/// before any.
pub(super) fn difference(facts: &Facts, fitted: &Fitted, file: &[u8]) -> Result<f64, TrainError> {
    let engines = engine::available();
    let mut most = 0.0_f64;
    for task in &facts.tasks {
        let portraits: Vec<_> = task
            .candidates
            .iter()
            .filter_map(|model| facts.portraits.get(*model)?.as_slice().try_into().ok())
            .collect();
        let classes = task.classes.iter().filter_map(|class| class.as_slice().try_into().ok());
        let classes: Vec<_> = classes.collect();
        let mut scorer = Scorer::new(file, &engines, portraits.len(), classes.len())?;
        for (views, samples) in [(task.seen(), true), (task.unseen(), false)] {
            let expected = predict(facts, &[task], fitted, samples)?;
            let (portraits, classes, hardware) = (&portraits, &classes, &task.hardware);
            let found = scorer.scores(&Question { portraits, views, classes, hardware })?;
            let pairs = found.iter().zip(expected.iter().flatten());
            most = pairs.map(|(found, expected)| (found - expected).abs()).fold(most, f64::max);
        }
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use umbra::rank::relevance::Kin;
    use umbra::rank::spider::{CLASS, HARDWARE, VIEWS, WIDTH};
    use umbra::task::Targets;

    use super::super::export;
    use super::super::facts::Task;
    use super::super::fit::{Recipe, Teacher, Uses, fit};
    use super::super::network::Normal;
    use super::super::train::{FUSION, SPIDER};
    use super::*;

    /// A small world: the first number of a portrait is what a model is good for.
    fn world() -> Facts {
        let mut chance = Normal(umbra::base::random::SplitMix64::new(5));
        let mut row =
            |width: usize| -> Vec<f32> { (0..width).map(|_| chance.draw() as f32).collect() };
        let portraits: Vec<Vec<f32>> = (0..8).map(|_| row(WIDTH)).collect();
        let kin = (0..8).map(|at| Kin::named(Some(&(at / 2).to_string()), Some("one"))).collect();
        let mut task = |dataset: &str| Task {
            dataset: dataset.to_owned(),
            candidates: (0..8).collect(),
            truth: portraits.iter().map(|portrait| f64::from(portrait[0])).collect(),
            scores: vec![[None; 3]; 8],
            views: vec![
                (0..8).map(|_| row(VIEWS).try_into().unwrap()).collect(),
                vec![[0.0; VIEWS]; 8],
            ],
            classes: vec![row(CLASS), row(CLASS), row(CLASS)],
            hardware: row(HARDWARE).try_into().unwrap(),
            costs: Vec::new(),
            targets: Targets::default(),
        };
        let tasks = ["a", "b", "b", "c"].map(&mut task).to_vec();
        let models = (0..8).map(|at| at.to_string()).collect();
        Facts { models, portraits, kin, costs: Vec::new(), tasks, boards: Vec::new() }
    }

    #[test]
    fn a_file_says_what_the_network_says() {
        let facts = world();
        let tasks: Vec<&Task> = facts.tasks.iter().collect();
        let none =
            Uses { wide: false, classes: false, views: false, learned: false, hardware: false };
        let alone = Uses { wide: true, ..none };
        for uses in [SPIDER, FUSION, alone, Uses { classes: true, ..alone }, none] {
            let recipe = Recipe {
                token: 4,
                uses,
                passes: 3,
                rate: 0.01,
                decay: 0.1,
                noise: 0.1,
                dropped: 0.1,
                teacher: Teacher::Truth,
            };
            let fitted = fit(&facts, &tasks, &recipe, 1).unwrap();
            let file = export::model(&fitted).unwrap().encode_to_vec();
            let off = difference(&facts, &fitted, &file).unwrap();
            assert!(off < SAME, "{uses:?}: {off}");
            if uses.wide {
                // What holds on every dataset is found before any sample is seen.
                let found = predict(&facts, &[tasks[0]], &fitted, false).unwrap();
                let tau = umbra::rank::evaluate::weighted_tau(&tasks[0].truth, &found[0]);
                let tau = tau.unwrap().truth_ranked;
                assert!(tau > 0.8, "{uses:?}: {tau}");
            }
        }
    }
}
