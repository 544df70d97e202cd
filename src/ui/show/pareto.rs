//! The Pareto front as a picture: how good over how fast, in SVG.
//!
//! Accuracy (or relevance, where nobody has an accuracy) rises with the height, latency grows to
//! the right on a logarithmic scale, the area of a point is its memory. What keeps the limits is
//! filled. Colours follow the reader's light or dark theme, text is in whatever sans-serif there
//! is, and a label goes where no other label or point is.

use std::fmt::Write as _;

use super::text::number;
use crate::agent::Selection;
use crate::rank::{Criterion, Row};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
/// Left, top, right and bottom edge of the field.
const FIELD: [f64; 4] = [70.0, 44.0, 640.0, 460.0];
/// Height of a label, and an upper bound of the width of a letter.
const LINE: f64 = 13.0;
const LETTER: f64 = 6.4;
/// Letters of a label at most.
const LETTERS: usize = 34;
/// Radius of the smallest and the largest point.
const RADII: [f64; 2] = [3.0, 9.0];

/// Plain classes, which every renderer knows; those that know themes take the second set.
const STYLE: &str = "<style>\
text{fill:#1b1f24;font:11px sans-serif}.t{font-size:14px}.p{fill:#ffffff}.g{stroke:#d5d9de}\
.f{fill:none;stroke:#b35900;stroke-width:2}.l{stroke:#8a929b;stroke-width:.7}\
.ok{fill:#0b6bcb;fill-opacity:.75;stroke:#0b6bcb}\
.no{fill:none;stroke:#8a929b;stroke-dasharray:3 2}\
@media(prefers-color-scheme:dark){text{fill:#e6e9ed}.p{fill:#15181c}.g{stroke:#3a4048}\
.f{stroke:#ffab5c}.ok{fill:#6cb2ff;stroke:#6cb2ff}}</style>";

/// A candidate in the plane.
struct Point {
    name: String,
    latency: f64,
    good: f64,
    memory: Option<f64>,
    feasible: bool,
    predicted: bool,
}

/// A rectangle: left, top, right, bottom.
type Area = [f64; 4];

/// The picture; none where no candidate has both figures.
#[must_use]
pub fn svg(selection: &Selection) -> Option<String> {
    let rows = &selection.ranking.rows;
    let (what, points) = points(rows);
    let scales = Scales::of(&points)?;
    let chosen = selection.decision.model.as_deref();
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Pareto front\">{STYLE}\n<rect class=\"p\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\"/>\n<text class=\"t\" x=\"{}\" y=\"24\">{}</text>\n",
        FIELD[0],
        escaped(&title(selection)),
    );
    axes(&mut svg, &scales, what);
    let mut taken = front(&mut svg, &scales, &points);
    taken.extend(points.iter().map(|point| scales.area(point)));
    for point in &points {
        circle(&mut svg, &scales, point);
    }
    // From the top down: those on the front get the room beside them first.
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by(|a, b| b.good.total_cmp(&a.good).then(a.latency.total_cmp(&b.latency)));
    for point in order {
        label(&mut svg, &scales, point, chosen, &mut taken);
    }
    legend(&mut svg);
    svg.push_str("</svg>\n");
    Some(svg)
}

fn title(selection: &Selection) -> String {
    let board = selection.facts.board.model.value().map_or("this board", String::as_str);
    format!("{} on {board}", selection.task.name)
}

/// What the height is, and who can be shown.
fn points(rows: &[Row]) -> (&'static str, Vec<Point>) {
    let accurate = rows.iter().any(|row| row.accuracy.is_some());
    let good = |row: &Row| match accurate {
        true => Some(row.accuracy?.value * 100.0),
        false => Some(row.measures.get(&Criterion::Relevance)?.value),
    };
    let point = |row: &Row| {
        let latency = row.measures.get(&Criterion::Latency).filter(|found| found.value > 0.0)?;
        Some(Point {
            name: super::text::name(&row.id, LETTERS),
            latency: latency.value / 1e3,
            good: good(row)?,
            memory: row.measures.get(&Criterion::Memory).map(|found| found.value / 1e6),
            feasible: row.feasible(),
            predicted: latency.predicted,
        })
    };
    let what = if accurate { "accuracy, %" } else { "relevance" };
    (what, rows.iter().filter_map(point).collect())
}

/// From figures to places.
struct Scales {
    latency: [f64; 2],
    good: [f64; 2],
    memory: f64,
}

impl Scales {
    fn of(points: &[Point]) -> Option<Self> {
        let ends = |of: fn(&Point) -> f64| {
            let low = points.iter().map(of).fold(f64::INFINITY, f64::min);
            let high = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
            [low, high]
        };
        let [fast, slow] = ends(|point| point.latency.ln());
        let [worst, best] = ends(|point| point.good);
        let memory = points.iter().filter_map(|point| point.memory).fold(1e-9, f64::max);
        let (wide, high) = ((slow - fast).max(0.2), (best - worst).max(1e-3));
        (!points.is_empty()).then_some(Self {
            latency: [fast - 0.08 * wide, fast + 1.08 * wide],
            good: [worst - 0.1 * high, worst + 1.08 * high],
            memory,
        })
    }

    fn x(&self, latency: f64) -> f64 {
        let share = (latency.ln() - self.latency[0]) / (self.latency[1] - self.latency[0]);
        FIELD[0] + share * (FIELD[2] - FIELD[0])
    }

    fn y(&self, good: f64) -> f64 {
        let share = (good - self.good[0]) / (self.good[1] - self.good[0]);
        FIELD[3] - share * (FIELD[3] - FIELD[1])
    }

    fn radius(&self, point: &Point) -> f64 {
        let share = point.memory.map_or(0.0, |memory| (memory / self.memory).sqrt());
        RADII[0] + share * (RADII[1] - RADII[0])
    }

    fn area(&self, point: &Point) -> Area {
        let (x, y, r) = (self.x(point.latency), self.y(point.good), self.radius(point));
        [x - r, y - r, x + r, y + r]
    }
}

/// Round numbers between two ends: 1, 2 and 5 of every power of ten.
fn ticks([low, high]: [f64; 2]) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all = (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|n| n * 10f64.powi(power)));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// Round numbers in even steps between two ends, about five.
fn even_ticks([low, high]: [f64; 2]) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    let all = (first..first + 10).map(|n| n as f64 * step);
    all.take_while(|tick| *tick <= high).collect()
}

fn axes(svg: &mut String, scales: &Scales, what: &str) {
    let [left, top, right, bottom] = FIELD;
    for tick in ticks(scales.latency.map(f64::exp)) {
        let (x, text) = (scales.x(tick), number(tick));
        let _ = writeln!(
            svg,
            "<path class=\"g\" d=\"M{x:.1} {top}V{bottom}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            bottom + 16.0
        );
    }
    for good in even_ticks(scales.good) {
        let y = scales.y(good);
        let _ = writeln!(
            svg,
            "<path class=\"g\" d=\"M{left} {y:.1}H{right}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 6.0,
            y + 4.0,
            // Steps are round: three digits would show what is not there.
            (good * 1e6).round() / 1e6
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">latency, ms</text>\
         <text x=\"{left}\" y=\"{:.1}\">{what}</text>",
        (left + right) / 2.0,
        bottom + 36.0,
        top - 6.0
    );
}

/// Those that no other feasible one is both better and faster than, joined by steps; where the
/// line is, no label should be.
fn front(svg: &mut String, scales: &Scales, points: &[Point]) -> Vec<Area> {
    let mut order: Vec<&Point> = points.iter().filter(|point| point.feasible).collect();
    order.sort_by(|a, b| a.latency.total_cmp(&b.latency).then(b.good.total_cmp(&a.good)));
    let (mut corners, mut best): (Vec<(f64, f64)>, f64) = (Vec::new(), f64::NEG_INFINITY);
    for point in order.into_iter().filter(|point| best_so_far(&mut best, point.good)) {
        let (x, y) = (scales.x(point.latency), scales.y(point.good));
        corners.extend(corners.last().map(|(_, before)| (x, *before)));
        corners.push((x, y));
    }
    corners.extend(corners.last().map(|(_, y)| (FIELD[2], *y)));
    let path: Vec<String> = corners.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    if !path.is_empty() {
        let _ = writeln!(svg, "<polyline class=\"f\" points=\"{}\"/>", path.join(" "));
    }
    let area = |pair: &[(f64, f64)]| match pair {
        [(x, y), (to, down)] => {
            Some([x.min(*to), y.min(*down) - 2.0, x.max(*to), y.max(*down) + 2.0])
        }
        _ => None,
    };
    corners.windows(2).filter_map(area).collect()
}

fn best_so_far(best: &mut f64, good: f64) -> bool {
    let better = good > *best;
    *best = best.max(good);
    better
}

fn circle(svg: &mut String, scales: &Scales, point: &Point) {
    let (x, y, r) = (scales.x(point.latency), scales.y(point.good), scales.radius(point));
    let class = if point.feasible { "ok" } else { "no" };
    let _ = writeln!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\"/>");
}

/// Beside its point where there is room, else as near as there is, with a line to it.
fn label(
    svg: &mut String,
    scales: &Scales,
    point: &Point,
    chosen: Option<&str>,
    taken: &mut Vec<Area>,
) {
    let mark = if Some(point.name.as_str()) == chosen { "* " } else { "" };
    let text = format!("{mark}{}{}", point.name, if point.predicted { " (predicted)" } else { "" });
    let wide = text.chars().count() as f64 * LETTER;
    let (x, y, r) = (scales.x(point.latency), scales.y(point.good), scales.radius(point));
    let at =
        |(left, middle): (f64, f64)| [left, middle - LINE / 2.0, left + wide, middle + LINE / 2.0];
    let free = |area: &Area| is_inside(area) && taken.iter().all(|other| !meet(area, other));
    let rows = (0..60).flat_map(|row| {
        let offset = f64::from(row / 2 + row % 2) * LINE * if row % 2 == 0 { 1.0 } else { -1.0 };
        [(x + r + 4.0, y + offset), (x - r - 4.0 - wide, y + offset)]
    });
    // Where everything is full, labels may cover each other rather than be left out.
    let area = rows.map(at).find(free).unwrap_or_else(|| at((x + r + 4.0, y)));
    taken.push(area);
    let middle = (area[1] + area[3]) / 2.0;
    if (middle - y).abs() > LINE {
        let near = if area[0] > x { area[0] - 2.0 } else { area[2] + 2.0 };
        let _ = write!(svg, "<path class=\"l\" d=\"M{x:.1} {y:.1}L{near:.1} {middle:.1}\"/>");
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        area[0],
        middle + 4.0,
        escaped(&text)
    );
}

fn is_inside(area: &Area) -> bool {
    area[0] >= FIELD[0] && area[2] <= WIDTH && area[1] >= FIELD[1] && area[3] <= FIELD[3]
}

fn meet(a: &Area, b: &Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

fn legend(svg: &mut String) {
    let y = HEIGHT - 10.0;
    let _ = writeln!(
        svg,
        "<circle class=\"ok\" cx=\"{0}\" cy=\"{1}\" r=\"5\"/><text x=\"{2}\" y=\"{y}\">keeps the \
         limits</text><circle class=\"no\" cx=\"{3}\" cy=\"{1}\" r=\"5\"/><text x=\"{4}\" \
         y=\"{y}\">does not, or is out</text><path class=\"f\" d=\"M{5} {1}h20\"/><text x=\"{6}\" \
         y=\"{y}\">Pareto front</text><text x=\"{7}\" y=\"{y}\">* chosen; area: peak memory</text>",
        FIELD[0] + 5.0,
        y - 4.0,
        FIELD[0] + 16.0,
        FIELD[0] + 125.0,
        FIELD[0] + 136.0,
        FIELD[0] + 270.0,
        FIELD[0] + 296.0,
        FIELD[0] + 400.0,
    );
}

/// Names come from files.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
