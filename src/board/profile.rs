//! What a board's files do not tell: its profile.
//!
//! Profiles are `profiles/boards/*.toml`, embedded in the binary by the list below
//! (`docs/add-a-board.md`). The first whose `compatible` or `model` matches applies,
//! `generic` to every other board, which works all the same. A profile never
//! replaces a measurement: it names rails and limits, and gives the estimate its
//! figures where there is no meter.

use serde::Deserialize;

use super::identity;
use crate::base::SysRoot;

/// Every profile; `generic` last, because it matches everything.
const EMBEDDED: [&str; 9] = [
    include_str!("../../profiles/boards/pi-3b.toml"),
    include_str!("../../profiles/boards/pi-4b.toml"),
    include_str!("../../profiles/boards/pi-5.toml"),
    include_str!("../../profiles/boards/pi-zero-2w.toml"),
    include_str!("../../profiles/boards/jetson-nano.toml"),
    include_str!("../../profiles/boards/jetson-xavier-nx.toml"),
    include_str!("../../profiles/boards/jetson-orin-nano.toml"),
    include_str!("../../profiles/boards/jetson-agx-orin.toml"),
    GENERIC,
];
const GENERIC: &str = include_str!("../../profiles/boards/generic.toml");

/// One board family.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// Name of the file.
    pub(super) id: String,
    /// Name for people.
    #[allow(dead_code, reason = "documents the file; the board's own model string is shown")]
    pub(super) name: String,
    /// Strings of the device tree's root `compatible`, any of which matches.
    #[serde(default)]
    pub(super) compatible: Vec<String>,
    /// Beginnings of the model string, for boards without a device tree.
    #[serde(default)]
    pub(super) model: Vec<String>,
    /// Which `compatible` string is the SoC's.
    pub(super) soc: Option<String>,
    /// Rails by label.
    #[serde(default)]
    pub(super) rail: Vec<RailRole>,
    /// Where the firmware throttles.
    pub(super) thermal: Option<Thermal>,
    /// Figures for an estimate.
    pub(super) power: Option<Power>,
    /// What a technician should know.
    #[serde(default)]
    #[allow(dead_code, reason = "read by people, and kept next to what they concern")]
    pub(super) quirks: Vec<String>,
}

/// What a rail means for the meter's total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// The input of the whole board or module: it alone is the total.
    Total,
    /// Adds to the sum where no total exists.
    Counted,
    /// Contained in another rail: shown, never added.
    Part,
}

/// The role of one rail.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RailRole {
    /// Label as the kernel gives it.
    pub(super) label: String,
    /// Its role.
    pub(super) role: Role,
}

/// The firmware's thermal limit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thermal {
    /// The zone's type.
    pub(super) zone: String,
    /// Where clocks go down.
    pub(super) throttle_c: f64,
    /// Who says so.
    #[allow(dead_code, reason = "a figure without its source is not accepted into the file")]
    pub(super) source: String,
}

/// Power of the bare board.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Power {
    /// Idle.
    pub(super) idle_w: f64,
    /// All processors busy.
    pub(super) max_w: f64,
    /// Who measured it, how.
    pub(super) source: String,
}

impl Profile {
    /// The role of a rail; without a line of its own a rail is counted.
    pub(super) fn role(&self, label: &str) -> Role {
        self.rail.iter().find(|rail| rail.label == label).map_or(Role::Counted, |rail| rail.role)
    }

    fn matches(&self, compatible: &[String], model: &str) -> bool {
        compatible.iter().any(|name| self.compatible.contains(name))
            || self.model.iter().any(|start| model.starts_with(start.as_str()))
    }
}

/// The profile of this board.
pub(super) fn of(sys: &SysRoot) -> Profile {
    let compatible = identity::compatible(sys);
    let compatible = compatible.value().map_or(&[][..], Vec::as_slice);
    let model = identity::model(sys);
    let model = model.value().map_or("", String::as_str);
    let profiles = EMBEDDED.iter().filter_map(|text| toml::from_str::<Profile>(text).ok());
    let mut profiles = profiles.filter(|profile| profile.matches(compatible, model));
    profiles.next().unwrap_or_else(generic)
}

fn generic() -> Profile {
    toml::from_str(GENERIC).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Profile> {
        EMBEDDED.iter().map(|text| toml::from_str(text).unwrap()).collect()
    }

    #[test]
    fn every_file_of_the_folder_is_embedded_under_its_own_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/boards");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        let mut embedded: Vec<String> = all().into_iter().map(|profile| profile.id).collect();
        files.sort();
        embedded.sort();
        assert_eq!(files, embedded);
    }

    #[test]
    fn no_two_profiles_claim_the_same_board_and_only_generic_claims_none() {
        let claims: Vec<String> = all()
            .into_iter()
            .flat_map(|profile| [profile.compatible, profile.model].concat())
            .collect();
        let distinct: std::collections::BTreeSet<_> = claims.iter().collect();
        assert_eq!(distinct.len(), claims.len());
        let unclaimed = all().into_iter().filter(|p| p.compatible.is_empty() && p.model.is_empty());
        assert_eq!(unclaimed.map(|p| p.id).collect::<Vec<_>>(), ["generic"]);
    }

    #[test]
    fn figures_make_sense_and_name_their_source() {
        for profile in all() {
            if let Some(power) = &profile.power {
                assert!(power.idle_w > 0.0 && power.max_w > power.idle_w, "{}", profile.id);
                assert!(power.source.len() > 20, "{}", profile.id);
            }
            if let Some(limit) = &profile.thermal {
                assert!((40.0..130.0).contains(&limit.throttle_c), "{}", profile.id);
                assert!(limit.source.len() > 20, "{}", profile.id);
            }
        }
    }
}
