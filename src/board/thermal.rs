//! Thermal zones and where they make the board slower.

use std::path::Path;

use super::facts::ThermalZone;
use super::profile::{self, Profile};
use super::text::line;
use crate::base::{Celsius, Reading, SysRoot};

/// All thermal zones, read now.
#[must_use]
pub fn thermal(sys: &SysRoot) -> Vec<ThermalZone> {
    zones(sys, &profile::of(sys))
}

pub(super) fn zones(sys: &SysRoot, profile: &Profile) -> Vec<ThermalZone> {
    let folders = sys.list("/sys/class/thermal").into_iter();
    let zones = folders.filter(|path| named(path, "thermal_zone"));
    zones.take(64).map(|folder| zone(sys, &folder, profile)).collect()
}

fn zone(sys: &SysRoot, folder: &Path, profile: &Profile) -> ThermalZone {
    let name = sys.text(folder.join("type")).value().map(|text| line(text)).unwrap_or_default();
    ThermalZone {
        temperature: millidegrees(sys, &folder.join("temp")),
        throttle_at: throttle_at(sys, folder, &name, profile),
        zone: name,
    }
}

/// The lowest trip point at which the kernel acts, or the firmware's own limit
/// (which the kernel does not know) where the profile has one that is lower.
fn throttle_at(sys: &SysRoot, folder: &Path, name: &str, profile: &Profile) -> Reading<Celsius> {
    let trip = lowest_trip(sys, folder);
    let firmware = profile.thermal.as_ref().filter(|limit| limit.zone == name);
    let Some(limit) = firmware else { return trip };
    match trip.value() {
        Some(trip_at) if trip_at.0 <= limit.throttle_c => trip,
        _ => Reading::of(Celsius(limit.throttle_c), format!("profile {}", profile.id)),
    }
}

/// `passive` slows down and `critical` shuts down; `active` only starts a fan, and
/// drivers give a point that is switched off a temperature below zero.
fn lowest_trip(sys: &SysRoot, folder: &Path) -> Reading<Celsius> {
    let mut lowest = Reading::Absent;
    for file in sys.list(folder).iter().filter(|path| named(path, "trip_point_")).take(64) {
        let Some(stem) = file.to_str().and_then(|path| path.strip_suffix("_type")) else {
            continue;
        };
        let kind = sys.text(file);
        if !matches!(kind.value().map(String::as_str), Some("passive" | "critical")) {
            continue;
        }
        let point = millidegrees(sys, Path::new(&format!("{stem}_temp")));
        lowest = match (lowest.value(), point.value()) {
            (_, Some(Celsius(at))) if *at <= 0.0 => lowest,
            (Some(known), Some(at)) if known <= at => lowest,
            (Some(_), None) => lowest,
            _ => point,
        };
    }
    lowest
}

fn millidegrees(sys: &SysRoot, path: &Path) -> Reading<Celsius> {
    sys.number::<i64>(path).map(|milli| Celsius(milli as f64 / 1000.0))
}

fn named(path: &Path, prefix: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
}
