//! The board, for people who stand in front of it.

use serde_json::{Value, json};

use super::select::device;
use super::store::health;
use super::text::{bytes, number, page, wrap};
use super::{Show, document};
use crate::base::{Bytes, Hertz, Reading};
use crate::board::power::Rail;
use crate::board::{Cluster, Facts, Gpu, PowerSource, ThermalZone};

/// What `probe` shows.
#[derive(Debug)]
pub struct Probed(pub Facts);

impl Show for Probed {
    fn text(&self) -> String {
        let facts = &self.0;
        let mut lines = identity(facts);
        lines.extend(facts.cpu.clusters.iter().flat_map(cluster));
        lines.extend(wrap("isa       ", &said(&facts.cpu.features, |list| list.join(" ")), 3));
        lines.extend(caches(facts));
        lines.extend(memory(facts));
        lines.extend(wrap("health    ", &health(&facts.clocks, &facts.thermal), 2));
        lines.extend(facts.thermal.iter().flat_map(zone));
        lines.extend(facts.gpu.iter().flat_map(gpu));
        lines.extend(power(&facts.power));
        lines.extend(wrap("id        ", &facts.fingerprint.short(), 1));
        page(&lines)
    }

    fn json(&self) -> Value {
        document(json!({ "device": device(&self.0) }))
    }
}

/// The value, or why there is none.
fn said<T>(reading: &Reading<T>, text: impl FnOnce(&T) -> String) -> String {
    match reading {
        Reading::Value { value, .. } => text(value),
        Reading::Unsupported => "not supported here".to_owned(),
        Reading::Denied(path) => format!("denied ({}); run as root", path.display()),
        Reading::Absent => "unknown".to_owned(),
        Reading::Stale => "no longer answers".to_owned(),
    }
}

fn size(reading: &Reading<Bytes>) -> String {
    said(reading, |size| bytes(size.0))
}

fn clock(reading: &Reading<Hertz>) -> String {
    said(reading, |clock| format!("{} MHz", clock.0 / 1_000_000))
}

fn identity(facts: &Facts) -> Vec<String> {
    let board = &facts.board;
    let mut lines = wrap("board     ", &said(&board.model, String::clone), 2);
    lines.extend(wrap("soc       ", &said(&board.soc, String::clone), 1));
    let host = said(&board.hostname, String::clone);
    lines.extend(wrap("host      ", &format!("{host}, profile {}", board.profile), 1));
    let kernel = said(&board.kernel, String::clone);
    let os = said(&board.os, String::clone);
    lines.extend(wrap("system    ", &format!("{os}, kernel {kernel}, {}", board.arch), 2));
    lines
}

fn cluster(cluster: &Cluster) -> Vec<String> {
    let core = said(&cluster.core, String::clone);
    let text = format!(
        "{} x {core}, now {}, max {}",
        cluster.cpus.len(),
        clock(&cluster.current_hz),
        clock(&cluster.max_hz)
    );
    wrap("cores     ", &text, 2)
}

fn caches(facts: &Facts) -> Vec<String> {
    let one = |cache: &crate::board::Cache| {
        let kind = cache.kind.chars().next().unwrap_or('?').to_ascii_lowercase();
        format!("L{}{kind} {}", cache.level, bytes(cache.size.0))
    };
    let caches: Vec<String> = facts.cpu.caches.iter().map(one).collect();
    if caches.is_empty() { Vec::new() } else { wrap("caches    ", &caches.join(", "), 2) }
}

fn memory(facts: &Facts) -> Vec<String> {
    let memory = &facts.memory;
    let mut text = format!("{} available of {}", size(&memory.available), size(&memory.total));
    if let Some(limit) = memory.cgroup_limit.value() {
        text.push_str(&format!(", cgroup limit {}", bytes(limit.0)));
    }
    let mut lines = wrap("memory    ", &text, 1);
    let storage = &facts.storage;
    let text =
        format!("{} free of {} at {}", size(&storage.free), size(&storage.total), storage.path);
    lines.extend(wrap("storage   ", &text, 2));
    let load = said(&facts.cpu.load, |load| number(*load));
    let logical = said(&facts.cpu.logical, u32::to_string);
    lines.extend(wrap("load      ", &format!("{load} over one minute, {logical} processors"), 1));
    lines
}

fn zone(zone: &ThermalZone) -> Vec<String> {
    let celsius =
        |reading| said(reading, |value: &crate::base::Celsius| format!("{:.1} C", value.0));
    let mut text = format!("{} {}", zone.zone, celsius(&zone.temperature));
    if zone.throttle_at.value().is_some() {
        text.push_str(&format!(", throttles at {}", celsius(&zone.throttle_at)));
    }
    wrap("thermal   ", &text, 1)
}

fn gpu(gpu: &Gpu) -> Vec<String> {
    let name = said(&gpu.name, String::clone);
    let text = format!(
        "{name} via {}, memory {}, clock {}",
        gpu.via,
        size(&gpu.memory_total),
        clock(&gpu.clock)
    );
    wrap("gpu       ", &text, 2)
}

fn power(sources: &[PowerSource]) -> Vec<String> {
    if sources.is_empty() {
        return wrap("power     ", "no meter; energy will be unknown", 1);
    }
    let rail = |rail: &Rail| {
        let watts = said(&rail.power, |watts| format!("{} W", number(watts.0)));
        format!("{} {watts}", rail.label)
    };
    let source = |source: &PowerSource| {
        let rails: Vec<String> = source.rails.iter().map(rail).collect();
        let scope = json!(source.scope);
        let scope = scope.as_str().unwrap_or("?").to_owned();
        wrap("power     ", &format!("{} ({scope}): {}", source.source, rails.join(", ")), 3)
    };
    sources.iter().flat_map(source).collect()
}
