//! The network as an ONNX file.

use candle_core::Result;
use umbra::model::onnx::Model;
use umbra::rank::cost::residual::{BOARD, MODEL, names};

use super::fit::{FAR, Fitted};
use crate::ranker::batch::Scale;
use crate::ranker::export::{Draft, rows};

/// Writes the network down.
pub(crate) fn model(fitted: &Fitted) -> Result<Model> {
    let mut draft = Draft::default();
    let models = standard(&mut draft, names::MODELS, &fitted.models);
    let board = standard(&mut draft, names::BOARD, &fitted.boards);
    let of_models = product(fitted, &mut draft, &models, "model.w")?;
    let of_board = product(fitted, &mut draft, &board, "board.w")?;
    // What is added to all models alike is added to the board's one row.
    let of_board = sum(fitted, &mut draft, &of_board, "first.b")?;
    let first = draft.node("Add", &[&of_models, &of_board], &[]);
    let first = draft.node("Relu", &[&first], &[]);
    let second = product(fitted, &mut draft, &first, "second.w")?;
    let second = sum(fitted, &mut draft, &second, "second.b")?;
    let second = draft.node("Relu", &[&second], &[]);
    let last = product(fitted, &mut draft, &second, "last.w")?;
    let last = sum(fitted, &mut draft, &last, "last.b")?;
    let inputs = vec![rows(names::MODELS, MODEL), rows(names::BOARD, BOARD)];
    Ok(draft.finish(inputs, &last, (names::CORRECTIONS, 2)))
}

/// As `fit::standard`.
fn standard(draft: &mut Draft, x: &str, scale: &Scale) -> String {
    let scaled = draft.scaled(x, scale);
    let ends = [-FAR, FAR].map(|end| draft.constant(&[], &[end]));
    draft.node("Clip", &[&scaled, &ends[0], &ends[1]], &[])
}

fn product(fitted: &Fitted, draft: &mut Draft, x: &str, name: &str) -> Result<String> {
    let weight = draft.weight(fitted.network.weight(name)?)?;
    Ok(draft.node("MatMul", &[x, &weight], &[]))
}

fn sum(fitted: &Fitted, draft: &mut Draft, x: &str, name: &str) -> Result<String> {
    let bias = draft.weight(fitted.network.weight(name)?)?;
    Ok(draft.node("Add", &[x, &bias], &[]))
}
