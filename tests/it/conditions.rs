//! The pause before a measurement, on boards that cool down, or do not.

use std::path::PathBuf;
use std::time::Duration;

use umbra::base::{Celsius, Clock, Event, FakeClock, Sink, Stop, SysRoot};
use umbra::bench::{Cool, Cooled, Plan, TrialKey, run};
use umbra::child::{Context, Ended, Job, Next, Spawn, Watch};
use umbra::model::{Affinity, Candidate, Config, Source};

/// A board whose only zone loses a degree a second, down to some temperature.
#[derive(Debug)]
struct Board {
    root: tempfile::TempDir,
    clock: FakeClock,
    from: f64,
    down_to: f64,
    stop: Stop,
    /// Somebody wants to stop after so long.
    stops_after: Option<Duration>,
}

impl Board {
    fn new(from: f64, down_to: f64) -> Self {
        let board = Self {
            root: tempfile::tempdir().unwrap(),
            clock: FakeClock::default(),
            from,
            down_to,
            stop: Stop::default(),
            stops_after: None,
        };
        std::fs::create_dir_all(board.zone()).unwrap();
        let write = |name: &str, text: &str| std::fs::write(board.zone().join(name), text).unwrap();
        write("type", "cpu-thermal");
        write("trip_point_0_type", "passive");
        write("trip_point_0_temp", "80000");
        board.warm();
        board
    }

    fn zone(&self) -> PathBuf {
        self.root.path().join("sys/class/thermal/thermal_zone0")
    }

    fn warm(&self) {
        let now = (self.from - self.clock.now().as_secs_f64()).max(self.down_to);
        std::fs::write(self.zone().join("temp"), format!("{:.0}", now * 1000.0)).unwrap();
    }

    /// What the pause was like, and what was told of it.
    fn pause(&self, cool: Cool) -> (Option<Cooled>, Vec<String>) {
        let (sys, spawn) = (SysRoot::new(self.root.path()), Gone);
        let ctx = Context { spawn: &spawn, clock: self, sys: &sys, stop: &self.stop };
        let mut told = Told::default();
        let plan = Plan { cool, ..Plan::quick() };
        let trial = run(&plan, &candidate(), key(), ctx, &mut [], None, &mut told);
        (trial.conditions.cooled, told.0)
    }
}

impl Clock for Board {
    fn now(&self) -> Duration {
        self.clock.now()
    }
    fn unix_seconds(&self) -> u64 {
        self.clock.unix_seconds()
    }
    fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration);
        self.warm();
        if self.stops_after.is_some_and(|after| self.clock.now() >= after) {
            self.stop.request();
        }
    }
}

/// No worker, but the pause was before it.
#[derive(Debug)]
struct Gone;

impl Spawn for Gone {
    fn run(&self, _: &Job, _: &dyn Clock, _: &Stop, _: &mut dyn FnMut(Watch<'_>) -> Next) -> Ended {
        Ended::OutOfMemory
    }
    fn is_launched(&self) -> bool {
        false
    }
}

#[derive(Default)]
struct Told(Vec<String>);

impl Sink for Told {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Wait { text, seconds, most } = event {
            self.0.push(format!("{text}, {seconds} of {most}"));
        }
    }
}

fn candidate() -> Candidate {
    let bytes = crate::fake::onnx("ok");
    let sha256 = umbra::base::Digest::of(&bytes);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ok.onnx");
    std::fs::write(&file, &bytes).unwrap();
    let mut opened = umbra::model::open(&[file]).unwrap();
    let config = Config { engine: "fake".into(), threads: 1, affinity: Affinity::Any };
    Candidate { source: Source::Memory(bytes.into()), sha256, config, ..opened.remove(0) }
}

fn key() -> TrialKey {
    let digest = umbra::base::Digest::of(b"");
    let text = String::new;
    let (config_id, engine, kernel, power, outputs) = (text(), text(), text(), text(), text());
    TrialKey { sha256: digest, config_id, engine, fingerprint: digest, kernel, power, outputs }
}

fn within(seconds: u64) -> Cool {
    Cool { below: None, wait: Duration::from_secs(seconds) }
}

#[test]
fn a_hot_board_is_waited_for_until_it_is_ten_degrees_below_where_it_throttles() {
    let (cooled, told) = Board::new(74.0, 40.0).pause(within(30));
    let Cooled { seconds, from, to, below, reached, named } = cooled.unwrap();
    assert_eq!((from, below, reached, named), (Celsius(74.0), Celsius(70.0), true, false));
    assert!((4.0..=4.5).contains(&seconds) && to.0 < 70.0, "{seconds} s, {to:?}");
    assert_eq!(told.first().unwrap(), "cooling: 74 C, until below 70 C, 0 of 30");
    assert_eq!(told.len(), 5, "once a second: {told:?}");
}

#[test]
fn a_board_that_stays_hot_is_measured_all_the_same_when_the_wait_is_over() {
    let (cooled, _) = Board::new(90.0, 85.0).pause(within(12));
    let Cooled { seconds, to, reached, .. } = cooled.unwrap();
    assert_eq!((seconds, to, reached), (12.0, Celsius(85.0), false));
    let (cooled, told) = Board::new(90.0, 85.0).pause(within(0));
    assert_eq!((cooled.unwrap().seconds, told.len()), (0.0, 0), "found hot, and not waited for");
}

#[test]
fn a_temperature_that_somebody_names_goes_before_what_the_board_says() {
    let named = |below| Cool { below: Some(Celsius(below)), ..within(60) };
    let (cooled, _) = Board::new(60.0, 20.0).pause(named(50.0));
    let Cooled { seconds, named: by_name, reached, .. } = cooled.unwrap();
    assert!((10.0..=10.5).contains(&seconds) && by_name && reached);
    assert_eq!(Board::new(74.0, 20.0).pause(named(75.0)).0, None);
}

#[test]
fn a_cool_board_and_one_that_does_not_tell_are_not_waited_for() {
    assert_eq!(Board::new(69.0, 40.0).pause(within(30)), (None, Vec::new()));
    let silent = Board::new(74.0, 40.0);
    std::fs::remove_file(silent.zone().join("trip_point_0_type")).unwrap();
    assert_eq!(silent.pause(within(30)).0, None);
    let bare = Board::new(74.0, 40.0);
    std::fs::remove_dir_all(bare.root.path().join("sys")).unwrap();
    assert_eq!(bare.pause(within(30)).0, None);
}

#[test]
fn whoever_wants_to_stop_does_not_wait() {
    let board = Board { stops_after: Some(Duration::from_secs(2)), ..Board::new(90.0, 85.0) };
    let (cooled, _) = board.pause(within(30));
    assert!(cooled.unwrap().seconds < 3.0);
}
