//! What was found, as text in Markdown's tables, as JSON, and as plots.

mod plot;

use std::fmt::Write;

use serde_json::{Value, json};

use crate::ceiling::Ceiling;
use crate::decisions::{ALL_OTHERS, Decisions, Fared, MEASURED, Way};
use crate::families::{self, OfFamily};
use crate::predictors::Method;
use crate::ranks::{ANCHORS, OfBoard, Summary, ceiling, summary};

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
    if let Some(row) = ceiling_row(&of.boards) {
        line(text, row);
    }
    line(text, "");
    worst(text, of);
}

/// Each model predicted from all others.
fn ceiling_row(boards: &[OfBoard]) -> Option<String> {
    let found = ceiling(boards)?;
    Some(format!(
        "| all others | process | {:.4} | {:.4} | {:.4} | {:.0} % | {:.0} % | {:.0} % |  |",
        found.spearman,
        found.worst,
        found.tau,
        100.0 * found.within[0],
        100.0 * found.within[1],
        100.0 * found.covered,
    ))
}

/// Boards that are predicted worst, with what bounds them.
const WORST: usize = 6;

fn worst(text: &mut String, of: &Of) {
    let scored = of.boards.iter().filter_map(|board| {
        let score = board.scores.get(&(10, Method::Process))?;
        Some((score.spearman, board))
    });
    let mut scored: Vec<(f64, &OfBoard)> = scored.collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    if scored.is_empty() {
        return;
    }
    line(text, "Worst boards with 10 anchors, and what bounds them:\n");
    line(
        text,
        "| board | 10 anchors | all others | off by half | error, steady runs | others | same device |",
    );
    line(text, "|---|---|---|---|---|---|---|");
    for (spearman, board) in scored.into_iter().take(WORST) {
        line(text, bounded(&board.board, spearman, &board.ceiling));
    }
    line(text, "");
}

fn bounded(name: &str, spearman: f64, ceiling: &Ceiling) -> String {
    let share = |value: f64| match value.is_nan() {
        true => String::new(),
        false => format!("{:.0} %", 100.0 * value),
    };
    format!(
        "| {name} | {spearman:.3} | {:.3} | {} | {} | {} | {} |",
        ceiling.others.spearman,
        share(ceiling.far_off),
        share(ceiling.steady),
        share(ceiling.unsteady),
        ceiling.sister.map_or_else(String::new, |sister| format!("{sister:.3}")),
    )
}

fn help(text: &mut String, of: &Of) {
    let most = ceiling(&of.help);
    if most.is_none() {
        return;
    }
    line(text, "HELP's protocol (20 measurements, middle 80 %), Spearman:\n");
    line(text, "| predictor | mean | worst board | over the ridge |\n|---|---|---|---|");
    for method in [Method::Process, Method::OneProcess, Method::Ridge] {
        let Some(found) = summary(&of.help, 20, method) else { continue };
        let (name, gain) = (method.name(), gain(method, &found));
        line(text, format!("| {name} | {:.4} | {:.4} | {gain} |", found.spearman, found.worst));
    }
    if let Some(most) = most {
        let (mean, worst) = (most.spearman, most.worst);
        line(text, format!("| process, all others | {mean:.4} | {worst:.4} |  |\n"));
    }
}

/// Nothing for the ridge itself.
fn gain(method: Method, found: &Summary) -> String {
    let (gain, low, high) = found.gain;
    match method {
        Method::Ridge => String::new(),
        _ => format!("{gain:+.4} [{low:+.4}, {high:+.4}]"),
    }
}

fn row(count: usize, method: Method, found: &Summary) -> String {
    let [ten, quarter, inside] = shares(method, found.within, found.covered);
    let gain = gain(method, found);
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
    line(
        text,
        "| measured | recommended by | limits broken | regret, points | median | none better | regret, utility |",
    );
    line(text, "|---|---|---|---|---|---|---|");
    for count in MEASURED.into_iter().chain([ALL_OTHERS]) {
        for way in Way::ALL {
            let Some(fared) = decisions.fared.get(&(count, way)) else { continue };
            line(text, decided(count, way, fared));
        }
    }
    line(text, "");
}

fn decided(count: usize, way: Way, fared: &Fared) -> String {
    let count = if count == ALL_OTHERS { "all others".to_owned() } else { count.to_string() };
    let (broken, best) = (100.0 * fared.violations, 100.0 * fared.best);
    format!(
        "| {count} | {} | {broken:.1} % | {:.2} | {:.2} | {best:.0} % | {:.2} |",
        way.name(),
        fared.regret,
        fared.median,
        fared.utility
    )
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
    let ceilings = of.boards.iter().map(|board| {
        json!({ "board": board.board, "spearman": board.ceiling.others.spearman,
            "off_by_half": board.ceiling.far_off, "error_steady": board.ceiling.steady,
            "error_unsteady": board.ceiling.unsteady, "same_device": board.ceiling.sister })
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
            let measured = (*count != ALL_OTHERS).then_some(*count);
            json!({ "problems": decisions.problems, "measured": measured, "by": way.name(),
                "violations": fared.violations, "regret_points": fared.regret,
                "regret_points_median": fared.median, "none_better": fared.best,
                "regret_utility": fared.utility })
        })
    });
    let help = [Method::Process, Method::OneProcess, Method::Ridge].map(|method| {
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
        "from_all_others": ceilings.collect::<Vec<_>>(),
        "families": families.collect::<Vec<_>>(),
        "decisions": decisions.collect::<Vec<_>>(),
    })
}
