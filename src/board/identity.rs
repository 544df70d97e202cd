//! Which board this is: device tree first, DMI where there is none.

use super::facts::Identity;
use super::profile::Profile;
use super::text::{field, line, some_line};
use crate::base::{Reading, SysRoot};

const DEVICE_TREE: [&str; 2] = ["/proc/device-tree", "/sys/firmware/devicetree/base"];

pub(super) fn identity(sys: &SysRoot, profile: &Profile) -> Identity {
    Identity {
        model: model(sys),
        soc: soc(sys, profile),
        profile: profile.id.clone(),
        hostname: sys.text("/proc/sys/kernel/hostname").and_then(|text| some_line(&text)),
        kernel: sys.text("/proc/sys/kernel/osrelease").and_then(|text| some_line(&text)),
        os: os(sys),
        arch: std::env::consts::ARCH.to_owned(),
    }
}

/// The board's name for people.
pub(super) fn model(sys: &SysRoot) -> Reading<String> {
    device_tree(sys, "model").and_then(|text| some_line(&text)).or_else(|| dmi(sys))
}

/// The `compatible` strings of the device tree's root, most specific first.
pub(super) fn compatible(sys: &SysRoot) -> Reading<Vec<String>> {
    device_tree(sys, "compatible").and_then(|text| {
        let names: Vec<String> = text.split('\0').filter_map(some_line).take(32).collect();
        Some(names).filter(|names| !names.is_empty())
    })
}

fn device_tree(sys: &SysRoot, property: &str) -> Reading<String> {
    let [first, second] = DEVICE_TREE;
    sys.text(format!("{first}/{property}")).or_else(|| sys.text(format!("{second}/{property}")))
}

/// `sys_vendor product_name`, as firmware on x86 and on some ARM servers gives it.
fn dmi(sys: &SysRoot) -> Reading<String> {
    let vendor = sys.text("/sys/class/dmi/id/sys_vendor");
    sys.text("/sys/class/dmi/id/product_name").and_then(|product| {
        let vendor = vendor.value().map(|vendor| line(vendor)).unwrap_or_default();
        some_line(&format!("{vendor} {product}"))
    })
}

/// The `compatible` string that the profile calls the SoC, else the last and most
/// general one; without a device tree the processor's own name.
fn soc(sys: &SysRoot, profile: &Profile) -> Reading<String> {
    let known = profile.soc.as_deref();
    compatible(sys)
        .and_then(|names| {
            let named = names.iter().find(|name| Some(name.as_str()) == known);
            let name = named.or(names.last())?;
            Some(name.split_once(',').map_or(name.as_str(), |(_, part)| part).to_owned())
        })
        .or_else(|| {
            sys.text("/proc/cpuinfo")
                .and_then(|text| field(&text, "model name", ':').and_then(some_line))
        })
}

fn os(sys: &SysRoot) -> Reading<String> {
    sys.text("/etc/os-release")
        .or_else(|| sys.text("/usr/lib/os-release"))
        .and_then(|text| some_line(field(&text, "PRETTY_NAME", '=')?.trim_matches(['"', '\''])))
}
