//! Peak memory of whole processes.

use std::path::Path;

use umbra::rank::cost::Traits;

use super::{Dataset, Gathered, Model};
use crate::table::{Table, TableError, cost, number};

/// Models that a board must have.
const LEAST: usize = 8;
const LEAST_AIHUB: usize = 30;
/// The runtime of AI Hub whose rows are read: the one that runs ONNX.
const RUNTIME: &str = "onnx";

/// Nets of NetsPresso on Raspberry Pi, Jetson and others.
pub(super) fn netspresso(folder: &Path) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, "netspresso_devices")? else { return Ok(None) };
    let mut found = Gathered::default();
    let columns = [
        "model",
        "task",
        "precision",
        "device",
        "runtime",
        "cpu_memory_bytes",
        "params",
        "macs_or_flops",
    ];
    for [name, task, precision, device, runtime, value, params, macs] in table.rows(columns)? {
        let Some(value) = cost(value) else { continue };
        let describe = || described(name, task, precision, number(macs), number(params), None);
        let key = format!("{name} {task}");
        found.add(describe, &key, &format!("{device}, {runtime}, {precision}"), device, value);
    }
    Ok(found.finish("netspresso memory", LEAST))
}

/// Models of Qualcomm's AI Hub.
pub(super) fn aihub(folder: &Path) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, "aihub_perf")? else { return Ok(None) };
    let mut found = Gathered::default();
    let columns = [
        "model",
        "domain",
        "component",
        "precision",
        "device",
        "runtime",
        "peak_memory_max_bytes",
        "params",
        "model_bytes",
    ];
    for [name, domain, part, precision, device, runtime, value, params, bytes] in
        table.rows(columns)?
    {
        let Some(value) = cost(value).filter(|_| runtime == RUNTIME) else { continue };
        let key = format!("{name} {part} {precision}");
        let describe = || Model {
            name: key.clone(),
            ..described(name, domain, precision, number(bytes), number(params), number(bytes))
        };
        found.add(describe, &key, &format!("{device}, {runtime}"), device, value);
    }
    Ok(found.finish("aihub memory", LEAST_AIHUB))
}

fn described(
    name: &str,
    family: &str,
    precision: &str,
    macs: Option<f64>,
    params: Option<f64>,
    bytes: Option<f64>,
) -> Model {
    let amounts = [macs, params, bytes].map(|amount| amount.unwrap_or(f64::NAN)).to_vec();
    Model {
        name: format!("{name} {family}"),
        family: family.to_owned(),
        traits: Traits { amounts, int8: precision.contains("w8") || precision.contains("int8") },
        work: Vec::new(),
        macs,
        params,
    }
}
