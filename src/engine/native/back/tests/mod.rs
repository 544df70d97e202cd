//! Plans against the reference, on every instruction set that this processor has.

mod images;
mod random;
mod rest;

use umbra_kernels::Isa;

use super::fixture::{Draft, quantised};
use super::plan::plan;
use crate::engine::Session as _;
use crate::engine::native::ir::{Kind, Program};
use crate::engine::native::reference::{self, Data};
use crate::model::Tensor;

const CODES: Kind =
    Kind::Codes(crate::engine::native::ir::Quantised { scale: 0.02, zero: 119, signed: false });

/// How far results may be from the reference: codes by so many steps.
#[derive(Clone, Copy, PartialEq)]
enum Near {
    Exact,
    /// Where the kernels round as ONNX Runtime and the reference by the definition.
    OneStep,
}

fn input(draft: &mut Draft, kind: Kind, count: usize) -> (Data, Vec<u8>) {
    match kind {
        Kind::Codes(_) => {
            let codes = draft.codes_at_random(count);
            (Data::Codes(codes.clone()), codes)
        }
        _ => {
            let reals = draft.small_reals(count);
            let bytes = reals.iter().flat_map(|x| x.to_le_bytes()).collect();
            (Data::Real(reals), bytes)
        }
    }
}

fn agree(program: &Program, near: Near) {
    for isa in Isa::available() {
        agree_on(program, isa, near);
    }
}

fn agree_on(program: &Program, isa: Isa, near: Near) {
    let mut session = plan(program.clone(), isa).unwrap();
    let mut draft = super::fixture::program();
    // The second run finds the slots as the first one left them.
    for run in 0..2 {
        draft.reseed(run);
        let given: Vec<(Data, Tensor)> = program
            .inputs
            .iter()
            .map(|port| {
                let value = &program.values[port.value];
                let (data, bytes) = input(&mut draft, value.kind, value.len());
                (data, Tensor { dtype: port.info.dtype, shape: value.shape.clone(), data: bytes })
            })
            .collect();
        let (data, tensors): (Vec<Data>, Vec<Tensor>) = given.into_iter().unzip();
        let wanted = reference::run_as(program, &data, true);
        let found = session.run(&tensors).unwrap();
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            compare(found, wanted, near, isa, program);
        }
    }
}

fn compare(found: &Tensor, wanted: &Data, near: Near, isa: Isa, program: &Program) {
    let ops: Vec<_> = program.nodes.iter().map(|node| format!("{:.60?}", node.op)).collect();
    let (step, values): (f32, Vec<f32>) = match wanted {
        Data::Codes(codes) => {
            let step = if near == Near::Exact { 0.0 } else { 1.0 };
            (step, codes.iter().map(|&code| f32::from(code)).collect())
        }
        Data::Real(reals) => (2e-5, reals.clone()),
        Data::Whole(whole) => (0.0, whole.iter().map(|&n| n as f32).collect()),
    };
    let found = found.to_f32().unwrap();
    assert_eq!(found.len(), values.len());
    for (at, (found, wanted)) in found.iter().zip(&values).enumerate() {
        let allowed = step * wanted.abs().max(1.0).max(if step < 1.0 { 1.0 } else { 0.0 });
        let allowed = if step == 1.0 { 1.0 } else { allowed };
        assert!(
            found == wanted
                || (found - wanted).abs() <= allowed
                || (found.is_nan() && !wanted.is_finite()),
            "{isa:?} at {at}: {found} for {wanted}\n{}",
            ops.join("\n")
        );
    }
}

/// Another quantisation than [`CODES`].
fn other() -> Kind {
    quantised(0.05, 3)
}
