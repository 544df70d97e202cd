//! The bundled demo zoo and task, embedded when feature `demo` is on (else empty).
//!
//! So are the probes, in every build: micro-models that tell how fast a board does what.
//!
//! `build.rs` writes the lists: `PROBES` holds the files of `onnx/probes/`, `DEMO_ZOO` holds the `.onnx` and `.toml` files of
//! `onnx/zoo/` by file name, `DEMO_TASK` all files below `onnx/task/meter/` by path
//! relative to it, `/` between folders; both sorted by name.

include!(concat!(env!("OUT_DIR"), "/demo.rs"));
