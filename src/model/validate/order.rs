//! Who produces what, and in which order.
//!
//! Every name has one producer; nodes come after what they read. Merely unsorted nodes
//! are sorted, keeping their order where it does not matter; a cycle is refused. Bodies
//! of `If`, `Loop` and `Scan` are graphs too: what they read from outside is read by the
//! node that holds them. Linear but for one priority queue; nesting is bounded by the
//! decoder.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use super::{node_name, quoted, refuse};
use crate::model::Rejection;
use crate::model::onnx::{Graph, Model};

/// Sorts all graphs of a model; tells whether anything moved.
pub(super) fn sort(model: &mut Model) -> Result<bool, Rejection> {
    let Some(graph) = &mut model.graph else { return Ok(false) };
    let sorted = arrange(graph)?;
    if let Some(name) = sorted.free.first() {
        let name = name.as_str();
        let reader = graph.node.iter().find(|node| node.input.iter().any(|input| input == name));
        let reader = reader.map_or_else(|| "the graph".to_owned(), node_name);
        return Err(refuse(
            format!("{reader} reads {}, which nothing produces", quoted(name)),
            "export the model again",
        ));
    }
    Ok(sorted.moved)
}

/// A sorted graph.
struct Arranged {
    /// Names read but not produced inside.
    free: BTreeSet<String>,
    /// Whether a node changed its place.
    moved: bool,
}

fn arrange(graph: &mut Graph) -> Result<Arranged, Rejection> {
    let mut moved = false;
    let mut captured: HashMap<usize, BTreeSet<String>> = HashMap::new();
    for (at, node) in graph.node.iter_mut().enumerate() {
        let bodies = node.attribute.iter_mut().flat_map(|a| a.g.iter_mut().chain(&mut a.graphs));
        for body in bodies {
            let inner = arrange(body)?;
            moved |= inner.moved;
            captured.entry(at).or_default().extend(inner.free);
        }
    }
    let producers = producers(graph)?;
    let given = given(graph);
    let known = |name: &str| given.contains(name) || producers.contains_key(name);
    let outputs = graph.output.iter().map(|output| output.name.as_str());
    let reads = Reads { graph, captured: &captured };
    let all = (0..graph.node.len()).flat_map(|at| reads.of(at)).chain(outputs);
    let free = all.filter(|name| !known(name)).map(str::to_owned).collect();
    if let Some(order) = topological(&reads, &producers)? {
        let mut nodes: Vec<_> = std::mem::take(&mut graph.node).into_iter().map(Some).collect();
        graph.node =
            order.into_iter().filter_map(|at| nodes.get_mut(at).and_then(Option::take)).collect();
        moved = true;
    }
    Ok(Arranged { free, moved })
}

/// Names that exist before the first node runs.
fn given(graph: &Graph) -> HashSet<&str> {
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    inputs.chain(graph.initializer.iter().map(|tensor| tensor.name.as_str())).collect()
}

/// Which node produces each name.
fn producers(graph: &Graph) -> Result<HashMap<&str, usize>, Rejection> {
    let twice = |name: &str| {
        Err(refuse(format!("{} is produced twice", quoted(name)), "export the model again"))
    };
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    if let Some(name) = super::graph::first_repeated(inputs) {
        return twice(name);
    }
    let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    if let Some(name) = super::graph::first_repeated(constants) {
        return twice(name);
    }
    let given = given(graph);
    let mut producers = HashMap::new();
    for (at, node) in graph.node.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if given.contains(name.as_str()) || producers.insert(name.as_str(), at).is_some() {
                return twice(name);
            }
        }
    }
    Ok(producers)
}

/// What each node reads.
struct Reads<'a> {
    graph: &'a Graph,
    captured: &'a HashMap<usize, BTreeSet<String>>,
}

impl<'a> Reads<'a> {
    fn of(&self, at: usize) -> impl Iterator<Item = &'a str> {
        let inputs = self.graph.node.get(at).map_or(&[][..], |node| node.input.as_slice());
        let outer = self.captured.get(&at).into_iter().flatten();
        inputs.iter().chain(outer).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// The order nodes must run in; none if they are in order already.
fn topological(
    reads: &Reads<'_>,
    producers: &HashMap<&str, usize>,
) -> Result<Option<Vec<usize>>, Rejection> {
    let count = reads.graph.node.len();
    let before = |at| reads.of(at).filter_map(|name| producers.get(name).copied());
    if (0..count).all(|at| before(at).all(|producer| producer < at)) {
        return Ok(None);
    }
    let mut waiting = vec![0usize; count];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, waits) in waiting.iter_mut().enumerate() {
        for producer in before(at) {
            *waits += 1;
            if let Some(list) = readers.get_mut(producer) {
                list.push(at);
            }
        }
    }
    let mut order = Vec::with_capacity(count);
    let idle = waiting.iter().enumerate().filter(|(_, waits)| **waits == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = idle.map(|(at, _)| Reverse(at)).collect();
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for reader in readers.get(at).into_iter().flatten() {
            let Some(waits) = waiting.get_mut(*reader) else { continue };
            *waits -= 1;
            if *waits == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    if order.len() < count { Err(cycle(reads, producers, &waiting)) } else { Ok(Some(order)) }
}

/// Names a node of a cycle: going back along unmet reads must come round.
fn cycle(reads: &Reads<'_>, producers: &HashMap<&str, usize>, waiting: &[usize]) -> Rejection {
    let stuck = |at: &usize| waiting.get(*at).is_some_and(|waits| *waits > 0);
    let mut at = (0..waiting.len()).find(stuck).unwrap_or(0);
    let mut seen = HashSet::new();
    while seen.insert(at) {
        let unmet = reads.of(at).filter_map(|name| producers.get(name).copied()).find(stuck);
        at = unmet.unwrap_or(at);
    }
    let node = reads.graph.node.get(at).map_or_else(|| "a node".to_owned(), node_name);
    refuse(format!("{node} depends on its own output"), "export the model again")
}
