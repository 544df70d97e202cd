//! MLPerf's open ImageNet zoo: real networks in single and eight-bit precision on real boards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use umbra::rank::cost::Traits;

use super::{Dataset, Gathered, Model};
use crate::architecture::mobile;
use crate::score::median;
use crate::table::{Table, TableError, cost, number};

/// What its latencies are called.
pub(crate) const ZOO: &str = "zoo latency";

const NAME: &str = "mlperf_open_imagenet_zoo";
/// Configurations that a board must have.
const LEAST: usize = 40;
/// The same for energy, which fewer boards have.
const LEAST_ENERGY: usize = 20;
/// A run whose median is so many times its minimum was disturbed.
const DISTURBED: f64 = 3.0;
/// A device with a board of which more than this share was disturbed is noisy.
const NOISY: f64 = 0.1;

/// Milliseconds, mean of a run.
pub(super) fn latency(folder: &Path) -> Result<Option<Dataset>, TableError> {
    read(folder, ZOO, "latency_ms", LEAST)
}

/// Millijoules per inference, wall power.
pub(super) fn energy(folder: &Path) -> Result<Option<Dataset>, TableError> {
    read(folder, "zoo energy", "energy_mj", LEAST_ENERGY)
}

fn read(
    folder: &Path,
    name: &'static str,
    column: &str,
    least: usize,
) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, NAME)? else { return Ok(None) };
    let noisy = noisy(&table)?;
    let mut found = Gathered::default();
    let columns = [
        "model",
        "family",
        "precision",
        "params",
        "macs",
        "device",
        "runtime",
        column,
        "duplicate_of_other_round",
        "noise_p50_over_min",
    ];
    for [model, family, precision, params, macs, device, runtime, value, duplicate, noise] in
        table.rows(columns)?
    {
        let disturbed = number(noise).is_some_and(|ratio| ratio > DISTURBED);
        let Some(value) = cost(value) else { continue };
        if duplicate == "1" || disturbed || noisy.contains(device) {
            continue;
        }
        let describe = || self::model(model, family, precision, macs, params);
        let board = format!("{device}, {runtime}");
        let steadiness = number(noise).map(|ratio| (format!("{model} {precision}"), ratio));
        found.unsteady.entry(board.clone()).or_default().extend(steadiness);
        found.add(describe, &format!("{model} {precision}"), &board, device, value);
    }
    Ok(found.finish(name, least))
}

/// Devices with a board that was disturbed too often.
fn noisy(table: &Table) -> Result<BTreeSet<String>, TableError> {
    let mut boards: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
    for [device, runtime, noise] in table.rows(["device", "runtime", "noise_p50_over_min"])? {
        let (runs, disturbed) = boards.entry((device, runtime)).or_default();
        *runs += 1.0;
        *disturbed += f64::from(u8::from(number(noise).is_some_and(|ratio| ratio > DISTURBED)));
    }
    let too_often = boards.into_iter().filter(|(_, (runs, disturbed))| *disturbed > NOISY * runs);
    Ok(too_often.map(|((device, _), _)| device.to_owned()).collect())
}

fn model(model: &str, family: &str, precision: &str, macs: &str, params: &str) -> Model {
    let (macs, params) = (number(macs), number(params));
    let int8 = precision == "int8";
    let (amounts, work) = match mobile(model) {
        Some(network) => (network.amounts(), network.work(int8)),
        None => (vec![macs.unwrap_or(f64::NAN)], Vec::new()),
    };
    Model {
        name: format!("{model} {precision}"),
        family: family.to_owned(),
        traits: Traits { amounts, int8 },
        work,
        macs,
        params,
    }
}

/// Top-1 accuracy in per cent by model: the median over all boards but those of a device.
pub(crate) fn accuracies(
    folder: &Path,
    but: Option<&str>,
) -> Result<BTreeMap<String, f64>, TableError> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    if let Some(table) = Table::read(folder, NAME)? {
        for [model, precision, device, accuracy] in
            table.rows(["model", "precision", "device", "accuracy"])?
        {
            if let (Some(accuracy), true) = (cost(accuracy), but != Some(device)) {
                found.entry(format!("{model} {precision}")).or_default().push(accuracy);
            }
        }
    }
    Ok(found.into_iter().map(|(model, all)| (model, median(all))).collect())
}
