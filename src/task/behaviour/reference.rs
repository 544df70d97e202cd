//! The reference images: six small tasks drawn by this program, the same everywhere.
//!
//! They stand for kinds of pictures that devices look at: printed figures and letters, pen
//! strokes, signs, line patterns, and coloured textures. A backbone that tells a group's
//! classes apart will more likely serve a task of that kind.

use super::canvas::{Canvas, Colour, Point, distance, mixed, to_line};
use crate::base::random::SplitMix64;
use crate::task::Sample;

/// Classes of a group, and pictures of each.
pub const CLASSES: usize = 8;
/// Pictures of each class.
pub const PER_CLASS: usize = 4;
/// Names of the groups, in their order.
pub const GROUPS: [&str; 6] = ["figures", "letters", "strokes", "signs", "gratings", "textures"];

const SEED: u64 = 0x7265_6665_7265_6e63;

/// 5 x 7 bitmaps, a row per byte, the leftmost pixel in bit 4.
const FIGURES: [[u8; 7]; CLASSES] = [
    [14, 17, 19, 21, 25, 17, 14],
    [4, 12, 4, 4, 4, 4, 14],
    [14, 17, 1, 2, 4, 8, 31],
    [31, 2, 4, 2, 1, 17, 14],
    [2, 6, 10, 18, 31, 2, 2],
    [31, 16, 30, 1, 1, 17, 14],
    [6, 8, 16, 30, 17, 17, 14],
    [31, 1, 2, 4, 8, 8, 8],
];
const LETTERS: [[u8; 7]; CLASSES] = [
    [14, 17, 17, 31, 17, 17, 17],
    [30, 17, 17, 30, 17, 17, 30],
    [14, 17, 16, 16, 16, 17, 14],
    [31, 16, 16, 30, 16, 16, 31],
    [17, 17, 17, 31, 17, 17, 17],
    [17, 18, 20, 24, 20, 18, 17],
    [17, 27, 21, 21, 17, 17, 17],
    [31, 4, 4, 4, 4, 4, 4],
];
/// Directions of gratings, as whole steps.
const DIRECTIONS: [[f32; 2]; 4] = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, -0.6]];

/// One group of pictures with their classes.
pub(super) fn group(number: usize) -> Vec<Sample> {
    let numbered = (0..CLASSES * PER_CLASS).map(|at| (at / PER_CLASS, at % PER_CLASS));
    let picture = |(class, copy): (usize, usize)| {
        let mut chance = Chance::of(&[number, class, copy]);
        let canvas = match number {
            0 => printed(&FIGURES, class, &mut chance),
            1 => printed(&LETTERS, class, &mut chance),
            2 => strokes(class, &mut chance),
            3 => sign(class, &mut chance),
            4 => grating(class, &mut chance),
            _ => texture(class, &mut chance),
        };
        Sample { image: canvas.image(), label: class as u32 }
    };
    numbered.map(picture).collect()
}

/// Seeded chance in floating point.
struct Chance(SplitMix64);

impl Chance {
    fn of(place: &[usize]) -> Self {
        let mix = |seed: u64, at: &usize| SplitMix64::new(seed ^ *at as u64).next_u64();
        Self(SplitMix64::new(place.iter().fold(SEED, mix)))
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.unit() as f32
    }

    fn colour(&mut self, low: f32, high: f32) -> Colour {
        [(); 3].map(|()| self.between(low, high))
    }

    fn near(&mut self, [x, y]: Point, reach: f32) -> Point {
        [x + self.between(-reach, reach), y + self.between(-reach, reach)]
    }

    /// Dark on light or light on dark: paper and ink.
    fn paper(&mut self) -> (Colour, Colour) {
        let (dark, light) = (self.colour(0.0, 70.0), self.colour(180.0, 255.0));
        if self.between(0.0, 1.0) < 0.5 { (light, dark) } else { (dark, light) }
    }
}

/// A character of a bitmap font, moved, scaled and slanted a little.
fn printed(font: &[[u8; 7]], class: usize, chance: &mut Chance) -> Canvas {
    let (paper, ink) = chance.paper();
    let (scale, slant) = (chance.between(0.085, 0.115), chance.between(-0.2, 0.2));
    let [x, y] = chance.near([0.5, 0.5], 0.08);
    let rows = font.get(class).copied().unwrap_or_default();
    Canvas::painted(|_| paper).inked(ink, |[px, py]| {
        let row = (py - y) / scale + 3.5;
        let column = (px - x) / scale + 2.5 + slant * (row - 3.5);
        let bits = if row >= 0.0 { rows.get(row as usize).copied().unwrap_or(0) } else { 0 };
        let on = (0.0..5.0).contains(&column) && bits >> (4 - column as u8) & 1 == 1;
        if on { 1.0 } else { -1.0 }
    })
}

/// Pen strokes: the class is a random character of two lines, every copy written anew.
fn strokes(class: usize, chance: &mut Chance) -> Canvas {
    let mut letter = Chance::of(&[2, class]);
    let mut line = |points: usize| -> Vec<Point> {
        let mut point = || letter.near([0.5, 0.5], 0.38);
        let points: Vec<Point> = (0..points).map(|_| point()).collect();
        points.into_iter().map(|point| chance.near(point, 0.05)).collect()
    };
    let lines = [line(4), line(3)];
    let (paper, ink) = chance.paper();
    let width = chance.between(0.03, 0.055);
    Canvas::painted(|_| paper).inked(ink, |at| {
        width - lines.iter().map(|line| to_line(line, at)).fold(f32::INFINITY, f32::min)
    })
}

/// A plain sign: disc, ring, square, frame, triangle, cross, bar, two discs.
fn sign(class: usize, chance: &mut Chance) -> Canvas {
    let (paper, ink) = (chance.colour(0.0, 255.0), chance.colour(0.0, 255.0));
    let [x, y] = chance.near([0.5, 0.5], 0.12);
    let size = chance.between(0.2, 0.34);
    let width = size * 0.3;
    Canvas::painted(|_| paper).inked(ink, |at| {
        let (dx, dy) = ((at[0] - x).abs(), (at[1] - y).abs());
        let (round, square) = (distance(at, [x, y]), dx.max(dy));
        match class {
            0 => size - round,
            1 => width / 2.0 - (round - size + width / 2.0).abs(),
            2 => size - square,
            3 => width / 2.0 - (square - size + width / 2.0).abs(),
            4 => (size - (at[1] - y)).min((at[1] - y + size) / 2.0 - dx),
            5 => (size - square).min(width / 2.0 - dx.min(dy)),
            6 => (size - dx).min(width - dy),
            _ => size / 2.0 - distance([dx, dy], [size / 1.6, 0.0]),
        }
    })
}

/// Lines in one of four directions, coarse or fine.
fn grating(class: usize, chance: &mut Chance) -> Canvas {
    let [dx, dy] = DIRECTIONS.get(class % 4).copied().unwrap_or_default();
    let lines = if class < 4 { 3.0 } else { 7.0 } * chance.between(0.9, 1.1);
    let phase = chance.between(0.0, 1.0);
    let (from, to) = (chance.colour(0.0, 120.0), chance.colour(130.0, 255.0));
    Canvas::painted(|[x, y]| {
        let at = (x * dx + y * dy) * lines + phase + 8.0;
        let share = at - at.floor();
        mixed(from, to, if share < 0.5 { 2.0 * share } else { 2.0 - 2.0 * share })
    })
}

/// Cloudy noise in a palette of its class, at a coarseness of its class.
fn texture(class: usize, chance: &mut Chance) -> Canvas {
    let mut palette = Chance::of(&[5, class]);
    let (from, to) = (palette.colour(0.0, 255.0), palette.colour(0.0, 255.0));
    let light = chance.between(-25.0, 25.0);
    let cells = if class.is_multiple_of(2) { 4 } else { 9 };
    let knots: Vec<f32> =
        (0..(cells + 1) * (cells + 1)).map(|_| chance.between(0.0, 1.0)).collect();
    let knot = |x: usize, y: usize| knots.get(y * (cells + 1) + x).copied().unwrap_or(0.5);
    Canvas::painted(|[x, y]| {
        let (x, y) = (x * cells as f32, y * cells as f32);
        let (column, row) = (x as usize, y as usize);
        let (right, down) = (x - column as f32, y - row as f32);
        let across = |row| knot(column, row) * (1.0 - right) + knot(column + 1, row) * right;
        mixed(from, to, across(row) * (1.0 - down) + across(row + 1) * down).map(|v| v + light)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;

    #[test]
    fn the_pictures_are_these() {
        let pixels: Vec<u8> =
            (0..GROUPS.len()).flat_map(group).flat_map(|sample| sample.image.pixels).collect();
        assert_eq!(pixels.len(), GROUPS.len() * CLASSES * PER_CLASS * 32 * 32 * 3);
        // A picture that changes makes every behaviour that was recorded before meaningless.
        let digest = "74f828a124fa9fbcdef57edaaf96f27c0c81f661f2689f7e06a8c2531fabb620";
        assert_eq!(Digest::of(&pixels).to_string(), digest);
    }
}
