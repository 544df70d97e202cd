//! Recurrent layers and trees.

use super::fact::Fact;
use super::site::Site;
use crate::model::Dtype;

/// `LSTM`, `GRU`, `RNN`: all steps, the last hidden state, the last cell state.
pub(super) fn recurrent(site: &Site<'_>) -> Vec<Fact> {
    let shapes = || {
        let [steps, batch, _] = site.shape(0)? else { return None };
        let [directions, _, hidden] = site.shape(2)? else { return None };
        let state = vec![*directions, *batch, *hidden];
        if site.node.attr_i("layout").unwrap_or(0) != 0 {
            return None;
        }
        Some([vec![*steps, *directions, *batch, *hidden], state.clone(), state])
    };
    let fact = |shape| Fact::new(site.dtype(0), shape);
    match shapes() {
        Some(shapes) => shapes.into_iter().map(|shape| fact(Some(shape))).collect(),
        None => vec![fact(None); 3],
    }
}

/// `TreeEnsembleClassifier`: a label and the classes' scores for each row.
pub(super) fn trees(site: &Site<'_>) -> Vec<Fact> {
    let rows = site.shape(0).and_then(|shape| shape.first().copied());
    let numbers = site.node.attr_ints("classlabels_int64s").map_or(0, <[i64]>::len);
    let names = site.node.attr("classlabels_strings").map_or(0, |names| names.strings.len());
    let label = if numbers > 0 { Dtype::Int64 } else { Dtype::String };
    let classes = numbers.max(names) as u64;
    vec![
        Fact::new(Some(label), rows.map(|rows| vec![rows])),
        Fact::new(Some(Dtype::Float32), rows.map(|rows| vec![rows, classes])),
    ]
}
