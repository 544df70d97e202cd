//! Convolution and matrix product: the public type and its checks.

use std::ops::Range;

#[cfg(target_arch = "arm")]
use super::arm;
#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use super::{
    lanes::{self, LANES, Lanes},
    layer::{self, Pixels},
    portable,
};
use crate::{Geometry, Isa, KernelError, Pool, Run, check, share};

/// Convolution or matrix product in f32, weights packed once.
///
/// `out[places[i] + n] = clamp(bias[n] + sum_k in[origins[i] + k] * weights[n][k])`, where
/// k walks through the runs of the geometry in their order.
#[derive(Debug, Clone)]
pub struct ProductF32 {
    isa: Isa,
    geometry: Geometry,
    layer: Layer,
    input_needed: usize,
    output_needed: usize,
    /// Whether threads may write different pixels at once.
    apart: bool,
}

/// What a tile needs to know besides where it is.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// `[block of 16 outputs][depth]`.
    pub(super) panels: Vec<Lanes>,
    /// `[block of 16 outputs]`.
    pub(super) bias: Vec<Lanes>,
    pub(super) depth: usize,
    pub(super) outputs: usize,
    pub(super) low: f32,
    pub(super) high: f32,
}

/// One call, its lengths checked: every origin plus every run lies in `input`, every place
/// plus `outputs` in `output`, and there are as many places as origins.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) runs: &'a [Run],
    /// Of the pixels to compute.
    pub(super) origins: &'a [u32],
    pub(super) places: &'a [u32],
    pub(super) layer: &'a Layer,
    pub(super) input: *const f32,
    pub(super) output: *mut f32,
}

impl ProductF32 {
    /// Packs `weights`, `[outputs][sum of the runs' lengths]`; `bias` has one value per
    /// output. An `isa` that this processor lacks becomes [`Isa::Scalar`].
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when the numbers of weights, biases, origins and places
    /// do not fit together.
    pub fn new(
        isa: Isa,
        geometry: Geometry,
        outputs: usize,
        weights: &[f32],
        bias: &[f32],
        clamp: (f32, f32),
    ) -> Result<Self, KernelError> {
        let depth = check::depth(&geometry.runs)?;
        check::fits(depth.checked_mul(outputs) == Some(weights.len()), "weights")?;
        check::fits(bias.len() == outputs, "bias")?;
        let panels = lanes::pack(weights, outputs, depth);
        Self::of(isa, geometry, outputs, [panels, lanes::split(bias)], clamp)
    }

    /// From weights as [`packed`](Self::packed) gave them, for the same geometry.
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when the numbers of bytes, origins and places do not fit
    /// together.
    pub fn from_packed(
        isa: Isa,
        geometry: Geometry,
        outputs: usize,
        packed: &[u8],
        clamp: (f32, f32),
    ) -> Result<Self, KernelError> {
        let blocks = outputs.div_ceil(LANES);
        let panels = check::depth(&geometry.runs)?.checked_mul(blocks);
        let lanes = panels.and_then(|panels| panels.checked_add(blocks));
        let bytes = lanes.and_then(|lanes| lanes.checked_mul(4 * LANES));
        check::fits(bytes == Some(packed.len()), "packed weights")?;
        let mut panels = lanes::of_bytes(packed);
        let bias = panels.split_off(panels.len() - blocks);
        Self::of(isa, geometry, outputs, [panels, bias], clamp)
    }

    /// Weights and biases as the kernels read them.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        let Layer { panels, bias, .. } = &self.layer;
        lanes::to_bytes(panels).chain(lanes::to_bytes(bias)).collect()
    }

    /// With as many panels as blocks of outputs times the depth, and as many biases as blocks.
    fn of(
        isa: Isa,
        geometry: Geometry,
        outputs: usize,
        [panels, bias]: [Vec<Lanes>; 2],
        (low, high): (f32, f32),
    ) -> Result<Self, KernelError> {
        let reach = check::runs_reach(&geometry.runs);
        let input_needed = check::input_needed(&geometry.origins, reach)?;
        let output_needed = check::output_needed(&geometry.places, outputs)?;
        check::fits(geometry.origins.len() == geometry.places.len(), "places")?;
        let depth = check::depth(&geometry.runs)?;
        let layer = Layer { panels, bias, depth, outputs, low, high };
        let isa = if isa.detected() { isa } else { Isa::Scalar };
        let apart = share::apart(&geometry.places, outputs);
        Ok(Self { isa, geometry, layer, input_needed, output_needed, apart })
    }

    /// Computes all output pixels.
    ///
    /// # Errors
    ///
    /// [`KernelError::Input`] and [`KernelError::Output`] when a slice is too short; the
    /// input needs [`SLACK`](crate::SLACK) elements behind the last one used.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), KernelError> {
        layer::run(self, None, input, output)
    }

    /// [`run`](Self::run) on all threads of a pool.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn run_on(
        &self,
        pool: &Pool,
        input: &[f32],
        output: &mut [f32],
    ) -> Result<(), KernelError> {
        layer::run(self, Some(pool), input, output)
    }
}

impl Pixels for ProductF32 {
    fn needed(&self) -> (usize, usize) {
        (self.input_needed, self.output_needed)
    }

    fn work(&self) -> (usize, usize) {
        (self.geometry.origins.len(), self.layer.depth * self.layer.outputs)
    }

    fn are_apart(&self) -> bool {
        self.apart
    }

    unsafe fn compute(&self, pixels: Range<usize>, input: *const f32, output: *mut f32) {
        let Geometry { origins, runs, places } = &self.geometry;
        let (origins, places) = (&origins[pixels.clone()], &places[pixels]);
        let job = &Job { runs, origins, places, layer: &self.layer, input, output };
        match self.isa {
            // SAFETY: what the caller promises; `new` made sure of the instruction set.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { avx512::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot => unsafe { neon::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "arm")]
            Isa::Neon => unsafe { arm::product(job) },
            // SAFETY: what the caller promises.
            _ => unsafe { portable::product(job) },
        }
    }
}
