//! Where a rule is applied: one node and what is known of its inputs.

use super::fact::{Fact, Value};
use crate::model::Dtype;
use crate::model::onnx::Node;

/// A node with the facts of its inputs.
pub(super) struct Site<'a> {
    pub(super) node: &'a Node,
    pub(super) opset: i64,
    pub(super) inputs: &'a [Option<&'a Fact>],
}

impl Site<'_> {
    /// What is known of an input; none if it is omitted or unknown.
    pub(super) fn input(&self, at: usize) -> Option<&Fact> {
        self.inputs.get(at).copied().flatten()
    }

    /// Whether an input is given at all.
    pub(super) fn has(&self, at: usize) -> bool {
        self.node.input_at(at).is_some()
    }

    pub(super) fn shape(&self, at: usize) -> Option<&[u64]> {
        self.input(at)?.shape.as_deref()
    }

    pub(super) fn dtype(&self, at: usize) -> Option<Dtype> {
        self.input(at)?.dtype
    }

    pub(super) fn value(&self, at: usize) -> Option<&Value> {
        self.input(at)?.value.as_ref()
    }

    /// Known whole numbers of an input.
    pub(super) fn ints(&self, at: usize) -> Option<&[i64]> {
        match self.value(at)? {
            Value::Ints(values) => Some(values),
            Value::Floats(_) => None,
        }
    }

    /// Known floating-point numbers of an input.
    pub(super) fn floats(&self, at: usize) -> Option<&[f32]> {
        match self.value(at)? {
            Value::Floats(values) => Some(values),
            Value::Ints(_) => None,
        }
    }

    /// Whole numbers given as attribute in old operator sets and as input in new ones:
    /// `Some(None)` where neither is given, `None` where they are not known.
    #[allow(clippy::option_option)]
    pub(super) fn ints_of(&self, name: &str, at: usize) -> Option<Option<Vec<i64>>> {
        if let Some(given) = self.node.attr_ints(name) {
            return Some(Some(given.to_vec()));
        }
        if !self.has(at) {
            return Some(None);
        }
        self.ints(at).map(|values| Some(values.to_vec()))
    }

    /// The `axis` attribute, counted from the front.
    pub(super) fn axis(&self, default: i64, rank: usize) -> Option<usize> {
        place(self.node.attr_i("axis").unwrap_or(default), rank)
    }

    /// Whether the outputs follow from constants alone. Without inputs only `Constant` does:
    /// the others draw random numbers.
    pub(super) fn is_constant(&self) -> bool {
        if self.node.subgraphs().next().is_some() {
            return false;
        }
        let mut given = self.inputs.iter().zip(&self.node.input).filter(|(_, n)| !n.is_empty());
        if self.node.input.iter().all(String::is_empty) {
            return self.node.op_type == "Constant";
        }
        given.all(|(fact, _)| fact.is_some_and(|fact| fact.constant))
    }

    /// One output of the first input's type.
    pub(super) fn alike(&self, shape: Option<Vec<u64>>) -> Vec<Fact> {
        vec![Fact::new(self.dtype(0), shape)]
    }
}

/// An axis that may count from the back, from the front; none if it is outside the rank.
pub(crate) fn place(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
    usize::try_from(axis).ok().filter(|_| axis < rank)
}

/// Several axes, from the front, sorted.
pub(super) fn places(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    let mut found: Vec<usize> =
        axes.iter().map(|axis| place(*axis, rank)).collect::<Option<_>>()?;
    found.sort_unstable();
    found.dedup();
    Some(found)
}
