//! The worker's half in this process, its clock the processor time that it used: on a machine
//! that others use too, an inference longer than a time slice would count their work as well.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpu_time::ProcessTime;
use umbra::agent::work;
use umbra::base::{Clock, Stop, SystemClock};
use umbra::child::{Ended, FrameBuffer, Frames, Job, Next, Spawn, Watch};
use umbra::engine::available;

/// Runs jobs here.
#[derive(Debug)]
pub(crate) struct Here;

/// Processor time of this process.
#[derive(Debug)]
struct Used;

impl Clock for Used {
    fn now(&self) -> Duration {
        ProcessTime::now().as_duration()
    }
    fn unix_seconds(&self) -> u64 {
        SystemClock::default().unix_seconds()
    }
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Spawn for Here {
    fn run(
        &self,
        job: &Job,
        _: &dyn Clock,
        _: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended {
        let pipe = Shared::default();
        let mut frames = Frames::new(pipe.clone());
        if let Err(stderr) = work(job, &available(), &Used, &mut frames) {
            return Ended::Failed { code: 1, stderr };
        }
        let mut buffer = FrameBuffer::default();
        buffer.push(&pipe.0.lock().expect("nobody panicked"));
        while let Ok(Some(frame)) = buffer.next_frame() {
            watch(Watch::Frame(frame));
        }
        Ended::Finished
    }
    fn is_launched(&self) -> bool {
        false
    }
}
