//! How well a budget is spent: replays of published measurements of many networks on many
//! boards, with the rule that `umbra select --budget` follows.
//!
//!     cargo bench --bench budget              # both halves of the boards, 1,000 problems each
//!     cargo bench --bench budget -- 200       # fewer problems
//!
//! A problem is a board with two thirds of its candidates, a price of latency, a target, and
//! in half of them a limit, all drawn from the problem's seed. Exhaustive is: every candidate
//! measured by the full default plan. A budget is a share of the time that takes; a choice is
//! good where it is the one that the exhaustive way makes, or within 1 % of its utility, and
//! was itself measured whole within the budget. `again` is how often a second exhaustive run
//! makes a good choice: no rule can be expected to do better. `uniform` gives every candidate
//! the same share of the budget and need not measure its choice whole.
//!
//! The constants of the rule were chosen on the first half of the boards; the second half is
//! the one that counts. The table is `mlperf_open_imagenet_zoo.csv.gz` of the shared
//! collection (MLPerf Inference, open division, Apache-2.0), found at `UMBRA_SHARED` or
//! beside the checkout; it is not part of this repository.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod problem;
mod table;

use std::process::ExitCode;

use problem::Problem;
use table::Board;

/// Shares of the exhaustive time.
const SHARES: [f64; 4] = [0.05, 0.10, 0.20, 0.30];
const PROBLEMS: u64 = 1000;
/// Good choices wanted at 10 %.
const WANTED: f64 = 0.95;

#[derive(Default)]
struct Score {
    good: u64,
    uniform: u64,
    spent: f64,
    regret: f64,
    looks: u64,
    over: u64,
}

/// Prints one half; the share of good choices at 10 %.
fn half(name: &str, boards: &[Board], problems: u64) -> f64 {
    let (mut scores, mut again, mut count): ([Score; 4], u64, u64) = Default::default();
    for seed in 0..problems {
        let Some(mut problem) = Problem::draw(boards, seed) else { continue };
        count += 1;
        again += u64::from(problem.again());
        for (score, share) in scores.iter_mut().zip(SHARES) {
            let outcome = problem.spend(share);
            score.good += u64::from(outcome.good);
            score.uniform += u64::from(problem.uniform(share));
            score.spent += outcome.spent;
            score.regret += outcome.regret;
            score.looks += outcome.looks;
            score.over += u64::from(outcome.spent > share);
        }
    }
    let share = |part: u64| 100.0 * part as f64 / count as f64;
    println!("\n{name}: {} boards, {count} problems, again {:.1} %", boards.len(), share(again));
    for board in boards {
        println!("  {} ({} candidates)", board.name, board.rows.len());
    }
    println!("budget  good choices  uniform  spent  regret  looks  over budget");
    for (score, budget) in scores.iter().zip(SHARES) {
        println!(
            "{:>4.0} %  {:>10.1} %  {:>5.1} %  {:>3.1} %  {:>4.2} %  {:>5.1}  {:>9.1} %",
            budget * 100.0,
            share(score.good),
            share(score.uniform),
            100.0 * score.spent / count as f64,
            100.0 * score.regret / count as f64,
            score.looks as f64 / count as f64,
            share(score.over),
        );
    }
    scores[1].good as f64 / count as f64
}

fn main() -> ExitCode {
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let problems = asked.unwrap_or(PROBLEMS);
    let Some(boards) = table::boards() else {
        eprintln!("NOT RUN: the shared collection is not there (set UMBRA_SHARED)");
        return ExitCode::SUCCESS;
    };
    let [chosen, held_out] = table::halves(boards);
    half("constants chosen on these", &chosen, problems);
    let good = half("held out", &held_out, problems);
    let met = good >= WANTED;
    println!(
        "\ngoal, 95 % at a tenth on the held-out half: {}",
        if met { "met" } else { "missed" }
    );
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
