//! An image as a board holds it: bytes.

use serde::{Deserialize, Serialize};

/// Pixels 0 to 255, row by row, channels innermost (HWC), RGB where there are three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: u32,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
}

/// The image of a golden vector: its bytes are the top bytes of successive SplitMix64
/// outputs from `seed`, in HWC order.
///
/// SplitMix64 is Vigna's public-domain generator (<https://prng.di.unimi.it/splitmix64.c>).
#[must_use]
pub fn golden_image(seed: u64, height: u32, width: u32, channels: u32) -> Image {
    let count = height as usize * width as usize * channels as usize;
    let mut state = seed;
    let pixels = std::iter::repeat_with(|| (split_mix(&mut state) >> 56) as u8).take(count);
    Image { height, width, channels, pixels: pixels.collect() }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs from seed 1234567, as published with the generator's test vectors
    /// (<https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64>).
    #[test]
    fn generator_agrees_with_the_published_sequence() {
        let mut state = 1_234_567;
        let first: Vec<u64> = std::iter::repeat_with(|| split_mix(&mut state)).take(3).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn golden_image_takes_the_top_bytes() {
        let image = golden_image(1_234_567, 1, 1, 3);
        assert_eq!(image.pixels, [89, 44, 136]);
        assert_eq!(golden_image(7, 4, 5, 3).pixels.len(), 60);
    }
}
