//! INA219 and INA226 on a bus that checks every byte.

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use umbra::base::{Reading, Watts};
use umbra::board::power::{Chip, I2cMeter, Ina, InaError, Meter, Sample, Scope};

const ADDRESS: u8 = 0x40;

fn wish(chip: Chip, shunt_ohms: f64, max_amps: f64) -> I2cMeter {
    let bus = "/dev/i2c-1".into();
    I2cMeter { bus, address: ADDRESS, chip, shunt_ohms, max_amps, scope: Scope::Board }
}

fn write(register: u8, value: u16) -> Transaction {
    let [high, low] = value.to_be_bytes();
    Transaction::write(ADDRESS, vec![register, high, low])
}

fn read(register: u8, value: u16) -> Transaction {
    Transaction::write_read(ADDRESS, vec![register], value.to_be_bytes().to_vec())
}

/// The INA219 datasheet's example (SBOS448G, section 8.5.1): 0.1 ohm and 2 A give
/// calibration 0x1a36 (6710) before the designer rounds the unit of current.
#[test]
fn ina219_is_calibrated_as_its_datasheet_says() {
    let start = [write(0, 0x3fff), write(5, 6710)];
    // Bus voltage 12 V (3000 x 4 mV) with the conversion-ready bit; 1 A.
    let unit = 0.040_96 / (6710.0 * 0.1);
    let power = (12.0_f64 / (unit * 20.0)).round();
    let sample = [read(5, 6710), read(2, 3000 << 3 | 0b10), read(4, 16_384), read(3, power as u16)];
    let mut bus = Mock::new(&[&start[..], &sample[..]].concat());
    let mut ina = Ina::new(bus.clone(), &wish(Chip::Ina219, 0.1, 2.0)).unwrap();
    let Watts(watts) = ina.power().unwrap();
    assert!((watts - 12.0).abs() < 0.001, "{watts}");
    bus.done();
}

/// The INA226 datasheet's example (SBOS547, "Programming the Calibration Register"):
/// 2 mOhm and a unit of 1 mA give 2560; 11.98 V x 10 A reads 4792 x 25 mW.
#[test]
fn ina226_reads_the_example_of_its_datasheet() {
    let amps = 32.768;
    let start = [write(0, 0x4527), write(5, 2560)];
    let sample = [read(5, 2560), read(6, 0), read(4, 10_000), read(3, 4792)];
    let mut bus = Mock::new(&[&start[..], &sample[..]].concat());
    let mut ina = Ina::new(bus.clone(), &wish(Chip::Ina226, 0.002, amps)).unwrap();
    assert_eq!(ina.sample().map(round), Reading::of(119.8, "ina226 /dev/i2c-1 0x40"));
    bus.done();
}

fn round(sample: Sample) -> f64 {
    let Sample::Power(Watts(watts)) = sample else { panic!("{sample:?}") };
    (watts * 1e6).round() / 1e6
}

#[test]
fn a_current_that_flows_backwards_is_negative_power() {
    let start = [write(0, 0x4527), write(5, 2560)];
    let sample = [read(5, 2560), read(6, 0), read(4, (-100i16) as u16), read(3, 40)];
    let mut bus = Mock::new(&[&start[..], &sample[..]].concat());
    let mut ina = Ina::new(bus.clone(), &wish(Chip::Ina226, 0.002, 32.768)).unwrap();
    let Watts(watts) = ina.power().unwrap();
    assert!((watts + 1.0).abs() < 1e-9, "{watts}");
    bus.done();
}

#[test]
fn an_overflowed_measurement_is_refused() {
    let start = [write(0, 0x3fff), write(5, 6710)];
    let sample = [read(5, 6710), read(2, 3000 << 3 | 1)];
    let mut bus = Mock::new(&[&start[..], &sample[..], &sample[..]].concat());
    let mut ina = Ina::new(bus.clone(), &wish(Chip::Ina219, 0.1, 2.0)).unwrap();
    assert_eq!(ina.power(), Err(InaError::Overflow));
    assert_eq!(ina.sample(), Reading::Stale);
    bus.done();
}

#[test]
fn a_chip_that_lost_its_calibration_is_set_up_again_and_not_believed_once() {
    let start = [write(0, 0x3fff), write(5, 6710)];
    let lost = [read(5, 0), write(0, 0x3fff), write(5, 6710)];
    let again = [read(5, 6710), read(2, 0), read(4, 0), read(3, 0)];
    let mut bus = Mock::new(&[&start[..], &lost[..], &again[..]].concat());
    let mut ina = Ina::new(bus.clone(), &wish(Chip::Ina219, 0.1, 2.0)).unwrap();
    assert_eq!(ina.sample(), Reading::Stale);
    assert_eq!(ina.sample().map(round).value().copied(), Some(0.0));
    bus.done();
}

#[test]
fn nobody_at_the_address_is_absent() {
    let nobody = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
    let start = [write(0, 0x3fff), write(5, 6710)];
    let gone = [read(5, 0).with_error(nobody)];
    let mut bus = Mock::new(&[&start[..], &gone[..]].concat());
    let mut ina = Ina::new(bus.clone(), &wish(Chip::Ina219, 0.1, 2.0)).unwrap();
    assert_eq!(ina.sample(), Reading::Absent);
    bus.done();
}

#[test]
fn a_shunt_that_the_chip_cannot_be_calibrated_for_is_refused_before_anything_is_written() {
    for (ohms, amps) in
        [(0.0, 2.0), (-0.1, 2.0), (f64::NAN, 1.0), (0.1, 0.0), (1e-9, 0.1), (10.0, 1e6)]
    {
        for chip in [Chip::Ina219, Chip::Ina226] {
            let mut bus = Mock::new(&[]);
            let refused = Ina::new(bus.clone(), &wish(chip, ohms, amps));
            assert!(matches!(refused, Err(InaError::Calibration { .. })), "{chip:?} {ohms} {amps}");
            bus.done();
        }
    }
}
