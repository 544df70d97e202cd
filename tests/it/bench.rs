//! One candidate in, one trial out: with a real worker, and in a world that is played.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use umbra::base::{Clock, Digest, FakeClock, Joules, Reading, Stop, SysRoot, SystemClock, Watts};
use umbra::bench::{
    Plan, Trial, TrialKey, Verdict, measure_idle, rejected, run, skipped, spec_for,
};
use umbra::board::power::{Meter, Rail, Sample, Scope};
use umbra::board::{MeterConfig, meters};
use umbra::child::{Context, Ended, FrameBuffer, Frames, Job, Next, Spawn, Watch};
use umbra::engine::Engine;
use umbra::model::{
    Affinity, Candidate, Card, Config, Dtype, Golden, Layout, Manifest, Outputs, Preprocess,
    Quantization, Rejection, Source, Stage, TensorInfo,
};

use crate::fake::{FakeEngine, onnx, own_worker};

/// Means of the channels of golden picture 7, as (byte / 255).
fn golden_means() -> Vec<f32> {
    let image = umbra::model::golden_image(7, 8, 8, 3);
    let mean = |channel: usize| {
        let pixels = image.pixels.iter().skip(channel).step_by(3);
        pixels.map(|&pixel| f64::from(pixel) / 255.0).sum::<f64>() / 64.0
    };
    (0..3).map(|channel| mean(channel) as f32).collect()
}

fn manifest(sha256: Digest) -> Manifest {
    let golden = Golden { seed: 7, tolerance: 1e-3, logits: Some(golden_means()), features: None };
    Manifest {
        schema: 1,
        prior: None,
        id: "fake".into(),
        family: "fake".into(),
        licence: "MIT".into(),
        sha256,
        source: None,
        behaviour: None,
        preprocess: Some(Preprocess {
            layout: Layout::Nchw,
            channels: 3,
            height: 8,
            width: 8,
            mean: vec![0.0; 3],
            std: vec![255.0; 3],
        }),
        outputs: Some(Outputs { features: None, scores: Some("scores".into()) }),
        golden: vec![golden],
    }
}

fn card() -> Card {
    let tensor = |name: &str, shape: &[u64]| TensorInfo {
        name: name.into(),
        dtype: Dtype::Float32,
        shape: shape.iter().copied().map(Some).collect(),
    };
    Card {
        opset: 13,
        inputs: vec![tensor("x", &[1, 3, 8, 8])],
        outputs: vec![tensor("scores", &[1, 3])],
        ops: [("GlobalAveragePool".to_owned(), 1), ("Flatten".to_owned(), 1)].into(),
        params: 0,
        macs: Some(0),
        work: Vec::new(),
        weight_bytes: Default::default(),
        peak_activation_bytes: None,
        quantization: Quantization::Float32,
        feature_tap: None,
        feature_size: None,
    }
}

/// A candidate whose engine does what `does` says.
fn candidate(does: &str) -> Candidate {
    let bytes = onnx(does);
    let sha256 = Digest::of(&bytes);
    Candidate {
        id: "fake".into(),
        bytes: bytes.len() as u64,
        source: Source::Memory(bytes.into()),
        sha256,
        config: Config { engine: "fake".into(), threads: 1, affinity: Affinity::Any },
        manifest: Some(manifest(sha256)),
        card: Some(card()),
        rejection: None,
    }
}

fn key() -> TrialKey {
    TrialKey {
        sha256: Digest::of(b"model"),
        config_id: "fake/t1/any".into(),
        engine: "fake 1".into(),
        fingerprint: Digest::of(b"board"),
        kernel: "6".into(),
        power: "ondemand".into(),
        outputs: "scores".into(),
    }
}

/// In a real worker, on the real clock, below an empty root.
fn measure_really(does: &str, plan: &Plan) -> Trial {
    measure_candidate(&candidate(does), plan)
}

fn measure_candidate(candidate: &Candidate, plan: &Plan) -> Trial {
    let root = tempfile::tempdir().unwrap();
    let (clock, stop, spawn) = (SystemClock::default(), Stop::default(), own_worker());
    let sys = SysRoot::new(root.path());
    let ctx = Context { spawn: &spawn, clock: &clock, sys: &sys, stop: &stop };
    run(plan, candidate, key(), ctx, &mut [], None, &mut ())
}

#[test]
fn every_engine_of_this_program_agrees_with_the_golden_vector_and_is_measured() {
    for engine in umbra::engine::available() {
        let mut real = candidate("ok");
        real.config.engine = engine.name().to_owned();
        let trial = measure_candidate(&real, &Plan::quick());
        assert!(matches!(trial.verdict, Verdict::Valid | Verdict::Suspect), "{trial:?}");
        assert!(trial.latency.unwrap().samples >= 64);
        real.manifest.as_mut().unwrap().golden[0].logits.as_mut().unwrap()[1] += 0.01;
        assert_eq!(measure_candidate(&real, &Plan::quick()).stage, Some(Stage::Golden));
    }
    let mut unknown = candidate("ok");
    unknown.config.engine = "abacus".into();
    let trial = measure_candidate(&unknown, &Plan::quick());
    assert!(trial.reason.unwrap().contains("abacus"));
}

/// The head that stands in for a fitted one copies or mixes; every feature is compared all
/// the same, whatever its place.
#[test]
fn golden_features_are_compared_each_of_them_although_a_head_stands_behind() {
    let mut backbone = candidate("ok");
    backbone.config.engine = "tract-cpu".to_owned();
    let plan = Plan { head_labels: Some(2), ..Plan::quick() };
    let manifest = backbone.manifest.as_mut().unwrap();
    manifest.outputs = Some(Outputs { features: Some("scores".into()), scores: None });
    let golden = manifest.golden.first_mut().unwrap();
    (golden.features, golden.logits) = (golden.logits.take(), None);
    let trial = measure_candidate(&backbone, &plan);
    assert!(matches!(trial.verdict, Verdict::Valid | Verdict::Suspect), "{trial:?}");
    for at in 0..3 {
        let mut wrong = backbone.clone();
        wrong.manifest.as_mut().unwrap().golden[0].features.as_mut().unwrap()[at] += 0.01;
        let trial = measure_candidate(&wrong, &plan);
        assert_eq!((trial.stage, trial.latency), (Some(Stage::Golden), None), "{at}");
    }
}

#[test]
fn a_worker_measures_times_and_memories() {
    let trial = measure_really("ok", &Plan::quick());
    // Whether the machine is calm enough for `valid` is not this test's to say.
    assert!(matches!(trial.verdict, Verdict::Valid | Verdict::Suspect), "{trial:?}");
    let latency = trial.latency.unwrap();
    assert!(latency.samples >= 64 && latency.p50 <= latency.p90 && latency.p90 <= latency.p99);
    assert!(latency.p90_upper.unwrap() >= latency.p90);
    assert!(trial.load.is_some() && trial.optimise.is_some() && trial.first.is_some());
    let (peak, private) = (trial.peak_rss.unwrap(), trial.private.unwrap());
    assert!(peak >= private && private.0 > 100_000, "{peak:?} {private:?}");
    assert_eq!(trial.convolutions, Some((2, 1)));
    assert_eq!(trial.energy, None);
    assert_eq!((trial.key, trial.stage), (key(), None));
}

/// On this board, with the limits that it gives.
#[test]
fn real_models_are_measured_within_the_limits_of_this_board() {
    let named = std::env::var_os("UMBRA_SHARED").map(std::path::PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = named.unwrap_or_else(beside).join("models");
    let files = ["ic_resnet8_int8", "ic_resnet8_nchw_f32", "ad01_k1_qdq", "ad01_qop_u8u8"];
    let files = files.map(|name| folder.join(name).with_extension("onnx"));
    if !files.iter().all(|file| file.exists()) {
        eprintln!("NOT RUN: no models at {} (set UMBRA_SHARED)", folder.display());
        return;
    }
    let (clock, stop, spawn) = (SystemClock::default(), Stop::default(), own_worker());
    let sys = SysRoot::default();
    let ctx = Context { spawn: &spawn, clock: &clock, sys: &sys, stop: &stop };
    let engines = umbra::engine::available();
    for mut real in umbra::model::open(&files).unwrap() {
        let chosen = umbra::engine::choose(&engines, &real.read().unwrap()).unwrap();
        real.config.engine = chosen.name().to_owned();
        let trial = run(&Plan::quick(), &real, key(), ctx, &mut [], None, &mut ());
        assert!(matches!(trial.verdict, Verdict::Valid | Verdict::Suspect), "{trial:?}");
        assert!(trial.peak_rss.unwrap().0 > real.bytes, "{trial:?}");
    }
}

#[test]
fn whatever_goes_wrong_is_a_rejection_with_stage_and_reason() {
    let capped = Plan { address_space: Some(umbra::base::Bytes(2 << 30)), ..Plan::quick() };
    let short = Plan { wall: Duration::from_secs(2), ..Plan::quick() };
    let expected = [
        ("refused at load", &capped, Stage::Load, "operator Foo is unknown"),
        ("panic at load", &capped, Stage::Load, "panicked while loading: panic: the graph is too"),
        ("hang in optimise", &short, Stage::Process, "no end after 2 s while optimising"),
        ("spin in optimise", &short, Stage::Process, "no end after 2 s while optimising"),
        ("segv in optimise", &capped, Stage::Process, "SIGSEGV"),
        ("sigill in optimise", &capped, Stage::Process, "SIGILL"),
        ("eat 64 GiB in optimise", &capped, Stage::Process, "out of memory while optimising"),
        ("abort in optimise", &capped, Stage::Process, "SIGABRT (abort) while optimising"),
        ("eat memory in optimise", &capped, Stage::Process, "out of memory while optimising"),
        ("nan", &capped, Stage::First, "output 1 of 3 is NaN"),
        ("nan later", &capped, Stage::Run, "output 2 of 3 is inf"),
        ("wrong", &capped, Stage::Golden, "the golden vector says"),
    ];
    for (does, plan, stage, reason) in expected {
        let trial = measure_really(does, plan);
        assert_eq!(trial.verdict, Verdict::Rejected, "{does}: {trial:?}");
        assert_eq!(trial.stage, Some(stage), "{does}: {trial:?}");
        assert!(trial.reason.as_deref().unwrap().contains(reason), "{does}: {trial:?}");
        assert!(trial.advice.is_some() && trial.latency.is_none(), "{does}");
    }
}

/// A worker in this process, on a clock that the engine moves: after each step of it
/// the parent sees what a parent would see, and nothing else happens meanwhile.
#[derive(Debug)]
struct Played {
    engine: FakeEngine,
    clock: Arc<FakeClock>,
    line: Arc<Line>,
    launched: bool,
}

enum Said {
    Bytes(Vec<u8>),
    Tick,
    Done,
}

/// Hands over and waits until it was heard.
struct Line {
    say: Mutex<Sender<Said>>,
    hear: Mutex<Option<Receiver<Said>>>,
    acknowledge: Sender<()>,
    heard: Mutex<Receiver<()>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    fn new() -> Arc<Self> {
        let ((say, hear), (acknowledge, heard)) = (channel(), channel());
        let (say, hear) = (Mutex::new(say), Mutex::new(Some(hear)));
        Arc::new(Self { say, hear, acknowledge, heard: Mutex::new(heard) })
    }

    fn tell(&self, said: Said) {
        self.say.lock().unwrap().send(said).unwrap();
        self.heard.lock().unwrap().recv().unwrap();
    }
}

struct Pipe(Arc<Line>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.tell(Said::Bytes(bytes.to_vec()));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Played {
    /// Each inference takes ten milliseconds; `power` writes the meter's files for the
    /// time it is given.
    fn new(power: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self::at_pace(10, power)
    }

    /// Each inference takes so many milliseconds.
    fn at_pace(millis: u64, power: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        let (clock, line) = (Arc::new(FakeClock::default()), Line::new());
        let (moved, told) = (Arc::clone(&clock), Arc::clone(&line));
        let before_run = Arc::new(move || {
            moved.advance(Duration::from_millis(millis));
            power(moved.now());
            if moved.now().as_millis().is_multiple_of(100) {
                told.tell(Said::Tick);
            }
        });
        Self { engine: FakeEngine { before_run }, clock, line, launched: false }
    }

    fn trial(&self, sys: &SysRoot, meters: &mut [Box<dyn Meter>], plan: &Plan) -> Trial {
        let stop = Stop::default();
        let ctx = Context { spawn: self, clock: &*self.clock, sys, stop: &stop };
        run(plan, &candidate("ok"), key(), ctx, meters, Some(Watts(2.0)), &mut ())
    }
}

impl Spawn for Played {
    fn run(
        &self,
        job: &Job,
        _: &dyn Clock,
        _: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended {
        assert_eq!(job.kind, "bench");
        let hear = self.line.hear.lock().unwrap().take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let engines: [Box<dyn Engine>; 1] = [Box::new(self.engine.clone())];
                let mut frames = Frames::new(Pipe(Arc::clone(&self.line)));
                umbra::bench::work(&job.payload, &engines, &*self.clock, &mut frames).unwrap();
                self.line.tell(Said::Done);
            });
            let mut buffer = FrameBuffer::default();
            loop {
                let said = hear.recv().unwrap();
                match &said {
                    Said::Bytes(bytes) => buffer.push(bytes),
                    Said::Tick => assert_eq!(watch(Watch::Tick), Next::Continue),
                    Said::Done => {}
                }
                while let Some(frame) = buffer.next_frame().unwrap() {
                    assert_eq!(watch(Watch::Frame(frame)), Next::Continue);
                }
                self.line.acknowledge.send(()).unwrap();
                if matches!(said, Said::Done) {
                    return Ended::Finished;
                }
            }
        })
    }

    fn is_launched(&self) -> bool {
        self.launched
    }
}

/// Watts at a moment: a ramp, with the steps of something that comes and goes.
fn watts(at: Duration) -> f64 {
    let seconds = at.as_secs_f64();
    let extra = if ((seconds / 0.37) as u64).is_multiple_of(2) { 2.5 } else { 0.0 };
    3.0 + seconds + extra
}

/// The INA3221 of a Jetson: millivolts and milliamperes per rail.
fn write_ina(root: &Path, watts: f64) {
    let chip = root.join("sys/class/hwmon/hwmon3");
    std::fs::create_dir_all(&chip).unwrap();
    let write = |name: &str, text: String| std::fs::write(chip.join(name), text).unwrap();
    write("name", "ina3221\n".into());
    for (rail, label, share) in [(1, "VDD_IN", 1.0), (2, "VDD_CPU_GPU_CV", 0.6)] {
        write(&format!("in{rail}_label"), format!("{label}\n"));
        write(&format!("in{rail}_input"), "5000\n".into());
        write(&format!("curr{rail}_input"), format!("{:.0}\n", watts * share * 200.0));
    }
}

#[test]
fn known_joules_come_out_of_a_meter_that_changes_during_the_run() {
    let root = tempfile::tempdir().unwrap();
    write_ina(root.path(), watts(Duration::ZERO));
    let path = root.path().to_owned();
    let played = Played::new(move |at| write_ina(&path, watts(at)));
    let sys = SysRoot::new(root.path());
    let mut found = meters(&sys, &MeterConfig::default());
    assert_eq!(found.len(), 1, "{found:?}");
    // More samples than time allows: it runs to the last moment.
    let time = Duration::from_secs(4);
    let plan = Plan { min_samples: 1000, max_time: time, patience: time, ..Plan::default() };
    let trial = played.trial(&sys, &mut found, &plan);
    let energy = trial.energy.as_ref().unwrap_or_else(|| panic!("{trial:?}"));
    // The clock stood still after the last inference: from there the truth is known.
    let (end, count) = (played.clock.now(), trial.latency.unwrap().samples as u32);
    assert_eq!(count, 400);
    let joules: f64 = (0..count * 10)
        .map(|millis| watts(end - Duration::from_millis(u64::from(millis))) * 1e-3)
        .sum();
    let expected = joules / f64::from(count);
    let error = energy.gross.0 / expected - 1.0;
    assert!(error.abs() < 0.02, "{} J, expected {expected} J", energy.gross.0);
    let Joules(net) = energy.net.unwrap();
    assert!((energy.gross.0 - net - 2.0 * 0.01).abs() < 1e-6, "idle is 2 W for 10 ms");
    assert!(energy.source.contains("ina3221"), "{}", energy.source);
    assert_eq!(energy.scope, Scope::Board);
}

#[derive(Debug)]
struct Counter(Arc<FakeClock>);

impl Meter for Counter {
    fn source(&self) -> &str {
        "counter"
    }
    fn scope(&self) -> Scope {
        Scope::Rail
    }
    fn rails(&mut self) -> Vec<Rail> {
        Vec::new()
    }
    /// Eight watts; wraps every ten joules.
    fn sample(&mut self) -> Reading<Sample> {
        let total = Joules((self.0.now().as_secs_f64() * 8.0) % 10.0);
        Reading::of(Sample::Energy { total, wraps_at: Some(Joules(10.0)) }, "counter")
    }
}

#[test]
fn a_counter_that_wraps_gives_the_same_joules() {
    let root = tempfile::tempdir().unwrap();
    let played = Played::new(|_| ());
    let mut meters: [Box<dyn Meter>; 1] = [Box::new(Counter(Arc::clone(&played.clock)))];
    let plan = Plan { min_samples: 1000, patience: Duration::from_secs(3), ..Plan::default() };
    let trial = played.trial(&SysRoot::new(root.path()), &mut meters, &plan);
    let energy = trial.energy.unwrap();
    assert!((energy.gross.0 - 0.08).abs() < 1e-6, "{energy:?}");
    assert_eq!((energy.source.as_str(), energy.scope), ("counter", Scope::Rail));
    assert_eq!(trial.verdict, Verdict::Suspect);
    assert!(trial.reason.unwrap().contains("300 samples where 1000"));
}

#[test]
fn too_short_a_window_gives_no_energy_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let played = Played::new(|_| ());
    let mut meters: [Box<dyn Meter>; 1] = [Box::new(Counter(Arc::clone(&played.clock)))];
    let time = Duration::from_millis(400);
    let plan = Plan { min_samples: 20, max_time: time, patience: time, ..Plan::quick() };
    let trial = played.trial(&SysRoot::new(root.path()), &mut meters, &plan);
    assert_eq!((trial.verdict, trial.energy), (Verdict::Valid, None));
    assert!(trial.advice.unwrap().contains("too few"));
}

#[test]
fn a_steady_run_ends_early_and_a_meter_asks_for_a_second() {
    let root = tempfile::tempdir().unwrap();
    let sys = SysRoot::new(root.path());
    let alone = Played::new(|_| ()).trial(&sys, &mut [], &Plan::default());
    let latency = alone.latency.unwrap();
    assert_eq!(alone.verdict, Verdict::Valid, "{:?}", alone.reason);
    assert!((64..80).contains(&latency.samples), "{latency:?}");
    // No samples differ; those of another process may, by 2 %.
    assert_eq!((latency.p50.0, latency.p50_half_width.0), (10_000.0, 200.0));
    let played = Played::new(|_| ());
    let mut meters: [Box<dyn Meter>; 1] = [Box::new(Counter(Arc::clone(&played.clock)))];
    let metered = played.trial(&sys, &mut meters, &Plan::default());
    assert!((100..120).contains(&metered.latency.unwrap().samples));
    assert!(metered.energy.is_some());
}

#[test]
fn a_slow_model_gets_the_time_for_enough_samples_and_no_more_than_the_plan_s_patience() {
    let root = tempfile::tempdir().unwrap();
    let sys = SysRoot::new(root.path());
    let at_pace = |millis, plan: Plan| {
        let trial = Played::at_pace(millis, |_| ()).trial(&sys, &mut [], &plan);
        (trial.verdict, trial.latency.unwrap().samples)
    };
    assert_eq!(at_pace(100, Plan::default()), (Verdict::Valid, 64));
    assert_eq!(at_pace(150, Plan::default()), (Verdict::Valid, 64));
    assert_eq!(at_pace(200, Plan::default()), (Verdict::Suspect, 50));
    assert_eq!(at_pace(75, Plan::boot()), (Verdict::Valid, 64));
    assert_eq!(at_pace(30, Plan::quick()), (Verdict::Valid, 64));
    assert_eq!(at_pace(40, Plan::quick()), (Verdict::Suspect, 50));
}

#[test]
fn throttling_afterwards_makes_it_invalid() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("sys/devices/platform/soc/soc:firmware/get_throttled");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "0\n").unwrap();
    let throttle = file.clone();
    let played = Played::new(move |at| {
        let bits = if at.as_millis() > 500 { "5\n" } else { "0\n" };
        std::fs::write(&throttle, bits).unwrap();
    });
    let trial = played.trial(&SysRoot::new(root.path()), &mut [], &Plan::default());
    assert_eq!(trial.verdict, Verdict::Invalid, "{trial:?}");
    assert!(trial.reason.unwrap().contains("under-voltage"));
    assert!(trial.latency.is_some());
    assert_eq!(trial.conditions.before.throttled, Some(Vec::new()));
}

/// The firmware remembers what came and went between two looks.
#[test]
fn throttling_that_came_and_went_makes_it_invalid_too() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("sys/devices/platform/soc/soc:firmware/get_throttled");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let measured = |before: &'static str, after: &'static str| {
        std::fs::write(&file, before).unwrap();
        let throttle = file.clone();
        let played = Played::new(move |at| {
            let bits = if at.as_millis() > 500 { after } else { before };
            std::fs::write(&throttle, bits).unwrap();
        });
        played.trial(&SysRoot::new(root.path()), &mut [], &Plan::default())
    };
    let trial = measured("20000\n", "60000\n");
    assert_eq!(trial.verdict, Verdict::Invalid, "{trial:?}");
    assert_eq!(trial.reason.as_deref(), Some("throttled: throttled"));
    assert_eq!(trial.conditions.after.throttled, Some(Vec::new()));
    let long_ago = measured("60000\n", "60000\n");
    assert_eq!(long_ago.verdict, Verdict::Valid, "{:?}", long_ago.reason);
    assert_eq!(long_ago.conditions.during.throttled, Some(Vec::new()));
}

#[test]
fn the_clock_is_looked_at_while_it_runs() {
    let root = tempfile::tempdir().unwrap();
    let policy = root.path().join("sys/devices/system/cpu/cpufreq/policy0");
    std::fs::create_dir_all(&policy).unwrap();
    let write = |name: &str, text: &str| std::fs::write(policy.join(name), text).unwrap();
    write("related_cpus", "0 1 2 3\n");
    write("scaling_governor", "ondemand\n");
    write("scaling_max_freq", "1800000\n");
    write("scaling_cur_freq", "600000\n");
    let file = policy.join("scaling_cur_freq");
    let measured = |busy: &'static str| {
        let file = file.clone();
        std::fs::write(&file, "600000\n").unwrap();
        // Slow for the first looks, as a governor is.
        let played = Played::new(move |at| {
            let clock = if at.as_millis() > 300 { busy } else { "600000\n" };
            std::fs::write(&file, clock).unwrap();
        });
        played.trial(&SysRoot::new(root.path()), &mut [], &Plan::default())
    };
    let fast = measured("1800000\n");
    assert_eq!(fast.verdict, Verdict::Valid, "{:?}", fast.reason);
    let during = &fast.conditions.during;
    assert_eq!(
        (during.clock.unwrap().0, during.clock_bound.unwrap().0),
        (1_800_000_000, 1_800_000_000)
    );
    let held = measured("1200000\n");
    assert_eq!(held.verdict, Verdict::Suspect);
    assert_eq!(held.reason.as_deref(), Some("it ran at 1200 of 1800 MHz"));
    assert!(held.advice.unwrap().contains("governor"));
}

#[test]
fn a_candidate_runs_on_the_cores_that_it_was_given() {
    let allowed = std::fs::read_to_string("/proc/self/status").unwrap();
    let cpu = allowed.split("Cpus_allowed_list:").nth(1).unwrap().trim();
    let cpu: u32 = cpu.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    let mut pinned = candidate("pinned to one");
    pinned.config.affinity = Affinity::Cpus(vec![cpu]);
    let trial = measure_candidate(&pinned, &Plan::quick());
    assert!(matches!(trial.verdict, Verdict::Valid | Verdict::Suspect), "{trial:?}");
    assert!(trial.conditions.confinement.is_some());
    if !allowed.contains(&format!("Cpus_allowed_list:\t{cpu}\n")) {
        let free = measure_really("pinned to one", &Plan::quick());
        assert_eq!(free.verdict, Verdict::Rejected, "{free:?}");
    }
    pinned.config.affinity = Affinity::Cpus(vec![1000]);
    let nowhere = measure_candidate(&pinned, &Plan::quick());
    assert!(nowhere.reason.unwrap().contains("choice of processors"));
}

#[test]
fn under_a_launcher_memory_is_unsupported() {
    let root = tempfile::tempdir().unwrap();
    let played = Played { launched: true, ..Played::new(|_| ()) };
    let trial = played.trial(&SysRoot::new(root.path()), &mut [], &Plan::default());
    assert_eq!((trial.peak_rss, trial.private), (None, None));
    assert!(trial.advice.unwrap().contains("unsupported"));
}

/// Ends in one way, whatever it is asked.
#[derive(Debug)]
struct Ends(Ended);

impl Spawn for Ends {
    fn run(&self, _: &Job, _: &dyn Clock, _: &Stop, _: &mut dyn FnMut(Watch<'_>) -> Next) -> Ended {
        self.0.clone()
    }
    fn is_launched(&self) -> bool {
        false
    }
}

#[test]
fn every_end_of_a_worker_is_a_trial() {
    let (clock, stop, root) = (FakeClock::default(), Stop::default(), tempfile::tempdir().unwrap());
    let sys = SysRoot::new(root.path());
    let end = |ended: Ended| {
        let spawn = Ends(ended);
        let ctx = Context { spawn: &spawn, clock: &clock, sys: &sys, stop: &stop };
        run(&Plan::default(), &candidate("ok"), key(), ctx, &mut [], None, &mut ())
    };
    let fallen = [
        (Ended::Finished, Stage::Load, "ended while loading"),
        (Ended::Signal { signal: 4, stderr: String::new() }, Stage::Process, "SIGILL"),
        (Ended::OutOfMemory, Stage::Process, "out of memory while loading"),
        (Ended::Garbled("\"hi\"".into()), Stage::Process, "hi"),
        (Ended::NotStarted("no such file".into()), Stage::Process, "no such file"),
    ];
    for (ended, stage, reason) in fallen {
        let trial = end(ended);
        assert_eq!((trial.verdict, trial.stage), (Verdict::Rejected, Some(stage)));
        assert!(trial.reason.unwrap().contains(reason));
    }
    assert_eq!(end(Ended::Stopped).verdict, Verdict::Skipped);
}

#[test]
fn what_was_never_measured_says_why() {
    let rejection = Rejection {
        stage: Stage::Operators,
        reason: "Loop is unknown".into(),
        help: Some("Unroll it.".into()),
    };
    let out = rejected(&candidate("ok"), key(), &rejection, 9);
    assert_eq!((out.verdict, out.stage, out.at), (Verdict::Rejected, Some(Stage::Operators), 9));
    assert_eq!(out.advice.as_deref(), Some("Unroll it."));
    let late = skipped(&candidate("ok"), key(), "the budget is spent", 9);
    assert_eq!((late.verdict, late.stage), (Verdict::Skipped, None));
    assert_eq!(late.reason.as_deref(), Some("the budget is spent"));
}

#[test]
fn the_head_that_would_be_deployed_is_timed_with_the_features() {
    let mut backbone = candidate("ok");
    assert_eq!(spec_for(&backbone, None, Some(10)).unwrap().head, None);
    let outputs = Outputs { features: Some("f".into()), scores: Some("scores".into()) };
    backbone.manifest.as_mut().unwrap().outputs = Some(outputs);
    backbone.card.as_mut().unwrap().feature_size = Some(64);
    let spec = spec_for(&backbone, None, Some(10)).unwrap();
    let head = spec.head.unwrap();
    assert_eq!((spec.output.as_str(), head.features, head.labels.len()), ("f", 64, 10));
    assert_eq!(head.weights.len(), 640);
    assert_eq!(spec_for(&backbone, None, None).unwrap().output, "scores");
}

#[test]
fn idle_power_is_a_mean_over_time() {
    let root = tempfile::tempdir().unwrap();
    let (clock, stop) = (Arc::new(FakeClock::default()), Stop::default());
    let (sys, spawn) = (SysRoot::new(root.path()), Ends(Ended::Finished));
    let ctx = Context { spawn: &spawn, clock: &*clock, sys: &sys, stop: &stop };
    let mut meters: [Box<dyn Meter>; 1] = [Box::new(Counter(Arc::clone(&clock)))];
    let Watts(idle) = measure_idle(&mut meters, ctx, Duration::from_secs(1)).unwrap();
    assert!((idle - 8.0).abs() < 1e-9);
    assert_eq!(measure_idle(&mut meters, ctx, Duration::from_millis(200)), None);
    assert_eq!(measure_idle(&mut [], ctx, Duration::from_secs(1)), None);
}
