//! Convolutions and products with constant matrices.

use umbra_kernels::Window as Taps;

use super::layout::CHANNELS_LAST;
use super::planner::{Planner, fault};
use super::product::{Layer, Products};
use super::taps::{self, Terms};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Conv, Dense, Kind, Node, Window};

impl Planner<'_> {
    /// Plans a convolution.
    pub(super) fn conv(&mut self, node: &Node, conv: &Conv) -> Result<(), EngineError> {
        let (from, to) = (self.input_value(node, 0)?.kind, self.value(node.output)?.kind);
        let [outputs, inner, _, _] = conv.shape;
        let channels = inner * conv.groups;
        let image = self.input(node, 0)?;
        if image.shape.get(1) != Some(&channels) || !outputs.is_multiple_of(conv.groups.max(1)) {
            return Err(fault("a convolution of another number of channels"));
        }
        let spread = conv.groups > 1 && inner == 1;
        let image = match outputs / channels.max(1) {
            copies if spread && copies > 1 => self.repeated(&image, from, copies, &conv.window)?,
            _ => self.bordered(image, from, &conv.window)?,
        };
        let Conv { weights, range, groups, .. } = conv;
        let (isa, range, groups, packed) = (self.isa, *range, *groups, self.packed());
        let layer = Layer { isa, weights, packed, range, outputs, groups, from, to };
        self.produce(node.output, &CHANNELS_LAST, channels_are_dense, |plan, to| {
            let products = products(&layer, &conv.window, spread, &image, to)?;
            plan.push_products(products, &image, to);
            Ok(())
        })
    }

    /// An image with a border as large as the pads and its channels side by side.
    fn bordered(&mut self, image: View, kind: Kind, window: &Window) -> Result<View, EngineError> {
        let pads = pads(window);
        let has = image.border.iter().zip(pads).all(|(has, pad)| has.0 >= pad.0 && has.1 >= pad.1);
        if has && channels_are_dense(&image) {
            return Ok(image);
        }
        self.moved(&image, kind, &CHANNELS_LAST, &pads)
    }

    /// An image with every channel several times, bordered.
    fn repeated(
        &mut self,
        image: &View,
        kind: Kind,
        copies: usize,
        window: &Window,
    ) -> Result<View, EngineError> {
        let &[batch, channels, height, width] = image.shape.as_slice() else {
            return Err(fault("a convolution over what is no image"));
        };
        let order = CHANNELS_LAST;
        let shape = [batch, channels * copies, height, width];
        let to = self.allocate(kind, &shape, &order, &pads(window))?;
        // One more axis, along which the output steps and the input stands still.
        let split = |view: &View, along: usize, across: usize| {
            let &[n, _, h, w] = view.strides.as_slice() else { return None };
            let shape = vec![batch, channels, copies, height, width];
            let (strides, border) = (vec![n, along, across, h, w], vec![(0, 0); 5]);
            Some(View { buffer: view.buffer, offset: view.offset, shape, strides, border })
        };
        let step = image.strides.get(1).copied().unwrap_or(0);
        let (Some(wide), Some(narrow)) = (split(&to, copies, 1), split(image, step, 0)) else {
            return Err(fault("a convolution over what is no image"));
        };
        self.copy(&narrow, &wide)?;
        Ok(to)
    }

    /// Plans a product with a constant matrix.
    pub(super) fn dense(&mut self, node: &Node, dense: &Dense) -> Result<(), EngineError> {
        let (from, to) = (self.input_value(node, 0)?.kind, self.value(node.output)?.kind);
        let input = node.inputs.first().copied().unwrap_or(usize::MAX);
        let (view, terms, origins) = match self.flattened(input).cloned() {
            Some(image) => {
                let terms = Terms::of_rest(&image);
                let (first, next) = (image.offset, image.strides.first().copied().unwrap_or(0));
                let batch = image.shape.first().copied().unwrap_or(1);
                let origins = (0..batch).map(|n| (first + n * next) as u32).collect();
                (image, terms, origins)
            }
            None => self.matrix(node, from)?,
        };
        if terms.depth() != dense.depth {
            return Err(fault("a product of another depth"));
        }
        let Dense { weights, range, outputs, .. } = dense;
        let (range, outputs) = (*range, *outputs);
        let (isa, packed) = (self.isa, self.packed());
        let layer = Layer { isa, weights, packed, range, outputs, groups: 1, from, to };
        let order: Vec<usize> = (0..self.value(node.output)?.shape.len()).collect();
        let columns = order.len().saturating_sub(1);
        let fits = |view: &View| view.is_dense_along(columns);
        self.produce(node.output, &order, fits, |plan, to| {
            if to.shape.get(columns) != Some(&outputs) {
                return Err(fault("a product of another width"));
            }
            let kernel = layer.product(0, &terms, origins, taps::rows(to))?;
            plan.push_products(Products(vec![kernel]), &view, to);
            Ok(())
        })
    }

    /// The rows of a node's input, their elements side by side.
    fn matrix(&mut self, node: &Node, kind: Kind) -> Result<(View, Terms, Vec<u32>), EngineError> {
        let view = self.input(node, 0)?;
        let order: Vec<usize> = (0..view.shape.len()).collect();
        let last = order.len().checked_sub(1).ok_or_else(|| fault("a product with a scalar"))?;
        let view = match view.is_dense_along(last) {
            true => view,
            false => self.moved(&view, kind, &order, &vec![(0, 0); order.len()])?,
        };
        let depth = view.shape.get(last).copied().unwrap_or(0);
        let rows = taps::rows(&view);
        Ok((view, Terms::new(0..depth), rows))
    }
}

pub(super) fn channels_are_dense(view: &View) -> bool {
    view.shape.len() == 4 && view.is_dense_along(1)
}

fn pads(window: &Window) -> [(usize, usize); 4] {
    let [top, left, bottom, right] = window.pads;
    [(0, 0), (0, 0), (top, bottom), (left, right)]
}

fn products(
    layer: &Layer<'_>,
    window: &Window,
    depthwise: bool,
    image: &View,
    to: &View,
) -> Result<Products, EngineError> {
    let &[_, channels, height, width] = to.shape.as_slice() else {
        return Err(fault("a convolution into what is no image"));
    };
    let misfit = || fault("a convolution over what is no image");
    if channels != layer.outputs || to.shape.first() != image.shape.first() {
        return Err(misfit());
    }
    let origins = taps::origins(image, window, [height, width])?;
    let places = taps::places(to)?;
    if depthwise {
        let taps = taps::offsets(image, window).ok_or_else(misfit)?;
        return Ok(Products(vec![layer.depthwise(Taps { origins, taps, places, channels })?]));
    }
    let groups = layer.groups.max(1);
    let (inner, outputs) = (image.shape.get(1).copied().unwrap_or(0) / groups, channels / groups);
    let terms = Terms::of_window(image, inner, window).ok_or_else(misfit)?;
    let shifted = |offsets: &[u32], by: usize| offsets.iter().map(|at| at + by as u32).collect();
    let group = |group: usize| {
        let channel = image.stride(1).unwrap_or(0);
        let origins = shifted(&origins, group * inner * channel);
        layer.product(group, &terms, origins, shifted(&places, group * outputs))
    };
    Ok(Products((0..groups).map(group).collect::<Result<_, _>>()?))
}
