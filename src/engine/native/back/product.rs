//! Steps that sum products with constant weights.

use umbra_kernels::{
    Depthwise8, DepthwiseF32, Finish, Geometry, Isa, Product8, ProductF32, Window,
};

use super::finish::{finish, spread};
use super::memory::Data;
use super::planner::fault;
use super::step::{Sources, Work};
use super::taps::Terms;
use crate::engine::EngineError;
use crate::engine::native::ir::{Kind, Range, Weights};

/// One kernel, made once.
#[derive(Debug)]
pub(super) enum Kernel {
    Codes(Product8),
    Reals(ProductF32),
    DepthwiseCodes(Depthwise8),
    DepthwiseReals(DepthwiseF32),
}

/// Kernels that share input and output: one, or one per group.
#[derive(Debug)]
pub(super) struct Products(pub(super) Vec<Kernel>);

impl Work for Products {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        self.0.iter().try_for_each(|kernel| kernel.run(from, to))
    }
}

impl Kernel {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let pool = from.pool;
        match (self, to) {
            (Self::Codes(kernel), Data::Codes(to)) => {
                kernel.run_codes_on(pool, from.codes(0)?, to)?;
            }
            (Self::Codes(kernel), to) => {
                kernel.run_reals_on(pool, from.codes(0)?, to.reals_mut()?)?;
            }
            (Self::DepthwiseCodes(kernel), Data::Codes(to)) => {
                kernel.run_codes_on(pool, from.codes(0)?, to)?;
            }
            (Self::DepthwiseCodes(kernel), to) => {
                kernel.run_reals_on(pool, from.codes(0)?, to.reals_mut()?)?;
            }
            (Self::Reals(kernel), to) => {
                kernel.run_on(pool, from.reals(0)?, to.reals_mut()?)?;
            }
            (Self::DepthwiseReals(kernel), to) => {
                kernel.run_on(pool, from.reals(0)?, to.reals_mut()?)?;
            }
        }
        Ok(())
    }
}

impl Products {
    /// The packed weights of each kernel; none where kernels keep theirs in other forms.
    pub(super) fn packed(&self) -> Vec<Vec<u8>> {
        let one = |kernel: &Kernel| match kernel {
            Kernel::Codes(kernel) => Some(kernel.packed()),
            Kernel::Reals(kernel) => Some(kernel.packed()),
            Kernel::DepthwiseCodes(_) | Kernel::DepthwiseReals(_) => None,
        };
        self.0.iter().map(one).collect::<Option<_>>().unwrap_or_default()
    }
}

/// What all groups of a layer share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) isa: Isa,
    pub(super) weights: &'a Weights,
    /// Of each group, packed in an earlier plan; empty where they are to be packed now.
    pub(super) packed: &'a [&'a [u8]],
    pub(super) range: Range,
    /// Outputs of all groups.
    pub(super) outputs: usize,
    pub(super) groups: usize,
    /// What the input holds.
    pub(super) from: Kind,
    /// What the output holds.
    pub(super) to: Kind,
}

impl Layer<'_> {
    /// The product of one group.
    pub(super) fn product(
        &self,
        group: usize,
        terms: &Terms,
        origins: Vec<u32>,
        places: Vec<u32>,
    ) -> Result<Kernel, EngineError> {
        let (isa, outputs) = (self.isa, self.outputs / self.groups.max(1));
        let geometry = terms.geometry(origins, places);
        let first = group * outputs;
        if let Some(packed) = self.packed.get(group) {
            return self.recalled(group, geometry, packed);
        }
        match self.weights {
            Weights::Codes { codes, zero, scale, bias, real_bias } => {
                let codes = arranged(terms, codes, first, outputs)?;
                let zero = if zero.is_empty() { Vec::new() } else { self.of_group(zero, group) };
                let bias = self.of_group(bias, group);
                let finish = self.finish(group, scale, real_bias);
                let kernel = Product8::new(
                    isa,
                    geometry,
                    outputs,
                    &codes,
                    &zero,
                    &bias,
                    self.zero()?,
                    finish,
                );
                Ok(Kernel::Codes(kernel?))
            }
            Weights::Reals(weights, bias) => {
                let weights = arranged(terms, weights, first, outputs)?;
                let bias = self.of_group(bias, group);
                let clamp = (self.range.low, self.range.high);
                let kernel = ProductF32::new(isa, geometry, outputs, &weights, &bias, clamp);
                Ok(Kernel::Reals(kernel?))
            }
        }
    }

    /// The product of one group, its weights packed already.
    fn recalled(
        &self,
        group: usize,
        geometry: Geometry,
        packed: &[u8],
    ) -> Result<Kernel, EngineError> {
        let (isa, outputs) = (self.isa, self.outputs / self.groups.max(1));
        match self.weights {
            Weights::Codes { scale, real_bias, .. } => {
                let finish = self.finish(group, scale, real_bias);
                let kernel = Product8::from_packed(isa, geometry, outputs, packed, finish);
                Ok(Kernel::Codes(kernel?))
            }
            Weights::Reals(..) => {
                let clamp = (self.range.low, self.range.high);
                let kernel = ProductF32::from_packed(isa, geometry, outputs, packed, clamp);
                Ok(Kernel::Reals(kernel?))
            }
        }
    }

    /// What becomes of the sums of a group.
    fn finish(&self, group: usize, scale: &[f32], real_bias: &[f32]) -> Finish {
        let (scale, real_bias) = (self.of_group(scale, group), self.of_group(real_bias, group));
        finish(self.to, &scale, &real_bias, self.range)
    }

    /// The depthwise convolution of all channels; weights are `[channels][taps]`.
    pub(super) fn depthwise(&self, window: Window) -> Result<Kernel, EngineError> {
        let (isa, channels) = (self.isa, self.outputs);
        match self.weights {
            Weights::Codes { codes, zero, scale, bias, real_bias } => {
                let codes = turned(codes, channels);
                let zero = if zero.is_empty() { Vec::new() } else { spread(zero, channels) };
                let (scale, bias) = (spread(scale, channels), spread(bias, channels));
                let finish = finish(self.to, &scale, &spread(real_bias, channels), self.range);
                let kernel =
                    Depthwise8::new(isa, window, &codes, &zero, &bias, self.zero()?, finish);
                Ok(Kernel::DepthwiseCodes(kernel?))
            }
            Weights::Reals(weights, bias) => {
                let (weights, bias) = (turned(weights, channels), spread(bias, channels));
                let clamp = (self.range.low, self.range.high);
                let kernel = DepthwiseF32::new(isa, window, &weights, &bias, clamp);
                Ok(Kernel::DepthwiseReals(kernel?))
            }
        }
    }

    fn zero(&self) -> Result<u8, EngineError> {
        match self.from {
            Kind::Codes(quantised) => Ok(quantised.zero),
            _ => Err(fault("integer weights for an input of reals")),
        }
    }

    /// One value per output of this group.
    fn of_group<T: Copy + Default>(&self, values: &[T], group: usize) -> Vec<T> {
        let outputs = self.outputs / self.groups.max(1);
        spread(values, self.outputs).into_iter().skip(group * outputs).take(outputs).collect()
    }
}

fn arranged<T: Copy>(
    terms: &Terms,
    weights: &[T],
    first: usize,
    outputs: usize,
) -> Result<Vec<T>, EngineError> {
    let start = first * terms.depth();
    let rows = weights.get(start..start + outputs * terms.depth());
    rows.and_then(|rows| terms.arrange(rows)).ok_or_else(|| fault("weights of another shape"))
}

/// `[channels][taps]` to `[taps][channels]`.
fn turned<T: Copy>(weights: &[T], channels: usize) -> Vec<T> {
    let taps = weights.len() / channels.max(1);
    let tap = |tap: usize| weights.iter().skip(tap).step_by(taps.max(1)).copied();
    (0..taps).flat_map(tap).collect()
}
