//! The house's quantisation operators, as operators of tract.
//!
//! One typed operator with an optional first half (float to codes) and an optional
//! second half (codes to float). tract sees an opaque operator that keeps shapes: it may
//! move axes through it where there is one scale, and nothing else.

use tract_onnx::model::OnnxOpRegister;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use crate::engine::lower::real::custom;
use crate::engine::quantize::{Dequantize, Lane, Quantize, run_length};
use crate::model::Dtype;

/// Adds the operators, and removes those that a lowered graph never holds.
pub(super) fn register(register: &mut OnnxOpRegister) {
    for name in [
        "QuantizeLinear",
        "DequantizeLinear",
        "QLinearConv",
        "QLinearMatMul",
        "ConvInteger",
        "MatMulInteger",
    ] {
        register.0.remove(name);
    }
    register.insert(custom::QUANTIZE, |_, node| build(node, true, false));
    register.insert(custom::DEQUANTIZE, |_, node| build(node, false, true));
    register.insert(custom::FAKE_QUANTIZE, |_, node| build(node, true, true));
}

fn build(
    node: &NodeProto,
    quantize: bool,
    dequantize: bool,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let op = Rescale {
        quantize: if quantize { Some(read_quantize(node)?) } else { None },
        dequantize: if dequantize { Some(read_dequantize(node)?) } else { None },
    };
    Ok((expand(op), vec![]))
}

fn read_quantize(node: &NodeProto) -> TractResult<Quantize> {
    Ok(Quantize {
        scale: node.get_attr_vec("quantize_scale")?,
        zero_point: node.get_attr_vec("quantize_zero_point")?,
        axis: node.get_attr("quantize_axis")?,
        multiply: node.get_attr::<i64>("multiply")? != 0,
        dtype: Dtype::from_onnx(node.get_attr("to")?),
    })
}

fn read_dequantize(node: &NodeProto) -> TractResult<Dequantize> {
    Ok(Dequantize {
        scale: node.get_attr_vec("scale")?,
        zero_point: node.get_attr_vec("zero_point")?,
        axis: node.get_attr("axis")?,
    })
}

/// Quantise, dequantise, or both.
#[derive(Debug, Clone, PartialEq)]
struct Rescale {
    quantize: Option<Quantize>,
    dequantize: Option<Dequantize>,
}

impl Eq for Rescale {}

impl Rescale {
    fn output_type(&self) -> TractResult<DatumType> {
        match &self.quantize {
            Some(quantize) if self.dequantize.is_none() => match quantize.dtype {
                Dtype::Int8 => Ok(DatumType::I8),
                Dtype::UInt8 => Ok(DatumType::U8),
                Dtype::Int16 => Ok(DatumType::I16),
                Dtype::UInt16 => Ok(DatumType::U16),
                other => bail!("no codes of type {}", other.name()),
            },
            _ => Ok(DatumType::F32),
        }
    }

    fn is_per_tensor(&self) -> bool {
        self.quantize.as_ref().is_none_or(|half| half.channels() == 1)
            && self.dequantize.as_ref().is_none_or(|half| half.channels() == 1)
    }
}

impl Expansion for Rescale {
    fn name(&self) -> StaticName {
        "Rescale".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let ([input], [output]) = (inputs, outputs) else { bail!("one input and one output") };
        s.equals(&output.datum_type, self.output_type()?)?;
        s.equals(&input.shape, &output.shape)
    }

    fn wire(
        &self,
        prefix: &str,
        target: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let mut inputs: TVec<OutletId> = inputs.into();
        if self.quantize.is_some() {
            inputs = tract_onnx::tract_core::ops::cast::wire_cast(
                prefix,
                target,
                &inputs,
                DatumType::F32,
            )?;
        }
        target.wire_node(prefix, self.clone(), &inputs)
    }
}

impl Op for Rescale {
    fn name(&self) -> StaticName {
        "Rescale".into()
    }

    op_as_typed_op!();
}

impl TypedOp for Rescale {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [input] = inputs else { bail!("one input") };
        Ok(tvec!(self.output_type()?.fact(input.shape.clone())))
    }

    fn axes_mapping(
        &self,
        inputs: &[&TypedFact],
        outputs: &[&TypedFact],
    ) -> TractResult<AxesMapping> {
        if self.is_per_tensor() {
            AxesMapping::natural(inputs, outputs)
        } else {
            AxesMapping::disconnected(inputs, outputs)
        }
    }

    fn change_axes(
        &self,
        model: &TypedModel,
        node: &TypedNode,
        _io: InOut,
        change: &AxisOp,
    ) -> TractResult<Option<AxisChangeConsequence>> {
        let through = self.is_per_tensor();
        Ok(through.then(|| AxisChangeConsequence::new(model, node, None, change)))
    }

    as_op!();
}

impl EvalOp for Rescale {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext<'_>, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = inputs.remove(0);
        let output = match (&self.quantize, &self.dequantize) {
            (Some(quantize), Some(dequantize)) => fake(quantize, dequantize, input.into_tensor())?,
            (Some(quantize), None) => to_codes(quantize, &input)?,
            (None, Some(dequantize)) => to_reals(dequantize, &input)?,
            (None, None) => bail!("neither half"),
        };
        Ok(tvec!(output.into_tvalue()))
    }
}

fn run_of(shape: &[usize], axis: i64, channels: usize) -> TractResult<usize> {
    let run = run_length(shape, axis, channels);
    Ok(run.with_context(|| format!("{channels} scales on axis {axis} of shape {shape:?}"))?.max(1))
}

fn fake(quantize: &Quantize, dequantize: &Dequantize, mut tensor: Tensor) -> TractResult<Tensor> {
    let first = quantize.lanes().context("scales and zero points disagree")?;
    let second = dequantize.lanes().context("scales and zero points disagree")?;
    let shape: TVec<usize> = tensor.shape().into();
    let mut view = tensor.try_as_plain_ram_mut()?;
    let values = view.as_slice_mut::<f32>()?;
    if let (&[lane], &[(zero, scale)]) = (first.as_slice(), second.as_slice()) {
        fake_run(values, lane, zero as f32, scale);
        return Ok(tensor);
    }
    let run = run_of(&shape, quantize.axis, first.len())?;
    for (values, &lane) in values.chunks_mut(run).zip(first.iter().cycle()) {
        values.iter_mut().for_each(|x| *x = lane.code(*x));
    }
    let run = run_of(&shape, dequantize.axis, second.len())?;
    for (values, &(zero, scale)) in values.chunks_mut(run).zip(second.iter().cycle()) {
        values.iter_mut().for_each(|x| *x = (*x - zero as f32) * scale);
    }
    Ok(tensor)
}

fn fake_run(values: &mut [f32], lane: Lane, zero: f32, scale: f32) {
    for x in values {
        *x = (lane.code(*x) - zero) * scale;
    }
}

fn to_codes(quantize: &Quantize, input: &Tensor) -> TractResult<Tensor> {
    match quantize.dtype {
        Dtype::Int8 => codes::<i8>(quantize, input, |v| v as i8),
        Dtype::UInt8 => codes::<u8>(quantize, input, |v| v as u8),
        Dtype::Int16 => codes::<i16>(quantize, input, |v| v as i16),
        Dtype::UInt16 => codes::<u16>(quantize, input, |v| v as u16),
        other => bail!("no codes of type {}", other.name()),
    }
}

fn codes<T: Datum + Copy + tract_num_traits::Zero>(
    quantize: &Quantize,
    input: &Tensor,
    cast: impl Fn(f32) -> T + Copy,
) -> TractResult<Tensor> {
    let lanes = quantize.lanes().context("scales and zero points disagree")?;
    let run = run_of(input.shape(), quantize.axis, lanes.len())?;
    let mut output = Tensor::zero::<T>(input.shape())?;
    let mut view = output.try_as_plain_ram_mut()?;
    let (from, to) = (input.try_as_plain_ram()?, view.as_slice_mut::<T>()?);
    let runs = from.as_slice::<f32>()?.chunks(run).zip(to.chunks_mut(run));
    for ((from, to), &lane) in runs.zip(lanes.iter().cycle()) {
        from.iter().zip(to).for_each(|(&x, y)| *y = cast(lane.code(x)));
    }
    Ok(output)
}

fn to_reals(dequantize: &Dequantize, input: &Tensor) -> TractResult<Tensor> {
    match input.datum_type() {
        DatumType::I8 => reals::<i8>(dequantize, input),
        DatumType::U8 => reals::<u8>(dequantize, input),
        DatumType::I16 => reals::<i16>(dequantize, input),
        DatumType::U16 => reals::<u16>(dequantize, input),
        DatumType::I32 => reals::<i32>(dequantize, input),
        other => bail!("no codes of type {other:?}"),
    }
}

fn reals<T: Datum + Copy + Into<i64>>(
    dequantize: &Dequantize,
    input: &Tensor,
) -> TractResult<Tensor> {
    let lanes = dequantize.lanes().context("scales and zero points disagree")?;
    let run = run_of(input.shape(), dequantize.axis, lanes.len())?;
    let mut output = Tensor::zero::<f32>(input.shape())?;
    let mut view = output.try_as_plain_ram_mut()?;
    let (from, to) = (input.try_as_plain_ram()?, view.as_slice_mut::<f32>()?);
    let runs = from.as_slice::<T>()?.chunks(run).zip(to.chunks_mut(run));
    for ((from, to), &(zero, scale)) in runs.zip(lanes.iter().cycle()) {
        from.iter().zip(to).for_each(|(&q, y)| *y = (q.into() - zero) as f32 * scale);
    }
    Ok(output)
}
