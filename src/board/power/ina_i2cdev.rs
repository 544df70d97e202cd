//! INA meters through the kernel's `/dev/i2c-*`: the only file that knows
//! `linux-embedded-hal`.

use linux_embedded_hal::I2cdev;

use super::ina::{Ina, reading};
use super::{I2cMeter, Meter};
use crate::base::{Reading, SysRoot};

pub(super) fn open(sys: &SysRoot, wish: &I2cMeter) -> Reading<Box<dyn Meter>> {
    let path = sys.path(&wish.bus);
    // The crate's error hides its cause behind a version of `nix` of its own; the
    // file system tells absent from denied.
    if let Err(error) = std::fs::File::options().read(true).write(true).open(&path) {
        return Reading::from_io(&error, wish.bus.clone());
    }
    match I2cdev::new(&path) {
        Ok(bus) => {
            let ina = Ina::new(bus, wish);
            reading(ina, &wish.source()).map(|ina| Box::new(ina) as Box<dyn Meter>)
        }
        Err(_) => Reading::Unsupported,
    }
}
