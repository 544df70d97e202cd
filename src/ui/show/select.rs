//! The result of the main job: the choice, the board, the table, the reason and what
//! would change it, on one screen.

use serde::Serialize;
use serde_json::{Value, json};

use super::candidate::{CandidateJson, Known, known_verdict};
use super::table::{Align, Table};
use super::text::{WIDTH, bytes, count, number, or_dash, page, percent, plural, wrap};
use super::{Show, document};
use crate::agent::{Elapsed, Selection};
use crate::bench::Verdict;
use crate::board::Facts;
use crate::decide::{Action, Decision};
use crate::rank::{Criterion, Violation};
use crate::task::Task;
use crate::ui::Exit;

/// Lines of a screen of 24 that leave room for the console's `ok` and its prompt.
pub(crate) const LINES: usize = 22;

/// What `select` and `boot` show.
#[derive(Debug)]
pub struct Chosen {
    /// What was found and done.
    pub selection: Selection,
    /// Whether deploying was left out on purpose.
    pub dry_run: bool,
}

impl Show for Chosen {
    fn text(&self) -> String {
        let selection = &self.selection;
        let mut top = vec![self.choice()];
        top.push(board(&selection.facts));
        top.extend(throttle(&selection.facts));
        top.extend(task(&selection.task));
        top.extend(super::rank::method(&selection.ranking));
        let bottom = reasons(selection);
        let room = LINES.saturating_sub(top.len() + bottom.len());
        top.extend(candidates(selection, room));
        top.extend(bottom);
        page(&top)
    }

    fn json(&self) -> Value {
        let selection = &self.selection;
        let known = Known::all(selection);
        document(SelectJson {
            device: device(&selection.facts),
            task: task_json(&selection.task),
            candidates: known.iter().map(CandidateJson::of).collect(),
            decision: decision(&selection.decision),
            deployment: json!(selection.deployment),
            ranking: json!(selection.ranking),
            elapsed_ms: elapsed(&selection.elapsed),
        })
    }

    fn exit(&self) -> Exit {
        match self.selection.decision.action {
            Action::Deploy | Action::Keep => Exit::Done,
            Action::Fallback | Action::None => Exit::Infeasible,
        }
    }
}

impl Chosen {
    /// The first line: what runs now.
    fn choice(&self) -> String {
        let decision = &self.selection.decision;
        let model = decision.model.as_deref().unwrap_or("-");
        let text = match (decision.action, &self.selection.deployment) {
            (Action::Deploy, Some(deployed)) => {
                format!("{model}, deployed as generation {}", deployed.generation)
            }
            (Action::Deploy, None) if self.dry_run => format!("{model} (dry run: not deployed)"),
            (Action::Deploy, None) => format!("{model}, not deployed"),
            (Action::Keep, _) => format!("{model} stays: it runs already"),
            (Action::Fallback, _) => format!("NOTHING FEASIBLE, {model} keeps running"),
            (Action::None, _) => "NOTHING FEASIBLE, and no model runs".to_owned(),
        };
        wrap("choice  ", &text, 1).concat()
    }
}

#[derive(Debug, Serialize)]
struct SelectJson<'a> {
    device: Value,
    task: Value,
    candidates: Vec<CandidateJson<'a>>,
    decision: Value,
    deployment: Value,
    ranking: Value,
    elapsed_ms: Value,
}

/// The facts, as `probe` prints them too.
pub(crate) fn device(facts: &Facts) -> Value {
    json!(facts)
}

fn task_json(task: &Task) -> Value {
    json!({
        "name": task.name,
        "description": task.description,
        "labels": task.labels,
        "samples": task.samples.len(),
        "kind": task.kind(),
        "digest": task.digest,
        "policy": task.policy,
    })
}

/// A decision as JSON.
pub(crate) fn decision(decision: &Decision) -> Value {
    json!({
        "action": decision.action,
        "model": decision.model,
        "config_id": decision.config_id,
        "reason": decision.reason,
        "margins": decision.margins,
        "pareto": decision.pareto,
        "indistinguishable": decision.indistinguishable,
        "flip": decision.flip.as_ref().map(|flip| &flip.text),
    })
}

fn elapsed(elapsed: &Elapsed) -> Value {
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    json!({
        "probe": ms(elapsed.probe),
        "rank": ms(elapsed.rank),
        "bench": ms(elapsed.bench),
        "observe": ms(elapsed.observe),
        "decide": ms(elapsed.decide),
        "deploy": ms(elapsed.deploy),
        "total": ms(elapsed.total),
    })
}

/// One line: what the board is.
pub(crate) fn board(facts: &Facts) -> String {
    let mut parts = Vec::new();
    parts.extend(facts.board.model.value().cloned());
    parts.extend(cores(facts));
    if let Some(total) = facts.memory.total.value() {
        let available = facts.memory.available.value().map_or("-".to_owned(), |free| bytes(free.0));
        parts.push(format!("{available} of {} free", bytes(total.0)));
    }
    parts.extend(hottest(facts).map(|celsius| format!("{celsius:.0} C")));
    if parts.is_empty() {
        parts.push("unknown board".to_owned());
    }
    wrap("board   ", &parts.join(", "), 1).concat()
}

/// `4x Cortex-A72`, per cluster.
fn cores(facts: &Facts) -> Option<String> {
    let name = |cluster: &crate::board::Cluster| {
        let core = cluster.core.value().map_or("cores", String::as_str);
        let core = core.split(" @").next().unwrap_or(core);
        format!("{}x {core}", cluster.cpus.len())
    };
    let clusters: Vec<String> = facts.cpu.clusters.iter().map(name).collect();
    (!clusters.is_empty()).then(|| clusters.join(" + "))
}

/// The hottest zone that can be read.
pub(crate) fn hottest(facts: &Facts) -> Option<f64> {
    let zones = facts.thermal.iter().filter_map(|zone| zone.temperature.value());
    zones.map(|celsius| celsius.0).max_by(f64::total_cmp)
}

/// A line only where something holds the board back.
fn throttle(facts: &Facts) -> Option<String> {
    let flags = facts.clocks.throttled.value().filter(|flags| !flags.is_empty())?;
    let text = format!("the board is held back: {}; figures may be too slow", flags.join(", "));
    Some(wrap("note    ", &text, 1).concat())
}

fn task(task: &Task) -> Vec<String> {
    let mut text = format!(
        "{}: {}, {}",
        task.name,
        plural(task.labels.len(), "label"),
        plural(task.samples.len(), "sample")
    );
    let limits = &task.policy.limits;
    let wanted = [
        limits.latency.map(|us| format!("p90 <= {} ms", number(us.millis()))),
        limits.memory.map(|size| format!("peak <= {}", bytes(size.0))),
        limits.storage.map(|size| format!("file <= {}", bytes(size.0))),
        limits.energy.map(|joules| format!("energy <= {} mJ", number(joules.millis()))),
        limits.accuracy.map(|share| format!("accuracy >= {} %", number(share * 100.0))),
    ];
    let wanted: Vec<String> = wanted.into_iter().flatten().collect();
    if !wanted.is_empty() {
        text.push_str(&format!("; limits: {}", wanted.join(", ")));
    }
    wrap("task    ", &text, 2)
}

/// Why, what could not be told apart, what would change it, where the time went.
fn reasons(selection: &Selection) -> Vec<String> {
    let decision = &selection.decision;
    let mut lines = wrap("why     ", &decision.reason, 3);
    let chosen = decision.model.as_deref();
    let ties = decision.indistinguishable.iter().map(String::as_str);
    let ties: Vec<&str> = ties.filter(|id| Some(*id) != chosen).collect();
    if !ties.is_empty() {
        lines.extend(wrap(
            "tied    ",
            &format!("the noise does not tell it from {}", ties.join(", ")),
            1,
        ));
    }
    let flip = match &decision.flip {
        Some(flip) => flip.text.as_str(),
        None => "no single limit, target or weight would change it",
    };
    lines.extend(wrap("change  ", flip, 2));
    lines.extend(wrap("time    ", &time(selection), 1));
    lines
}

fn time(selection: &Selection) -> String {
    let timed = selection.trials.iter().filter(|trial| trial.latency.is_some());
    // Under a budget some are only looked at.
    let (glanced, measured): (Vec<_>, Vec<_>) =
        timed.partition(|trial| trial.verdict == Verdict::Skipped);
    let glanced = match glanced.len() {
        0 => String::new(),
        some => format!("{some} looked at, "),
    };
    format!(
        "{} s; {} of {} measured, {glanced}{} from records",
        number(selection.elapsed.total.as_secs_f64()),
        measured.len(),
        plural(selection.candidates.len(), "candidate"),
        selection.reused
    )
}

/// The table, best first, in at most `room` lines.
pub(crate) fn candidates(selection: &Selection, room: usize) -> Vec<String> {
    let known = Known::all(selection);
    let order = order(selection, &known);
    let head = 1;
    let fits = order.len() + head <= room;
    let shown = if fits { order.len() } else { room.saturating_sub(head + 1) };
    let chosen = selection.decision.model.as_deref();
    let (mut visible, mut hidden): (Vec<usize>, Vec<usize>) =
        (order.iter().copied().take(shown).collect(), order.iter().copied().skip(shown).collect());
    keep_visible(&mut visible, &mut hidden, |at| {
        known.get(at).is_some_and(|known| Some(known.candidate.id.as_str()) == chosen)
    });
    let mut lines = table(selection, &known, &visible, &order);
    if !fits {
        lines.push(more(&known, &hidden));
    }
    lines
}

/// The chosen one is always on the screen, whatever its place.
fn keep_visible(visible: &mut [usize], hidden: &mut [usize], is_chosen: impl Fn(usize) -> bool) {
    let place = hidden.iter().position(|&at| is_chosen(at));
    if let (Some(last), Some(found)) = (visible.last_mut(), place.and_then(|at| hidden.get_mut(at)))
    {
        std::mem::swap(last, found);
    }
}

/// Feasible ones by rank, then those over a limit, then the rest; zoo order within.
fn order(selection: &Selection, known: &[Known<'_>]) -> Vec<usize> {
    let mut order = selection.ranking.order.clone();
    order.retain(|&at| at < known.len());
    let group = |at: usize| match known.get(at).and_then(|known| known.row) {
        Some(row) if row.feasible() => 0,
        Some(row) if row.usable => 1,
        _ => 2,
    };
    let mut rest: Vec<usize> = (0..known.len()).filter(|at| !order.contains(at)).collect();
    rest.sort_by_key(|&at| group(at));
    order.extend(rest);
    order
}

fn table(
    selection: &Selection,
    known: &[Known<'_>],
    visible: &[usize],
    order: &[usize],
) -> Vec<String> {
    let right = Align::Right;
    let mut table = Table::new(&[
        ("#", right),
        ("model", Align::Name),
        ("verdict", Align::Left),
        ("p50 ms", right),
        ("peak MB", right),
        ("mJ", right),
        ("acc %", right),
        ("relev", right),
        ("score", right),
    ]);
    let chosen = selection.decision.model.as_deref();
    for &at in visible {
        let Some(known) = known.get(at) else { continue };
        let place = order.iter().position(|&other| other == at).map_or(0, |place| place + 1);
        line(&mut table, known, place, chosen == Some(known.candidate.id.as_str()));
    }
    table.lines()
}

/// One candidate: figures where it may be chosen, else the reason why not.
fn line(table: &mut Table, known: &Known<'_>, place: usize, chosen: bool) {
    let mark = if chosen { "*" } else { "" };
    let name = known.candidate.id.clone();
    if known.feasible() {
        let mut cells = vec![format!("{mark}{place}"), name, known_verdict(known).to_owned()];
        cells.extend(figures(known));
        table.row(cells);
        return;
    }
    let over = known.row.filter(|row| row.usable && !row.violations.is_empty());
    let (word, note) = match over {
        Some(row) => ("limit", violations(&row.violations)),
        None => (known_verdict(known), format!("{}{}", fallen(known), forecast(known))),
    };
    table.note(vec![format!("{mark}-"), name, word.to_owned()], &note);
}

fn figures(known: &Known<'_>) -> [String; 6] {
    let trial = known.trial;
    let measure = |criterion| known.row.and_then(|row| row.measures.get(&criterion));
    let latency = trial.and_then(|trial| trial.latency.as_ref()).map(|found| found.p50.millis());
    let peak = trial.and_then(|trial| trial.peak_rss).map(|size| size.0 as f64 / 1e6);
    let energy = trial.and_then(|trial| trial.energy.as_ref()).map(|found| found.gross.millis());
    let accuracy = known.accuracy().map(|found| percent(found.value, found.low, found.high));
    let fit = known.fit().map(|fit| format!("R2 {:.2}", fit.r2.value));
    let guess = |criterion, scale: f64, measured: Option<f64>| match (measured, measure(criterion))
    {
        (None, Some(found)) if found.predicted => format!("~{}", number(found.value / scale)),
        (measured, _) => or_dash(measured),
    };
    [
        guess(Criterion::Latency, 1e3, latency),
        guess(Criterion::Memory, 1e6, peak),
        guess(Criterion::Energy, 1e-3, energy),
        accuracy.or(fit).unwrap_or_else(|| "-".to_owned()),
        measure(Criterion::Relevance)
            .map_or_else(|| "-".to_owned(), |found| relevance(found.value)),
        or_dash(known.row.and_then(|row| row.copeland)),
    ]
}

/// A relevance; where size stands for it, as counts are said.
fn relevance(value: f64) -> String {
    if value < 1e4 { number(value) } else { count(value as u64) }
}

fn fallen(known: &Known<'_>) -> String {
    match known.fallen() {
        Some((Some(stage), reason)) => format!("at {stage}: {reason}"),
        Some((None, reason)) => reason.to_owned(),
        None => "not measured".to_owned(),
    }
}

/// What the latency of one that was not measured is expected to be; a mere order is no figure.
fn forecast(known: &Known<'_>) -> String {
    let timed = known.trial.is_some_and(|trial| trial.latency.is_some());
    let predicted = known.row.and_then(|row| row.predictions.get(&Criterion::Latency));
    let told = predicted.filter(|found| !timed && found.low < found.high);
    told.map_or_else(String::new, |found| {
        let [value, low, high] = [found.value, found.low, found.high].map(|us| number(us / 1e3));
        format!("; ~{value} ms ({low}-{high})")
    })
}

/// `latency 12.3 > 10 ms`, each limit with its unit.
pub(crate) fn violations(violations: &[Violation]) -> String {
    let one = |found: &Violation| {
        let (scale, unit, sign) = match found.limit.as_str() {
            "latency" => (1.0, "ms", '>'),
            "memory" | "storage" => (1.0, "MB", '>'),
            "energy" => (1.0, "mJ", '>'),
            "accuracy" => (100.0, "%", '<'),
            _ => (1.0, "", '>'),
        };
        let (value, bound) = (number(found.value * scale), number(found.bound * scale));
        format!("{} {value} {sign} {bound} {unit}", found.limit).trim_end().to_owned()
    };
    violations.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The last line of a table that does not fit.
fn more(known: &[Known<'_>], hidden: &[usize]) -> String {
    let of = |at: &&usize| known.get(**at);
    let behind = hidden.iter().filter(|at| of(at).is_some_and(Known::feasible)).count();
    let over = |known: &Known<'_>| known.row.is_some_and(|row| row.usable && !row.feasible());
    let over = hidden.iter().filter(|at| of(at).is_some_and(over)).count();
    let out = hidden.len() - behind - over;
    let parts = [(behind, "ranked lower"), (over, "over a limit"), (out, "not usable")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let line = format!("    ... and {} more ({}): umbra rank", hidden.len(), parts.join(", "));
    // Without the zoo and the task of this line, `rank` shows another table.
    let full = format!("{line} [same options]");
    if full.len() <= WIDTH { full } else { line }
}
