//! Floor 0: what every room stands on.
//!
//! Units, readings with their provenance, digests, versioned records, the clock,
//! the file system (real, and one that fails on purpose), a root path under which
//! `/proc` and `/sys` are read, progress events and the stop flag. Nothing here
//! knows what a model or a board is.

pub mod clock;
pub mod digest;
pub mod fs;
pub mod fs_fault;
pub mod parallel;
pub mod progress;
pub mod random;
pub mod reading;
pub mod record;
pub mod stop;
pub mod sysroot;
pub mod units;

pub use clock::{Clock, FakeClock, SystemClock};
pub use digest::Digest;
pub use fs::{Fs, RealFs};
pub use fs_fault::FaultFs;
pub use progress::{Event, Sink};
pub use reading::Reading;
pub use stop::Stop;
pub use sysroot::SysRoot;
pub use units::{Bytes, Celsius, Hertz, Joules, Micros, Watts};
