//! ncnn's own benchmark on the boards of its users.

use std::path::Path;

use umbra::rank::cost::Traits;

use super::{Dataset, Gathered, Model};
use crate::table::{Table, TableError, cost, number};

/// Models that a board must have: ten anchors and ten to rank.
const LEAST: usize = 20;

pub(super) fn read(folder: &Path) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, "ncnn_benchmark")? else { return Ok(None) };
    let mut found = Gathered::default();
    let columns = [
        "model",
        "base_model",
        "input_size",
        "precision",
        "params",
        "macs",
        "device",
        "processor",
        "gpu_device",
        "threads",
        "powersave",
        "latency_ms",
    ];
    for [
        name,
        family,
        _,
        precision,
        params,
        macs,
        device,
        processor,
        gpu,
        threads,
        powersave,
        value,
    ] in table.rows(columns)?
    {
        let Some(value) = cost(value) else { continue };
        let describe = || {
            let (macs, params) = (number(macs), number(params));
            let amounts = vec![macs.unwrap_or(f64::NAN), params.unwrap_or(f64::NAN)];
            Model {
                name: name.to_owned(),
                family: family.to_owned(),
                traits: Traits { amounts, int8: precision.contains("int8") },
                work: Vec::new(),
                macs,
                params,
            }
        };
        let board =
            format!("{device}, {processor} {gpu}, {threads} threads, powersave {powersave}");
        found.add(describe, name, &board, device, value);
    }
    // Threads and power modes of one device say much the same.
    found.one_board_a_device();
    Ok(found.finish("ncnn", LEAST))
}
