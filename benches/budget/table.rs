//! The published table: candidates per board, with what is known of their latency.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use umbra::decide::look::Traits;

/// Candidates that a board has at least.
const FEWEST: usize = 24;

/// One candidate as it was measured.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) traits: Traits,
    pub(crate) accuracy: f64,
    /// Median, microseconds.
    pub(crate) p50: f64,
    /// Deviation of the logarithm, from the median and the 90th percentile.
    pub(crate) sigma: f64,
}

/// A device in one round of submissions, with all runtimes of that round.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) device: String,
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

/// The standard normal distribution's 90th percentile.
const Z90: f64 = 1.281_551_565_545;

pub(crate) fn boards() -> Option<Vec<Board>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("UMBRA_SHARED").map_or_else(beside, PathBuf::from);
    let path = root.join("data/hardware/mlperf_open_imagenet_zoo.csv.gz");
    let unpacked = Command::new("gzip").arg("-dc").arg(path).output().ok()?;
    let text = String::from_utf8(unpacked.stdout).ok()?;
    let mut lines = text.lines();
    let head = fields(lines.next()?);
    let mut numbers = Numbers::default();
    let mut boards: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
    for line in lines {
        let values: BTreeMap<String, String> = head.iter().cloned().zip(fields(line)).collect();
        let sound = values["valid"] == "VALID" && values["duplicate_of_other_round"] == "0";
        if let Some(row) = row(&values, &mut numbers).filter(|_| sound) {
            let board = (values["device"].clone(), values["round"].clone());
            boards.entry(board).or_default().push(row);
        }
    }
    let board = |((device, round), rows): ((String, String), Vec<Row>)| {
        let name = format!("{device} {round}");
        Board { device, name, rows }
    };
    Some(boards.into_iter().map(board).collect())
}

/// Every other device, in alphabetical order, and only boards with enough candidates.
pub(crate) fn halves(boards: Vec<Board>) -> [Vec<Board>; 2] {
    let mut devices: Vec<String> = boards.iter().map(|board| board.device.clone()).collect();
    devices.sort();
    devices.dedup();
    let mut halves = [Vec::new(), Vec::new()];
    for board in boards {
        let at = devices.iter().position(|device| *device == board.device).unwrap();
        if board.rows.len() >= FEWEST {
            halves[at % 2].push(board);
        }
    }
    halves
}

/// A number for every name.
#[derive(Default)]
struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap();
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

fn row(values: &BTreeMap<String, String>, numbers: &mut Numbers) -> Option<Row> {
    let number = |key: &str| values[key].parse::<f64>().ok();
    let (p50, p90) = (number("latency_p50_ms")?, number("latency_p90_ms")?);
    Some(Row {
        traits: Traits {
            ln_macs: number("macs")?.ln(),
            ln_params: number("params")?.ln(),
            arithmetic: numbers.of(&values["precision"]),
            engine: numbers.of(&values["system_id"]),
            family: numbers.of(&values["family"]),
            ln_predicted: None,
        },
        accuracy: number("accuracy")? / 100.0,
        p50: p50 * 1000.0,
        sigma: ((p90 / p50).ln() / Z90).max(0.0),
    })
}

/// The fields of a line of CSV, whose quotes may hold commas.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}
