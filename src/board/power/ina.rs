//! INA219 and INA226 on any `embedded-hal` I2C bus.
//!
//! Registers and scales are from TI's datasheets SBOS448G (INA219, sections 8.5
//! "Programming" and 8.6 "Register Maps") and SBOS547 (INA226, the sections of the
//! same names): 16-bit registers, high byte first; the calibration register sets
//! the unit of current, and power counts in 20 (INA219) or 25 (INA226) of it.
//! A reading whose conversion overflowed means nothing and is refused.

use embedded_hal::i2c::{Error as _, ErrorKind, I2c, NoAcknowledgeSource};

use super::config::{Chip, I2cMeter};
use super::{Meter, Rail, Sample, Scope};
use crate::base::{Reading, Watts};

const CONFIGURATION: u8 = 0x00;
const BUS_VOLTAGE: u8 = 0x02;
const POWER: u8 = 0x03;
const CURRENT: u8 = 0x04;
const CALIBRATION: u8 = 0x05;
/// INA226 only: bit 2 is the math overflow flag.
const MASK_ENABLE: u8 = 0x06;

/// What differs between the chips.
#[derive(Debug, Clone, Copy)]
struct Scales {
    /// Numerator of the calibration: 0.04096 or 0.00512.
    calibration: f64,
    /// Units of current in one unit of power.
    power: f64,
    /// Configuration: continuous conversion with averaging.
    configuration: u16,
}

impl Chip {
    fn scales(self) -> Scales {
        match self {
            // 32 V, +-320 mV, both converters 12 bits x 128 samples (68 ms), continuous.
            Self::Ina219 => Scales { calibration: 0.040_96, power: 20.0, configuration: 0x3fff },
            // 16 samples of 1.1 ms each for voltage and shunt (35 ms), continuous.
            Self::Ina226 => Scales { calibration: 0.005_12, power: 25.0, configuration: 0x4527 },
        }
    }
}

/// Why the chip cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InaError {
    /// The shunt and the largest current give no calibration the chip can hold.
    #[error(
        "a shunt of {shunt_ohms} ohm and {max_amps} A give calibration {calibration:.0}; it must \
         lie between 2 and 65534: correct shunt_ohms or max_amps"
    )]
    Calibration {
        /// Configured.
        shunt_ohms: f64,
        /// Configured.
        max_amps: f64,
        /// What would have to be written.
        calibration: f64,
    },
    /// The bus or the chip did not answer.
    #[error("the I2C bus says {0:?}: check wiring, bus and address")]
    Bus(ErrorKind),
    /// The current or power does not fit the registers.
    #[error("the measurement overflowed: raise max_amps or use a smaller shunt")]
    Overflow,
}

/// One chip on one bus.
pub struct Ina<B> {
    bus: B,
    wish: I2cMeter,
    source: String,
    watts_per_bit: f64,
    calibration: u16,
}

/// Buses need not be printable.
impl<B> std::fmt::Debug for Ina<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ina").field("wish", &self.wish).finish_non_exhaustive()
    }
}

impl<B: I2c> Ina<B> {
    /// Writes configuration and calibration.
    ///
    /// # Errors
    /// [`InaError::Calibration`] before anything is written, [`InaError::Bus`] after.
    pub fn new(bus: B, wish: &I2cMeter) -> Result<Self, InaError> {
        let scales = wish.chip.scales();
        let (calibration, amps_per_bit) = calibration(wish, scales)?;
        let mut ina = Self {
            bus,
            source: wish.source(),
            wish: wish.clone(),
            watts_per_bit: amps_per_bit * scales.power,
            calibration,
        };
        ina.write(CONFIGURATION, scales.configuration)?;
        ina.write(CALIBRATION, calibration)?;
        Ok(ina)
    }

    /// The power register, in watts.
    ///
    /// # Errors
    /// [`InaError::Bus`] and [`InaError::Overflow`].
    pub fn power(&mut self) -> Result<Watts, InaError> {
        if self.overflowed()? {
            return Err(InaError::Overflow);
        }
        // Power has no sign; a current that flows backwards makes it negative for us.
        let backwards = self.read(CURRENT)? >= 0x8000;
        let watts = f64::from(self.read(POWER)?) * self.watts_per_bit;
        Ok(Watts(if backwards { -watts } else { watts }))
    }

    /// The overflow flag, and the calibration again where a brown-out has lost it:
    /// a chip that has restarted reports a power of zero for ever.
    fn overflowed(&mut self) -> Result<bool, InaError> {
        if self.read(CALIBRATION)? != self.calibration {
            self.write(CONFIGURATION, self.wish.chip.scales().configuration)?;
            self.write(CALIBRATION, self.calibration)?;
            return Err(InaError::Bus(ErrorKind::Other));
        }
        Ok(match self.wish.chip {
            Chip::Ina219 => self.read(BUS_VOLTAGE)? & 1 != 0,
            Chip::Ina226 => self.read(MASK_ENABLE)? & (1 << 2) != 0,
        })
    }

    fn read(&mut self, register: u8) -> Result<u16, InaError> {
        let mut bytes = [0u8; 2];
        self.bus
            .write_read(self.wish.address, &[register], &mut bytes)
            .map_err(|error| InaError::Bus(error.kind()))?;
        Ok(u16::from_be_bytes(bytes))
    }

    fn write(&mut self, register: u8, value: u16) -> Result<(), InaError> {
        let [high, low] = value.to_be_bytes();
        self.bus
            .write(self.wish.address, &[register, high, low])
            .map_err(|error| InaError::Bus(error.kind()))
    }
}

/// Datasheet equations 1 and 2: the unit of current is the largest current over 2^15,
/// and the calibration truncates, so that the unit is computed back from it. The
/// INA219 cannot hold bit 0, the INA226 not bit 15.
fn calibration(wish: &I2cMeter, scales: Scales) -> Result<(u16, f64), InaError> {
    let I2cMeter { shunt_ohms, max_amps, .. } = *wish;
    let exact = scales.calibration / (max_amps / 32_768.0 * shunt_ohms);
    let (mask, largest) = match wish.chip {
        Chip::Ina219 => (0xfffe, 65_534.0),
        Chip::Ina226 => (0x7fff, 32_767.0),
    };
    if !(shunt_ohms > 0.0 && max_amps > 0.0 && exact >= 2.0 && exact <= largest) {
        return Err(InaError::Calibration { shunt_ohms, max_amps, calibration: exact });
    }
    let register = exact as u16 & mask;
    Ok((register, scales.calibration / (f64::from(register) * shunt_ohms)))
}

/// What a failure means to a technician: nothing at that address is absent.
pub(super) fn reading<T>(answer: Result<T, InaError>, source: &str) -> Reading<T> {
    match answer {
        Ok(value) => Reading::of(value, source),
        Err(error) => {
            log::debug!("{source}: {error}");
            match error {
                InaError::Bus(ErrorKind::NoAcknowledge(
                    NoAcknowledgeSource::Address | NoAcknowledgeSource::Unknown,
                )) => Reading::Absent,
                InaError::Calibration { .. } => Reading::Unsupported,
                InaError::Bus(_) | InaError::Overflow => Reading::Stale,
            }
        }
    }
}

impl<B: I2c + Send> Meter for Ina<B> {
    fn source(&self) -> &str {
        &self.source
    }

    fn scope(&self) -> Scope {
        self.wish.scope
    }

    fn rails(&mut self) -> Vec<Rail> {
        let source = self.source.clone();
        let power = reading(self.power(), &source);
        vec![Rail { label: "shunt".to_owned(), power, counted: true }]
    }

    fn sample(&mut self) -> Reading<Sample> {
        let source = self.source.clone();
        reading(self.power(), &source).map(Sample::Power)
    }
}
