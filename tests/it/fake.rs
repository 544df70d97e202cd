//! An engine that does what the name of the graph says, and a worker made of this very
//! test program.

use std::fs::File;
use std::sync::Arc;

use prost::Message as _;
use rustix::process::{Signal, getpid, kill_process};
use umbra::child::Spawner;
use umbra::engine::{Engine, EngineError, LoadOptions, Loaded, Session};
use umbra::model::onnx::{
    Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorType, Type, TypeValue,
    ValueInfo,
};
use umbra::model::{Card, Dtype, Stage, Tensor, TensorInfo};

/// Called before each inference.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// Gives the mean of each channel of a `[1,3,8,8]` picture; misbehaves on request.
#[derive(Clone)]
pub(crate) struct FakeEngine {
    pub(crate) before_run: Hook,
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self { before_run: Arc::new(|| ()) }
    }
}

impl std::fmt::Debug for FakeEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeEngine")
    }
}

struct Fake {
    does: String,
    runs: u32,
    before_run: Hook,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.does)
    }
}

fn info(name: &str, shape: &[u64]) -> TensorInfo {
    let shape = shape.iter().copied().map(Some).collect();
    TensorInfo { name: name.to_owned(), dtype: Dtype::Float32, shape }
}

impl Engine for FakeEngine {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn isa(&self) -> String {
        "none".to_owned()
    }

    fn unsupported(&self, _: &Card) -> Vec<String> {
        Vec::new()
    }

    fn convolutions(&self, _: &[u8]) -> Result<(u64, u64), EngineError> {
        Ok((0, 0))
    }

    fn load(&self, model: &[u8], options: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        assert_eq!(options.outputs.as_deref(), Some(&["scores".to_owned()][..]));
        let does = Model::decode(model).unwrap().graph.unwrap().name;
        match does.as_str() {
            "panic at load" => panic!("the graph is too green"),
            "refused at load" => Err(EngineError {
                stage: Stage::Load,
                reason: "operator Foo is unknown".to_owned(),
                help: Some("Use Bar.".to_owned()),
            }),
            _ => Ok(Box::new(Fake {
                does,
                runs: 0,
                before_run: Arc::clone(&self.before_run),
                inputs: vec![info("x", &[1, 3, 8, 8])],
                outputs: vec![info("scores", &[1, 3])],
            })),
        }
    }
}

impl Loaded for Fake {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        match self.does.as_str() {
            "spin in optimise" => loop {
                std::hint::spin_loop();
            },
            "segv in optimise" => raise(Signal::SEGV),
            "sigill in optimise" => raise(Signal::ILL),
            "eat 64 GiB in optimise" => drop(vec![1u8; 64 << 30]),
            "hang in optimise" => std::thread::sleep(std::time::Duration::from_secs(600)),
            "abort in optimise" => std::process::abort(),
            "eat memory in optimise" => drop(eat()),
            _ => {}
        }
        Ok(self)
    }
}

/// More than once: Rust's own handler lets the first SIGSEGV pass.
fn raise(signal: Signal) -> ! {
    loop {
        kill_process(getpid(), signal).unwrap();
    }
}

/// Processors that this thread may use.
fn processors() -> usize {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    umbra::board::cpu_list(list).unwrap().len()
}

/// Asks for more than the limit of a worker allows, little by little.
fn eat() -> Vec<Vec<u8>> {
    (0..1024).map(|_| vec![1; 16 << 20]).collect()
}

impl Session for Fake {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        (self.before_run)();
        self.runs += 1;
        let values: Vec<f32> =
            inputs[0].data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let mut means: Vec<f32> = values.chunks(64).map(|c| c.iter().sum::<f32>() / 64.0).collect();
        match self.does.as_str() {
            "nan" => means[1] = f32::NAN,
            "nan later" if self.runs == 20 => means[2] = f32::INFINITY,
            "wrong" => means[0] += 1.0,
            "pinned to one" => assert!(processors() == 1, "it may run anywhere"),
            _ => {}
        }
        Ok(vec![Tensor::from_f32(vec![1, 3], &means)])
    }

    fn convolutions(&self) -> (u64, u64) {
        (2, 1)
    }
}

/// A valid ONNX file `scores = Flatten(GlobalAveragePool(x))` with this graph name.
pub(crate) fn onnx(name: &str) -> Vec<u8> {
    let value = |name: &str, shape: &[i64]| {
        let dim =
            shape.iter().map(|&d| Dimension { value: Some(DimensionValue::Number(d)) }).collect();
        let tensor = TensorType { elem_type: 1, shape: Some(Shape { dim }) };
        let kind = Type { value: Some(TypeValue::Tensor(tensor)) };
        ValueInfo { name: name.to_owned(), r#type: Some(kind) }
    };
    let node = |op: &str, from: &str, to: &str| Node {
        op_type: op.to_owned(),
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        ..Node::default()
    };
    let graph = Graph {
        name: name.to_owned(),
        node: vec![node("GlobalAveragePool", "x", "p"), node("Flatten", "p", "scores")],
        input: vec![value("x", &[1, 3, 8, 8])],
        output: vec![value("scores", &[1, 3])],
        ..Graph::default()
    };
    let opset = OperatorSet { domain: String::new(), version: 13 };
    Model { ir_version: 8, opset_import: vec![opset], graph: Some(graph), ..Model::default() }
        .encode_to_vec()
}

/// Runs this test program again as a worker (see `child::entry`).
///
/// The test harness prints on standard output before any test runs, so the pipe is
/// handed over as descriptor 3 and standard output goes elsewhere.
pub(crate) fn own_worker() -> Spawner {
    let script = r#"UMBRA_TEST_WORKER=1 exec "$0" --exact child::entry --nocapture 3>&1 1>&2"#;
    let program = std::env::current_exe().unwrap();
    Spawner::new(Vec::new()).with_program("/bin/sh", &["-c", script, program.to_str().unwrap()])
}

/// The pipe of [`own_worker`], put back where a real worker has it.
pub(crate) fn take_pipe() -> File {
    let pipe = File::options().write(true).open("/proc/self/fd/3").unwrap();
    rustix::stdio::dup2_stdout(&pipe).unwrap();
    umbra::child::take_stdout().unwrap()
}
