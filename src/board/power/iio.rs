//! NVIDIA's own INA3221 driver of JetPack 4, which speaks IIO and names rails.
//!
//! `/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/{rail_name_0,in_power0_input}`,
//! milliwatts; the power files are often readable by root only.

use std::path::{Path, PathBuf};

use super::Meter;
use super::rails::{Channel, Gauge, RailMeter};
use crate::base::{Reading, SysRoot};
use crate::board::profile::Profile;
use crate::board::text::line;

const DRIVER: &str = "/sys/bus/i2c/drivers/ina3221x";

/// One meter for all chips of the board.
pub(super) fn meters(sys: &SysRoot, profile: &Profile) -> Option<Box<dyn Meter>> {
    let mut source = String::from("iio ina3221x");
    let mut channels = Vec::new();
    for chip in sys.list(DRIVER) {
        let Some(device) = device(sys, &chip) else { continue };
        let place = chip.file_name().unwrap_or_default().to_string_lossy();
        source = format!("{source} {}", line(&place));
        channels.extend((0..3).filter_map(|number| channel(sys, &device, number)));
    }
    Some(Box::new(RailMeter::new(sys, source, channels, profile)?))
}

/// `iio:device0`; some releases write `iio_device`.
fn device(sys: &SysRoot, chip: &Path) -> Option<PathBuf> {
    let entries = sys.list(chip).into_iter();
    let mut devices = entries.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("iio"))
    });
    devices.next()
}

/// A rail whose name may not be read is still a rail.
fn channel(sys: &SysRoot, device: &Path, number: u8) -> Option<Channel> {
    let label = match sys.text(device.join(format!("rail_name_{number}"))) {
        Reading::Value { value, .. } => line(&value),
        Reading::Absent => return None,
        _ => format!("rail {number}"),
    };
    let power = device.join(format!("in_power{number}_input"));
    (label != "NC").then_some(Channel { label, gauge: Gauge::Power(power, 1e3) })
}
