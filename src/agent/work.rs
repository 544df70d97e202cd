//! The worker's side of every job, by its kind.

use super::{behave, classify, infer};
use crate::base::Clock;
use crate::bench;
use crate::child::{Frames, Job};
use crate::engine::Engine;
use crate::rank::relevance;
use crate::task;

/// Does one job in this process.
///
/// # Errors
/// One line for standard error: nobody knows the job, or nobody listens. What is wrong with
/// a model is no error here but a report.
pub fn work(
    job: &Job,
    engines: &[Box<dyn Engine>],
    clock: &dyn Clock,
    frames: &mut Frames,
) -> Result<(), String> {
    match job.kind.as_str() {
        "bench" => bench::work(&job.payload, engines, clock, frames),
        "observe" => task::work(&job.payload, engines, clock, frames, &relevance::scores),
        behave::KIND => behave::work(&job.payload, engines, frames),
        classify::KIND => classify::work(&job.payload, engines, clock, frames),
        infer::KIND => infer::work(&job.payload, engines, frames),
        other => Err(format!("no room does jobs of kind {other:?}")),
    }
}
