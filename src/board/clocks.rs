//! What sets the clocks: governor, power mode, and throttling now in force.

use std::path::PathBuf;

use super::facts::Clocks;
use super::text::{field, hex, some_line};
use crate::base::{Reading, SysRoot};

const UNDER_VOLTAGE: &str = "under-voltage";
const GET_THROTTLED: &str = "get_throttled";
/// The firmware's bits for "now", from bit 0 on; bits 16 to 19 say, in the same order, what
/// happened since boot. <https://www.raspberrypi.com/documentation/computers/os.html#get_throttled>
const THROTTLED: [&str; 4] =
    [UNDER_VOLTAGE, "frequency-capped", "throttled", "soft-temperature-limit"];

/// Governor, power mode and throttle flags, read now.
#[must_use]
pub fn clocks(sys: &SysRoot) -> Clocks {
    Clocks { governor: governor(sys), power_mode: power_mode(sys), throttled: throttled(sys) }
}

fn governor(sys: &SysRoot) -> Reading<String> {
    let policy = sys.list("/sys/devices/system/cpu/cpufreq").into_iter().next();
    let folder = policy.unwrap_or_else(|| PathBuf::from("/sys/devices/system/cpu/cpu0/cpufreq"));
    sys.text(folder.join("scaling_governor")).and_then(|text| some_line(&text))
}

/// nvpmodel keeps `pmode:0001 fmode:quiet`; its configuration names the modes.
fn power_mode(sys: &SysRoot) -> Reading<String> {
    sys.text("/var/lib/nvpmodel/status").and_then(|text| {
        let words = text.split_whitespace();
        let id: u32 = words.filter_map(|word| word.strip_prefix("pmode:")).next()?.parse().ok()?;
        let names = sys.text("/etc/nvpmodel.conf");
        let name = names.value().and_then(|text| mode_name(text, id));
        Some(name.unwrap_or_else(|| format!("mode {id}")))
    })
}

/// `< POWER_MODEL ID=1 NAME=5W >`
fn mode_name(conf: &str, id: u32) -> Option<String> {
    let modes = conf.lines().filter_map(|line| line.trim().strip_prefix("< POWER_MODEL "));
    modes
        .map(|mode| mode.replace([' ', '>'], "\n"))
        .find(|mode| field(mode, "ID", '=').and_then(|text| text.parse().ok()) == Some(id))
        .and_then(|mode| field(&mode, "NAME", '=').and_then(some_line))
}

/// Raspberry Pi: the firmware's word where the kernel passes it on, else the
/// under-voltage alarm of mainline's `rpi_volt`, which knows of nothing else.
fn throttled(sys: &SysRoot) -> Reading<Vec<String>> {
    firmware_flags(sys).or_else(|| under_voltage(sys))
}

fn firmware_flags(sys: &SysRoot) -> Reading<Vec<String>> {
    let folders = firmware_folders(sys);
    let flags = folders.iter().map(|folder| sys.text(folder.join(GET_THROTTLED)));
    let found = flags.fold(Reading::Absent, |found, next| next.or_else(|| found));
    found.and_then(|text| hex(&text)).map(names)
}

/// The names of the lowest four bits.
pub(super) fn names(bits: u32) -> Vec<String> {
    let names = THROTTLED.iter().enumerate();
    names.filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| (*name).to_owned()).collect()
}

/// The file with the firmware's bits, if there is one that can be read.
pub(super) fn firmware_file(sys: &SysRoot) -> Option<PathBuf> {
    let files = firmware_folders(sys).into_iter().map(|folder| folder.join(GET_THROTTLED));
    files.into_iter().find(|file| sys.text(file).value().is_some())
}

/// `/sys/devices/platform/soc/soc:firmware`, whatever address the SoC node has.
fn firmware_folders(sys: &SysRoot) -> Vec<PathBuf> {
    let platform = sys.list("/sys/devices/platform").into_iter();
    let socs = platform.filter(|path| starts_with(path, "soc"));
    let children = socs.flat_map(|soc| sys.list(soc));
    children.filter(|path| path.to_string_lossy().ends_with(":firmware")).take(8).collect()
}

fn under_voltage(sys: &SysRoot) -> Reading<Vec<String>> {
    let chips = sys.list("/sys/class/hwmon").into_iter();
    let chip = chips
        .into_iter()
        .find(|chip| sys.text(chip.join("name")).value().is_some_and(|name| name == "rpi_volt"));
    let Some(chip) = chip else { return Reading::Absent };
    sys.number::<u8>(chip.join("in0_lcrit_alarm"))
        .map(|alarm| if alarm == 0 { Vec::new() } else { vec![UNDER_VOLTAGE.to_owned()] })
}

fn starts_with(path: &std::path::Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}
