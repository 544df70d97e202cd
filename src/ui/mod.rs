//! Floor 10: people and scripts. One verb table serves the command line and the
//! console; `show/` turns stage results into 79-column text and JSON.
