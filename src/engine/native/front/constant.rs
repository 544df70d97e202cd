//! Nodes whose result is known before running: shapes, rearranged and requantised weights.

use std::rc::Rc;

use super::graph::Builder;
use super::quantise::parameters;
use super::term::{Frozen, Term};
use super::{refuse, shape};
use crate::engine::EngineError;
use crate::engine::quantize::{Quantize, run_length};
use crate::model::onnx::{Node, TensorData};
use crate::model::{Dtype, Tensor, Value};

/// Binds the outputs of a node that is constant; whether it is.
pub(super) fn fold(b: &mut Builder, node: &Node) -> Result<bool, EngineError> {
    let known: Option<Vec<_>> = node
        .output
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| Some((name.clone(), small(b, name)?)))
        .collect();
    if let Some(known) = known {
        known.into_iter().for_each(|(name, tensor)| {
            b.bind(&name, Term::Constant(Rc::new(tensor)));
        });
        return Ok(true);
    }
    let term = match node.op_type.as_str() {
        "ConstantOfShape" => filled(b, node),
        "QuantizeLinear" => quantised(b, node)?,
        "Cast" => cast(b, node),
        "Transpose" => transposed(b, node),
        "Identity" | "Dropout" => given(b, node),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => reshaped(b, node),
        _ => None,
    };
    match term {
        Some(term) => b.give(node, term).map(|()| true),
        None => Ok(false),
    }
}

/// A constant that the shapes of the graph determine.
fn small(b: &Builder, name: &str) -> Option<TensorData> {
    let fact = b.facts.get(name)?;
    let dims = fact.shape.as_ref()?.iter();
    let shape: Vec<usize> = dims.map(|dim| usize::try_from(*dim).ok()).collect::<Option<_>>()?;
    let (value, dtype) = (fact.value.as_ref()?, fact.dtype?);
    let tensor = match value {
        Value::Floats(values) if dtype == Dtype::Float32 => Tensor::from_f32(shape, values),
        Value::Ints(values) if dtype == Dtype::Int64 => Tensor::from_i64(shape, values),
        _ => return None,
    };
    Some(TensorData::from_tensor(name, &tensor))
}

/// A constant input.
fn given(b: &Builder, node: &Node) -> Option<Term> {
    let term = b.known(node.input_at(0)?)?;
    matches!(term, Term::Constant(_) | Term::Frozen(_)).then(|| term.clone())
}

fn reshaped(b: &Builder, node: &Node) -> Option<Term> {
    let shape = b.output_shape(node).ok()?;
    let dims = |tensor: &TensorData| -> Option<TensorData> {
        (tensor.count()? == shape::count(&shape)?).then_some(())?;
        let dims = shape.iter().map(|dim| i64::try_from(*dim).ok()).collect::<Option<_>>()?;
        Some(TensorData { dims, ..tensor.clone() })
    };
    match given(b, node)? {
        Term::Constant(tensor) => Some(Term::Constant(Rc::new(dims(&tensor)?))),
        Term::Frozen(frozen) if frozen.how.channels() == 1 => {
            let tensor = Rc::new(dims(&frozen.tensor)?);
            Some(Term::Frozen(Rc::new(Frozen { tensor, how: frozen.how.clone() })))
        }
        Term::Frozen(frozen) => {
            let reals = TensorData::from_f32("", &shape, &frozen.reals()?);
            (reals.bytes()?.len() == shape::count(&shape)? * 4).then_some(())?;
            Some(Term::Constant(Rc::new(reals)))
        }
        _ => None,
    }
}

fn transposed(b: &Builder, node: &Node) -> Option<Term> {
    let term = given(b, node)?;
    let from = term.constant_shape()?;
    let order: Vec<usize> = match node.attr_ints("perm") {
        None | Some([]) => (0..from.len()).rev().collect(),
        Some(perm) => perm.iter().map(|at| usize::try_from(*at).ok()).collect::<Option<_>>()?,
    };
    match term {
        Term::Constant(tensor) => Some(Term::Constant(Rc::new(permuted(&tensor, &from, &order)?))),
        Term::Frozen(frozen) => {
            let mut how = frozen.how.clone();
            if how.channels() > 1 {
                let axis = crate::model::place(how.axis, from.len())?;
                how.axis = i64::try_from(order.iter().position(|at| *at == axis)?).ok()?;
            }
            let tensor = Rc::new(permuted(&frozen.tensor, &from, &order)?);
            Some(Term::Frozen(Rc::new(Frozen { tensor, how })))
        }
        _ => None,
    }
}

/// Elements with the axes in another order.
fn permuted(tensor: &TensorData, from: &[usize], order: &[usize]) -> Option<TensorData> {
    let to = shape::permuted(from, order)?;
    let count = shape::count(&to)?;
    let size = tensor.dtype().size()?;
    let bytes = tensor.bytes()?;
    let stride = |axis: usize| from.get(axis + 1..).map(|inner| inner.iter().product::<usize>());
    let strides: Vec<usize> = order.iter().map(|axis| stride(*axis)).collect::<Option<_>>()?;
    let mut data = Vec::with_capacity(bytes.len());
    for at in 0..count {
        let mut rest = at;
        let mut offset = 0;
        for (dim, stride) in to.iter().zip(&strides).rev() {
            offset += rest % dim * stride;
            rest /= dim;
        }
        data.extend_from_slice(bytes.get(offset * size..(offset + 1) * size)?);
    }
    Some(TensorData::raw("", tensor.dtype(), &to, data))
}

fn filled(b: &Builder, node: &Node) -> Option<Term> {
    let shape = b.output_shape(node).ok()?;
    let count = shape::count(&shape)?;
    let (dtype, one) = match node.attr_t("value") {
        Some(tensor) => (tensor.dtype(), tensor.bytes()?.into_owned()),
        None => (Dtype::Float32, vec![0; 4]),
    };
    (one.len() == dtype.size()? && count <= LARGEST_FILL).then_some(())?;
    Some(Term::Constant(Rc::new(TensorData::raw("", dtype, &shape, one.repeat(count)))))
}

/// Elements of a ConstantOfShape: a few bytes of a file must not make gigabytes.
const LARGEST_FILL: usize = 1 << 27;

fn cast(b: &Builder, node: &Node) -> Option<Term> {
    let to = Dtype::from_onnx(i32::try_from(node.attr_i("to")?).ok()?);
    let Term::Constant(tensor) = given(b, node)? else { return None };
    let shape = tensor.shape()?;
    let cast = match to {
        Dtype::Float32 => TensorData::from_f32("", &shape, &tensor.to_f32()?),
        Dtype::Int64 => TensorData::from_i64("", &shape, &tensor.to_i64()?),
        _ => return None,
    };
    Some(Term::Constant(Rc::new(cast)))
}

/// Weights that a file quantises while it runs.
fn quantised(b: &Builder, node: &Node) -> Result<Option<Term>, EngineError> {
    let Some(term) = given(b, node) else { return Ok(None) };
    let (how, dtype) = parameters(b, node, Dtype::UInt8)?;
    let fold = || {
        let (values, shape) = (term.reals()?, term.constant_shape()?);
        let axis = how.axis;
        let quantise =
            Quantize { scale: how.scale, zero_point: how.zero_point, axis, multiply: false, dtype };
        let lanes = quantise.lanes()?;
        let inner = run_length(&shape, axis, lanes.len())?.max(1);
        let mut data = Vec::with_capacity(values.len());
        for (run, lane) in values.chunks(inner).zip(lanes.iter().cycle()) {
            data.extend(run.iter().map(|x| (lane.code(*x) as i16).to_le_bytes()[0]));
        }
        (dtype.size() == Some(1)).then(|| TensorData::raw("", dtype, &shape, data))
    };
    let tensor = fold().ok_or_else(|| refuse(node, "of this constant"))?;
    Ok(Some(Term::Constant(Rc::new(tensor))))
}
