//! Boards of one's own, as `collect` tabulates them.

use std::path::Path;

use umbra::rank::cost::Traits;

use super::{Dataset, Gathered, Model};
use crate::table::{Table, TableError, cost, number};
use crate::work;

/// Models that a board must have: ten anchors, and some to rank.
const LEAST: usize = 14;

const ENERGY: &str = "fleet energy";
const MEMORY: &str = "fleet memory";

/// Latency, energy and peak memory, as far as boards have them.
pub(super) fn read(folder: &Path) -> Result<Vec<Dataset>, TableError> {
    let Some(table) = Table::read(folder, "fleet")? else { return Ok(Vec::new()) };
    let costs =
        [("fleet latency", "latency_us"), (ENERGY, "energy_mj"), (MEMORY, "peak_rss_bytes")];
    let found = costs.into_iter().map(|(name, column)| of(&table, name, column));
    Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn of(table: &Table, name: &'static str, column: &str) -> Result<Option<Dataset>, TableError> {
    let mut found = Gathered::default();
    let columns = [
        "model",
        "family",
        "int8",
        "params",
        "macs",
        "work",
        "device",
        "runtime",
        "energy_scope",
        column,
    ];
    for [model, family, int8, params, macs, nodes, device, runtime, scope, value] in
        table.rows(columns)?
    {
        let Some(value) = cost(value) else { continue };
        let describe = || {
            let (macs, params) = (number(macs), number(params));
            let work = work::nodes(nodes);
            let traits = Traits::of_work(&work, macs.unwrap_or(0.0), int8 == "1");
            // The memory of a process is no sum over nodes.
            let work = if name == MEMORY { Vec::new() } else { work };
            Model { name: model.to_owned(), family: family.to_owned(), traits, work, macs, params }
        };
        // What a rail and what the wall plug gives are different costs.
        let scope = if name == ENERGY { format!(", {scope}") } else { String::new() };
        found.add(describe, model, &format!("{device}, {runtime}{scope}"), device, value);
    }
    Ok(found.finish(name, LEAST))
}
