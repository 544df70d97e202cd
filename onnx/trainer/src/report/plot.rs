//! Plots: lines over the number of measurements.

use std::path::Path;

use super::Of;
use crate::decisions::{MEASURED, Way};
use crate::evaluate::EvaluateError;
use crate::predictors::Method;
use crate::ranks::{ANCHORS, summary};

const COLOURS: [&str; 10] = [
    "#0066cc", "#66aaee", "#cc6600", "#228833", "#aa3377", "#777777", "#bbaa00", "#55bbdd",
    "#000000", "#cc3311",
];

/// One line: a name and points.
type Line = (&'static str, Vec<(f64, f64)>);

/// Writes a plot of the ranks for each table, and one of the decisions.
pub(crate) fn plots(folder: &Path, results: &[Of]) -> Result<(), EvaluateError> {
    for of in results {
        let stem = of.name.replace(' ', "-");
        let ranks = |method: Method| -> Line {
            let found =
                |count: usize| Some((count as f64, summary(&of.boards, count, method)?.spearman));
            (method.name(), ANCHORS.into_iter().filter_map(found).collect())
        };
        let lines = Method::ALL.map(ranks);
        write(&folder.join(format!("ranks-{stem}.svg")), &draw("Spearman", &lines, (0.7, 1.0)))?;
        if let Some(decisions) = &of.decisions {
            let broken = |way: Way| -> Line {
                let found = |count: usize| {
                    Some((count as f64, 100.0 * decisions.fared.get(&(count, way))?.violations))
                };
                (way.name(), MEASURED.into_iter().filter_map(found).collect())
            };
            let lines = Way::ALL.map(broken);
            let plot = draw("limits broken, %", &lines, (0.0, 100.0));
            write(&folder.join(format!("decisions-{stem}.svg")), &plot)?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), EvaluateError> {
    std::fs::write(path, text)
        .map_err(|source| EvaluateError::File { path: path.to_owned(), source })
}

fn draw(title: &str, lines: &[Line], (low, high): (f64, f64)) -> String {
    let x = |count: f64| 60.0 + count * 30.0;
    let y = |value: f64| 230.0 - 200.0 * ((value - low) / (high - low)).clamp(0.0, 1.0);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 280\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"560\" height=\"280\" fill=\"white\"/>\n",
    );
    for step in 0..=5 {
        let value = low + (high - low) * f64::from(step) / 5.0;
        let at = y(value);
        svg += &format!("<path d=\"M60 {at:.0}H370\" stroke=\"#dddddd\"/>");
        svg += &format!(
            "<text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">{value:.2}</text>\n",
            at + 4.0
        );
    }
    for count in ANCHORS {
        let at = x(count as f64);
        svg += &format!("<text x=\"{at:.0}\" y=\"248\" text-anchor=\"middle\">{count}</text>\n");
    }
    svg += &format!("<text x=\"60\" y=\"18\">{title}</text>\n");
    svg += "<text x=\"210\" y=\"270\" text-anchor=\"middle\">models measured on the board</text>\n";
    for (at, ((name, points), colour)) in lines.iter().zip(COLOURS).enumerate() {
        let path: Vec<String> = points
            .iter()
            .map(|(count, value)| format!("{:.1},{:.1}", x(*count), y(*value)))
            .collect();
        let path = path.join(" ");
        svg += &format!(
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{path}\"/>\n"
        );
        let row = 40 + 18 * at;
        svg += &format!("<text x=\"390\" y=\"{row}\" fill=\"{colour}\">{name}</text>\n");
    }
    svg += "</svg>\n";
    svg
}
