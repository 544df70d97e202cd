//! Floor 1: what the board is and what its sensors say.
//!
//! Everything is read below a [`SysRoot`](crate::base::SysRoot), metric by metric;
//! a metric that cannot be read says why and never stops the others.

mod facts;
mod now;
pub mod power;

pub use now::{clocks, clusters, load, thermal};

pub use facts::{
    Cache, Clocks, Cluster, Cpu, Facts, Gpu, Identity, Memory, PowerSource, Storage, ThermalZone,
};
