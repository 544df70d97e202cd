//! The form in which a program is kept: itself, and the weights of its products as the
//! kernels of one instruction set read them, which is what planning takes its time for.

use serde::{Deserialize, Serialize};
use umbra_kernels::Isa;

use super::back::{self, NativeSession};
use super::check::is_sound;
use super::ir::{Conv, Dense, Op, Program, Weights};

/// A kept program.
#[derive(Serialize, Deserialize)]
struct Form<'a> {
    /// Without the weights that are in `packs`.
    program: Program,
    /// Packed weights by node and group.
    #[serde(borrow)]
    packs: Vec<Vec<&'a [u8]>>,
}

/// The form of a program; none of one that [`recall`] would refuse.
pub(super) fn keep(program: &Program, isa: Isa) -> Option<Vec<u8>> {
    if !is_sound(program, &|_| false) {
        return None;
    }
    let packs = back::packed(program, isa).ok()?;
    let mut program = program.clone();
    for (node, _) in program.nodes.iter_mut().zip(&packs).filter(|(_, packs)| !packs.is_empty()) {
        drop_weights(&mut node.op);
    }
    let packs = packs.iter().map(|groups| groups.iter().map(Vec::as_slice).collect()).collect();
    postcard::to_stdvec(&Form { program, packs }).ok()
}

/// The plan of a form; none where the bytes are no form, whatever they are. They may be a
/// stranger's: what they compute is then the stranger's too, and that is all.
pub(super) fn recall(form: &[u8], isa: Isa) -> Option<NativeSession> {
    let Form { program, packs }: Form<'_> = postcard::from_bytes(form).ok()?;
    let packed = |node: usize| packs.get(node).is_some_and(|groups| !groups.is_empty());
    if !is_sound(&program, &packed) {
        return None;
    }
    back::plan_packed(program, &packs, isa).ok()
}

fn drop_weights(op: &mut Op) {
    let (Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. })) = op else { return };
    match weights {
        Weights::Codes { codes, .. } => *codes = Vec::new(),
        Weights::Reals(reals, _) => *reals = Vec::new(),
    }
}
