//! What the ranker knows of a model before it has seen the task.

use crate::model::{Candidate, Card, Quantization};
use crate::task::behaviour::{Behaviour, NUMBERS};

/// Numbers of a card.
const CARD: usize = 8;
/// Numbers of a portrait.
pub const WIDTH: usize = CARD + NUMBERS;

/// The numbers of one model, raw: the ranker's file scales them itself.
pub type Portrait = [f32; WIDTH];

/// The behaviour that a sidecar states; none where it states none, or one of another program's
/// reference images.
#[must_use]
pub fn stated(candidate: &Candidate) -> Option<Behaviour> {
    let stated = candidate.manifest.as_ref()?.behaviour.as_deref()?;
    let found: Behaviour = stated.try_into().ok()?;
    found.iter().all(|number| number.is_finite()).then_some(found)
}

/// The card's numbers and the behaviour; none where the file could not be read. In their order: natural
/// logarithms (of one more than) parameters, multiply-accumulates, layers that cost something, and
/// bytes that they move; 1 if quantised; the logarithm of one more than its source labels, its
/// accuracy on its source, and 1 if that is known; then the [behaviour](crate::task::behaviour).
/// None of it depends on the form that a quantised file is written in.
#[must_use]
pub fn portrait(candidate: &Candidate, behaviour: &Behaviour) -> Option<Portrait> {
    let card = candidate.card.as_ref()?;
    let numbers = of_card(candidate, card).into_iter().chain(behaviour.iter().copied());
    numbers.collect::<Vec<f32>>().try_into().ok()
}

fn of_card(candidate: &Candidate, card: &Card) -> [f32; CARD] {
    let source = candidate.manifest.as_ref().and_then(|manifest| manifest.source.as_ref());
    let accuracy = source.and_then(|source| source.accuracy_int8.or(source.accuracy_float));
    let whole = !matches!(card.quantization, Quantization::Float32 | Quantization::Float16);
    let logarithm = |amount: u64| (amount as f64).ln_1p() as f32;
    let moved = card.work.iter().fold(0_u64, |sum, work| sum.saturating_add(work.bytes));
    [
        logarithm(card.params),
        logarithm(card.macs.unwrap_or(0)),
        logarithm(card.work.len() as u64),
        logarithm(moved),
        f32::from(u8::from(whole)),
        logarithm(source.map_or(0, |source| source.labels.len() as u64)),
        accuracy.unwrap_or(0.0) as f32,
        f32::from(u8::from(accuracy.is_some())),
    ]
}
