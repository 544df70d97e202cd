//! From a program to a session.

use umbra_kernels::{Isa, Pool};

use super::memory::Memory;
use super::nest::Nest;
use super::planner::{Packs, Planner, fault};
use super::session::{Door, NativeSession};
use super::view::View;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Node, Op, Port, Program};
use crate::model::Stage;

/// Plans a program for one instruction set. Its weights are packed and then dropped.
///
/// # Errors
/// [`EngineError`] of stage [`Stage::Optimise`] where the program does not fit itself.
pub(in crate::engine::native) fn plan(
    mut program: Program,
    isa: Isa,
) -> Result<NativeSession, EngineError> {
    let convolutions = program.convolutions();
    let nodes = std::mem::take(&mut program.nodes);
    planned(&program, nodes, isa, Packs::Pack)
        .and_then(|plan| plan.session(&program, convolutions))
        .map_err(late)
}

/// The same for a program whose packed weights, as [`packed`] gave them, need not be packed
/// again.
///
/// # Errors
/// As [`plan`].
pub(in crate::engine::native) fn plan_packed(
    mut program: Program,
    packs: &[Vec<&[u8]>],
    isa: Isa,
) -> Result<NativeSession, EngineError> {
    let convolutions = program.convolutions();
    let nodes = std::mem::take(&mut program.nodes);
    planned(&program, nodes, isa, Packs::Use(packs))
        .and_then(|plan| plan.session(&program, convolutions))
        .map_err(late)
}

/// The packed weights of a program's products, by node and group; none for other nodes.
///
/// # Errors
/// As [`plan`].
pub(in crate::engine::native) fn packed(
    program: &Program,
    isa: Isa,
) -> Result<Vec<Vec<Vec<u8>>>, EngineError> {
    let plan = planned(program, program.nodes.clone(), isa, Packs::List(Vec::new()));
    Ok(plan.map_err(late)?.planner.listed())
}

fn late(error: EngineError) -> EngineError {
    EngineError { stage: Stage::Optimise, ..error }
}

/// Steps and buffers, with the doors between them and the caller.
struct Plan<'p> {
    planner: Planner<'p>,
    entrances: Vec<Door>,
    exits: Vec<Door>,
}

fn planned<'p>(
    program: &'p Program,
    nodes: Vec<Node>,
    isa: Isa,
    packs: Packs<'p>,
) -> Result<Plan<'p>, EngineError> {
    let flat = only_for_products(program, &nodes);
    let mut planner = Planner::new(program, &nodes, isa, packs);
    let mut entrances = Vec::new();
    for port in &program.inputs {
        let rows: Vec<usize> = (0..port.info.shape.len()).collect();
        let order = planner.wish(port.value).map_or(rows, |wish| wish.order.clone());
        let view = planner.place(port.value, &order)?;
        entrances.push(door(port, &view, true)?);
    }
    for (at, node) in nodes.into_iter().enumerate() {
        planner.at = at;
        let named = |error: EngineError| {
            let name = program.values.get(node.output).map_or("", |value| value.name.as_str());
            let reason = format!("{name}: {}", error.reason);
            EngineError { reason, ..error }
        };
        step(&mut planner, &node, flat.get(node.output) == Some(&true)).map_err(named)?;
    }
    let mut exits = Vec::new();
    for port in &program.outputs {
        let view = planner.view(port.value)?;
        exits.push(door(port, &view, false)?);
    }
    Ok(Plan { planner, entrances, exits })
}

impl Plan<'_> {
    /// With its memory, it runs.
    fn session(
        self,
        program: &Program,
        convolutions: (u64, u64),
    ) -> Result<NativeSession, EngineError> {
        let Self { planner: Planner { buffers, steps, .. }, entrances, exits } = self;
        let of = |doors: &[Door]| doors.iter().map(|door| door.buffer).collect::<Vec<_>>();
        let memory = Memory::new(buffers, &steps, &of(&entrances), &of(&exits))?;
        let infos = |ports: &[Port]| ports.iter().map(|port| port.info.clone()).collect();
        let (inputs, outputs) = (infos(&program.inputs), infos(&program.outputs));
        let pool = Pool::new(1);
        Ok(NativeSession { steps, memory, entrances, exits, inputs, outputs, convolutions, pool })
    }
}

fn step(planner: &mut Planner<'_>, node: &Node, flat: bool) -> Result<(), EngineError> {
    match &node.op {
        Op::Conv(conv) => planner.conv(node, conv),
        Op::Dense(dense) => planner.dense(node, dense),
        Op::MatMul => planner.matmul(node),
        Op::Quantize | Op::Dequantize | Op::Table(_) | Op::Unary(_) | Op::Cast => planner.map(node),
        Op::Affine(affine) => planner.affine(node, affine),
        Op::Binary(binary, range) => planner.binary(node, *binary, *range),
        Op::Softmax(axis) => planner.softmax(node, *axis),
        Op::MaxPool(window) => planner.max_pool(node, window),
        Op::AveragePool(window, padding) => planner.average_pool(node, window, *padding),
        Op::Mean(axes, _) => planner.mean(node, axes),
        Op::Concat(axis) => planner.concat(node, *axis),
        Op::Reshape => planner.reshape(node, flat),
        Op::Transpose(permutation) => planner.transpose(node, permutation),
        Op::Pad(pads, fill) => planner.pad(node, pads, *fill),
        Op::Resize(resize) => planner.resize(node, resize),
        Op::Select(axis, places) => planner.select(node, *axis, places),
        Op::ArgMax(axis, last) => planner.arg_max(node, *axis, *last),
    }
}

/// Which values only products with constant matrices read.
fn only_for_products(program: &Program, nodes: &[Node]) -> Vec<bool> {
    let mut only = vec![true; program.values.len()];
    let mut other = |id: Id| only.iter_mut().skip(id).take(1).for_each(|only| *only = false);
    for node in nodes.iter().filter(|node| !matches!(node.op, Op::Dense(_))) {
        node.inputs.iter().for_each(|&id| other(id));
    }
    program.outputs.iter().for_each(|port| other(port.value));
    only
}

/// A port's conversion between the file's row order and where its value lies.
fn door(port: &Port, view: &View, enters: bool) -> Result<Door, EngineError> {
    let order: Vec<usize> = (0..view.shape.len()).collect();
    let border = vec![(0, 0); order.len()];
    let rows = View::packed(usize::MAX, &view.shape, &order, &border).map(|(rows, _)| rows);
    let shape = port.info.shape.iter().map(|dim| dim.and_then(|dim| usize::try_from(dim).ok()));
    let rows = rows.filter(|rows| rows.shape.iter().copied().map(Some).eq(shape));
    let nest = rows.and_then(|rows| match enters {
        true => Nest::new([view, &rows]),
        false => Nest::new([&rows, view]),
    });
    let nest = nest.ok_or_else(|| fault(format!("{} has another shape", port.info.name)))?;
    Ok(Door { port: port.clone(), buffer: view.buffer, nest })
}
