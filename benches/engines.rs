//! Every engine on the models beside the repository, in turns: the least and the middle
//! time of one inference, and how much faster the first engine is than each other.
//!
//!     cargo bench --bench engines [-- PART_OF_A_NAME [MILLISECONDS_PER_MODEL]]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use umbra::engine::{self, LoadOptions, Session};
use umbra::model::Tensor;

fn main() {
    let root = std::env::var_os("UMBRA_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let part = arguments.first().map_or("", String::as_str);
    let budget = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(500);
    let Ok(folder) = std::fs::read_dir(root.join("models")) else {
        println!("no models at {} (set UMBRA_SHARED)", root.display());
        return;
    };
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.retain(|path| path.to_string_lossy().contains(part));
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        println!("{name:32} {}", line(&path, Duration::from_millis(budget)));
    }
}

fn line(path: &Path, budget: Duration) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut sessions: Vec<(&str, Box<dyn Session>)> = Vec::new();
    for engine in engine::available() {
        let session = engine.load(&bytes, &LoadOptions::default()).and_then(|l| l.optimise());
        match session {
            Ok(session) => sessions.push((engine.name(), session)),
            Err(refusal) => return format!("{}: {refusal}", engine.name()),
        }
    }
    let inputs: Vec<Vec<Tensor>> = sessions.iter().map(|(_, session)| input(&**session)).collect();
    let mut times = vec![Vec::new(); sessions.len()];
    let start = Instant::now();
    while start.elapsed() < budget || times[0].len() < 5 {
        for (at, (_, session)) in sessions.iter_mut().enumerate() {
            let start = Instant::now();
            std::hint::black_box(session.run(&inputs[at]).unwrap());
            times[at].push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let mut first = 0.0;
    let mut text = String::new();
    for ((name, session), times) in sessions.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let (least, middle) = (times[0], times[times.len() / 2]);
        let (whole, real) = session.convolutions();
        text += &format!("{name} {least:8.3} {middle:8.3} ms ({whole}+{real})  ");
        if first == 0.0 {
            first = least;
        } else {
            text += &format!("{:5.2} x", least / first);
        }
    }
    text
}

/// Pseudo-random bytes or small numbers.
fn input(session: &dyn Session) -> Vec<Tensor> {
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 16
    };
    let one = |info: &umbra::model::TensorInfo| {
        let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap() as usize).collect();
        let count: usize = shape.iter().product();
        if info.dtype == umbra::model::Dtype::Float32 {
            let values: Vec<f32> = (0..count).map(|_| next() as f32 / 65_536.0).collect();
            return Tensor::from_f32(shape, &values);
        }
        let bytes = count * info.dtype.size().unwrap();
        Tensor { dtype: info.dtype, shape, data: (0..bytes).map(|_| next() as u8 & 0x3b).collect() }
    };
    session.inputs().iter().map(one).collect()
}
