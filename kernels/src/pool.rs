//! Threads that share the pixels of one call.
//!
//! The caller works too, so a pool of one has no threads at all. Workers wait in a short
//! spin, because the next layer usually follows within microseconds, and then sleep. A
//! call is over when all that entered it have left: a worker that wakes late finds it
//! closed and delays nobody.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};

/// Turns of the spin before a worker sleeps: tens of microseconds.
const SPINS: usize = 1_000;
/// Set in [`Shared::state`] while workers may enter; above it, how many are in.
const OPEN: usize = 1;
/// One worker that has entered.
const ENTERED: usize = 2;

/// A few threads that wait for work.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held by the caller whose work the threads do.
    turn: Mutex<()>,
}

/// What a call has to do: a closure, its type erased, and how often to call it.
#[derive(Clone, Copy)]
struct Work {
    call: unsafe fn(*const (), usize),
    data: *const (),
    parts: usize,
}

struct Shared {
    state: AtomicUsize,
    /// Counts calls, so that a worker does not enter one twice.
    epoch: AtomicUsize,
    /// The next part that nobody has taken.
    next: AtomicUsize,
    /// Written by the caller while `state` is 0, read by those who entered.
    work: UnsafeCell<Work>,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is written only while nobody has entered and read only by those who have;
// its closure is `Sync`. Everything else is shared safely by itself.
unsafe impl Send for Shared {}
// SAFETY: the same.
unsafe impl Sync for Shared {}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts `threads - 1` threads; fewer where the system refuses.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let nothing = Work { call: |_, _| {}, data: std::ptr::null(), parts: 0 };
        let shared = Arc::new(Shared {
            state: AtomicUsize::new(0),
            epoch: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            work: UnsafeCell::new(nothing),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        // With more threads than cores a spinning one keeps another from working.
        // How many there are is a question to several files, not to be asked for nothing.
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let spins = if threads > 1 && threads <= cores() { SPINS } else { 0 };
        let spawn = |_| {
            let shared = Arc::clone(&shared);
            let named = thread::Builder::new().name("kernels".to_owned());
            named.spawn(move || shared.wait_and_work(spins)).ok()
        };
        let workers = (1..threads).map_while(spawn).collect();
        Self { shared, workers, turn: Mutex::new(()) }
    }

    /// Threads that work, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work` once with each number below `parts` and returns when all are done. A
    /// caller that finds the threads at work for another does all by itself.
    ///
    /// A panic of `work` is passed on once no thread uses it any more.
    pub fn run<F: Fn(usize) + Sync>(&self, parts: usize, work: F) {
        let turn = match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if turn.is_none() || self.workers.is_empty() || parts <= 1 {
            return (0..parts).for_each(work);
        }
        // One that a panic of the caller's own part left behind.
        drop(self.shared.take_panic());
        // SAFETY: it is this caller's turn, and `Opened` waits until nobody uses `work`.
        unsafe { self.shared.publish(&work, parts) };
        let opened = Opened(&self.shared);
        self.workers.iter().take(parts - 1).for_each(|worker| worker.thread().unpark());
        self.shared.take_parts(parts, &work);
        drop(opened);
        let panic = self.shared.take_panic();
        drop(turn);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            let _ = worker.join();
        }
    }
}

/// Closes the call and waits for those within, also when the caller's own part panics.
struct Opened<'a>(&'a Shared);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        let mut turns = 0;
        self.0.state.fetch_and(!OPEN, Ordering::AcqRel);
        while self.0.state.load(Ordering::Acquire) != 0 {
            turns += 1;
            if turns < SPINS { std::hint::spin_loop() } else { thread::yield_now() }
        }
    }
}

impl Shared {
    /// Opens a call.
    ///
    /// # Safety
    ///
    /// Nobody has entered, and `work` lives until the call is closed and all have left.
    unsafe fn publish<F: Fn(usize) + Sync>(&self, work: &F, parts: usize) {
        unsafe fn call<F: Fn(usize)>(data: *const (), part: usize) {
            // SAFETY: `data` is the closure of the call that is open.
            unsafe { (*data.cast::<F>())(part) }
        }
        let data = std::ptr::from_ref(work).cast();
        // SAFETY: nobody reads it before the state says open.
        unsafe { *self.work.get() = Work { call: call::<F>, data, parts } };
        self.next.store(0, Ordering::Relaxed);
        self.state.store(OPEN, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn take_parts(&self, parts: usize, work: impl Fn(usize)) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            work(part);
        }
    }

    /// The life of a worker.
    fn wait_and_work(&self, spins: usize) {
        let mut seen = 0;
        loop {
            let mut turns = 0;
            while self.epoch.load(Ordering::SeqCst) == seen {
                if self.stop.load(Ordering::SeqCst) {
                    return;
                }
                turns += 1;
                if turns < spins { std::hint::spin_loop() } else { thread::park() }
            }
            seen = self.epoch.load(Ordering::SeqCst);
            if self.enter() {
                self.work_inside();
                self.state.fetch_sub(ENTERED, Ordering::Release);
            }
        }
    }

    /// Joins the call unless it is closed.
    fn enter(&self) -> bool {
        let joined = |state| (state & OPEN != 0).then_some(state + ENTERED);
        self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, joined).is_ok()
    }

    fn work_inside(&self) {
        // SAFETY: entered, so the caller neither writes it nor returns.
        let Work { call, data, parts } = unsafe { *self.work.get() };
        let all = || {
            // SAFETY: the closure lives as long as somebody is in.
            self.take_parts(parts, |part| unsafe { call(data, part) });
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(all)) {
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
    }
}
