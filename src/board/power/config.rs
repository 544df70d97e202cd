//! Meters that only a person can know of: chips on an I2C bus.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Meter, Rail, Sample, Scope};
use crate::base::{Reading, SysRoot};

/// The `[meters]` section of the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeterConfig {
    /// Add-on meters, best first.
    pub i2c: Vec<I2cMeter>,
    /// Whether an estimate may stand in where nothing measures.
    pub estimate: bool,
}

impl Default for MeterConfig {
    fn default() -> Self {
        Self { i2c: Vec::new(), estimate: true }
    }
}

/// One INA219 or INA226 that is wired to this board.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct I2cMeter {
    /// Bus device, such as `/dev/i2c-1`.
    pub bus: PathBuf,
    /// Seven-bit address.
    pub address: u8,
    /// Which chip.
    pub chip: Chip,
    /// Its shunt.
    pub shunt_ohms: f64,
    /// The largest current expected; sets the resolution.
    pub max_amps: f64,
    /// What it covers, which only its owner knows.
    pub scope: Scope,
}

/// Chips we speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chip {
    /// 12 bits, 26 V.
    Ina219,
    /// 16 bits, 36 V.
    Ina226,
}

/// Opens the meter through one kind of bus, or says why not.
type Opener = fn(&SysRoot, &I2cMeter) -> Reading<Box<dyn Meter>>;

/// The buses of this build, in the order in which they are tried.
const OPENERS: &[Opener] = &[
    #[cfg(feature = "i2c")]
    super::ina_i2cdev::open,
    #[cfg(feature = "rpi")]
    super::ina_rppal::open,
];

/// A wish that cannot be met stays in the list and says why: a meter that somebody
/// configured must not vanish silently.
pub(super) fn open(sys: &SysRoot, wishes: &[I2cMeter]) -> Vec<Box<dyn Meter>> {
    wishes.iter().map(|wish| open_one(sys, wish)).collect()
}

fn open_one(sys: &SysRoot, wish: &I2cMeter) -> Box<dyn Meter> {
    let mut why = Reading::Unsupported;
    for opener in OPENERS {
        match opener(sys, wish) {
            Reading::Value { value, .. } => return value,
            reason => why = reason.and_then(|_| None),
        }
    }
    Box::new(Unopened { source: wish.source(), scope: wish.scope, why })
}

impl I2cMeter {
    /// As it appears in records: `ina219 /dev/i2c-1 0x40`.
    #[must_use]
    pub fn source(&self) -> String {
        let chip = match self.chip {
            Chip::Ina219 => "ina219",
            Chip::Ina226 => "ina226",
        };
        format!("{chip} {} 0x{:02x}", self.bus.display(), self.address)
    }
}

/// A configured meter that did not open.
#[derive(Debug)]
struct Unopened {
    source: String,
    scope: Scope,
    why: Reading<Sample>,
}

impl Meter for Unopened {
    fn source(&self) -> &str {
        &self.source
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn rails(&mut self) -> Vec<Rail> {
        Vec::new()
    }

    fn sample(&mut self) -> Reading<Sample> {
        self.why.clone()
    }
}
