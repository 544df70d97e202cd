//! How the choice grows with the catalogue (aim: a million candidates under five criteria
//! decided in less than a second and less than 64 MB on one server core).
//!
//! Catalogues are generated to a file: accuracy that grows with size, four costs that hang
//! together with it, noise on all. Each is read, limited, cut at its targets and decided as
//! a user's would be. Beside it the plain definition in numpy, in the same run, up to the
//! size where it can fight every duel. Times are processor time. Then the share of seeded
//! catalogues of 20,000 in which drawn opponents give the winner that all duels give.
//!
//!     cargo bench --bench scale [-- --svg docs/scale.svg] [-- --quick]

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use cpu_time::ProcessTime;
use umbra::base::random::SplitMix64;
use umbra::rank::copeland::{Catalogue, Rule, Terms, elect, elect_within};

const CRITERIA: usize = 5;
const SIZES: [usize; 5] = [1_000, 10_000, 20_000, 100_000, 1_000_000];
/// Sizes at which numpy fights every duel.
const PLAIN: usize = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let after = |name: &str| {
        arguments.iter().position(|found| found == name).and_then(|at| arguments.get(at + 1))
    };
    if let Some(path) = after("--decide") {
        return decide(Path::new(path));
    }
    println!("candidates  kept  shortlist  seconds  of it reading  peak MB  exact  numpy s  ratio");
    let sizes = if quick { &SIZES[..3] } else { &SIZES[..] };
    let points: Vec<Point> = sizes.iter().map(|size| measure(*size)).collect();
    if let Some(path) = after("--svg") {
        std::fs::write(path, plot(&points)).expect("the plot can be written");
    }
    agreement(if quick { 10 } else { 200 });
}

/// What one size took.
struct Point {
    candidates: usize,
    seconds: f64,
    plain: Option<f64>,
}

/// One catalogue, decided in a process of its own, so that its peak memory is its own.
fn measure(candidates: usize) -> Point {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("catalogue.f32");
    generate(&path, candidates, candidates as u64);
    let output = Command::new(std::env::current_exe().expect("this program"))
        .arg("--decide")
        .arg(&path)
        .output()
        .expect("this program starts again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let fields: Vec<&str> = text.split_whitespace().collect();
    let seconds: f64 = fields[2].parse().expect("seconds");
    let plain = (candidates <= PLAIN).then(|| numpy(&path, fields[6])).flatten();
    let ratio = plain.map_or("-".to_owned(), |plain| format!("{:.0}", plain / seconds));
    println!(
        "{candidates:>10} {:>6} {:>9} {seconds:>8.3} {:>14} {:>8} {:>6} {:>8} {ratio:>6}",
        fields[0],
        fields[1],
        fields[3],
        fields[4],
        fields[5],
        plain.map_or("-".to_owned(), |plain| format!("{plain:.2}")),
    );
    Point { candidates, seconds, plain }
}

/// Reads and decides; prints the figures for the parent.
fn decide(path: &Path) {
    let terms = terms();
    let start = ProcessTime::now();
    let mut file = std::fs::File::open(path).expect("the catalogue opens");
    let catalogue = Catalogue::read(&mut file, CRITERIA, &terms).expect("the catalogue reads");
    let read = start.elapsed().as_secs_f64();
    let found = catalogue.elect(&terms.rule, 1);
    let all = start.elapsed().as_secs_f64();
    let winner = catalogue.rows[found.standings[0].item];
    let peak = peak_kib() as f64 * 1024.0 / 1e6;
    println!(
        "{} {} {all} {read:.3} {peak:.1} {} {winner}",
        catalogue.rows.len(),
        found.shortlisted,
        found.exact
    );
}

/// Scores as a user writes them: accuracy, and logarithms of costs with the sign turned,
/// so that five per cent are the same distance everywhere.
fn generate(path: &Path, candidates: usize, seed: u64) {
    let mut random = SplitMix64::new(seed);
    let mut file = BufWriter::new(std::fs::File::create(path).expect("a file"));
    for _ in 0..candidates {
        for score in candidate(&mut random) {
            file.write_all(&score.to_le_bytes()).expect("written");
        }
    }
    file.flush().expect("written");
}

fn candidate(random: &mut SplitMix64) -> [f32; CRITERIA] {
    let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let size = normal();
    let accuracy = 0.7 + 0.08 * size - 0.015 * size * size + 0.04 * normal();
    let mut cost = |slope: f64, noise: f64| -(slope * size + noise * normal());
    let costs = [cost(1.0, 0.4), cost(0.8, 0.3), cost(1.0, 0.5), cost(0.9, 0.2)];
    [accuracy, costs[0], costs[1], costs[2], costs[3]].map(|score| score as f32)
}

/// The default weights of five criteria, five per cent of indifference on costs, a limit on
/// latency that a quarter breaks, targets that the smaller half meets.
fn terms() -> Terms {
    Terms {
        limits: vec![None, Some(-0.7), None, None, None],
        targets: vec![None, Some(0.0), Some(0.0), None, Some(0.0)],
        rule: rule(),
    }
}

fn rule() -> Rule {
    let five_per_cent = 1.05f64.ln();
    Rule {
        weights: vec![42.0, 19.0, 13.0, 12.0, 5.0],
        indifference: vec![0.01, five_per_cent, five_per_cent, five_per_cent, five_per_cent],
    }
}

/// Drawn opponents against all duels.
fn agreement(catalogues: u64) {
    let mut same = 0;
    for seed in 0..catalogues {
        let mut random = SplitMix64::new(1_000_000 + seed);
        let rows: Vec<[f32; CRITERIA]> = (0..PLAIN).map(|_| candidate(&mut random)).collect();
        let columns: Vec<Vec<f32>> =
            (0..CRITERIA).map(|a| rows.iter().map(|row| row[a]).collect()).collect();
        let winner = |exact| elect_within(&columns, &rule(), Some(1), exact).standings[0].item;
        let all = elect(&columns, &rule(), Some(1));
        assert!(all.exact);
        same += u64::from(winner(0) == all.standings[0].item);
    }
    println!(
        "drawn opponents and all duels agree on the winner of {same} of {catalogues} catalogues of {PLAIN}"
    );
}

/// The plain definition; processor seconds, if there is a numpy to ask.
fn numpy(path: &Path, expected: &str) -> Option<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scale_numpy.py");
    let python = std::env::var("UMBRA_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).arg(script).arg(path).output().ok()?;
    if !output.status.success() {
        eprintln!(
            "NOT RUN: the numpy reference: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    let (seconds, winner) = text.trim().split_once(' ')?;
    assert_eq!(winner, expected, "numpy finds another winner");
    seconds.parse().ok()
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Seconds over candidates, both in decades.
fn plot(points: &[Point]) -> String {
    let x = |candidates: usize| 70.0 + ((candidates as f64).log10() - 3.0) * 150.0;
    let y = |seconds: f64| 300.0 - (seconds.max(1e-4).log10() + 4.0) * 45.0;
    let line = |points: Vec<(usize, f64)>, colour: &str| {
        let path: Vec<String> =
            points.iter().map(|(n, s)| format!("{:.1},{:.1}", x(*n), y(*s))).collect();
        format!(
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\n",
            path.join(" ")
        )
    };
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 350\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"560\" height=\"350\" fill=\"white\"/>\n",
    );
    for decade in -4..=2 {
        let at = y(10f64.powi(decade));
        svg += &format!(
            "<path d=\"M70 {at}H530\" stroke=\"#ddd\"/><text x=\"60\" y=\"{:.0}\" text-anchor=\"end\">1e{decade} s</text>\n",
            at + 4.0
        );
    }
    for decade in 3..=6 {
        svg += &format!(
            "<text x=\"{:.0}\" y=\"320\" text-anchor=\"middle\">1e{decade}</text>\n",
            x(10usize.pow(decade))
        );
    }
    svg += &line(points.iter().map(|p| (p.candidates, p.seconds)).collect(), "#06c");
    svg += &line(points.iter().filter_map(|p| Some((p.candidates, p.plain?))).collect(), "#c60");
    svg += "<text x=\"300\" y=\"342\" text-anchor=\"middle\">candidates</text><text x=\"330\" y=\"24\" fill=\"#06c\">umbra</text><text x=\"390\" y=\"24\" fill=\"#c60\">numpy, every duel</text>\n</svg>\n";
    svg
}
