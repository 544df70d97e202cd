//! What was found, as text in Markdown's tables, as JSON, and as plots.

mod plot;

use std::fmt::Write;

use serde_json::{Value, json};

use crate::decisions::{Decisions, MEASURED, Way};
use crate::families::{self, OfFamily};
use crate::ranks::{ANCHORS, Method, OfBoard, Summary, summary};

pub(crate) use plot::plots;

/// Everything about one kind of cost.
pub(crate) struct Of {
    pub(crate) name: &'static str,
    pub(crate) boards: Vec<OfBoard>,
    /// The same under HELP's protocol.
    pub(crate) help: Vec<OfBoard>,
    pub(crate) families: Vec<OfFamily>,
    pub(crate) decisions: Option<Decisions>,
}

pub(crate) fn text(results: &[Of]) -> String {
    let mut text = String::new();
    for of in results {
        ranks(&mut text, of);
        help(&mut text, of);
        families(&mut text, of);
        decisions(&mut text, of);
    }
    text
}

fn ranks(text: &mut String, of: &Of) {
    let devices: std::collections::BTreeSet<&str> =
        of.boards.iter().map(|board| board.device.as_str()).collect();
    line(
        text,
        format!("### {}: {} boards of {} devices\n", of.name, of.boards.len(), devices.len()),
    );
    line(
        text,
        "| anchors | predictor | Spearman | worst board | tau | within 10 % | 25 % | in interval | over the ridge |",
    );
    line(text, "|---|---|---|---|---|---|---|---|---|");
    for count in ANCHORS {
        for method in Method::ALL {
            let Some(found) = summary(&of.boards, count, method) else { continue };
            line(text, row(count, method, &found));
        }
    }
    if let Some(found) = summary(&of.boards, 10, Method::Process) {
        line(text, format!("\nWorst with 10 anchors: {}.\n", found.worst_board));
    }
}

fn help(text: &mut String, of: &Of) {
    let Some(found) = summary(&of.help, 20, Method::Process) else { return };
    let Some(ridge) = summary(&of.help, 20, Method::Ridge) else { return };
    let (gain, low, high) = found.gain;
    line(text, "HELP's protocol (20 measurements, middle 80 %), Spearman:\n");
    line(text, "| process | worst | ridge | worst | over the ridge |\n|---|---|---|---|---|");
    line(
        text,
        format!(
            "| {:.4} | {:.4} | {:.4} | {:.4} | {gain:+.4} [{low:+.4}, {high:+.4}] |\n",
            found.spearman, found.worst, ridge.spearman, ridge.worst
        ),
    );
}

fn row(count: usize, method: Method, found: &Summary) -> String {
    let (gain, low, high) = found.gain;
    let [ten, quarter, inside] = shares(method, found.within, found.covered);
    let gain = match method {
        Method::Ridge => String::new(),
        _ => format!("{gain:+.4} [{low:+.4}, {high:+.4}]"),
    };
    format!(
        "| {count} | {} | {:.4} | {:.4} | {:.4} | {ten} | {quarter} | {inside} | {gain} |",
        method.name(),
        found.spearman,
        found.worst,
        found.tau,
    )
}

fn families(text: &mut String, of: &Of) {
    if of.families.is_empty() {
        return;
    }
    line(
        text,
        format!("Families that no board has measured, {} anchors of others:\n", families::ANCHORS),
    );
    line(text, "| family | predictor | Spearman | within 10 % | 25 % | in interval |");
    line(text, "|---|---|---|---|---|---|");
    for found in &of.families {
        for (way, score) in &found.scores {
            let [ten, quarter, inside] = shares(*way, score.within, score.covered);
            let (family, name) = (&found.family, way.name());
            let spearman = score.spearman;
            line(
                text,
                format!("| {family} | {name} | {spearman:.3} | {ten} | {quarter} | {inside} |"),
            );
        }
    }
    line(text, "");
}

/// Shares in per cent, blank of what gives an order alone.
fn shares(method: Method, within: [f64; 2], covered: f64) -> [String; 3] {
    let figures = method.predicts_figures();
    let share =
        |value: f64| if figures { format!("{:.0} %", 100.0 * value) } else { String::new() };
    [share(within[0]), share(within[1]), share(covered)]
}

fn decisions(text: &mut String, of: &Of) {
    let Some(decisions) = &of.decisions else { return };
    line(text, format!("### Decisions: {} problems\n", decisions.problems));
    line(text, "| measured | recommended by | limits broken | regret, points | regret, utility |");
    line(text, "|---|---|---|---|---|");
    for count in MEASURED {
        for way in Way::ALL {
            let Some(fared) = decisions.fared.get(&(count, way)) else { continue };
            let (broken, name) = (100.0 * fared.violations, way.name());
            line(
                text,
                format!(
                    "| {count} | {name} | {broken:.1} % | {:.2} | {:.2} |",
                    fared.regret, fared.utility
                ),
            );
        }
    }
    line(text, "");
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

pub(crate) fn json(results: &[Of]) -> String {
    let tables: Vec<Value> = results.iter().map(of_table).collect();
    format!("{}\n", json!({ "schema": 1, "tables": tables }))
}

fn of_table(of: &Of) -> Value {
    let ranks = ANCHORS.iter().flat_map(|count| {
        Method::ALL.iter().filter_map(move |method| {
            let found = summary(&of.boards, *count, *method)?;
            Some(json!({
                "anchors": count, "predictor": method.name(), "spearman": found.spearman,
                "spearman_worst": found.worst, "worst_board": found.worst_board, "tau": found.tau,
                "within_10": found.within[0], "within_25": found.within[1],
                "in_interval": found.covered, "over_ridge": found.gain.0,
                "over_ridge_interval": [found.gain.1, found.gain.2],
            }))
        })
    });
    let boards = of.boards.iter().flat_map(|board| {
        board.scores.iter().map(move |((count, method), score)| {
            json!({ "board": board.board, "device": board.device, "anchors": count,
                "predictor": method.name(), "spearman": score.spearman, "tau": score.tau })
        })
    });
    let families = of.families.iter().flat_map(|found| {
        found.scores.iter().map(move |(way, score)| {
            json!({ "family": found.family, "predictor": way.name(), "spearman": score.spearman,
                "within_10": score.within[0], "within_25": score.within[1],
                "in_interval": score.covered })
        })
    });
    let decisions = of.decisions.iter().flat_map(|decisions| {
        decisions.fared.iter().map(move |((count, way), fared)| {
            json!({ "problems": decisions.problems, "measured": count, "by": way.name(),
                "violations": fared.violations, "regret_points": fared.regret,
                "regret_utility": fared.utility })
        })
    });
    let help = [Method::Process, Method::Ridge].map(|method| {
        summary(&of.help, 20, method).map(|found| {
            json!({ "predictor": method.name(), "spearman": found.spearman,
                "spearman_worst": found.worst })
        })
    });
    json!({
        "table": of.name,
        "help_protocol": help,
        "ranks": ranks.collect::<Vec<_>>(),
        "boards": boards.collect::<Vec<_>>(),
        "families": families.collect::<Vec<_>>(),
        "decisions": decisions.collect::<Vec<_>>(),
    })
}
