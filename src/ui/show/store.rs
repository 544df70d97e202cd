//! The store: what runs, what ran, what was changed.

use serde_json::{Value, json};

use super::table::{Align, Table};
use super::text::{bytes, date, page, plural, wrap};
use super::{Show, document};
use crate::board::{Clocks, ThermalZone};
use crate::deploy;

/// What `status` shows.
#[derive(Debug)]
pub struct Status {
    /// The store.
    pub store: deploy::Status,
    /// Clocks and throttling.
    pub clocks: Clocks,
    /// Thermal zones.
    pub thermal: Vec<ThermalZone>,
}

impl Show for Status {
    fn text(&self) -> String {
        let mut lines = store(&self.store);
        lines.extend(wrap("board   ", &health(&self.clocks, &self.thermal), 2));
        page(&lines)
    }

    fn json(&self) -> Value {
        let mut value = document(&self.store);
        if let Value::Object(map) = &mut value {
            map.insert("clocks".to_owned(), json!(self.clocks));
            map.insert("thermal".to_owned(), json!(self.thermal));
        }
        value
    }
}

fn store(status: &deploy::Status) -> Vec<String> {
    let active = match &status.current {
        Some(current) => format!("{}, generation {}", current.model, current.generation),
        None => "none; run `umbra select`".to_owned(),
    };
    let mut lines = wrap("active  ", &active, 1);
    if let Some(current) = &status.current {
        let state = match status.committed {
            true => "committed".to_owned(),
            false => format!("on trial, {} left", plural(status.tries_left as usize, "start")),
        };
        let pinned = if status.pinned { ", pinned" } else { "" };
        lines.extend(wrap("state   ", &format!("{state}{pinned}"), 1));
        lines.extend(wrap("folder  ", &current.path.display().to_string(), 3));
    }
    lines.extend(wrap("before  ", status.previous.as_deref().unwrap_or("none"), 1));
    let free = status.free_bytes.map_or_else(|| "unknown".to_owned(), bytes);
    lines.extend(wrap("free    ", &free, 1));
    lines
}

/// Temperature, governor, throttle flags: a technician's second question.
pub(crate) fn health(clocks: &Clocks, thermal: &[ThermalZone]) -> String {
    let zones = thermal.iter().filter_map(|zone| zone.temperature.value());
    let hottest = zones.map(|celsius| celsius.0).max_by(f64::total_cmp);
    let mut parts = Vec::new();
    parts.extend(hottest.map(|celsius| format!("{celsius:.0} C")));
    parts.extend(clocks.governor.value().map(|governor| format!("governor {governor}")));
    parts.extend(clocks.power_mode.value().map(|mode| format!("power mode {mode}")));
    parts.push(match clocks.throttled.value() {
        Some(flags) if flags.is_empty() => "not throttled".to_owned(),
        Some(flags) => format!("THROTTLED: {}", flags.join(", ")),
        None => "throttling unknown".to_owned(),
    });
    parts.join(", ")
}

/// What `history` shows.
#[derive(Debug)]
pub struct History(pub Vec<deploy::HistoryEntry>);

impl Show for History {
    fn text(&self) -> String {
        if self.0.is_empty() {
            return page(&["nothing was deployed yet"]);
        }
        let columns = [
            ("gen", Align::Right),
            ("when (UTC)", Align::Left),
            ("action", Align::Left),
            ("model", Align::Name),
        ];
        let mut table = Table::new(&columns);
        for entry in &self.0 {
            let cells =
                [&entry.generation.to_string(), &date(entry.at), &entry.action, &entry.model];
            table.row(cells.map(Clone::clone).to_vec());
        }
        let reasons = self.0.iter().map(|entry| format!("    {}", entry.reason));
        let mut lines = table.lines().into_iter();
        let head = lines.next();
        let entries = lines.zip(reasons).flat_map(|(line, reason)| [line, reason]);
        page(&head.into_iter().chain(entries).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        document(json!({ "history": self.0 }))
    }
}

/// What `commit` and `rollback` show.
#[derive(Debug)]
pub struct Changed {
    /// What was done.
    pub done: &'static str,
    /// The store afterwards.
    pub status: deploy::Status,
}

impl Show for Changed {
    fn text(&self) -> String {
        let mut lines = vec![self.done.to_owned()];
        lines.extend(store(&self.status));
        page(&lines)
    }

    fn json(&self) -> Value {
        document(&self.status)
    }
}

/// What `unquarantine` shows.
#[derive(Debug)]
pub struct ShutOut {
    /// Models still shut out.
    pub entries: Vec<deploy::Quarantined>,
    /// Models let back in.
    pub released: Vec<deploy::Quarantined>,
}

impl Show for ShutOut {
    fn text(&self) -> String {
        let back = self.released.iter().flat_map(|entry| wrap("let in   ", &entry.model, 1));
        let out = |entry: &deploy::Quarantined| {
            let text = format!("{} since {}: {}", entry.model, date(entry.at), entry.reason);
            wrap("shut out ", &text, 2)
        };
        let mut lines: Vec<String> = back.chain(self.entries.iter().flat_map(out)).collect();
        if lines.is_empty() {
            lines.push("nothing is in quarantine".to_owned());
        }
        page(&lines)
    }

    fn json(&self) -> Value {
        document(json!({ "quarantine": self.entries, "released": self.released }))
    }
}

/// What `deploy` shows.
#[derive(Debug)]
pub struct Deployed(pub deploy::Deployment);

impl Show for Deployed {
    fn text(&self) -> String {
        let deploy::Deployment { generation, model, path } = &self.0;
        let mut lines = wrap("active  ", &format!("{model}, generation {generation}"), 1);
        lines.extend(wrap("folder  ", &path.display().to_string(), 3));
        page(&lines)
    }

    fn json(&self) -> Value {
        document(json!({ "deployment": self.0 }))
    }
}
