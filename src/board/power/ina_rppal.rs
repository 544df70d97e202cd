//! INA meters through `rppal`: the only file that knows it.
//!
//! The crate is retired upstream (2025-07); it is kept as the second bus of the
//! Raspberry Pi artefact and tried where `/dev/i2c-*` through the HAL is not built in
//! or does not open.

use rppal::i2c::{Error, I2c};

use super::ina::{Ina, reading};
use super::{I2cMeter, Meter};
use crate::base::{Reading, SysRoot};

pub(super) fn open(sys: &SysRoot, wish: &I2cMeter) -> Reading<Box<dyn Meter>> {
    let number = wish.bus.to_str().and_then(|bus| bus.strip_prefix("/dev/i2c-"));
    // rppal knows numbers of the live board only, not paths.
    let Some(number) = number.and_then(|text| text.parse().ok()).filter(|_| sys.is_live()) else {
        return Reading::Absent;
    };
    match I2c::with_bus(number) {
        Ok(bus) => {
            let ina = Ina::new(bus, wish);
            reading(ina, &wish.source()).map(|ina| Box::new(ina) as Box<dyn Meter>)
        }
        Err(Error::Io(error)) => Reading::from_io(&error, wish.bus.clone()),
        Err(_) => Reading::Unsupported,
    }
}
