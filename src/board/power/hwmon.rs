//! Power monitors with a kernel driver, found by label below `/sys/class/hwmon`.
//!
//! `ina3221` (Jetson from JetPack 5 on, and add-on boards) gives millivolts and
//! milliamperes per channel and no power; the `ina2xx` family gives microwatts.
//! <https://docs.kernel.org/hwmon/sysfs-interface.html>, `ina3221.rst`, `ina2xx.rst`

use std::path::Path;

use super::Meter;
use super::rails::{Channel, Gauge, RailMeter};
use crate::base::SysRoot;
use crate::board::profile::Profile;
use crate::board::text::line;

/// Channels of one INA3221 that measure a bus voltage; 4 to 6 are shunt voltages
/// and 7 is their sum.
const CHANNELS: std::ops::RangeInclusive<u8> = 1..=3;

/// One meter for all INA3221 of the board, whose rails belong together, and one for
/// every other monitor.
pub(super) fn meters(sys: &SysRoot, profile: &Profile) -> Vec<Box<dyn Meter>> {
    let mut source = String::from("hwmon ina3221");
    let mut channels = Vec::new();
    let mut found: Vec<Box<dyn Meter>> = Vec::new();
    for chip in sys.list("/sys/class/hwmon") {
        let name = sys.text(chip.join("name")).value().map(|text| line(text)).unwrap_or_default();
        if name == "ina3221" {
            source = format!("{source} {}", place(sys, &chip));
            channels.extend(CHANNELS.filter_map(|number| channel(sys, &chip, number)));
        } else if name.starts_with("ina") {
            let source = format!("hwmon {name} {}", place(sys, &chip));
            found.extend(single(sys, &chip, source, profile));
        }
    }
    if let Some(meter) = RailMeter::new(sys, source, channels, profile) {
        found.push(Box::new(meter));
    }
    found
}

/// A channel that is wired to something: `NC` is not.
fn channel(sys: &SysRoot, chip: &Path, number: u8) -> Option<Channel> {
    let volts = chip.join(format!("in{number}_input"));
    if matches!(sys.text(&volts), crate::base::Reading::Absent) {
        return None;
    }
    let label = sys.text(chip.join(format!("in{number}_label"))).value().map(|text| line(text));
    let label = label.filter(|label| !label.is_empty()).unwrap_or_else(|| format!("in{number}"));
    let amps = chip.join(format!("curr{number}_input"));
    (!matches!(label.as_str(), "NC" | "sum of shunt voltages"))
        .then_some(Channel { label, gauge: Gauge::VoltsTimesAmps(volts, amps) })
}

/// An INA219, 226, 238, 260, ...: one rail that the driver has multiplied already.
fn single(sys: &SysRoot, chip: &Path, source: String, profile: &Profile) -> Option<Box<dyn Meter>> {
    let power = chip.join("power1_input");
    if matches!(sys.text(&power), crate::base::Reading::Absent) {
        return None;
    }
    let label = sys.text(chip.join("in1_label")).value().map(|text| line(text));
    let label = label.filter(|label| !label.is_empty()).unwrap_or_else(|| "power1".to_owned());
    let channel = Channel { label, gauge: Gauge::Power(power, 1e6) };
    let meter = RailMeter::new(sys, source, vec![channel], profile)?;
    Some(Box::new(meter))
}

/// The bus address that the chip's `device` link ends in, such as `1-0040`, which
/// unlike `hwmon3` means the same after a reboot.
fn place(sys: &SysRoot, chip: &Path) -> String {
    let device = std::fs::read_link(sys.path(chip.join("device"))).ok();
    let name = device.as_deref().and_then(Path::file_name).or(chip.file_name());
    name.map(|name| line(&name.to_string_lossy())).unwrap_or_default()
}
