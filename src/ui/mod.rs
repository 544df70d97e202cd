//! Floor 10: people and scripts.
//!
//! One verb table ([`table`]) serves the command line and the console. A verb calls
//! one stage function and hands the value to [`show`], which makes 79-column text or
//! JSON of it. Nothing here measures, ranks or decides; nothing below here prints.

mod arrays;
mod call;
mod console;
mod failure;
mod out;
mod settings;
pub mod show;
mod start;
pub mod table;
mod verbs;

pub use call::{Answer, Call};
pub use failure::{Exit, Failure};
pub use out::refuse;
pub use settings::Settings;
pub use start::{arm_signals, build_world, parse, run, serve_worker, start_log};
pub use table::Cli;
