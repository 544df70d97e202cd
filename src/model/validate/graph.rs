//! What a model must have before anything else is looked at.

use std::collections::{HashMap, HashSet};

use super::{node_name, quoted, refuse};
use crate::model::card::all_nodes;
use crate::model::onnx::{Graph, Model, ValueInfo};
use crate::model::{Dtype, Rejection};

/// Versions of the default operator set that are accepted: 7 defines broadcasting as all later
/// ones do; 24 is the last whose changes concern no operator that classifiers use. The engine
/// is tested by its makers with 9 to 18.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=24;

pub(super) fn check(model: &Model) -> Result<(), Rejection> {
    let Some(graph) = &model.graph else {
        return Err(refuse("the model has no graph".to_owned(), "export the model again"));
    };
    if !model.functions.is_empty() {
        return Err(refuse(
            format!("the model defines {} functions of its own", model.functions.len()),
            "inline them when exporting (onnx.inliner.inline_local_functions)",
        ));
    }
    not_missing(graph)?;
    opsets(model, graph)?;
    graph.real_inputs().into_iter().try_for_each(input)?;
    graph.output.iter().try_for_each(output)
}

fn not_missing(graph: &Graph) -> Result<(), Rejection> {
    let parts = [
        ("nodes", graph.node.is_empty()),
        ("inputs", graph.real_inputs().is_empty()),
        ("outputs", graph.output.is_empty()),
    ];
    let missing: Vec<&str> =
        parts.iter().filter(|(_, missing)| *missing).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Err(refuse(
            format!("the model has no {}", missing.join(", no ")),
            "export a model that computes outputs from inputs",
        ));
    }
    let names = graph.output.iter().map(|output| output.name.as_str());
    match first_repeated(names) {
        Some(name) => Err(refuse(
            format!("the model lists output {} twice", quoted(name)),
            "export the model again",
        )),
        None => Ok(()),
    }
}

pub(super) fn first_repeated<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

fn opsets(model: &Model, graph: &Graph) -> Result<(), Rejection> {
    let mut imports: HashMap<&str, i64> = HashMap::new();
    for set in &model.opset_import {
        let domain = if set.domain == "ai.onnx" { "" } else { set.domain.as_str() };
        if imports.insert(domain, set.version).is_some_and(|other| other != set.version) {
            return Err(refuse(
                format!("the model imports two versions of operator set {}", quoted(domain)),
                "export the model again",
            ));
        }
    }
    if let Some(version) = imports.get("").filter(|version| !OPSETS.contains(version)) {
        return Err(refuse(
            format!("the model needs operator set {version}; {OPSETS:?} are known"),
            "export with an operator set from 9 to 18",
        ));
    }
    let unimported =
        |domain: &str| !imports.contains_key(if domain == "ai.onnx" { "" } else { domain });
    match all_nodes(graph).into_iter().find(|node| unimported(&node.domain)) {
        Some(node) => Err(refuse(
            format!("{} is of an operator set that the model does not import", node_name(node)),
            "export the model again, with the operator sets it uses",
        )),
        None => Ok(()),
    }
}

fn input(value: &ValueInfo) -> Result<(), Rejection> {
    if value.tensor_type().is_none() {
        return Err(refuse(
            format!("input {} is no tensor", quoted(&value.name)),
            "sequences, maps and optionals cannot be fed; export with tensor inputs",
        ));
    }
    match value.dtype() {
        Dtype::String | Dtype::Other => Err(refuse(
            format!("input {} is of a type that cannot be fed", quoted(&value.name)),
            "export with inputs that are numbers of 8 bits or more",
        )),
        _ => Ok(()),
    }
}

/// An output without a type is left to inference; one that says it is no tensor is refused.
fn output(value: &ValueInfo) -> Result<(), Rejection> {
    let other = value.r#type.as_ref().is_some_and(|stated| stated.value.is_none());
    if other {
        return Err(refuse(
            format!("output {} is no tensor", quoted(&value.name)),
            "export with tensor outputs",
        ));
    }
    Ok(())
}
