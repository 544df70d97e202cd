//! Weights in the order in which the kernels read them.

/// Outputs that are computed side by side.
pub(super) const LANES: usize = 16;

/// One cache line of f32: what one AVX-512 register, two AVX2 or four Neon registers hold.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub(super) struct Lanes(pub(super) [f32; LANES]);

impl Lanes {
    pub(super) const ZERO: Self = Self([0.0; LANES]);
}

/// `[outputs][depth]` to `[block of 16 outputs][depth][16]`, missing outputs 0.
pub(super) fn pack(weights: &[f32], outputs: usize, depth: usize) -> Vec<Lanes> {
    let mut panels = vec![Lanes::ZERO; outputs.div_ceil(LANES) * depth];
    for (output, row) in weights.chunks_exact(depth.max(1)).take(outputs).enumerate() {
        let panel = output / LANES * depth;
        for (step, &weight) in panels[panel..panel + depth].iter_mut().zip(row) {
            step.0[output % LANES] = weight;
        }
    }
    panels
}

/// Lanes as bytes.
pub(super) fn to_bytes(lanes: &[Lanes]) -> impl Iterator<Item = u8> {
    lanes.iter().flat_map(|lanes| lanes.0).flat_map(f32::to_le_bytes)
}

/// The lanes of these bytes; those behind the last whole lanes are left out.
pub(super) fn of_bytes(bytes: &[u8]) -> Vec<Lanes> {
    let words = bytes.as_chunks::<4>().0.as_chunks::<LANES>().0;
    words.iter().map(|words| Lanes(words.map(f32::from_le_bytes))).collect()
}

/// `values` cut into lanes, the missing ones 0.
pub(super) fn split(values: &[f32]) -> Vec<Lanes> {
    let block = |chunk: &[f32]| {
        let mut lanes = Lanes::ZERO;
        lanes.0[..chunk.len()].copy_from_slice(chunk);
        lanes
    };
    values.chunks(LANES).map(block).collect()
}
