//! How long this thread waited for a processor that others had.

use std::time::Duration;

use crate::base::SysRoot;

/// Time in the run queue so far: the second number of `schedstat`.
pub(super) fn waited(sys: &SysRoot) -> Option<Duration> {
    let stat = sys.text("/proc/thread-self/schedstat");
    stat.value()?.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// The share of `span` that was waited between two readings.
pub(super) fn share(
    before: Option<Duration>,
    after: Option<Duration>,
    span: Duration,
) -> Option<f64> {
    let waited = after?.checked_sub(before?)?;
    (!span.is_zero()).then(|| (waited.as_secs_f64() / span.as_secs_f64()).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_counts_and_its_growth_is_a_share() {
        let dir = tempfile::tempdir().unwrap();
        let sys = SysRoot::new(dir.path());
        assert_eq!(waited(&sys), None);
        std::fs::create_dir_all(dir.path().join("proc/thread-self")).unwrap();
        let write = |text| {
            std::fs::write(dir.path().join("proc/thread-self/schedstat"), text).unwrap();
            waited(&sys)
        };
        let (early, late) = (write("9000000 1000000 3\n"), write("9500000 26000000 4\n"));
        let share_of = |span| share(early, late, span);
        assert_eq!(share_of(Duration::from_millis(100)), Some(0.25));
        assert_eq!(share_of(Duration::from_millis(10)), Some(1.0));
        assert_eq!(share_of(Duration::ZERO), None);
        assert_eq!(share(late, early, Duration::from_secs(1)), None);
        assert_eq!(write("not a number"), None);
    }
}
