use super::plan;
use crate::engine::LoadOptions;
use crate::engine::native::front;
use crate::model::onnx;
use prost::Message;
use std::path::Path;
use std::time::Instant;
use umbra_kernels::Isa;

#[test]
fn loadprof() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut paths: Vec<_> = std::fs::read_dir(root.join("models"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "onnx"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let mut best = [f64::INFINITY; 6];
        let mut ok = true;
        for _ in 0..5 {
            let t = Instant::now();
            let model = onnx::Model::decode(bytes.as_slice()).unwrap();
            best[0] = best[0].min(t.elapsed().as_secs_f64() * 1e6);
            let t = Instant::now();
            let options = LoadOptions::default();
            let Ok(l) = crate::engine::lower::canonical(model.clone(), &options) else {
                ok = false;
                break;
            };
            best[1] = best[1].min(t.elapsed().as_secs_f64() * 1e6);
            let t = Instant::now();
            let _ = crate::model::shapes(&l.model, &options.input_shapes);
            best[2] = best[2].min(t.elapsed().as_secs_f64() * 1e6);
            let t = Instant::now();
            let Ok(p) = front::read(model, &LoadOptions::default()) else {
                ok = false;
                break;
            };
            best[3] = best[3].min(t.elapsed().as_secs_f64() * 1e6);
            let t = Instant::now();
            let s = plan(p, Isa::best()).unwrap();
            best[4] = best[4].min(t.elapsed().as_secs_f64() * 1e6);
            let t = Instant::now();
            let d = crate::base::Digest::of(&bytes);
            best[5] = best[5].min(t.elapsed().as_secs_f64() * 1e6);
            drop((s, d));
        }
        if ok {
            eprintln!(
                "{name:30} {:8} bytes decode {:7.0} canonical {:7.0} shapes {:7.0} read {:7.0} plan {:7.0} sha {:7.0}",
                bytes.len(),
                best[0],
                best[1],
                best[2],
                best[3],
                best[4],
                best[5]
            );
        }
    }
}
