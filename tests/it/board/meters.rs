//! Meters whose files change between samples.

use umbra::base::{Joules, Reading, Watts};
use umbra::board::power::{Chip, I2cMeter, Meter, Sample, Scope};
use umbra::board::{MeterConfig, meters};

use super::Scripted;

const HWMON: &str = "sys/class/hwmon/hwmon3";

fn only(tree: &Scripted) -> Box<dyn Meter> {
    let mut found = meters(&tree.sys, &MeterConfig::default());
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn watts(meter: &mut dyn Meter) -> Reading<f64> {
    meter.sample().map(|sample| match sample {
        Sample::Power(Watts(watts)) => watts,
        other => panic!("{other:?}"),
    })
}

fn joules(meter: &mut dyn Meter) -> Reading<f64> {
    meter.sample().map(|sample| match sample {
        Sample::Energy { total: Joules(joules), wraps_at: None } => joules,
        other => panic!("{other:?}"),
    })
}

fn channel(tree: &Scripted, chip: &str, number: u8, label: &str, volts: &str, amps: &str) {
    tree.write(&format!("{chip}/in{number}_label"), label);
    tree.write(&format!("{chip}/in{number}_input"), volts);
    tree.write(&format!("{chip}/curr{number}_input"), amps);
}

fn ina3221(board: &str, channels: &[(&str, &str, &str)]) -> Scripted {
    let tree = Scripted::new(&[("proc/device-tree/compatible", board)]);
    tree.write(&format!("{HWMON}/name"), "ina3221\n");
    for (number, (label, volts, amps)) in (1..).zip(channels) {
        channel(&tree, HWMON, number, label, volts, amps);
    }
    tree
}

#[test]
fn a_sample_is_what_the_files_say_now() {
    let tree = ina3221("nvidia,p3767-0005\0nvidia,tegra234\0", &[("VDD_IN", "5000\n", "1000\n")]);
    let mut meter = only(&tree);
    let mut energy = 0.0;
    for milliamps in [1000, 2000, 500, 1500] {
        tree.write(&format!("{HWMON}/curr1_input"), format!("{milliamps}\n"));
        // Each look stands for a quarter of a second.
        energy += watts(&mut *meter).value().unwrap() * 0.25;
    }
    assert!((energy - 5.0 * 5.0 * 0.25).abs() < 1e-12, "{energy}");
}

#[test]
fn what_is_not_connected_or_not_a_rail_is_skipped() {
    let channels =
        [("NC", "0", "0"), ("VDD_GPU_SOC", "20000", "200"), ("VDD_CPU_CV", "20000", "100")];
    let tree = ina3221("nvidia,p3737-0000+p3701-0000\0", &channels);
    channel(&tree, HWMON, 7, "sum of shunt voltages", "7840", "0");
    let second = "sys/class/hwmon/hwmon4";
    tree.write(&format!("{second}/name"), "ina3221\n");
    channel(&tree, second, 2, "VDDQ_VDD2_1V8AO", "5000", "400");
    let mut meter = only(&tree);
    assert_eq!(meter.source(), "hwmon ina3221 hwmon3 hwmon4");
    let rails: Vec<_> = meter.rails().into_iter().map(|r| (r.label, r.counted)).collect();
    let expected = [("VDD_GPU_SOC", true), ("VDD_CPU_CV", true), ("VDDQ_VDD2_1V8AO", false)];
    assert_eq!(rails, expected.map(|(label, counted)| (label.to_owned(), counted)));
    // No rail is the whole board, so the sum covers rails.
    assert_eq!(meter.scope(), Scope::Rail);
    assert_eq!(watts(&mut *meter).value().copied(), Some(6.0));
}

#[test]
fn a_silent_rail_makes_the_total_unknown_and_not_smaller() {
    let tree = ina3221("x\0", &[("A", "5000", "1000"), ("B", "5000", "1000")]);
    let mut meter = only(&tree);
    assert_eq!(watts(&mut *meter).value().copied(), Some(10.0));
    tree.write(&format!("{HWMON}/curr2_input"), "garbage");
    assert_eq!(watts(&mut *meter), Reading::Stale);
    tree.remove(&format!("{HWMON}/curr2_input"));
    assert_eq!(watts(&mut *meter), Reading::Absent);
    tree.write(&format!("{HWMON}/curr2_input"), "2000");
    assert_eq!(watts(&mut *meter).value().copied(), Some(15.0));
}

#[test]
fn an_ina2xx_gives_microwatts_and_every_board_on_the_bus_is_its_own_meter() {
    // Values of a real INA219: networkupstools/nut#2960.
    let tree = Scripted::new(&[
        ("sys/class/hwmon/hwmon2/name", "ina219"),
        ("sys/class/hwmon/hwmon2/power1_input", "176000"),
        ("sys/class/hwmon/hwmon5/name", "ina226"),
        ("sys/class/hwmon/hwmon5/power1_input", "3125000"),
        ("sys/class/hwmon/hwmon6/name", "nvme"),
        ("sys/class/hwmon/hwmon6/power1_input", "1"),
    ]);
    let mut found = meters(&tree.sys, &MeterConfig::default());
    let readings: Vec<_> = found
        .iter_mut()
        .map(|meter| (meter.source().to_owned(), watts(&mut **meter).value().copied()))
        .collect();
    let expected = [("hwmon ina219 hwmon2", 0.176), ("hwmon ina226 hwmon5", 3.125)];
    assert_eq!(readings, expected.map(|(name, power)| (name.to_owned(), Some(power))));
}

/// Counter and range of a real package: intel/thermal_daemon#45.
const RANGE: u64 = 262_143_999_938;

fn rapl() -> Scripted {
    let zone = "sys/class/powercap/intel-rapl:0";
    let tree = Scripted::new(&[("sys/class/powercap/intel-rapl/enabled", "1")]);
    for (suffix, name) in [("", "package-0"), (":0", "core"), (":1", "uncore"), (":2", "dram")] {
        tree.write(&format!("{zone}{suffix}/name"), name);
        tree.write(&format!("{zone}{suffix}/energy_uj"), "2469474853");
        tree.write(&format!("{zone}{suffix}/max_energy_range_uj"), RANGE.to_string());
    }
    tree.write("sys/class/powercap/intel-rapl:1/name", "psys");
    tree.write("sys/class/powercap/intel-rapl:1/energy_uj", "5");
    tree
}

#[test]
fn rapl_adds_packages_and_memory_and_unwraps_each_counter() {
    let tree = rapl();
    let (package, dram) = (
        "sys/class/powercap/intel-rapl:0/energy_uj",
        "sys/class/powercap/intel-rapl:0:2/energy_uj",
    );
    let mut meter = only(&tree);
    let labels: Vec<_> = meter.rails().into_iter().map(|rail| rail.label).collect();
    assert_eq!(labels, ["package-0 0", "dram 0:2"]);
    assert_eq!(
        (meter.scope(), meter.rails()[0].power.clone()),
        (Scope::Rail, Reading::Unsupported)
    );
    let start = joules(&mut *meter).value().copied().unwrap();
    tree.write(package, (2_469_474_853u64 + 3_000_000).to_string());
    tree.write(dram, (2_469_474_853u64 + 500_000).to_string());
    assert_eq!(joules(&mut *meter).value().copied(), Some(start + 3.5));
    // The package runs to the end of its range and 2 J further, the memory stands still.
    tree.write(package, (RANGE - 999_999).to_string());
    let before = joules(&mut *meter).value().copied().unwrap();
    tree.write(package, "1000000");
    let after = joules(&mut *meter).value().copied().unwrap();
    assert!((after - before - 2.0).abs() < 1e-5, "{}", after - before);
}

#[test]
fn a_meter_that_cannot_be_read_is_listed_with_its_reason_behind_one_that_can() {
    let tree = rapl();
    let counter = "sys/class/powercap/intel-rapl:0/energy_uj";
    let mut meter = only(&tree);
    assert!(meter.sample().value().is_some());
    tree.remove(counter);
    assert_eq!(meter.sample(), Reading::Absent);
    assert_eq!(meter.rails()[0].power, Reading::Absent);
    tree.write("proc/device-tree/compatible", "raspberrypi,4-model-b\0brcm,bcm2711\0");
    tree.write("proc/stat", "cpu  50 0 0 50 0 0 0 0 0 0\n");
    let found = meters(&tree.sys, &MeterConfig::default());
    let scopes: Vec<_> = found.iter().map(|meter| meter.scope()).collect();
    assert_eq!(scopes, [Scope::Estimate, Scope::Rail]);
}

#[test]
fn root_only_counters_are_denied_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    if super::ran_as_nobody("board::meters::root_only_counters_are_denied_to_others") {
        return;
    }
    let tree = rapl();
    let counter = tree.path("sys/class/powercap/intel-rapl:0/energy_uj");
    std::fs::set_permissions(&counter, std::fs::Permissions::from_mode(0o000)).unwrap();
    let denied = Reading::Denied("/sys/class/powercap/intel-rapl:0/energy_uj".into());
    let mut meter = only(&tree);
    assert_eq!(meter.sample(), denied);
    let rail: Reading<Watts> = meter.rails()[0].power.clone();
    assert_eq!(rail, Reading::Denied("/sys/class/powercap/intel-rapl:0/energy_uj".into()));
}

#[test]
fn the_estimate_follows_the_load_since_the_last_look() {
    let tree = Scripted::new(&[
        ("proc/device-tree/compatible", "raspberrypi,4-model-b\0brcm,bcm2711\0"),
        ("proc/stat", "cpu  0 0 0 100 0 0 0 0 0 0\n"),
    ]);
    let mut meter = only(&tree);
    assert_eq!(meter.scope(), Scope::Estimate);
    let idle = watts(&mut *meter).value().copied().unwrap();
    tree.write("proc/stat", "cpu  100 0 0 100 0 0 0 0 0 0\n");
    let full = watts(&mut *meter).value().copied().unwrap();
    tree.write("proc/stat", "cpu  150 0 0 150 0 0 0 0 0 0\n");
    let half = watts(&mut *meter).value().copied().unwrap();
    // 0.6 A and 1.2 A at 5.1 V
    assert_eq!((idle, full), (3.06, 6.12));
    assert!((half - 4.59).abs() < 1e-12, "{half}");
    // No time has passed: the last load stands.
    assert_eq!(watts(&mut *meter).value().copied(), Some(half));
}

#[test]
fn a_configured_meter_that_is_not_there_stays_visible() {
    let text = r#"
        [[i2c]]
        bus = "/dev/i2c-1"
        address = 0x40
        chip = "ina219"
        shunt_ohms = 0.1
        max_amps = 2.0
        scope = "wall"
    "#;
    let config: MeterConfig = toml::from_str(text).unwrap();
    let wish = I2cMeter {
        bus: "/dev/i2c-1".into(),
        address: 0x40,
        chip: Chip::Ina219,
        shunt_ohms: 0.1,
        max_amps: 2.0,
        scope: Scope::Wall,
    };
    assert_eq!(config, MeterConfig { i2c: vec![wish], estimate: true });
    let tree = Scripted::new(&[]);
    let mut found = meters(&tree.sys, &config);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].source(), "ina219 /dev/i2c-1 0x40");
    // Absent where a bus is built in, unsupported in a build without any.
    assert!(matches!(found[0].sample(), Reading::Absent | Reading::Unsupported));
    assert!(toml::from_str::<MeterConfig>("scan = true").is_err());
}

#[test]
fn a_jetpack_4_monitor_that_only_root_may_read_is_not_absent() {
    let device = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0";
    let tree = Scripted::new(&[("proc/device-tree/compatible", "nvidia,jetson-nano\0")]);
    tree.write(&format!("{device}/rail_name_0"), "POM_5V_IN\n");
    // A folder in place of the file fails to read whoever asks.
    std::fs::create_dir_all(tree.path(&format!("{device}/in_power0_input"))).unwrap();
    let mut meter = only(&tree);
    assert_eq!((meter.scope(), meter.sample()), (Scope::Board, Reading::Stale));
    assert_eq!(meter.rails()[0].label, "POM_5V_IN");
}
