//! Files that no kernel wrote: the probe answers, whatever they hold.

use proptest::prelude::*;
use umbra::base::Reading;
use umbra::board::{MeterConfig, meters};

use super::{Scripted, facts};

/// Every file that the probe reads, once.
const FILES: [&str; 40] = [
    "proc/cpuinfo",
    "proc/meminfo",
    "proc/loadavg",
    "proc/stat",
    "proc/self/cgroup",
    "proc/device-tree/model",
    "proc/device-tree/compatible",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/hostname",
    "etc/os-release",
    "etc/nvpmodel.conf",
    "var/lib/nvpmodel/status",
    "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/memory/memory.limit_in_bytes",
    "sys/devices/system/cpu/online",
    "sys/devices/system/cpu/cpu0/cache/index0/level",
    "sys/devices/system/cpu/cpu0/cache/index0/type",
    "sys/devices/system/cpu/cpu0/cache/index0/size",
    "sys/devices/system/cpu/cpufreq/policy0/related_cpus",
    "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor",
    "sys/class/thermal/thermal_zone0/type",
    "sys/class/thermal/thermal_zone0/temp",
    "sys/class/thermal/thermal_zone0/trip_point_0_type",
    "sys/class/thermal/thermal_zone0/trip_point_0_temp",
    "sys/devices/platform/soc/soc:firmware/get_throttled",
    "sys/class/devfreq/1.gpu/cur_freq",
    "sys/class/devfreq/1.gpu/device/load",
    "sys/class/hwmon/hwmon0/name",
    "sys/class/hwmon/hwmon0/in1_label",
    "sys/class/hwmon/hwmon0/in1_input",
    "sys/class/hwmon/hwmon0/curr1_input",
    "sys/class/hwmon/hwmon0/in0_lcrit_alarm",
    "sys/class/hwmon/hwmon0/power1_input",
    "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/rail_name_0",
    "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input",
    "sys/class/powercap/intel-rapl:0/name",
    "sys/class/powercap/intel-rapl:0/energy_uj",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj",
];

/// The text of every file is this one.
fn all(text: &[u8]) -> Scripted {
    let tree = Scripted::new(&[]);
    FILES.iter().for_each(|path| tree.write(path, text));
    tree
}

fn look(tree: &Scripted) {
    let facts = facts(&tree.sys);
    let json = serde_json::to_string(&facts).unwrap();
    assert!(!json.contains("\\u001b"), "a control character got through: {json}");
    for meter in &mut meters(&tree.sys, &MeterConfig::default()) {
        meter.rails();
        meter.sample();
        meter.sample();
    }
}

#[test]
fn an_empty_board_is_generic_and_absent() {
    let facts = facts(&Scripted::new(&[]).sys);
    assert_eq!(facts.board.profile, "generic");
    assert_eq!(facts.board.model, Reading::Absent);
    assert_eq!(facts.cpu.logical, Reading::Absent);
    assert!(facts.cpu.clusters.is_empty() && facts.power.is_empty());
}

#[test]
fn huge_files_endless_numbers_and_terminal_codes_do_no_harm() {
    look(&all(&vec![b'9'; 3 << 20]));
    look(&all(b"-99999999999999999999999999999999\n"));
    look(&all(b"18446744073709551615\n"));
    look(&all(b"-9223372036854775808\n"));
    look(&all(b"\x1b[2J\x1b]0;owned\x07\0\0\xff\xfe: \x1b[31m\n"));
    look(&all(b"0-4294967295\n"));
    look(&all("processor : 0\n\n".repeat(50_000).as_bytes()));
    look(&all("0::/../../../../etc\n4:memory:/../..\n".as_bytes()));
    look(&all(b"inf\n"));
    look(&all(b""));
}

#[test]
fn folders_in_place_of_files_are_stale_and_stop_nothing() {
    let tree = Scripted::new(&[("proc/meminfo", "MemTotal: 1024 kB\n")]);
    for path in FILES.iter().filter(|path| **path != "proc/meminfo") {
        std::fs::create_dir_all(tree.path(path)).unwrap();
    }
    let facts = facts(&tree.sys);
    assert_eq!(facts.board.model, Reading::Stale);
    assert_eq!(facts.cpu.load, Reading::Stale);
    assert_eq!(facts.memory.total.value().map(|bytes| bytes.0), Some(1 << 20));
    look(&tree);
}

#[test]
fn unreadable_files_are_denied_with_their_path() {
    use std::os::unix::fs::PermissionsExt as _;
    if super::ran_as_nobody("board::hostile::unreadable_files_are_denied_with_their_path") {
        return;
    }
    let tree = all(b"1\n");
    for path in FILES {
        let none = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(tree.path(path), none).unwrap();
    }
    let facts = facts(&tree.sys);
    assert_eq!(facts.cpu.load, Reading::Denied("/proc/loadavg".into()));
    assert_eq!(facts.board.model, Reading::Denied("/proc/device-tree/model".into()));
    assert_eq!(facts.memory.cgroup_limit, Reading::Denied("/proc/self/cgroup".into()));
    look(&tree);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_in_any_file_are_too_strange(texts in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            "[0-9a-fx:,. -]{0,40}\n".prop_map(String::into_bytes),
            "(processor|CPU part|MemTotal|cpu|name|ina3221|package-0|critical|passive)[ \t]*:?[ \t]*[0-9xa-f]{0,24}\n"
                .prop_map(String::into_bytes),
        ],
        FILES.len(),
    )) {
        let tree = Scripted::new(&[]);
        for (path, text) in FILES.iter().zip(&texts) {
            tree.write(path, text);
        }
        look(&tree);
    }
}
