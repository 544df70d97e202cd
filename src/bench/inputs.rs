//! What the pipeline is fed while it is timed: always the same, from fixed seeds.

use half::{bf16, f16};

use crate::engine::{EngineError, Pipeline, PipelineSpec};
use crate::model::{Dtype, Image, Rejection, Stage, Tensor, TensorInfo, golden_image};

/// Different inputs, taken in turn, so that no cache learns one by heart.
const VARIETY: u64 = 8;
/// Elements of one input at most: 1 GiB of `float32`.
const LARGEST: u64 = 1 << 28;

/// A fixed set of inputs.
#[derive(Debug)]
pub(super) enum Inputs {
    /// For a pipeline that reads images.
    Images(Vec<Image>),
    /// For one that reads tensors.
    Tensors(Vec<Vec<Tensor>>),
}

impl Inputs {
    /// What this pipeline reads.
    pub(super) fn of(spec: &PipelineSpec, pipeline: &Pipeline) -> Result<Self, Rejection> {
        if spec.preprocess.is_some() {
            return Ok(Self::Images((0..VARIETY).filter_map(|seed| picture(spec, seed)).collect()));
        }
        let wanted = pipeline.session().inputs();
        let set = |seed| wanted.iter().map(|info| tensor(info, seed)).collect();
        (0..VARIETY).map(set).collect::<Result<_, _>>().map(Self::Tensors)
    }

    /// The input whose turn it is.
    pub(super) fn get(&self, turn: usize) -> Result<Input<'_>, Rejection> {
        let turn = turn % VARIETY as usize;
        let input = match self {
            Self::Images(images) => images.get(turn).map(Input::Image),
            Self::Tensors(sets) => sets.get(turn).map(|set| Input::Tensors(set)),
        };
        input.ok_or_else(|| Rejection {
            stage: Stage::First,
            reason: "there is nothing to feed the model with".to_owned(),
            help: Some("Give the model a sidecar with [preprocess].".to_owned()),
        })
    }
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'a> {
    /// For a pipeline that reads images.
    Image(&'a Image),
    /// For one that reads tensors.
    Tensors(&'a [Tensor]),
}

impl Input<'_> {
    /// One inference.
    pub(super) fn feed(self, pipeline: &mut Pipeline) -> Result<Vec<f32>, EngineError> {
        match self {
            Self::Image(image) => pipeline.infer(image),
            Self::Tensors(set) => pipeline.infer_raw(set),
        }
    }
}

/// A picture of the size that the pipeline reads.
pub(super) fn picture(spec: &PipelineSpec, seed: u64) -> Option<Image> {
    let size = spec.preprocess.as_ref()?;
    Some(golden_image(seed, size.height, size.width, size.channels))
}

/// A tensor of this type and shape; unknown dimensions are 1. Wide integers are 0 or 1,
/// since they may be indices.
fn tensor(info: &TensorInfo, seed: u64) -> Result<Tensor, Rejection> {
    let dims: Vec<u64> = info.shape.iter().map(|dim| dim.unwrap_or(1)).collect();
    let length = dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim));
    let length = length.filter(|&length| length <= LARGEST);
    let length = length.ok_or_else(|| unfit(info, "is larger than anything a board holds"))?;
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut data = Vec::new();
    for _ in 0..length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if !push(&mut data, info.dtype, (state >> 32) as u32) {
            return Err(unfit(info, "has a type that cannot be made up"));
        }
    }
    let shape = dims.iter().map(|&dim| dim as usize).collect();
    Ok(Tensor { dtype: info.dtype, shape, data })
}

/// One element from random bits; false where the type has no numbers.
fn push(data: &mut Vec<u8>, dtype: Dtype, bits: u32) -> bool {
    let unit = f64::from(bits) / f64::from(u32::MAX);
    let index = bits >> 31;
    match dtype {
        Dtype::Float32 => data.extend((unit as f32).to_le_bytes()),
        Dtype::Float64 => data.extend(unit.to_le_bytes()),
        Dtype::Float16 => data.extend(f16::from_f64(unit).to_le_bytes()),
        Dtype::BFloat16 => data.extend(bf16::from_f64(unit).to_le_bytes()),
        Dtype::Int8 | Dtype::UInt8 => data.push((bits >> 24) as u8),
        Dtype::Int16 | Dtype::UInt16 => data.extend((index as u16).to_le_bytes()),
        Dtype::Int32 | Dtype::UInt32 => data.extend(index.to_le_bytes()),
        Dtype::Int64 | Dtype::UInt64 => data.extend(u64::from(index).to_le_bytes()),
        Dtype::Bool => data.push(index as u8),
        Dtype::String | Dtype::Other => return false,
    }
    true
}

fn unfit(info: &TensorInfo, why: &str) -> Rejection {
    let reason = format!("input {:?} {why}", info.name);
    let help = "Give the model a sidecar with [preprocess], or fixed input shapes.".to_owned();
    Rejection { stage: Stage::First, reason, help: Some(help) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_have_the_declared_size_and_are_the_same_every_time() {
        let sizes = [
            (Dtype::Float32, 4),
            (Dtype::Float64, 8),
            (Dtype::Float16, 2),
            (Dtype::BFloat16, 2),
            (Dtype::Int8, 1),
            (Dtype::UInt16, 2),
            (Dtype::Int32, 4),
            (Dtype::Int64, 8),
            (Dtype::Bool, 1),
        ];
        for (dtype, size) in sizes {
            let info = TensorInfo { name: "x".into(), dtype, shape: vec![None, Some(3), Some(5)] };
            let made = tensor(&info, 1).unwrap();
            assert_eq!((made.shape.as_slice(), made.data.len()), (&[1, 3, 5][..], 15 * size));
            assert_eq!(made, tensor(&info, 1).unwrap());
            assert_ne!(made, tensor(&info, 2).unwrap(), "{dtype:?}");
        }
    }

    #[test]
    fn what_cannot_be_made_up_is_refused() {
        let info = |dtype, dim| TensorInfo { name: "x".into(), dtype, shape: vec![Some(dim); 2] };
        assert!(tensor(&info(Dtype::String, 1), 0).is_err());
        assert!(tensor(&info(Dtype::Float32, u64::MAX), 0).is_err());
        assert!(tensor(&info(Dtype::Float32, 1 << 20), 0).is_err());
    }
}
