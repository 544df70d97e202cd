//! The worker's half in this process, for benchmarks and tests: a process of its own would differ
//! by where its pages lie, and its clock could not be this one's.

use std::io::Write;
use std::sync::{Arc, Mutex};

use umbra::base::{Clock, Stop};
use umbra::child::{Ended, FrameBuffer, Frames, Job, Next, Spawn, Watch};

/// Runs jobs here, and hands their frames over when they are done.
#[derive(Debug)]
pub(crate) struct Inside(pub(crate) Half);

/// What a job does; the error is what a worker would say as it fails.
pub(crate) type Half = fn(&Job, &dyn Clock, &mut Frames) -> Result<(), String>;

/// Frames that were written.
#[derive(Clone, Default)]
pub(crate) struct Pipe(pub(crate) Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Spawn for Inside {
    fn run(
        &self,
        job: &Job,
        clock: &dyn Clock,
        _: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended {
        let pipe = Pipe::default();
        if let Err(stderr) = (self.0)(job, clock, &mut Frames::new(pipe.clone())) {
            return Ended::Failed { code: 1, stderr };
        }
        let mut buffer = FrameBuffer::default();
        buffer.push(&pipe.0.lock().expect("nobody panicked"));
        while let Some(frame) = buffer.next_frame().expect("frames are sound") {
            watch(Watch::Frame(frame));
        }
        Ended::Finished
    }
    fn is_launched(&self) -> bool {
        false
    }
}
