//! Every recorded board probes to the facts that its sources state.

use umbra::base::{Bytes, Celsius, Hertz, Reading, Watts};
use umbra::board::power::{Sample, Scope};
use umbra::board::{Cluster, MeterConfig, ThermalZone, meters};

use super::{facts, tree};

fn value<T: Clone + std::fmt::Debug>(reading: &Reading<T>) -> T {
    reading.value().unwrap_or_else(|| panic!("no value: {reading:?}")).clone()
}

fn cores(cluster: &Cluster) -> (String, usize, Reading<Hertz>) {
    (value(&cluster.core), cluster.cpus.len(), cluster.max_hz.clone())
}

fn zone<'a>(zones: &'a [ThermalZone], name: &str) -> &'a ThermalZone {
    zones.iter().find(|zone| zone.zone == name).unwrap()
}

#[test]
fn raspberry_pi_4() {
    let facts = facts(&tree("pi4"));
    assert_eq!(value(&facts.board.model), "Raspberry Pi 4 Model B Rev 1.5");
    assert_eq!(value(&facts.board.soc), "bcm2711");
    assert_eq!(facts.board.profile, "pi-4b");
    assert_eq!(value(&facts.board.kernel), "6.1.21-v8+");
    assert_eq!(facts.board.hostname, Reading::Absent);
    assert_eq!(value(&facts.cpu.logical), 4);
    let [cluster] = &facts.cpu.clusters[..] else { panic!("{:?}", facts.cpu.clusters) };
    assert_eq!(
        (value(&cluster.core).as_str(), &cluster.cpus[..]),
        ("Cortex-A72", &[0, 1, 2, 3][..])
    );
    assert_eq!(value(&cluster.max_hz), Hertz(1_800_000_000));
    assert_eq!(value(&facts.cpu.features), ["asimd"]);
    assert!(facts.cpu.caches.is_empty());
    assert_eq!(facts.memory.total, Reading::Absent);
    let cpu = zone(&facts.thermal, "cpu-thermal");
    assert_eq!(value(&cpu.temperature), Celsius(74.01));
    // The fan at 70 C slows nothing down; the firmware does at 80.
    assert_eq!(cpu.throttle_at, Reading::of(Celsius(80.0), "profile pi-4b"));
    assert_eq!(value(&facts.clocks.governor), "ondemand");
    assert_eq!(value(&facts.clocks.throttled), ["soft-temperature-limit"]);
    assert_eq!(facts.clocks.power_mode, Reading::Absent);
    assert!(facts.gpu.is_empty());
}

#[test]
fn raspberry_pi_4_without_a_meter_gets_an_estimate_that_says_so() {
    let facts = facts(&tree("pi4"));
    let [source] = &facts.power[..] else { panic!("{:?}", facts.power) };
    assert_eq!(source.scope, Scope::Estimate);
    assert!(source.source.starts_with("estimate pi-4b (Raspberry Pi documentation"));
    // Without /proc/stat there is no load, and without a load no figure.
    assert_eq!(source.rails[0].power, Reading::Absent);
    let none = MeterConfig { estimate: false, ..MeterConfig::default() };
    assert!(meters(&tree("pi4"), &none).is_empty());
}

#[test]
fn raspberry_pi_5() {
    let facts = facts(&tree("pi5"));
    assert_eq!(facts.board.profile, "pi-5");
    assert_eq!(value(&facts.board.soc), "bcm2712");
    assert_eq!(value(&facts.board.hostname), "pi5");
    assert_eq!(value(&facts.board.os), "Debian GNU/Linux 12 (bookworm)");
    let [cluster] = &facts.cpu.clusters[..] else { panic!("{:?}", facts.cpu.clusters) };
    assert_eq!(value(&cluster.core), "Cortex-A76");
    assert_eq!(value(&cluster.current_hz), Hertz(2_400_000_000));
    assert!(value(&facts.cpu.features).contains(&"asimddp".to_owned()));
    let cpu = zone(&facts.thermal, "cpu-thermal");
    assert_eq!(value(&cpu.temperature), Celsius(47.4));
    // Neither the fan's 50 C nor the shutdown at 110 C is where clocks go down.
    assert_eq!(value(&cpu.throttle_at), Celsius(80.0));
    assert_eq!(facts.clocks.throttled, Reading::Absent);
    // rp1_adc has voltages and is no power meter; the profile has no figures.
    assert!(facts.power.is_empty());
}

#[test]
fn jetson_orin_nano() {
    let facts = facts(&tree("jetson-orin-nano"));
    assert_eq!(facts.board.profile, "jetson-orin-nano");
    assert_eq!(value(&facts.board.soc), "tegra234");
    let [cluster] = &facts.cpu.clusters[..] else { panic!("{:?}", facts.cpu.clusters) };
    // Two cpufreq policies of equal cores are one cluster.
    assert_eq!(cores(cluster).0, "Cortex-A78AE");
    assert_eq!(cores(cluster).1, 6);
    assert_eq!(value(&cluster.max_hz), Hertz(1_728_000_000));
    assert_eq!(value(&cluster.current_hz), Hertz(1_036_800_000));
    assert_eq!(value(&facts.memory.total), Bytes(7_802_736 * 1024));
    assert_eq!(value(&facts.memory.available), Bytes(6_245_596 * 1024));
    let caches: Vec<_> = facts.cpu.caches.iter().map(|c| (c.level, c.size.0 >> 10)).collect();
    assert_eq!(caches, [(1, 64), (1, 64), (2, 256), (3, 2048)]);
    assert_eq!(value(&zone(&facts.thermal, "tj-thermal").temperature), Celsius(46.312));
    // The zones of units that this module does not have answer with an error.
    assert_eq!(zone(&facts.thermal, "cv0-thermal").temperature, Reading::Stale);
    assert_eq!(value(&facts.clocks.power_mode), "15W");
    let [gpu] = &facts.gpu[..] else { panic!("{:?}", facts.gpu) };
    assert_eq!((value(&gpu.name).as_str(), gpu.via.as_str()), ("gpu", "devfreq"));
    assert_eq!(value(&gpu.temperature), Celsius(45.437));
    assert_eq!(value(&gpu.load), 0.0);
    assert_eq!(gpu.clock, Reading::Absent);
}

#[test]
fn jetson_orin_nano_counts_its_input_rail_alone() {
    let sys = tree("jetson-orin-nano");
    let mut meters = meters(&sys, &MeterConfig::default());
    let [meter] = &mut meters[..] else { panic!("{meters:?}") };
    assert_eq!((meter.source(), meter.scope()), ("hwmon ina3221 1-0040", Scope::Board));
    let rails: Vec<_> = meter.rails().into_iter().map(|rail| (rail.label, rail.counted)).collect();
    let expected = [("VDD_IN", true), ("VDD_CPU_GPU_CV", false), ("VDD_SOC", false)];
    assert_eq!(rails, expected.map(|(label, counted)| (label.to_owned(), counted)));
    // 4.896 V x 1.048 A
    let Sample::Power(Watts(power)) = value(&meter.sample()) else { panic!() };
    assert!((power - 5.131_008).abs() < 1e-9, "{power}");
}

#[test]
fn jetson_nano_with_jetpack_4() {
    let sys = tree("jetson-nano-jp4");
    let facts = facts(&sys);
    assert_eq!(facts.board.profile, "jetson-nano");
    assert_eq!(value(&facts.board.soc), "tegra210");
    assert_eq!(value(&facts.cpu.clusters[0].core), "Cortex-A57");
    assert_eq!(value(&facts.clocks.power_mode), "MAXN");
    assert_eq!(value(&zone(&facts.thermal, "CPU-therm").throttle_at), Celsius(100.5));
    let [gpu] = &facts.gpu[..] else { panic!("{:?}", facts.gpu) };
    assert_eq!(value(&gpu.clock), Hertz(768_000_000));
    assert!((value(&gpu.load) - 0.07).abs() < 1e-12);
    assert_eq!(value(&gpu.temperature), Celsius(28.5));
    let [source] = &facts.power[..] else { panic!("{:?}", facts.power) };
    assert_eq!((source.source.as_str(), source.scope), ("iio ina3221x 6-0040", Scope::Board));
    let mut meters = meters(&sys, &MeterConfig::default());
    assert_eq!(value(&meters[0].sample()), Sample::Power(Watts(2.746)));
}

#[test]
fn x86_host() {
    let facts = facts(&tree("x86-host"));
    assert_eq!(facts.board.profile, "generic");
    assert_eq!(facts.board.model, Reading::Absent);
    assert_eq!(value(&facts.board.soc), "AMD EPYC");
    assert_eq!(value(&facts.board.os), "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(value(&facts.cpu.logical), 2);
    let [cluster] = &facts.cpu.clusters[..] else { panic!("{:?}", facts.cpu.clusters) };
    assert_eq!(cores(cluster), ("AMD EPYC".to_owned(), 2, Reading::Absent));
    assert_eq!(cluster.current_hz, Reading::of(Hertz(2_600_000_000), "/proc/cpuinfo"));
    let features = value(&facts.cpu.features);
    assert!(["avx2", "avx512_vnni"].iter().all(|name| features.contains(&(*name).to_owned())));
    let l3 = facts.cpu.caches.iter().find(|cache| cache.level == 3).unwrap();
    assert_eq!((l3.kind.as_str(), l3.size), ("Unified", Bytes(32 << 20)));
    assert_eq!(value(&facts.memory.total), Bytes(24_684_096 * 1024));
    assert_eq!(facts.memory.cgroup_limit, Reading::Absent);
    assert_eq!(facts.storage.free, Reading::Absent);
    assert!(facts.thermal.is_empty() && facts.gpu.is_empty() && facts.power.is_empty());
}

#[test]
fn fingerprints_tell_boards_apart_and_ignore_the_weather() {
    let names = ["pi4", "pi5", "jetson-orin-nano", "jetson-nano-jp4", "x86-host"];
    let all: std::collections::BTreeSet<_> =
        names.iter().map(|name| facts(&tree(name)).fingerprint).collect();
    assert_eq!(all.len(), names.len());

    let board = |files: &[(&str, &str)]| {
        let tree = super::Scripted::new(&[
            ("proc/device-tree/model", "A board\0"),
            ("proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n"),
            ("sys/class/thermal/thermal_zone0/type", "cpu-thermal"),
            ("sys/class/thermal/thermal_zone0/temp", "40000"),
        ]);
        files.iter().for_each(|(path, text)| tree.write(path, text));
        facts(&tree.sys).fingerprint
    };
    let cool = board(&[]);
    let busy = [
        ("proc/meminfo", "MemTotal: 999000 kB\nMemAvailable: 100 kB\n"),
        ("sys/class/thermal/thermal_zone0/temp", "90000"),
        ("proc/loadavg", "9.00 9.00 9.00 9/99 9999"),
        ("proc/sys/kernel/hostname", "other"),
    ];
    assert_eq!(board(&busy), cool);
    assert_ne!(board(&[("proc/meminfo", "MemTotal: 2000000 kB\n")]), cool);
    assert_ne!(board(&[("proc/device-tree/model", "B board\0")]), cool);
}

#[test]
fn readings_serialise_as_documented() {
    let json = serde_json::to_value(facts(&tree("jetson-orin-nano"))).unwrap();
    assert_eq!(json["board"]["model"]["source"], "/proc/device-tree/model");
    assert_eq!(json["board"]["os"]["absent"], true);
    assert_eq!(json["thermal"][2]["temperature"]["stale"], true);
    assert_eq!(json["power"][0]["scope"], "board");
    assert_eq!(json["fingerprint"].as_str().unwrap().len(), 64);
}

#[test]
fn every_recorded_file_has_a_source_beside_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boards");
    for board in std::fs::read_dir(folder).unwrap() {
        let sources = board.unwrap().path().join("SOURCES.md");
        assert!(std::fs::read_to_string(&sources).unwrap().len() > 200, "{}", sources.display());
    }
}

#[test]
fn only_flags_now_in_force_are_named() {
    let place = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled";
    let flags = |files: &[(&str, &str)]| {
        umbra::board::clocks(&super::Scripted::new(files).sys).throttled.value().cloned()
    };
    // Outputs of real boards: raspberrypi/firmware#615, custom-components/sensor.rpi_power#6.
    assert_eq!(flags(&[(place, "50005\n")]).unwrap(), ["under-voltage", "throttled"]);
    assert_eq!(flags(&[(place, "50000\n")]), Some(Vec::new()));
    assert_eq!(flags(&[(place, "0xf\n")]).unwrap().len(), 4);
    let alarm = "sys/class/hwmon/hwmon1/in0_lcrit_alarm";
    let volt = ("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
    assert_eq!(flags(&[volt, (alarm, "1\n")]).unwrap(), ["under-voltage"]);
    assert_eq!(flags(&[volt, (alarm, "0\n")]), Some(Vec::new()));
    // The firmware knows more than the alarm.
    assert_eq!(flags(&[volt, (alarm, "1\n"), (place, "0\n")]), Some(Vec::new()));
    assert_eq!(flags(&[]), None);
}
