//! Power meters behind one trait.
//!
//! A source is taken metric by metric: a library that opens proves nothing. Where
//! no meter exists the answer is an estimate that says so, or nothing. Opening a
//! meter finds its files once; a sample then only reads them. Meters on an I2C bus
//! are opened where configured and never looked for: probing addresses can upset
//! the devices that live there.

mod config;
mod estimate;
mod hwmon;
mod iio;
mod ina;
#[cfg(feature = "i2c")]
mod ina_i2cdev;
#[cfg(feature = "rpi")]
mod ina_rppal;
mod rails;
mod rapl;

use serde::{Deserialize, Serialize};

pub use config::{Chip, I2cMeter, MeterConfig};
pub use ina::{Ina, InaError};

use super::facts::PowerSource;
use super::nvml;
use super::profile::{self, Profile};
use crate::base::{Joules, Reading, SysRoot, Watts};

/// What a meter covers. A rail is not a board and a board is not the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Some rails, or one package or device.
    Rail,
    /// The whole module or board.
    Board,
    /// The wall plug or the supply cable.
    Wall,
    /// Computed, not measured.
    Estimate,
}

/// One rail of a meter.
#[derive(Debug, Clone, Serialize)]
pub struct Rail {
    /// Label, such as `VDD_IN`.
    pub label: String,
    /// Power now.
    pub power: Reading<Watts>,
    /// Whether it counts towards the meter's total.
    pub counted: bool,
}

/// One look at a meter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Power at this moment.
    Power(Watts),
    /// A counter of energy that wraps to zero after `wraps_at`.
    Energy {
        /// Count now.
        total: Joules,
        /// Where the counter starts again, if it does.
        wraps_at: Option<Joules>,
    },
}

/// Something that measures power or energy.
pub trait Meter: std::fmt::Debug + Send {
    /// Kind and place, for people and records, such as `hwmon ina3221 1-0040`.
    fn source(&self) -> &str;
    /// What it covers.
    fn scope(&self) -> Scope;
    /// Its rails, read now.
    fn rails(&mut self) -> Vec<Rail>;
    /// The total, read now.
    fn sample(&mut self) -> Reading<Sample>;
}

/// Opens every meter of this board and those that the configuration names, best
/// first: what can be read before what cannot, the whole board before its parts,
/// the processor's rails before a graphics card's. An estimate is the last resort.
#[must_use]
pub fn meters(sys: &SysRoot, wishes: &MeterConfig) -> Vec<Box<dyn Meter>> {
    open(sys, wishes, &profile::of(sys), &nvml::Library::open(sys))
}

pub(super) fn open(
    sys: &SysRoot,
    wishes: &MeterConfig,
    profile: &Profile,
    nvml: &nvml::Library,
) -> Vec<Box<dyn Meter>> {
    let mut found: Vec<Box<dyn Meter>> = config::open(sys, &wishes.i2c);
    found.extend(hwmon::meters(sys, profile));
    found.extend(iio::meters(sys, profile));
    found.extend(rapl::meter(sys));
    found.extend(nvml.meters());
    let mut ranked: Vec<((bool, u8), Box<dyn Meter>)> =
        found.into_iter().map(|mut meter| (rank(&mut *meter), meter)).collect();
    let measured = ranked.iter().any(|((silent, _), _)| !silent);
    if wishes.estimate && !measured {
        ranked.extend(estimate::meter(sys, profile).map(|meter| ((false, u8::MAX), meter)));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, meter)| meter).collect()
}

/// Whether it is silent now, and how much less than the board it covers.
fn rank(meter: &mut dyn Meter) -> (bool, u8) {
    let scope = match meter.scope() {
        Scope::Board => 0,
        Scope::Wall => 1,
        Scope::Rail => 2,
        Scope::Estimate => 3,
    };
    (meter.sample().value().is_none(), scope)
}

/// The meters as `probe` lists them, with their rails read now.
#[must_use]
pub fn sources(meters: &mut [Box<dyn Meter>]) -> Vec<PowerSource> {
    let list = meters.iter_mut().map(|meter| PowerSource {
        rails: meter.rails(),
        scope: meter.scope(),
        source: meter.source().to_owned(),
    });
    list.collect()
}
