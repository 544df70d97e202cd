//! QuantizeLinear and DequantizeLinear become operators of the house; constants are folded.
//!
//! With them the engine's own dequantisation never appears in a graph, and so neither
//! does the lookup table that it builds across operators such as Softmax.

use crate::engine::EngineError;
use crate::engine::quantize::{Dequantize, Quantize, range};
use crate::model::Dtype;
use crate::model::onnx::{Attribute, Node};

use super::parameters::Parameters;
use crate::engine::lower::draft::Draft;

/// Rewrites every node of the two kinds.
pub(super) fn pass(draft: &mut Draft) -> Result<(), EngineError> {
    let dynamic = dynamic_scales(draft);
    for node in draft.take_nodes() {
        let runtime =
            node.input_at(1).is_some_and(|scale| dynamic.iter().any(|name| name == scale));
        match (node.op_type.as_str(), runtime) {
            ("QuantizeLinear" | "DequantizeLinear", true) => spell_out(draft, &node)?,
            ("QuantizeLinear", false) => quantize(draft, &node)?,
            ("DequantizeLinear", false) => dequantize(draft, &node)?,
            _ => draft.nodes.push(node),
        }
    }
    Ok(())
}

fn quantize(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    refuse_blocks(node)?;
    let (input, output) = ends(node)?;
    let parameters = Parameters::read(draft, node, 1, 2)?;
    let declared = node.attr_i("output_dtype").filter(|&code| code != 0);
    let declared = declared.map(|code| Dtype::from_onnx(i32::try_from(code).unwrap_or(0)));
    let dtype = parameters.dtype.or(declared).unwrap_or(Dtype::UInt8);
    if range(dtype).is_none() {
        return Err(EngineError::operator(
            "QuantizeLinear",
            &format!("to {} is not supported", dtype.name()),
        ));
    }
    let how = Quantize {
        scale: parameters.scale,
        zero_point: parameters.zero_point,
        axis: node.attr_i("axis").unwrap_or(1),
        multiply: false,
        dtype,
    };
    draft.quantise(&input, &how, &output);
    Ok(())
}

fn dequantize(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    refuse_blocks(node)?;
    let (input, output) = ends(node)?;
    let parameters = Parameters::read(draft, node, 1, 2)?;
    let how = Dequantize {
        scale: parameters.scale,
        zero_point: parameters.zero_point,
        axis: node.attr_i("axis").unwrap_or(1),
    };
    draft.dequantise_as(&input, &how, &output)
}

/// Outputs of DynamicQuantizeLinear: scales that are scalars known only at run time.
fn dynamic_scales(draft: &Draft) -> Vec<String> {
    let makers = draft.nodes.iter().filter(|node| node.op_type == "DynamicQuantizeLinear");
    makers.filter_map(|node| node.output_at(1).map(str::to_owned)).collect()
}

/// The definition in elementary operators, for a scalar scale known only at run time.
fn spell_out(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let (input, output) = ends(node)?;
    let scale = node.input_at(1).unwrap_or_default().to_owned();
    let float = || vec![Attribute::int("to", i64::from(Dtype::Float32.onnx()))];
    let zero = node.input_at(2).map(|name| draft.emit("Cast", &[name], float()));
    if node.op_type == "DequantizeLinear" {
        let mut real = draft.emit("Cast", &[&input], float());
        if let Some(zero) = zero {
            real = draft.emit("Sub", &[&real, &zero], vec![]);
        }
        draft.emit_as("Mul", &[&real, &scale], vec![], &output);
        return Ok(());
    }
    // DynamicQuantizeLinear gives uint8 zero points.
    let ratio = draft.emit("Div", &[&input, &scale], vec![]);
    let mut code = draft.emit("Round", &[&ratio], vec![]);
    if let Some(zero) = zero {
        code = draft.emit("Add", &[&code, &zero], vec![]);
    }
    let whole = Quantize {
        scale: vec![1.0],
        zero_point: vec![0],
        axis: 0,
        multiply: true,
        dtype: Dtype::UInt8,
    };
    draft.quantise(&code, &whole, &output);
    Ok(())
}

fn refuse_blocks(node: &Node) -> Result<(), EngineError> {
    match node.attr_i("block_size") {
        None | Some(0) => Ok(()),
        Some(_) => Err(EngineError::operator(&node.op(), "with blocked scales is not supported")),
    }
}

fn ends(node: &Node) -> Result<(String, String), EngineError> {
    match (node.input_at(0), node.output_at(0)) {
        (Some(input), Some(output)) => Ok((input.to_owned(), output.to_owned())),
        _ => Err(EngineError::operator(&node.op(), "lacks an input or an output")),
    }
}
