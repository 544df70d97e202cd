//! A small picture drawn by arithmetic that gives the same pixels on every target: no
//! function is used that a mathematical library may round in its own way.

use crate::model::Image;

/// Side of every picture, pixels.
pub(super) const SIDE: usize = 32;

/// A point; the picture is the unit square, y downwards.
pub(super) type Point = [f32; 2];
/// Red, green, blue, 0 to 255.
pub(super) type Colour = [f32; 3];

/// Pixels in floating point.
pub(super) struct Canvas(Vec<Colour>);

impl Canvas {
    /// Every pixel as `colour` says of its centre.
    pub(super) fn painted(colour: impl Fn(Point) -> Colour) -> Self {
        let centre = |at: usize| (at as f32 + 0.5) / SIDE as f32;
        Self((0..SIDE * SIDE).map(|at| colour([centre(at % SIDE), centre(at / SIDE)])).collect())
    }

    /// Lays ink over it where `depth` (in the unit of the square, positive inside) says so;
    /// edges are as soft as a pixel.
    pub(super) fn inked(self, ink: Colour, depth: impl Fn(Point) -> f32) -> Self {
        let cover = Self::painted(|at| [(depth(at) * SIDE as f32 + 0.5).clamp(0.0, 1.0); 3]);
        let laid = self.0.iter().zip(&cover.0).map(|(under, cover)| mixed(*under, ink, cover[0]));
        Self(laid.collect())
    }

    /// As an RGB image.
    pub(super) fn image(&self) -> Image {
        let byte = |value: &f32| (value + 0.5).clamp(0.0, 255.0) as u8;
        Image {
            height: SIDE as u32,
            width: SIDE as u32,
            channels: 3,
            pixels: self.0.iter().flatten().map(byte).collect(),
        }
    }
}

/// Between two colours.
pub(super) fn mixed(from: Colour, to: Colour, share: f32) -> Colour {
    let mut mixed = from;
    for (value, to) in mixed.iter_mut().zip(to) {
        *value += (to - *value) * share;
    }
    mixed
}

/// Distance between two points.
pub(super) fn distance([ax, ay]: Point, [bx, by]: Point) -> f32 {
    ((ax - bx) * (ax - bx) + (ay - by) * (ay - by)).sqrt()
}

/// Distance from a polyline to a point; infinite where there is no line.
pub(super) fn to_line(line: &[Point], at: Point) -> f32 {
    let pairs = line.iter().zip(line.iter().skip(1));
    pairs.map(|(a, b)| to_segment(*a, *b, at)).fold(f32::INFINITY, f32::min)
}

fn to_segment([ax, ay]: Point, [bx, by]: Point, [x, y]: Point) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let share = if length > 0.0 { ((x - ax) * dx + (y - ay) * dy) / length } else { 0.0 };
    let share = share.clamp(0.0, 1.0);
    distance([ax + share * dx, ay + share * dy], [x, y])
}
