//! The search spaces that HELP (Lee et al. 2021) was judged on.

use std::collections::BTreeMap;
use std::path::Path;

use umbra::rank::cost::Traits;

use super::{Dataset, Gathered, Model};
use crate::architecture::{self, Network};
use crate::table::{Table, TableError, cost};

/// Architectures of a space that are read: every one would say the same more slowly.
const MOST: usize = 1000;

pub(super) fn nasbench(folder: &Path) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, "nb201_architectures")? else { return Ok(None) };
    let edges = ["op_0to1", "op_0to2", "op_1to2", "op_0to3", "op_1to3", "op_2to3"];
    let [a, b, c, d, e, f] = edges;
    let mut networks = BTreeMap::new();
    for [at, a, b, c, d, e, f] in table.rows(["arch_idx", a, b, c, d, e, f])? {
        let edges = [a, b, c, d, e, f];
        let network = architecture::nasbench(edges);
        let mut amounts = network.amounts();
        // Where an operation sits matters to some boards: one amount for each edge and kind.
        for kind in ["nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "skip_connect"] {
            amounts.extend(edges.map(|edge| f64::from(u8::from(edge == kind))));
        }
        networks.insert(at.to_owned(), (network, amounts));
    }
    devices(folder, "nb201", "nb201_latency_by_device", &networks)
}

pub(super) fn fbnet(folder: &Path) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, "fbnet_architectures")? else { return Ok(None) };
    let mut networks = BTreeMap::new();
    for [at, choices] in table.rows(["arch_idx", "op_idx"])? {
        let choices: Vec<usize> =
            choices.split_whitespace().filter_map(|choice| choice.parse().ok()).collect();
        let network = architecture::fbnet(&choices);
        let mut amounts = network.amounts();
        for kind in 0..9 {
            amounts.push(choices.iter().filter(|choice| **choice == kind).count() as f64);
        }
        networks.insert(at.to_owned(), (network, amounts));
    }
    devices(folder, "fbnet", "fbnet_latency_by_device", &networks)
}

/// A table with a column for each device and batch size.
fn devices(
    folder: &Path,
    name: &'static str,
    file: &str,
    networks: &BTreeMap<String, (Network, Vec<f64>)>,
) -> Result<Option<Dataset>, TableError> {
    let Some(table) = Table::read(folder, file)? else { return Ok(None) };
    let step = networks.len().div_ceil(MOST).max(1);
    let mut found = Gathered::default();
    for column in table.names().iter().filter(|name| *name != "arch_idx") {
        let batch = column.rsplit_once('_').filter(|(_, batch)| batch.parse::<u32>().is_ok());
        let is_batch = batch.is_some_and(|(device, _)| !device.starts_with("essential"));
        let device = if is_batch { batch.map_or("", |(device, _)| device) } else { column };
        for [at, value] in table.rows(["arch_idx", column.as_str()])?.step_by(step) {
            let (Some(value), Some((network, amounts))) = (cost(value), networks.get(at)) else {
                continue;
            };
            let describe = || Model {
                name: at.to_owned(),
                family: name.to_owned(),
                traits: Traits { amounts: amounts.clone(), int8: false },
                work: network.work(false),
                macs: Some(network.total()),
                params: Some(network.params()),
            };
            found.add(describe, at, column, device, value);
        }
    }
    Ok(found.finish(name, 100))
}
