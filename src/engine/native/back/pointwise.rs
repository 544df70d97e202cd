//! Operators that work element by element.

use umbra_kernels::{
    Affine8, Arithmetic, Isa, Mul8, Scale8, Sum8, add_reals, arithmetic_f32, clamp_f32, dequantize,
    mul_codes, quantize, sigmoid_f32, table,
};

use super::finish::codes_between;
use super::memory::Data;
use super::nest::Nest;
use super::planner::{Planner, fault};
use super::step::{Sources, Work, misfit, part, part_mut};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Affine, Binary, Kind, Node, Op, Quantised, Range, Unary};

/// A function of one operand.
#[derive(Debug)]
enum Map {
    Table(Box<[u8; 256]>),
    Quantize(Quantised),
    Dequantize(Quantised),
    Affine(Affine8),
    Unary(Unary),
    ToReals,
}

/// A function of one operand with the stretches it works on: output, input.
#[derive(Debug)]
struct Mapped {
    isa: Isa,
    map: Map,
    nest: Nest<2>,
}

impl Work for Mapped {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let (isa, nest, len) = (self.isa, &self.nest, self.nest.len);
        match (&self.map, from.data(0)?, to) {
            (Map::Table(codes), Data::Codes(from), Data::Codes(to)) => nest
                .walk(|[y, x]| Ok(table(isa, part(from, x, len)?, codes, part_mut(to, y, len)?)?)),
            (Map::Affine(affine), Data::Codes(from), Data::Codes(to)) => nest
                .walk(|[y, x]| Ok(affine.run(isa, part(from, x, len)?, part_mut(to, y, len)?)?)),
            (Map::Quantize(q), Data::Reals(from), Data::Codes(to)) => nest.walk(|[y, x]| {
                let (from, to) = (part(from, x, len)?, part_mut(to, y, len)?);
                Ok(quantize(isa, from, q.scale, q.zero, (0, 255), to)?)
            }),
            (Map::Dequantize(q), Data::Codes(from), Data::Reals(to)) => nest.walk(|[y, x]| {
                let (from, to) = (part(from, x, len)?, part_mut(to, y, len)?);
                Ok(dequantize(isa, from, q.scale, q.zero, to)?)
            }),
            (Map::Unary(unary), Data::Reals(from), Data::Reals(to)) => nest
                .walk(|[y, x]| unary_f32(isa, *unary, part(from, x, len)?, part_mut(to, y, len)?)),
            (Map::ToReals, Data::Wholes(from), Data::Reals(to)) => {
                super::copy::convert(nest, from, to, |whole| whole as f32)
            }
            _ => Err(misfit("a function of another kind")),
        }
    }
}

fn unary_f32(isa: Isa, unary: Unary, from: &[f32], to: &mut [f32]) -> Result<(), EngineError> {
    match unary {
        Unary::Clamp(range) => clamp_f32(isa, from, (range.low, range.high), to)?,
        Unary::Sigmoid => sigmoid_f32(isa, from, to)?,
        other => to.iter_mut().zip(from).for_each(|(to, &x)| *to = other.of(x)),
    }
    Ok(())
}

/// How two operands become one.
#[derive(Debug, Clone, Copy)]
enum Pairing {
    Add(Sum8),
    Mul(Mul8),
    Reals(Arithmetic, Range),
}

/// A function of two operands with its stretches: output, first, second.
#[derive(Debug)]
struct Paired {
    isa: Isa,
    pairing: Pairing,
    nest: Nest<3>,
    /// Elements of each in a stretch; a shorter operand repeats.
    lens: [usize; 3],
}

impl Work for Paired {
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError> {
        let (isa, [len, left, right]) = (self.isa, self.lens);
        match (self.pairing, to) {
            (Pairing::Add(add), Data::Codes(to)) => {
                let (a, b) = (from.codes(0)?, from.codes(1)?);
                self.nest.walk(|[y, i, j]| {
                    let to = part_mut(to, y, len)?;
                    Ok(add_reals(isa, part(a, i, left)?, part(b, j, right)?, add, to)?)
                })
            }
            (Pairing::Mul(mul), Data::Codes(to)) => {
                let (a, b) = (from.codes(0)?, from.codes(1)?);
                self.nest.walk(|[y, i, j]| {
                    let to = part_mut(to, y, len)?;
                    Ok(mul_codes(isa, part(a, i, left)?, part(b, j, right)?, mul, to)?)
                })
            }
            (Pairing::Reals(op, range), Data::Reals(to)) => {
                let (a, b) = (from.reals(0)?, from.reals(1)?);
                self.nest.walk(|[y, i, j]| {
                    let to = part_mut(to, y, len)?;
                    let (a, b) = (part(a, i, left)?, part(b, j, right)?);
                    Ok(arithmetic_f32(isa, op, a, b, (range.low, range.high), to)?)
                })
            }
            _ => Err(misfit("a pair of another kind")),
        }
    }
}

impl Planner<'_> {
    /// Plans a function of one operand.
    pub(super) fn map(&mut self, node: &Node) -> Result<(), EngineError> {
        let from = self.input_value(node, 0)?.kind;
        let map = match (&node.op, from, self.value(node.output)?.kind) {
            (Op::Table(table), ..) => Map::Table(table.clone()),
            (Op::Quantize, _, Kind::Codes(to)) => Map::Quantize(to),
            (Op::Dequantize, Kind::Codes(from), _) => Map::Dequantize(from),
            (Op::Unary(unary), ..) => Map::Unary(*unary),
            (Op::Cast, Kind::Whole, Kind::Real) => Map::ToReals,
            _ => return Err(fault("a function of another kind")),
        };
        let x = self.input(node, 0)?;
        let order = x.order();
        self.mapped(node, x, &order, map)
    }

    /// Plans a factor and a summand per channel, channels side by side.
    pub(super) fn affine(&mut self, node: &Node, affine: &Affine) -> Result<(), EngineError> {
        let kinds = (self.input_value(node, 0)?.kind, self.value(node.output)?.kind);
        let (Kind::Codes(from), Kind::Codes(to)) = kinds else {
            return Err(fault("a function of another kind"));
        };
        let x = self.input(node, 0)?;
        let mut order = x.order();
        order.retain(|&axis| axis != 1);
        order.push(1);
        if x.shape.get(1) != Some(&affine.factor.len()) {
            return Err(fault("a factor per channel of another number"));
        }
        let x = match x.is_dense_along(1) {
            true => x,
            false => self.moved(&x, kinds.0, &order, &vec![(0, 0); order.len()])?,
        };
        let scale = |q: Quantised| Scale8 { scale: q.scale, zero: q.zero };
        let Affine { factor, summand, range } = affine;
        let affine = Affine8::new(scale(from), scale(to), factor, summand, codes_between(*range))?;
        self.mapped(node, x, &order, Map::Affine(affine))
    }

    fn mapped(
        &mut self,
        node: &Node,
        x: View,
        order: &[usize],
        map: Map,
    ) -> Result<(), EngineError> {
        let (isa, from) = (self.isa, self.input_value(node, 0)?.kind);
        self.produce(
            node.output,
            order,
            |to| contiguous(to, &x),
            |plan, to| {
                let x = match contiguous(to, &x) {
                    true => x.clone(),
                    false => plan.moved(&x, from, order, &vec![(0, 0); order.len()])?,
                };
                let nest =
                    Nest::new([to, &x]).ok_or_else(|| fault("a function changes a shape"))?;
                plan.push(Mapped { isa, map, nest }, &[&x], to);
                Ok(())
            },
        )
    }

    /// Plans a function of two operands.
    pub(super) fn binary(
        &mut self,
        node: &Node,
        binary: Binary,
        range: Range,
    ) -> Result<(), EngineError> {
        let kinds = (self.input_value(node, 0)?.kind, self.input_value(node, 1)?.kind);
        let pairing = pairing(binary, range, kinds, self.value(node.output)?.kind)?;
        let (isa, a, b) = (self.isa, self.input(node, 0)?, self.input(node, 1)?);
        let shape = &self.value(node.output)?.shape;
        let whole = [&a, &b].into_iter().find(|view| view.shape == *shape);
        let order = whole.map_or_else(|| (0..shape.len()).collect(), View::order);
        self.produce(
            node.output,
            &order,
            |to| contiguous(to, to),
            |plan, to| {
                let a = plan.operand(&a, kinds.0, to)?;
                let b = plan.operand(&b, kinds.1, to)?;
                let misfit = || fault("operands of other shapes");
                let spread = |view: &View| view.broadcast(&to.shape).ok_or_else(misfit);
                let nest = Nest::new([to, &spread(&a)?, &spread(&b)?]).ok_or_else(misfit)?;
                let mut paired = Paired { isa, pairing, lens: nest.steps.map(|_| nest.len), nest };
                paired.shorten();
                plan.push(paired, &[&a, &b], to);
                Ok(())
            },
        )
    }

    /// An operand whose stretches go along with those of the output.
    fn operand(&mut self, view: &View, kind: Kind, to: &View) -> Result<View, EngineError> {
        let misfit = || fault("operands of other shapes");
        let wide = view.broadcast(&to.shape).ok_or_else(misfit)?;
        let steps = Nest::new([to, &wide]).ok_or_else(misfit)?.steps;
        if matches!(steps, [1, 0 | 1]) {
            return Ok(view.clone());
        }
        let order = to.order();
        self.moved(&wide, kind, &order, &vec![(0, 0); order.len()])
    }
}

impl Paired {
    /// Makes repeated single elements operands of length 1, and the innermost loop one call
    /// where shorter operands repeat in it.
    fn shorten(&mut self) {
        for (len, step) in self.lens.iter_mut().zip(self.nest.steps) {
            *len = if step == 0 { 1 } else { *len };
        }
        while let Some(&(dim, strides)) = self.nest.innermost() {
            let [len, ..] = self.lens;
            let follows = |(&stride, &own): (&usize, &usize)| {
                stride == own && own == len || stride == 0 && own <= len
            };
            let [to, ..] = strides;
            if to != len || !strides.iter().zip(&self.lens).all(follows) {
                return;
            }
            for (len, stride) in self.lens.iter_mut().zip(strides) {
                *len *= if stride == 0 { 1 } else { dim };
            }
            self.nest.drop_innermost();
        }
    }
}

/// Whether both can be walked in contiguous stretches together.
fn contiguous(to: &View, from: &View) -> bool {
    Nest::new([to, from]).is_some_and(|nest| nest.is_contiguous())
}

fn pairing(
    binary: Binary,
    range: Range,
    from: (Kind, Kind),
    to: Kind,
) -> Result<Pairing, EngineError> {
    let (a, b, to) = match (from, to) {
        ((Kind::Codes(a), Kind::Codes(b)), Kind::Codes(to)) => (a, b, to),
        ((Kind::Real, Kind::Real), Kind::Real) => {
            let op = match binary {
                Binary::Add => Arithmetic::Add,
                Binary::Sub => Arithmetic::Sub,
                Binary::Mul => Arithmetic::Mul,
                Binary::Div => Arithmetic::Div,
            };
            return Ok(Pairing::Reals(op, range));
        }
        _ => return Err(fault("operands of different kinds")),
    };
    let (low, high) = codes_between(range);
    // By the definition, which every session of ONNX Runtime is near; its fused operator
    // on codes rounds a tie the other way.
    let sum = |sign: f32| Sum8 {
        scale_a: a.scale,
        scale_b: sign * b.scale,
        scale_c: to.scale,
        zero_a: a.zero,
        zero_b: b.zero,
        zero_c: to.zero,
        low,
        high,
    };
    match binary {
        Binary::Add => Ok(Pairing::Add(sum(1.0))),
        Binary::Sub => Ok(Pairing::Add(sum(-1.0))),
        Binary::Mul => Ok(Pairing::Mul(Mul8 {
            ratio: a.scale * b.scale / to.scale,
            zero_a: a.zero,
            zero_b: b.zero,
            zero_c: to.zero,
            low,
            high,
            signed: to.adds_zero_as_int8(),
        })),
        Binary::Div => Err(fault("a division of codes")),
    }
}
