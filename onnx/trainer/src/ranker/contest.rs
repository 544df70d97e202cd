//! Ways of choosing on a board, judged on datasets and boards that none has seen.

use umbra::base::random::SplitMix64;

use super::boards::{on_boards, places};
use super::facts::{Facts, Task};
use super::fit::{Recipe, fit, predict};
use super::judge::{Judged, agreement, mean, mean_rank, standard};
use super::network::Normal;
use crate::progress::Progress;

/// Boards that a task is learned on, and judged on.
const BOARDS: usize = 3;
const SEEDS: [u64; 2] = [1, 2];
/// Deviation of the logarithm of a predicted latency about the true one.
const PREDICTION: f64 = 0.15;
/// Relevance that is the same: a quarter of the candidates' deviation.
const SAME: f64 = 0.25;

/// What a way knows of one task on one board.
struct Case<'a> {
    task: &'a Task,
    /// The learned score of a ranker that knows no boards.
    spider: Vec<f64>,
    /// The learned score of one that does.
    fusion: Vec<f64>,
    /// Costs as they would be predicted.
    predicted: Vec<[f64; 3]>,
}

type Way = fn(&Case<'_>) -> Vec<f64>;

const WAYS: [(&str, Way); 6] = [
    ("Fusion: one network", |of| of.fusion.clone()),
    ("Shadow: the ranker's relevance, predicted costs", |of| shadow(of, &of.spider, &of.predicted)),
    ("Shadow: mean rank of the scores, predicted costs", |of| {
        shadow(of, &mean_rank(of.task), &of.predicted)
    }),
    ("Shadow: the ranker's relevance, true costs", |of| shadow(of, &of.spider, &of.task.costs)),
    ("the ranker's relevance alone", |of| of.spider.clone()),
    ("lowest predicted latency", |of| of.predicted.iter().map(|cost| -cost[0]).collect()),
];

fn shadow(of: &Case<'_>, relevance: &[f64], costs: &[[f64; 3]]) -> Vec<f64> {
    places(&standard(relevance), SAME, costs, &of.task.targets)
}

/// Judges every way, one dataset left out after another.
pub(crate) fn on_unseen_boards(
    facts: &Facts,
    spider: &Recipe,
    fusion: &Recipe,
    progress: &mut Progress,
) -> candle_core::Result<Vec<Judged>> {
    let [learned, asked] = SEEDS.map(|seed| on_boards(facts, &[], BOARDS, seed));
    let mut all = WAYS.map(|(name, _)| Judged { name: name.to_owned(), datasets: Vec::new() });
    for dataset in facts.datasets() {
        let rest = |facts: &Facts| -> Vec<usize> {
            let kept = facts.tasks.iter().enumerate().filter(|(_, task)| task.dataset != dataset);
            kept.map(|(at, _)| at).collect()
        };
        let of = |facts: &'_ Facts, places: &[usize]| -> Vec<Task> {
            places.iter().filter_map(|at| facts.tasks.get(*at).cloned()).collect()
        };
        let (plain, boards) = (of(facts, &rest(facts)), of(&learned, &rest(&learned)));
        let of_spider = fit(facts, &plain.iter().collect::<Vec<_>>(), spider, 0)?;
        let of_fusion = fit(facts, &boards.iter().collect::<Vec<_>>(), fusion, 0)?;
        let held: Vec<&Task> = asked.tasks.iter().filter(|task| task.dataset == dataset).collect();
        let scores = predict(facts, &held, &of_spider, true)?.into_iter();
        let fused = predict(facts, &held, &of_fusion, true)?.into_iter();
        let cases = held.iter().zip(scores.zip(fused)).enumerate();
        let cases: Vec<Case<'_>> = cases
            .map(|(at, (task, (spider, fusion)))| Case {
                task,
                spider,
                fusion,
                predicted: predicted(&task.costs, at as u64),
            })
            .collect();
        for (judged, (_, way)) in all.iter_mut().zip(WAYS) {
            let each: Vec<[f64; 3]> =
                cases.iter().map(|case| agreement(case.task, &way(case))).collect();
            judged.datasets.push(mean(&each));
        }
        progress.step();
    }
    Ok(all.to_vec())
}

/// Costs with the error of a prediction on latency; memory and size are known from the file.
fn predicted(costs: &[[f64; 3]], seed: u64) -> Vec<[f64; 3]> {
    let mut chance = Normal(SplitMix64::new(seed ^ 0x7072_6564));
    let of = |[latency, memory, bytes]: &[f64; 3]| {
        [latency * (PREDICTION * chance.draw()).exp(), *memory, *bytes]
    };
    costs.iter().map(of).collect()
}
