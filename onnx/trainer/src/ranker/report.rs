//! What was found, as text and as JSON.

use serde_json::{Value, json};

use super::judge::{Judged, Lead};

/// A table of ways; `regret` says what a regret of one hundredth is.
pub(crate) fn table(all: &[Judged], regret: &str) -> String {
    let mut text = format!(
        "| way | weighted tau | {regret} | best in top 3, % | worst dataset's tau |\n|---|--:|--:|--:|--:|\n"
    );
    for judged in all {
        let [tau, regret, top] = judged.means();
        text += &format!(
            "| {} | {tau:.3} | {regret:.2} | {:.0} | {:.3} |\n",
            judged.name,
            100.0 * top,
            worst(judged)
        );
    }
    text
}

/// The same as JSON, dataset by dataset.
pub(crate) fn json(all: &[Judged], datasets: &[String]) -> Value {
    let of = |judged: &Judged| {
        let [tau, regret, top] = judged.means();
        let each: serde_json::Map<String, Value> =
            datasets.iter().cloned().zip(judged.datasets.iter().map(|row| json!(row))).collect();
        json!({
            "way": judged.name, "weighted_tau": tau, "regret": regret, "top3": top,
            "datasets": each,
        })
    };
    all.iter().map(of).collect()
}

/// A table of what one way is ahead of others by.
pub(crate) fn leads(name: &str, all: &[Lead]) -> String {
    let mut text = format!(
        "| {name}, against | weighted tau [95 %] | regret@1, points [95 %] |\n|---|--:|--:|\n"
    );
    for lead in all {
        let [tau, regret] = lead.figures;
        let [tau, low, high] = tau;
        text += &format!("| {} | {tau:+.3} [{low:+.3}, {high:+.3}] |", lead.over);
        let [regret, low, high] = regret;
        text += &format!(" {regret:+.2} [{low:+.2}, {high:+.2}] |\n");
    }
    text
}

/// The same as JSON.
pub(crate) fn leads_json(all: &[Lead]) -> Value {
    let of = |lead: &Lead| {
        let [tau, regret] = lead.figures;
        json!({ "over": lead.over, "weighted_tau": tau, "regret": regret })
    };
    all.iter().map(of).collect()
}

fn worst(judged: &Judged) -> f64 {
    judged.datasets.iter().map(|row| row[0]).fold(f64::INFINITY, f64::min)
}
