//! The pool does every part once, whoever asks and whatever happens.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use umbra_kernels::Pool;

/// How often each part was done.
fn counted(pool: &Pool, parts: usize) -> Vec<usize> {
    let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
    pool.run(parts, |part| {
        counts[part].fetch_add(1, Ordering::Relaxed);
    });
    counts.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn every_part_is_done_once() {
    for threads in [0, 1, 2, 5] {
        let pool = Pool::new(threads);
        assert_eq!(pool.threads(), threads.max(1));
        for round in 0..300 {
            let parts = round % 17;
            assert_eq!(counted(&pool, parts), vec![1; parts]);
            // Now and then long enough for the workers to fall asleep.
            if round % 50 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

#[test]
fn other_threads_take_part() {
    let pool = Pool::new(2);
    let both = std::sync::Barrier::new(2);
    // Would never return if one thread did both parts.
    pool.run(2, |_| {
        both.wait();
    });
}

#[test]
fn callers_at_once_and_calls_within_calls_get_their_work_done() {
    let pool = Pool::new(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    assert_eq!(counted(&pool, 9), vec![1; 9]);
                }
            });
        }
    });
    pool.run(4, |_| assert_eq!(counted(&pool, 5), vec![1; 5]));
}

#[test]
fn a_panic_reaches_the_caller_and_leaves_the_pool_usable() {
    let pool = Pool::new(3);
    for culprit in 0..8 {
        let found = catch_unwind(AssertUnwindSafe(|| {
            pool.run(8, |part| {
                std::thread::yield_now();
                assert!(part != culprit, "part {culprit}");
            });
        }));
        assert!(found.is_err());
        assert_eq!(counted(&pool, 8), vec![1; 8]);
    }
}
