//! A world for tests of the loop: an engine whose models say in their file how fast and how
//! skilful they are, a clock that only they move, and workers that run in this process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message as _;
use tempfile::TempDir;
use umbra::agent::{Request, World, work};
use umbra::base::{Clock, Digest, FakeClock, RealFs, Stop, SysRoot};
use umbra::bench::Plan;
use umbra::child::{Ended, FrameBuffer, Frames, Job, Next, Spawn, Watch};
use umbra::engine::{Engine, EngineError, LoadOptions, Loaded, Session};
use umbra::model::onnx::{Attribute, Graph, Model, Node, OperatorSet, ValueInfo};
use umbra::model::{self, Card, Dtype, Image, Stage, Tensor, TensorInfo};
use umbra::task::{Policy, Sample, Task};

use crate::inside::Pipe;

pub(crate) const LABELS: [&str; 3] = ["zero", "one", "two"];
const FEATURES: usize = 16;

/// The fake clock, shared with the engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedClock(Arc<FakeClock>);

impl Clock for SharedClock {
    fn now(&self) -> Duration {
        self.0.now()
    }
    fn unix_seconds(&self) -> u64 {
        self.0.unix_seconds()
    }
    fn sleep(&self, duration: Duration) {
        self.0.sleep(duration);
    }
}

/// Reads `us=900 skill=80` from a model's producer.
#[derive(Debug, Clone)]
pub(crate) struct FakeEngine(SharedClock);

#[derive(Debug)]
struct FakeSession {
    clock: SharedClock,
    us: u64,
    skill: u64,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
}

fn number(text: &str, key: &str) -> u64 {
    let found = text.split(' ').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
    found.and_then(|value| value.parse().ok()).unwrap_or(0)
}

impl Engine for FakeEngine {
    fn name(&self) -> &'static str {
        "tract-cpu"
    }
    fn version(&self) -> String {
        "fake".to_owned()
    }
    fn isa(&self) -> String {
        "none".to_owned()
    }
    fn unsupported(&self, card: &Card) -> Vec<String> {
        card.ops.keys().filter(|op| op.as_str() == "Elu").cloned().collect()
    }
    fn convolutions(&self, _: &[u8]) -> Result<(u64, u64), EngineError> {
        Ok((0, 0))
    }
    fn load(&self, model: &[u8], _: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        let model = Model::decode(model).map_err(|error| EngineError {
            stage: Stage::Load,
            reason: error.to_string(),
            help: None,
        })?;
        self.0.sleep(Duration::from_millis(1));
        let info = |name: &str, shape: &[u64]| TensorInfo {
            name: name.to_owned(),
            dtype: Dtype::Float32,
            shape: shape.iter().map(|dim| Some(*dim)).collect(),
        };
        Ok(Box::new(FakeSession {
            clock: self.0.clone(),
            us: match model.producer_name.as_str() {
                // A probe is as slow as it is long.
                "umbra" => model.encoded_len() as u64,
                name => number(name, "us"),
            },
            skill: number(&model.producer_name, "skill"),
            inputs: vec![info("x", &[1, 1, 4, 4])],
            outputs: vec![info("features", &[1, FEATURES as u64])],
        }))
    }
}

impl Loaded for FakeSession {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        Ok(self)
    }
}

impl Session for FakeSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }
    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }
    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        self.clock.sleep(Duration::from_micros(self.us));
        let pixels = inputs[0].data.as_chunks::<4>().0;
        let pixel = |at: usize| (f32::from_le_bytes(pixels[at]) * 255.0).round() as u64;
        let knows = pixel(1) < self.skill;
        let label = if knows { pixel(0) } else { pixel(0) + 1 } as usize % LABELS.len();
        let values: Vec<f32> =
            (0..FEATURES).map(|at| if at == label { 1.0 } else { 0.001 * at as f32 }).collect();
        Ok(vec![Tensor::from_f32(vec![1, FEATURES], &values)])
    }
    fn convolutions(&self) -> (u64, u64) {
        (0, 0)
    }
}

/// What a test wants to happen to a job.
pub(crate) type Fate = Arc<dyn Fn(usize, &Job) -> Option<Ended> + Send + Sync>;

/// Runs workers in this process; knows which jobs there were.
#[derive(Clone)]
pub(crate) struct InProcess {
    engine: FakeEngine,
    clock: SharedClock,
    pub(crate) jobs: Arc<Mutex<Vec<String>>>,
    pub(crate) fate: Fate,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl Spawn for InProcess {
    fn run(
        &self,
        job: &Job,
        clock: &dyn Clock,
        stop: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended {
        let nth = {
            let mut jobs = self.jobs.lock().unwrap();
            jobs.push(job.kind.clone());
            jobs.len() - 1
        };
        if let Some(ended) = (self.fate)(nth, job) {
            if ended == Ended::Stopped {
                stop.request();
            }
            return ended;
        }
        let pipe = Pipe::default();
        let engines: Vec<Box<dyn Engine>> = vec![Box::new(self.engine.clone())];
        let mut frames = Frames::new(pipe.clone());
        if let Err(stderr) = work(job, &engines, &self.clock, &mut frames) {
            return Ended::Failed { code: 1, stderr };
        }
        let mut buffer = FrameBuffer::default();
        buffer.push(&pipe.0.lock().unwrap());
        while let Ok(Some(frame)) = buffer.next_frame() {
            clock.sleep(Duration::from_millis(100));
            let _ = watch(Watch::Tick);
            if watch(Watch::Frame(frame)) == Next::Kill {
                return Ended::Killed;
            }
        }
        Ended::Finished
    }

    /// The memory of this process says nothing of a candidate.
    fn is_launched(&self) -> bool {
        true
    }
}

/// A board with a zoo, a task and an empty state folder.
pub(crate) struct Board {
    pub(crate) dir: TempDir,
    pub(crate) world: World,
    pub(crate) spawn: InProcess,
}

impl Board {
    /// With these models: name, microseconds, skill in percent.
    pub(crate) fn with(models: &[(&str, u64, u64)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("zoo")).unwrap();
        std::fs::create_dir_all(dir.path().join("sys")).unwrap();
        let clock = SharedClock::default();
        let engine = FakeEngine(clock.clone());
        let spawn = InProcess {
            engine: engine.clone(),
            clock: clock.clone(),
            jobs: Arc::default(),
            fate: Arc::new(|_, _| None),
        };
        let world = World {
            sys: SysRoot::new(dir.path().join("sys")),
            fs: Box::new(RealFs),
            clock: Box::new(clock),
            meters: Vec::new(),
            engines: vec![Box::new(engine)],
            spawn: Box::new(spawn.clone()),
            stop: Stop::default(),
        };
        let board = Self { dir, world, spawn };
        for (name, us, skill) in models {
            board.add(name, "Flatten", *us, *skill);
        }
        board
    }

    /// Adds a model with one node.
    pub(crate) fn add(&self, name: &str, op: &str, us: u64, skill: u64) {
        let path = self.dir.path().join("zoo").join(format!("{name}.onnx"));
        let bytes = onnx(op, &format!("{name} us={us} skill={skill}"));
        let sidecar = format!(
            "schema = 1\nid = {name:?}\nfamily = \"fake\"\nlicence = \"MIT\"\nsha256 = \"{}\"\n\
             [outputs]\nfeatures = \"features\"\n",
            Digest::of(&bytes)
        );
        std::fs::write(path.with_extension("toml"), sidecar).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// From now on this happens to jobs.
    pub(crate) fn fate(
        &mut self,
        fate: impl Fn(usize, &Job) -> Option<Ended> + Send + Sync + 'static,
    ) {
        self.spawn.fate = Arc::new(fate);
        self.spawn.jobs.lock().unwrap().clear();
        self.world.spawn = Box::new(self.spawn.clone());
        self.world.stop = Stop::default();
    }

    /// Kinds of the jobs since the last look.
    pub(crate) fn jobs(&self) -> Vec<String> {
        std::mem::take(&mut *self.spawn.jobs.lock().unwrap())
    }

    pub(crate) fn request(&self) -> Request {
        Request {
            zoo: model::open(&[self.dir.path().join("zoo")]).unwrap(),
            task: task(8),
            state: self.state(),
            plan: Plan::quick(),
            budget: None,
            dry_run: false,
            fresh: false,
            head: true,
            method: umbra::rank::Method::default(),
            unmeasured: false,
            probes: Vec::new,
        }
    }
}

/// An image of this label; `n` makes it one that only models over `n` percent know.
pub(crate) fn image(label: u8, n: u8) -> Image {
    let mut pixels = vec![0; 16];
    pixels[0] = label;
    pixels[1] = n;
    Image { height: 4, width: 4, channels: 1, pixels }
}

/// Three classes with so many samples each.
pub(crate) fn task(per_class: u8) -> Task {
    let sample = |label: u8, n: u8| Sample {
        image: image(label, n * (100 / per_class)),
        label: u32::from(label),
    };
    let samples: Vec<Sample> =
        (0..per_class).flat_map(|n| (0..3).map(move |label| sample(label, n))).collect();
    Task {
        name: "meter".to_owned(),
        description: String::new(),
        labels: LABELS.map(str::to_owned).to_vec(),
        digest: Digest::of(format!("{samples:?}").as_bytes()),
        samples,
        targets: Vec::new(),
        policy: Policy::default(),
    }
}

fn onnx(op: &str, producer: &str) -> Vec<u8> {
    let value = |name: &str, dims: &[u64]| {
        let dims: Vec<Option<u64>> = dims.iter().copied().map(Some).collect();
        ValueInfo::tensor(name, Dtype::Float32, &dims)
    };
    let out: &[u64] = if op == "Flatten" { &[1, FEATURES as u64] } else { &[1, 1, 4, 4] };
    let node = Node {
        input: vec!["x".to_owned()],
        output: vec!["features".to_owned()],
        name: "only".to_owned(),
        op_type: op.to_owned(),
        attribute: Vec::<Attribute>::new(),
        domain: String::new(),
    };
    Model {
        ir_version: 8,
        producer_name: producer.to_owned(),
        opset_import: vec![OperatorSet { domain: String::new(), version: 13 }],
        graph: Some(Graph {
            node: vec![node],
            name: "g".to_owned(),
            input: vec![value("x", &[1, 1, 4, 4])],
            output: vec![value("features", out)],
            ..Graph::default()
        }),
        ..Model::default()
    }
    .encode_to_vec()
}

/// Every file below a folder with its bytes.
pub(crate) fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return found };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            found.insert(path, target.to_string_lossy().into_owned().into_bytes());
        } else if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}
