//! Programs that were kept: whole ones compute the same, others do no harm.

use std::path::Path;

use proptest::prelude::*;

use super::Native;
use crate::base::Digest;
use crate::engine::{Engine, Kept, LoadOptions, Session, load_kept};
use crate::model::{Tensor, TensorInfo};

fn model(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/engine");
    std::fs::read(folder.join(name).with_extension("onnx")).unwrap()
}

/// The fixtures that this engine runs.
const FIXTURES: [&str; 5] =
    ["qconv_group", "const_nodes", "qgemm_f", "qlinearaveragepool", "softmax_op13"];

fn input(info: &TensorInfo) -> Tensor {
    let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap_or(1) as usize).collect();
    let bytes = shape.iter().product::<usize>() * info.dtype.size().unwrap();
    let data = (0..bytes).map(|at| (at * 37 % 61) as u8).collect();
    Tensor { dtype: info.dtype, shape, data }
}

fn outputs(mut session: Box<dyn Session>) -> Vec<Tensor> {
    let inputs: Vec<Tensor> = session.inputs().iter().map(input).collect();
    session.run(&inputs).unwrap()
}

fn form(model: &[u8]) -> Option<Vec<u8>> {
    Native.load(model, &LoadOptions::default()).ok()?.keep()
}

#[test]
fn a_kept_program_computes_what_its_file_says() {
    let options = LoadOptions::default();
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models");
    let mut models: Vec<Vec<u8>> = FIXTURES.iter().map(|name| model(name)).collect();
    for name in ["ic_resnet8_int8", "kws_dscnn_int8", "face_yunet_n320_f32", "det_fastestdet_f32"] {
        match std::fs::read(shared.join(name).with_extension("onnx")) {
            Ok(bytes) => models.push(bytes),
            Err(_) => eprintln!("NOT RUN: {name}: the shared models are absent"),
        }
    }
    for bytes in models {
        let kept = Kept { model: Digest::of(&bytes), sealed: &[] };
        let (fresh, sealed) = load_kept(&Native, &bytes, &options, kept).unwrap();
        let sealed = sealed.unwrap();
        let kept = Kept { sealed: &sealed, ..kept };
        let (recalled, again) = load_kept(&Native, &bytes, &options, kept).unwrap();
        assert!(again.is_none() && format!("{recalled:?}").starts_with("Recalled"));
        assert_eq!(outputs(recalled.optimise().unwrap()), outputs(fresh.optimise().unwrap()));
        // Another model, another wish, a damaged form: loaded from the file, and kept anew.
        let other = Kept { model: Digest::of(b"other"), ..kept };
        assert!(load_kept(&Native, &bytes, &options, other).unwrap().1.is_some());
        let mut damaged = sealed.clone();
        *damaged.last_mut().unwrap() ^= 1;
        let damaged = Kept { sealed: &damaged, ..kept };
        assert!(load_kept(&Native, &bytes, &options, damaged).unwrap().1.is_some());
    }
}

/// What a forged form, its digest right, brings about: refusal, or a session that runs or
/// says why not.
fn endure(form: &[u8]) {
    let Some(loaded) = Native.recall(form, &LoadOptions::default()) else { return };
    let Ok(mut session) = loaded.optimise() else { return };
    let inputs: Vec<Tensor> = session.inputs().iter().map(input).collect();
    // What it computes is the forger's.
    let _ = session.run(&inputs);
}

#[test]
fn truncated_forms_are_refused() {
    for name in FIXTURES {
        let form = form(&model(name)).unwrap();
        for length in 0..form.len() {
            assert!(Native.recall(&form[..length], &LoadOptions::default()).is_none());
        }
    }
}

#[test]
fn no_changed_byte_does_harm() {
    for name in FIXTURES {
        let form = form(&model(name)).unwrap();
        for at in 0..form.len() {
            for change in [1, 2, 0x10, 0x80, 0xFF] {
                let mut forged = form.clone();
                forged[at] ^= change;
                endure(&forged);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_forged_form_does_harm(
        which in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        strange in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut forged = form(&model(FIXTURES[which])).unwrap();
        for (at, byte) in changes {
            let at = at.index(forged.len());
            forged[at] = byte;
        }
        endure(&forged);
        endure(&strange);
    }
}

#[test]
fn every_number_of_threads_computes_the_same() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models");
    for name in ["vww_96_int8", "ic_resnet8_f32", "vww_96_f32", "seg_deeplab_dm05_u8"] {
        let Ok(bytes) = std::fs::read(shared.join(name).with_extension("onnx")) else {
            eprintln!("NOT RUN: {name}: the shared models are absent");
            continue;
        };
        let on = |threads| {
            let options = LoadOptions { threads, ..LoadOptions::default() };
            outputs(Native.load(&bytes, &options).unwrap().optimise().unwrap())
        };
        let one = on(1);
        for threads in [0, 2, 3] {
            assert_eq!(on(threads), one, "{name} on {threads} threads");
        }
    }
}
