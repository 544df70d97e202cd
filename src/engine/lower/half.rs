//! Half precision becomes single precision when a model is read.
//!
//! None of the boards computes in half precision faster than the engine does in
//! single, and the engine's own half precision graphs may not even finish optimising.
//! Results are at least as precise; a value beyond 65504 stays finite.
//! Inputs and outputs keep their declared type: the session converts at its boundary.

use crate::model::Dtype;
use crate::model::onnx::{Attribute, Graph, TensorData, TypeValue, ValueInfo};

/// Widens every half precision (float16, bfloat16) constant, type and cast of a graph.
pub(super) fn widen(graph: &mut Graph) {
    graph.initializer.iter_mut().for_each(widen_tensor);
    let infos = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    infos.for_each(widen_type);
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    attributes.for_each(widen_attribute);
}

/// Whether this is one of the types.
pub(crate) fn is_half(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::Float16 | Dtype::BFloat16)
}

fn half_code(code: i64) -> bool {
    i32::try_from(code).is_ok_and(|code| is_half(Dtype::from_onnx(code)))
}

fn widen_tensor(tensor: &mut TensorData) {
    if !is_half(tensor.dtype()) {
        return;
    }
    if let (Some(values), Some(shape)) = (tensor.to_f32(), tensor.shape()) {
        *tensor = TensorData::from_f32(&tensor.name, &shape, &values);
    }
}

fn widen_type(info: &mut ValueInfo) {
    if let Some(TypeValue::Tensor(tensor)) = info.r#type.as_mut().and_then(|t| t.value.as_mut())
        && half_code(tensor.elem_type.into())
    {
        tensor.elem_type = Dtype::Float32.onnx();
    }
}

fn widen_attribute(attribute: &mut Attribute) {
    if matches!(attribute.name.as_str(), "to" | "dtype" | "output_dtype") && half_code(attribute.i)
    {
        attribute.i = Dtype::Float32.onnx().into();
    }
    attribute.t.iter_mut().for_each(widen_tensor);
    attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(widen);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::Node;

    #[test]
    fn constants_casts_and_nested_graphs_become_single() {
        let half = TensorData::raw("h", Dtype::Float16, &[2], vec![0x00, 0x3c, 0x00, 0xc0]);
        let inner = Graph { initializer: vec![half.clone()], ..Graph::default() };
        let body = Attribute { name: "body".to_owned(), g: Some(inner), ..Attribute::default() };
        let node = Node::new("Cast", &["x"], &["y"]).with(Attribute::int("to", 10)).with(body);
        let mut graph = Graph { node: vec![node], initializer: vec![half], ..Graph::default() };
        widen(&mut graph);
        let node = &graph.node[0];
        assert_eq!(node.attr_i("to"), Some(1));
        let inner = node.attr("body").unwrap().g.as_ref().unwrap();
        for tensor in [&inner.initializer[0], &graph.initializer[0]] {
            assert_eq!((tensor.dtype(), tensor.to_f32()), (Dtype::Float32, Some(vec![1.0, -2.0])));
        }
    }
}
