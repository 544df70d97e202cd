//! Constants that hold what they claim.

use super::{quoted, refuse};
use crate::model::card::all_nodes;
use crate::model::onnx::{Graph, Model, TensorData};
use crate::model::shape::MOST_DIMENSIONS;
use crate::model::{Dtype, Rejection, element_bits};

const DAMAGED: &str = "the file is damaged or was made wrongly: export the model again";

pub(super) fn check(model: &Model) -> Result<(), Rejection> {
    let Some(graph) = &model.graph else { return Ok(()) };
    not_sparse(graph)?;
    graph.initializer.iter().try_for_each(tensor)?;
    for node in all_nodes(graph) {
        for body in node.subgraphs() {
            not_sparse(body)?;
            body.initializer.iter().try_for_each(inner)?;
        }
        node.attribute.iter().filter_map(|attribute| attribute.t.as_ref()).try_for_each(inner)?;
    }
    Ok(())
}

fn not_sparse(graph: &Graph) -> Result<(), Rejection> {
    if graph.sparse_initializer.is_empty() {
        return Ok(());
    }
    let count = graph.sparse_initializer.len();
    Err(refuse(format!("the model has {count} sparse initializers"), "store the weights densely"))
}

/// A tensor inside an attribute or a body.
fn inner(data: &TensorData) -> Result<(), Rejection> {
    if data.is_external() {
        return Err(refuse(
            format!("tensor {} inside a node has external data", quoted(&data.name)),
            "only initializers of the main graph may; save the model in one file",
        ));
    }
    tensor(data)
}

fn tensor(data: &TensorData) -> Result<(), Rejection> {
    let name = || quoted(&data.name);
    let impossible = || refuse(format!("tensor {} has impossible dimensions", name()), DAMAGED);
    if data.dims.len() > MOST_DIMENSIONS {
        return Err(impossible());
    }
    let Some(count) = data.count() else {
        return Err(impossible());
    };
    let Some(wanted) = stored(data.data_type, count) else {
        return Err(refuse(
            format!("tensor {} is of unknown type {}", name(), data.data_type),
            DAMAGED,
        ));
    };
    if data.is_external() {
        return Ok(());
    }
    let (held, wanted, unit) = held(data, count, wanted);
    if held != wanted {
        let shape = data.dims.iter().map(i64::to_string).collect::<Vec<_>>().join("x");
        return Err(refuse(
            format!("tensor {} of shape [{shape}] needs {wanted} {unit} and holds {held}", name()),
            DAMAGED,
        ));
    }
    Ok(())
}

/// Bytes of so many elements, strings counted as elements; none if the type is unknown or the
/// number does not fit.
pub(super) fn stored(code: i32, count: usize) -> Option<u64> {
    let count = count as u64;
    if Dtype::from_onnx(code) == Dtype::String {
        return Some(count);
    }
    Some(count.checked_mul(u64::from(element_bits(code)?))?.div_ceil(8))
}

/// What is held, what is wanted, and in which unit.
fn held(data: &TensorData, count: usize, bytes: u64) -> (u64, u64, &'static str) {
    let elements = count as u64;
    if data.dtype() == Dtype::String {
        return (data.string_data.len() as u64, elements, "strings");
    }
    if !data.raw_data.is_empty() {
        return (data.raw_data.len() as u64, bytes, "bytes");
    }
    let typed = match data.dtype() {
        Dtype::Float32 => data.float_data.len(),
        Dtype::Float64 => data.double_data.len(),
        Dtype::Int64 => data.int64_data.len(),
        Dtype::UInt64 | Dtype::UInt32 => data.uint64_data.len(),
        // Complex numbers, and narrow types that pack several elements into one entry: one
        // representation is as good as another as long as there is one.
        Dtype::Other => {
            let some = !data.float_data.is_empty()
                || !data.int32_data.is_empty()
                || !data.double_data.is_empty();
            return (u64::from(some), u64::from(elements > 0), "representation");
        }
        _ => data.int32_data.len(),
    };
    (typed as u64, elements, "elements")
}
