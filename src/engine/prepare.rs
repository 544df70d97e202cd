//! From an image to the one input tensor of a model.
//!
//! An image of another size is resized with the triangle filter, widened when
//! shrinking so that every pixel counts (what Pillow and torchvision call antialiased
//! bilinear); grey and RGB are converted into each other (Rec. 601 luma). Then, by the
//! type of the input: float takes `(pixel - mean) / std`, uint8 the pixel, int8 the
//! pixel less 128.

use std::borrow::Cow;

use super::{EngineError, Stage};
use crate::model::{Dtype, Image, Layout, Preprocess, Tensor, TensorInfo};

/// Everything that does not depend on the image.
#[derive(Debug)]
pub(super) struct Preparation {
    spec: Preprocess,
    dtype: Dtype,
    shape: Vec<usize>,
}

impl Preparation {
    /// Checks that this preprocessing fits this input.
    pub(super) fn new(spec: &Preprocess, input: &TensorInfo) -> Result<Self, EngineError> {
        let refuse = |why: String| {
            EngineError::new(Stage::Load, format!("preprocessing for input {} {why}", input.name))
                .help("correct [preprocess] in the model's sidecar")
        };
        let (h, w, c) = (spec.height as usize, spec.width as usize, spec.channels as usize);
        let shape = match spec.layout {
            Layout::Nchw => vec![1, c, h, w],
            Layout::Nhwc => vec![1, h, w, c],
        };
        let declared: Option<Vec<usize>> =
            input.shape.iter().map(|dim| dim.and_then(|dim| usize::try_from(dim).ok())).collect();
        if declared.as_deref() != Some(shape.as_slice()) {
            return Err(refuse(format!(
                "makes {shape:?}, the model takes {:?}",
                declared.unwrap_or_default()
            )));
        }
        if !matches!(c, 1 | 3) || spec.mean.len() != c || spec.std.len() != c {
            return Err(refuse(format!(
                "needs 1 or 3 channels, each with mean and std, and has {c}"
            )));
        }
        if spec.std.iter().any(|std| !std.is_normal())
            || spec.mean.iter().any(|mean| !mean.is_finite())
        {
            return Err(refuse("has a std of zero or a value that is no number".to_owned()));
        }
        if !matches!(input.dtype, Dtype::Float32 | Dtype::Float16 | Dtype::UInt8 | Dtype::Int8) {
            return Err(refuse(format!("cannot make {}", input.dtype.name())));
        }
        Ok(Self { spec: spec.clone(), dtype: input.dtype, shape })
    }

    /// The input tensor of an image.
    pub(super) fn tensor(&self, image: &Image) -> Result<Tensor, EngineError> {
        let refuse = |why: &str| EngineError::new(Stage::Run, format!("image {why}"));
        let count = [image.height, image.width, image.channels]
            .iter()
            .try_fold(1_usize, |count, &dim| count.checked_mul(dim as usize));
        if count != Some(image.pixels.len()) || image.pixels.is_empty() {
            return Err(refuse("has another number of pixels than its size says"));
        }
        let image =
            recolour(image, self.spec.channels).ok_or_else(|| refuse("is neither grey nor RGB"))?;
        let image = resize(image, self.spec.height, self.spec.width);
        Ok(Tensor {
            dtype: self.dtype,
            shape: self.shape.clone(),
            data: self.encode(&image.pixels),
        })
    }

    fn encode(&self, pixels: &[u8]) -> Vec<u8> {
        match self.dtype {
            Dtype::UInt8 => self.arrange(pixels, |pixel, _| [pixel]),
            Dtype::Int8 => self.arrange(pixels, |pixel, _| [pixel ^ 0x80]),
            Dtype::Float16 => self.arrange(pixels, |pixel, channel| {
                half::f16::from_f32(self.normal(pixel, channel)).to_le_bytes()
            }),
            _ => self.arrange(pixels, |pixel, channel| self.normal(pixel, channel).to_le_bytes()),
        }
    }

    fn normal(&self, pixel: u8, channel: usize) -> f32 {
        let at = |list: &[f32], default| list.get(channel).copied().unwrap_or(default);
        (f32::from(pixel) - at(&self.spec.mean, 0.0)) / at(&self.spec.std, 1.0)
    }

    /// Puts HWC pixels in the order of the layout.
    fn arrange<const N: usize>(
        &self,
        pixels: &[u8],
        element: impl Fn(u8, usize) -> [u8; N],
    ) -> Vec<u8> {
        let channels = self.spec.channels as usize;
        let mut data = Vec::with_capacity(pixels.len() * N);
        match self.spec.layout {
            Layout::Nhwc => {
                let numbered = pixels.iter().zip((0..channels).cycle());
                numbered.for_each(|(&pixel, channel)| data.extend(element(pixel, channel)));
            }
            Layout::Nchw => {
                for channel in 0..channels {
                    let plane = pixels.iter().skip(channel).step_by(channels);
                    plane.for_each(|&pixel| data.extend(element(pixel, channel)));
                }
            }
        }
        data
    }
}

/// The image with so many channels; the very same where it has them already, since this is
/// part of every inference.
fn recolour(image: &Image, channels: u32) -> Option<Cow<'_, Image>> {
    let pixels = match (image.channels, channels) {
        (a, b) if a == b => return Some(Cow::Borrowed(image)),
        (1, 3) => image.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        (3, 1) => image.pixels.as_chunks::<3>().0.iter().map(|&rgb| luma(rgb)).collect(),
        _ => return None,
    };
    Some(Cow::Owned(Image { channels, pixels, ..*image }))
}

/// Rec. 601, in the 16-bit fixed point of Pillow.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 0x8000;
    u8::try_from(sum >> 16).unwrap_or(u8::MAX)
}

fn resize(image: Cow<'_, Image>, height: u32, width: u32) -> Cow<'_, Image> {
    if (image.height, image.width) == (height, width) {
        return image;
    }
    let (rows, columns, channels) =
        (image.height as usize, image.width as usize, image.channels as usize);
    let pixels: Vec<f32> = image.pixels.iter().map(|&pixel| f32::from(pixel)).collect();
    let wide = along(&pixels, columns, width as usize, channels);
    let wide = transposed(&wide, rows, width as usize, channels);
    let done = along(&wide, rows, height as usize, channels);
    let done = transposed(&done, width as usize, height as usize, channels);
    let pixels = done.iter().map(|&value| (value + 0.5).clamp(0.0, 255.0) as u8).collect();
    Cow::Owned(Image { height, width, pixels, channels: image.channels })
}

/// Resamples every row of `from` pixels to `to` pixels.
fn along(pixels: &[f32], from: usize, to: usize, channels: usize) -> Vec<f32> {
    let taps: Vec<(usize, Vec<f32>)> = (0..to).map(|at| taps(at, from, to)).collect();
    let mut result = Vec::with_capacity(pixels.len() / from.max(1) * to);
    for row in pixels.chunks(from * channels) {
        for (first, weights) in &taps {
            for channel in 0..channels {
                let samples = row.iter().skip(first * channels + channel).step_by(channels);
                result.push(samples.zip(weights).map(|(sample, weight)| sample * weight).sum());
            }
        }
    }
    result
}

/// First sample and weights of one target pixel: a triangle as wide as the step, at least one.
fn taps(at: usize, from: usize, to: usize) -> (usize, Vec<f32>) {
    let step = from as f32 / to as f32;
    let radius = step.max(1.0);
    let centre = (at as f32 + 0.5) * step;
    let first = (centre - radius + 0.5).max(0.0) as usize;
    let last = ((centre + radius + 0.5) as usize).min(from).max(first + 1);
    let weight = |sample: usize| (1.0 - ((sample as f32 + 0.5 - centre) / radius).abs()).max(0.0);
    let weights: Vec<f32> = (first..last).map(weight).collect();
    let sum: f32 = weights.iter().sum();
    (first, weights.iter().map(|weight| weight / sum).collect())
}

fn transposed(pixels: &[f32], rows: usize, columns: usize, channels: usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(pixels.len());
    for column in 0..columns {
        for row in pixels.chunks(columns * channels).take(rows) {
            result.extend(row.iter().skip(column * channels).take(channels));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(layout: Layout, channels: u32, height: u32, width: u32) -> Preprocess {
        let n = channels as usize;
        Preprocess { layout, channels, height, width, mean: vec![10.0; n], std: vec![2.0; n] }
    }

    fn input(dtype: Dtype, shape: &[u64]) -> TensorInfo {
        TensorInfo { name: "x".to_owned(), dtype, shape: shape.iter().copied().map(Some).collect() }
    }

    const RGB: [u8; 6] = [10, 20, 30, 40, 50, 60];

    fn image(channels: u32, height: u32, width: u32, pixels: &[u8]) -> Image {
        Image { height, width, channels, pixels: pixels.to_vec() }
    }

    fn resized(image: Image, height: u32, width: u32) -> Image {
        resize(Cow::Owned(image), height, width).into_owned()
    }

    #[test]
    fn float_inputs_are_standardised_channels_first() {
        let spec = spec(Layout::Nchw, 3, 1, 2);
        let made = Preparation::new(&spec, &input(Dtype::Float32, &[1, 3, 1, 2])).unwrap();
        let tensor = made.tensor(&image(3, 1, 2, &RGB)).unwrap();
        assert_eq!(tensor.to_f32().unwrap(), [0.0, 15.0, 5.0, 20.0, 10.0, 25.0]);
    }

    #[test]
    fn byte_inputs_take_pixels_channels_last() {
        let spec = spec(Layout::Nhwc, 3, 1, 2);
        let tensor = |dtype| {
            let made = Preparation::new(&spec, &input(dtype, &[1, 1, 2, 3])).unwrap();
            made.tensor(&image(3, 1, 2, &RGB)).unwrap().to_i64().unwrap()
        };
        assert_eq!(tensor(Dtype::UInt8), [10, 20, 30, 40, 50, 60]);
        assert_eq!(tensor(Dtype::Int8), [-118, -108, -98, -88, -78, -68]);
    }

    #[test]
    fn grey_and_rgb_become_each_other() {
        assert_eq!(recolour(&image(1, 1, 1, &[7]), 3).unwrap().pixels, [7, 7, 7]);
        // Pillow: Image.new("RGB", (1, 1), (10, 200, 90)).convert("L") -> 131.
        assert_eq!(recolour(&image(3, 1, 1, &[10, 200, 90]), 1).unwrap().pixels, [131]);
        assert_eq!(recolour(&image(2, 1, 1, &[1, 2]), 1), None);
    }

    #[test]
    fn shrinking_averages_and_growing_interpolates() {
        // Triangle of radius 2 over 4 samples, by hand: weights 3/8 3/8 1/8 cut at the edge -> 3/7 3/7 1/7.
        let small = resized(image(1, 1, 4, &[0, 70, 140, 210]), 1, 2);
        assert_eq!(small.pixels, [50, 160]);
        let large = resized(image(1, 1, 2, &[0, 100]), 1, 4);
        assert_eq!(large.pixels, [0, 25, 75, 100]);
        let flat = resized(image(3, 5, 7, &[9; 105]), 3, 2);
        assert_eq!(flat.pixels, [9; 18]);
    }

    /// `Image.fromarray(a).resize((w, h), Image.BILINEAR)` of Pillow 13, which rounds to
    /// bytes between the two directions and so may differ by one.
    #[test]
    fn resizing_agrees_with_pillow() {
        let a = [
            217, 163, 130, 69, 78, 10, 19, 4, 44, 208, 166, 233, 128, 155, 248, 186, 161, 139, 143,
            239, 71, 208, 171, 0, 100, 219, 141, 8, 195, 186, 216, 44, 22, 220, 5,
        ];
        let tall = [
            217, 181, 148, 116, 69, 76, 40, 13, 19, 124, 115, 134, 152, 111, 138, 99, 67, 79, 19,
            42, 121, 196, 164, 213, 176, 140, 150, 172, 152, 157, 169, 147, 166, 189, 169, 97, 236,
            200, 150, 114, 127, 158, 190, 156, 51, 211, 185, 100, 30, 102, 190, 177, 102, 12, 201,
            186, 154, 110, 69, 100, 151, 126, 6, 195, 189, 199, 178, 44, 27, 132, 148, 5,
        ];
        for (height, width, theirs) in [(2, 3, &[135, 143, 115, 172, 120, 120][..]), (8, 9, &tall)]
        {
            let ours = resized(image(1, 5, 7, &a), height, width).pixels;
            assert_eq!(ours.len(), theirs.len());
            assert!(
                ours.iter().zip(theirs).all(|(a, b): (&u8, &u8)| a.abs_diff(*b) <= 1),
                "{ours:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let nchw = spec(Layout::Nchw, 3, 1, 2);
        assert!(Preparation::new(&nchw, &input(Dtype::Float32, &[1, 1, 2, 3])).is_err());
        assert!(Preparation::new(&nchw, &input(Dtype::Int64, &[1, 3, 1, 2])).is_err());
        let made = Preparation::new(&nchw, &input(Dtype::Float32, &[1, 3, 1, 2])).unwrap();
        assert!(made.tensor(&image(3, 1, 2, &RGB[..5])).is_err());
        assert!(made.tensor(&image(2, 1, 3, &RGB)).is_err());
    }
}
