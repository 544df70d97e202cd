//! Convolution and matrix product on codes: the public type and its checks.

use std::ops::Range;

#[cfg(target_arch = "arm")]
use super::arm;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use super::{
    finish::{Finish, Spread},
    fold,
    packed::{BLOCK, GROUP, Packed, Sum},
    portable,
};
#[cfg(target_arch = "aarch64")]
use super::{neon, neon_dot};
use crate::{Geometry, Isa, KernelError, Pool, SLACK, check, share};

/// Convolution or matrix product in integers, weights packed once.
///
/// The sum of output `n` at pixel `i` is
/// `bias[n] + sum_k (x[i, k] - input_zero) * (w[n, k] - weight_zero[n])`, where k walks
/// through the runs of the geometry in their order. Sums have 32 bits.
#[derive(Debug, Clone)]
pub struct Product8 {
    isa: Isa,
    layer: Layer,
    input_needed: usize,
    output_needed: usize,
    /// Whether threads may write different pixels at once.
    apart: bool,
}

/// What an implementation needs to know besides the two buffers.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) geometry: Geometry,
    /// From each pixel on, how many have origins one and the same step apart.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(super) ahead: Vec<u32>,
    pub(super) packed: Packed,
    pub(super) finish: Spread,
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    Codes(*mut u8),
    Reals(*mut f32),
}

/// One call. Every origin plus every run (and the slack) lies in `input`, every place plus
/// the outputs in the target, and there are as many places as origins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) layer: &'a Layer,
    pub(super) input: *const u8,
    pub(super) target: Target,
    /// Pixels to compute.
    pub(super) from: usize,
    pub(super) to: usize,
}

// SAFETY: jobs that threads run at once read a shared buffer and write pixels of their
// own, whose places lie apart.
unsafe impl Sync for Job<'_> {}

impl Job<'_> {
    /// The same for fewer pixels.
    fn part(&self, pixels: Range<usize>) -> Self {
        Self { from: pixels.start, to: pixels.end, ..*self }
    }
}

impl Product8 {
    /// Packs `weights`, `[outputs][sum of the runs' lengths]`. `weight_zero` and `bias` have
    /// one value per output or are empty. An `isa` that this processor lacks becomes
    /// [`Isa::Scalar`].
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when the numbers of weights, zero points, biases,
    /// multipliers, origins and places do not fit together, or some input makes a sum of
    /// more than 32 bits (without zero points that takes a depth of 65 000 at least).
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        isa: Isa,
        geometry: Geometry,
        outputs: usize,
        weights: &[i8],
        weight_zero: &[i8],
        bias: &[i32],
        input_zero: u8,
        finish: Finish,
    ) -> Result<Self, KernelError> {
        check::fits(geometry.origins.len() == geometry.places.len(), "places")?;
        let sum = Sum { outputs, weights, zero: weight_zero, bias, input_zero };
        let isa = if isa.detected() { isa } else { Isa::Scalar };
        let packed = Packed::new(isa, &geometry, sum)?;
        Self::of(isa, geometry, packed, finish)
    }

    /// From weights as [`packed`](Self::packed) gave them, for the same geometry and
    /// instruction set. Other bytes of the right number make other sums, modulo 2^32.
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when the numbers of bytes, multipliers, origins and places
    /// do not fit together.
    pub fn from_packed(
        isa: Isa,
        geometry: Geometry,
        outputs: usize,
        packed: &[u8],
        finish: Finish,
    ) -> Result<Self, KernelError> {
        check::fits(geometry.origins.len() == geometry.places.len(), "places")?;
        let isa = if isa.detected() { isa } else { Isa::Scalar };
        let packed = Packed::of_bytes(isa, &geometry, outputs, packed)?;
        Self::of(isa, geometry, packed, finish)
    }

    /// Weights, zero points and biases as this instruction set reads them.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        self.layer.packed.to_bytes()
    }

    fn of(
        isa: Isa,
        geometry: Geometry,
        packed: Packed,
        finish: Finish,
    ) -> Result<Self, KernelError> {
        let outputs = packed.outputs;
        let geometry = fold::reread(&geometry, &packed.again);
        let geometry = geometry.ok_or(KernelError::Parameters("packed weights"))?;
        let finish = Spread::new(finish, outputs, outputs.next_multiple_of(BLOCK))?;
        let input_needed =
            check::input_needed(&geometry.origins, check::runs_reach(&geometry.runs))?;
        let output_needed = check::output_needed(&geometry.places, outputs)?;
        let apart = share::apart(&geometry.places, outputs);
        let layer = Layer { ahead: ahead(&geometry.origins), geometry, packed, finish };
        Ok(Self { isa, layer, input_needed, output_needed, apart })
    }

    /// Computes codes.
    ///
    /// # Errors
    ///
    /// [`KernelError::Input`] and [`KernelError::Output`] when a slice is too short (the
    /// input needs [`SLACK`] elements behind the last one used), [`KernelError::Finish`]
    /// when the product makes reals.
    pub fn run_codes(&self, input: &[u8], output: &mut [u8]) -> Result<(), KernelError> {
        self.layer.finish.makes(true)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run_whole(input, Target::Codes(output.as_mut_ptr()));
        Ok(())
    }

    /// Computes reals.
    ///
    /// # Errors
    ///
    /// As [`run_codes`](Self::run_codes).
    pub fn run_reals(&self, input: &[u8], output: &mut [f32]) -> Result<(), KernelError> {
        self.layer.finish.makes(false)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run_whole(input, Target::Reals(output.as_mut_ptr()));
        Ok(())
    }

    /// [`run_codes`](Product8::run_codes) on all threads of a pool.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn run_codes_on(
        &self,
        pool: &Pool,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), KernelError> {
        self.layer.finish.makes(true)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run(pool, input, Target::Codes(output.as_mut_ptr()));
        Ok(())
    }

    /// [`run_reals`](Product8::run_reals) on all threads of a pool.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn run_reals_on(
        &self,
        pool: &Pool,
        input: &[u8],
        output: &mut [f32],
    ) -> Result<(), KernelError> {
        self.layer.finish.makes(false)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run(pool, input, Target::Reals(output.as_mut_ptr()));
        Ok(())
    }

    fn run(&self, pool: &Pool, input: &[u8], target: Target) {
        let pixels = self.layer.geometry.origins.len();
        if !self.apart {
            return self.run_whole(input, target);
        }
        let whole = self.job(input, target);
        let products = self.layer.packed.groups() * self.layer.packed.outputs * GROUP;
        share::pixels(pool, pixels, products, |part| {
            self.run_pixels(&whole.part(part));
        });
    }

    fn run_whole(&self, input: &[u8], target: Target) {
        self.run_pixels(&self.job(input, target));
    }

    fn job(&self, input: &[u8], target: Target) -> Job<'_> {
        let to = self.layer.geometry.origins.len();
        Job { layer: &self.layer, input: input.as_ptr(), target, from: 0, to }
    }

    fn run_pixels(&self, job: &Job<'_>) {
        match self.isa {
            // SAFETY: the lengths were compared with what the geometry touches; `new`
            // made sure of the instruction set.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { avx512::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => unsafe { neon_dot::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::product(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "arm")]
            Isa::Neon => unsafe { arm::product(job) },
            // SAFETY: the same lengths.
            _ => unsafe { portable::product(job) },
        }
    }
}

/// From each pixel on, how many have origins one and the same step apart.
fn ahead(origins: &[u32]) -> Vec<u32> {
    let mut all = vec![0; origins.len()];
    let mut next = None;
    let mut count = 0;
    for (at, &origin) in origins.iter().enumerate().rev() {
        let step = origins.get(at + 1).map(|&other| i64::from(other) - i64::from(origin));
        count =
            if step.is_some() && step == next { count + 1 } else { 1 + u32::from(step.is_some()) };
        next = step;
        if let Some(found) = all.get_mut(at) {
            *found = count;
        }
    }
    all
}

// Whole groups of four are read behind a run, and whole vectors of 64 by the sums.
const _: () = assert!(SLACK >= 64);

#[cfg(test)]
mod tests {
    use super::ahead;

    #[test]
    fn pixels_in_line_are_counted() {
        assert_eq!(ahead(&[0, 2, 4, 10, 12, 11]), [3, 2, 2, 2, 2, 1]);
        assert_eq!(ahead(&[7]), [1]);
        assert_eq!(ahead(&[5, 5, 5]), [3, 2, 1]);
        assert!(ahead(&[]).is_empty());
    }
}
