//! Constant nodes, and Identity over constants, become plain constants.

use crate::engine::EngineError;
use crate::model::Tensor;
use crate::model::onnx::{Node, TensorData};

use super::draft::Draft;

/// Hoists them.
pub(super) fn pass(draft: &mut Draft) -> Result<(), EngineError> {
    for node in draft.take_nodes() {
        match (constant(draft, &node), node.output_at(0)) {
            (Some(mut tensor), Some(output)) => {
                output.clone_into(&mut tensor.name);
                draft.constants.insert(output.to_owned(), tensor);
            }
            _ => draft.nodes.push(node),
        }
    }
    Ok(())
}

fn constant(draft: &Draft, node: &Node) -> Option<TensorData> {
    match node.op_type.as_str() {
        "Constant" => literal(node),
        "Identity" => draft.constants.get(node.input_at(0)?).cloned(),
        _ => None,
    }
}

fn literal(node: &Node) -> Option<TensorData> {
    let floats = |shape: Vec<usize>, values: &[f32]| Tensor::from_f32(shape, values);
    let ints = |shape: Vec<usize>, values: &[i64]| Tensor::from_i64(shape, values);
    if let Some(tensor) = node.attr_t("value") {
        return Some(tensor.clone());
    }
    let scalar = node.attr_f("value_float").map(|value| floats(vec![], &[value]));
    let scalar = scalar.or_else(|| node.attr_i("value_int").map(|value| ints(vec![], &[value])));
    let list = || node.attr_floats("value_floats").map(|values| floats(vec![values.len()], values));
    let lists = || node.attr_ints("value_ints").map(|values| ints(vec![values.len()], values));
    let tensor = scalar.or_else(list).or_else(lists)?;
    Some(TensorData::from_tensor("", &tensor))
}
