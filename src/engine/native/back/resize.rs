//! Height and width resampled.

use umbra_kernels::{Between, Bilinear, Isa};

use super::conv::channels_are_dense;
use super::copy::Gather;
use super::layout::CHANNELS_LAST;
use super::memory::Data;
use super::planner::{Planner, fault};
use super::step::{Sources, Work};
use super::taps;
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Coordinates, Kind, Node, Resize, Rounding};

/// Bilinear, with the instruction set.
#[derive(Debug)]
struct Blended(Isa, Bilinear);

impl Work for Blended {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let Self(isa, resize) = self;
        Ok(resize.run(*isa, from.reals(0)?, to.reals_mut()?)?)
    }
}

impl Planner<'_> {
    /// Plans a resize.
    pub(super) fn resize(&mut self, node: &Node, resize: &Resize) -> Result<(), EngineError> {
        let kind = self.input_value(node, 0)?.kind;
        if resize.linear && kind != Kind::Real {
            return Err(fault("a linear resize of codes"));
        }
        let given = self.input(node, 0)?;
        let image = match channels_are_dense(&given) {
            true => given,
            false => self.moved(&given, kind, &CHANNELS_LAST, &vec![(0, 0); given.shape.len()])?,
        };
        self.produce(node.output, &CHANNELS_LAST, channels_are_dense, |plan, to| {
            let misfit = || fault("a resize of what is no image");
            let places = taps::places(to)?;
            if resize.linear {
                let work = bilinear(resize, &image, to, places).ok_or_else(misfit)?;
                plan.push(Blended(plan.isa, work), &[&image], to);
            } else {
                let work = nearest(resize, &image, to, places).ok_or_else(misfit)?;
                plan.push(work, &[&image], to);
            }
            Ok(())
        })
    }
}

/// Axis, its length before and after, its stride before.
fn sides(from: &View, to: &View) -> Option<[(usize, usize, usize); 2]> {
    let (&[n, c, height, width], &[to_n, to_c, to_height, to_width], &[_, _, row, column]) =
        (from.shape.as_slice(), to.shape.as_slice(), from.strides.as_slice())
    else {
        return None;
    };
    let fits = n == to_n && c == to_c;
    fits.then_some([(height, to_height, row), (width, to_width, column)])
}

fn images(from: &View) -> Option<Vec<usize>> {
    let (batch, next) = from.axes().next()?;
    Some((0..batch).map(|n| from.offset + n * next).collect())
}

fn nearest(resize: &Resize, from: &View, to: &View, places: Vec<u32>) -> Option<Gather> {
    let [rows, columns] = sides(from, to)?;
    let places_of = |scale: f32, (old, new, stride): (usize, usize, usize)| -> Vec<usize> {
        (0..new).map(|at| resize.nearest(at, scale, old, new) * stride).collect()
    };
    let [down, across] = resize.scales;
    let (rows, columns) = (places_of(down, rows), places_of(across, columns));
    let mut origins = Vec::with_capacity(places.len());
    for image in images(from)? {
        for row in &rows {
            origins.extend(columns.iter().map(|column| (image + row + column) as u32));
        }
    }
    let len = *to.shape.get(1)?;
    Some(Gather { len, pairs: origins.into_iter().zip(places).collect() })
}

fn bilinear(resize: &Resize, from: &View, to: &View, places: Vec<u32>) -> Option<Bilinear> {
    let [rows, columns] = sides(from, to)?;
    let between = |scale: f32, (old, new, stride): (usize, usize, usize)| -> Vec<Between> {
        let last = old.saturating_sub(1);
        let one = |at: usize| {
            let at = resize.position(at, scale, old, new).clamp(0.0, last as f32);
            let low = at.floor();
            let high = (low as usize + 1).min(last);
            Between { low: low as usize * stride, high: high * stride, part: at - low }
        };
        (0..new).map(one).collect()
    };
    let [down, across] = resize.scales;
    Some(Bilinear {
        channels: *to.shape.get(1)?,
        images: images(from)?,
        rows: between(down, rows),
        columns: between(across, columns),
        places,
    })
}

impl Resize {
    /// Where an output position lies between input positions.
    fn position(&self, at: usize, scale: f32, old: usize, new: usize) -> f32 {
        let (at, old, new) = (at as f32, old as f32, new as f32);
        match self.coordinates {
            Coordinates::Asymmetric => at / scale,
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if new <= 1.0 => 0.0,
            Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (at + 0.5) / scale - 0.5,
            Coordinates::AlignCorners => at * (old - 1.0) / (new - 1.0),
        }
    }

    fn nearest(&self, at: usize, scale: f32, old: usize, new: usize) -> usize {
        let at = self.position(at, scale, old, new);
        let place = match self.rounding {
            Rounding::Floor => at.floor(),
            Rounding::Ceil => at.ceil(),
            Rounding::PreferFloor => (at - 0.5).ceil(),
            Rounding::PreferCeil => (at + 0.5).floor(),
        };
        place.clamp(0.0, old.saturating_sub(1) as f32) as usize
    }
}
