//! The table for people, and the section of docs/benchmarks.md.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use umbra::engine::Engine;

use super::child::Costs;
use super::figure::{Figure, geometric_mean};
use super::race::Race;
use super::subject::Subject;

const WIDTH: usize = 79;
const BEGIN: &str = "<!-- parity: written by `cargo bench --bench parity` -->";
const END: &str = "<!-- end of parity -->";

/// One model's figures.
#[derive(Debug)]
pub(crate) struct Row {
    id: String,
    quantised: bool,
    race: Race,
    costs: Option<Costs>,
}

impl Row {
    pub(crate) fn of(subject: &Subject, race: Race, costs: Option<Costs>) -> Self {
        Self { id: subject.id.clone(), quantised: subject.quantised, race, costs }
    }

    /// One line of the table.
    pub(crate) fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.2}"));
        let all = self.race.all.as_ref().map(|all| Figure::of(all).middle);
        let twin = self.race.twin.as_ref().map(|twin| Figure::of(twin).middle);
        cut(&format!(
            "{:24.24} {:>18} {:>6} {:>6} {:>6} {:>6} {:>6.1}",
            self.id,
            Figure::of(&self.race.single).text(),
            number(all),
            number(twin),
            number(self.costs.map(|costs| costs.load)),
            number(self.costs.map(|costs| costs.memory)),
            100.0 * self.race.equal,
        ))
    }
}

/// A line that fits.
pub(crate) fn cut(line: &str) -> String {
    line.chars().take(WIDTH).collect()
}

/// Names of the columns.
pub(crate) fn head(engine: &dyn Engine) -> String {
    format!(
        "{} / ONNX Runtime (below 1 is better); twin: to its own float model\n{:24} {:>18} \
         {:>6} {:>6} {:>6} {:>6} {:>6}",
        engine.name(),
        "model",
        "one thread",
        "all",
        "twin",
        "load",
        "memory",
        "equal%"
    )
}

/// What the table comes to.
pub(crate) fn summary(rows: &[Row]) -> String {
    let mut text = String::new();
    for (name, quantised) in [("quantised", true), ("float", false)] {
        let of: Vec<&Row> = rows.iter().filter(|row| row.quantised == quantised).collect();
        let single: Vec<&[f64]> = of.iter().map(|row| row.race.single.as_slice()).collect();
        let all: Vec<&[f64]> = of.iter().filter_map(|row| row.race.all.as_deref()).collect();
        means(&mut text, &format!("{name}, one thread"), &single);
        means(&mut text, &format!("{name}, all cores"), &all);
        worst(&mut text, name, &of);
    }
    let twins: Vec<&[f64]> = rows.iter().filter_map(|row| row.race.twin.as_deref()).collect();
    means(&mut text, "quantised to float twin", &twins);
    let load: Vec<[f64; 1]> = rows.iter().filter_map(|r| Some([r.costs?.load])).collect();
    means(&mut text, "load", &load.iter().map(<[f64; 1]>::as_slice).collect::<Vec<_>>());
    let peak: Vec<[f64; 1]> = rows.iter().filter_map(|r| Some([r.costs?.memory])).collect();
    means(&mut text, "memory", &peak.iter().map(<[f64; 1]>::as_slice).collect::<Vec<_>>());
    if rows.iter().any(|row| row.race.one_thread_only) {
        text += "The engine runs on one thread: under `all` ONNX Runtime has the others alone.\n";
    }
    text
}

fn means(text: &mut String, name: &str, ratios: &[&[f64]]) {
    let Some(mean) = geometric_mean(ratios) else { return };
    let _ = writeln!(text, "geometric mean, {name:24} {} n={}", mean.text(), ratios.len());
}

fn worst(text: &mut String, name: &str, rows: &[&Row]) {
    let middle = |row: &&&Row| Figure::of(&row.race.single).middle;
    let worst = rows.iter().max_by(|a, b| middle(a).total_cmp(&middle(b)));
    if let Some(row) = worst {
        let figure = Figure::of(&row.race.single).text();
        let _ = writeln!(text, "worst, {:33} {figure} {}", format!("{name}, one thread"), row.id);
    }
}

/// One engine's part of the document.
pub(crate) fn section(
    engine: &dyn Engine,
    reference: &dyn Engine,
    rows: &[Row],
    summary: &str,
) -> String {
    let lines: Vec<String> = rows.iter().map(Row::line).collect();
    let library = reference.version();
    let library = library.split(' ').next().unwrap_or_default();
    format!(
        "\n{}, {} {} against {library}, {} {}, {} cores:\n\n```\n{}\n{}\n\n{summary}```\n",
        today(),
        engine.name(),
        engine.version(),
        std::env::consts::ARCH,
        engine.isa(),
        super::race::cores(),
        head(engine),
        lines.join("\n"),
    )
}

/// Replaces what stands between the markers.
pub(crate) fn write(section: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}\n{section}\n{END}{after}"))
    });
    match parts {
        Some(text) => {
            std::fs::write(&path, text).unwrap();
            println!("written to docs/benchmarks.md");
        }
        None => println!("docs/benchmarks.md has no markers to write between"),
    }
}

/// Year, month and day of UTC (Howard Hinnant's `civil_from_days`).
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let years = year + era * 400 + u64::from(month <= 2);
    format!("{years}-{month:02}-{:02}", of_year - (153 * shifted + 2) / 5 + 1)
}
