//! What models cost as a function of the logarithms of rates.

use nalgebra::DVector;
use umbra::base::Micros;
use umbra::model::{Kind, Work};
use umbra::rank::cost::roofline::{Rate, Rates};

/// Logarithms in one order: overhead of an inference, bytes in a unit of time, and of each kind of
/// work its overhead and its speed.
pub(crate) type Logs = DVector<f64>;

/// Equal nodes of a model.
#[derive(Debug, Clone, Copy)]
struct Item {
    /// Which kind of work.
    slot: usize,
    ops: f64,
    bytes: f64,
    count: f64,
}

/// The nodes of all models, and the kinds of work that they are made of.
#[derive(Debug, Clone)]
pub(crate) struct Bills {
    kinds: Vec<(Kind, bool)>,
    models: Vec<Vec<Item>>,
}

/// Places of the logarithms.
const INFERENCE: usize = 0;
const MEMORY: usize = 1;
fn overhead(slot: usize) -> usize {
    2 + 2 * slot
}
fn speed(slot: usize) -> usize {
    3 + 2 * slot
}

impl Bills {
    /// Of models by their nodes; none without nodes.
    pub(crate) fn of<'a>(models: impl Iterator<Item = &'a [Work]> + Clone) -> Option<Self> {
        let mut kinds: Vec<(Kind, bool)> =
            models.clone().flatten().map(|work| (work.kind, work.int8)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let models = models.map(|work| items(&kinds, work)).collect();
        (!kinds.is_empty()).then_some(Self { kinds, models })
    }

    /// How many logarithms there are.
    pub(crate) fn width(&self) -> usize {
        2 + 2 * self.kinds.len()
    }

    /// Whether the nodes of a model are known.
    pub(crate) fn knows(&self, model: usize) -> bool {
        self.models.get(model).is_some_and(|items| !items.is_empty())
    }

    /// Rates as the agent has them.
    pub(crate) fn rates(&self, logs: &Logs) -> Rates {
        let at = |place: usize| logs.get(place).copied().unwrap_or(0.0).exp();
        let rate = |(slot, (kind, int8)): (usize, &(Kind, bool))| Rate {
            kind: *kind,
            int8: *int8,
            overhead: Micros(at(overhead(slot))),
            per_micro: at(speed(slot)),
        };
        Rates {
            inference: Micros(at(INFERENCE)),
            memory: at(MEMORY),
            rates: self.kinds.iter().enumerate().map(rate).collect(),
        }
    }

    /// Logarithm of what a model costs, and how it moves with each logarithm of a rate: by the
    /// share that the rate has in the cost. `rates` are the rates themselves.
    pub(crate) fn cost(&self, rates: &[f64], model: usize) -> (f64, Logs) {
        let rate = |place: usize| rates.get(place).copied().unwrap_or(1.0);
        let mut parts = Logs::zeros(self.width());
        let mut add = |place: usize, part: f64| {
            if let Some(sum) = parts.get_mut(place) {
                *sum += part;
            }
            part.abs()
        };
        let mut sum = add(INFERENCE, rate(INFERENCE));
        for item in self.models.get(model).into_iter().flatten() {
            let (place, longest) = self.longest(item, &rate);
            sum += add(overhead(item.slot), item.count * rate(overhead(item.slot)));
            sum += add(place, -item.count * longest);
        }
        (sum.ln(), parts / sum)
    }

    /// What a node waits for, and how long.
    fn longest(&self, item: &Item, rate: &impl Fn(usize) -> f64) -> (usize, f64) {
        let own = speed(item.slot);
        let moves = self.kinds.get(item.slot).is_some_and(|(kind, _)| *kind == Kind::Other);
        let (computed, moved) = (item.ops / rate(own), item.bytes / rate(MEMORY));
        match (moves, computed >= moved) {
            // What only moves memory has a speed of its own.
            (true, _) => (own, item.bytes / rate(own)),
            (false, true) => (own, computed),
            (false, false) => (MEMORY, moved),
        }
    }

    /// Rates under which the mean of some models costs so much, two thirds of it for work.
    pub(crate) fn plain(&self, models: &[usize], cost: f64) -> Logs {
        let items = || models.iter().filter_map(|model| self.models.get(*model)).flatten();
        let count = models.len().max(1) as f64;
        let mean = |of: &dyn Fn(&Item) -> f64| {
            items().map(|item| item.count * of(item)).sum::<f64>().max(1.0) / count
        };
        let (ops, bytes, nodes) =
            (mean(&|item| item.ops), mean(&|item| item.bytes), mean(&|_| 1.0));
        let mut logs = Logs::from_element(self.width(), (0.2 * cost / nodes).ln());
        let speeds = self.kinds.iter().enumerate().map(|(slot, (kind, _))| match kind {
            Kind::Other => (speed(slot), 2.0 * bytes / cost),
            _ => (speed(slot), 2.0 * ops / cost),
        });
        let ends = [(INFERENCE, 0.05 * cost), (MEMORY, 4.0 * bytes / cost)];
        for (place, rate) in speeds.chain(ends) {
            if let Some(log) = logs.get_mut(place) {
                *log = rate.ln();
            }
        }
        logs
    }

    /// The direction in which a board that is slower in all moves.
    pub(crate) fn slower(&self) -> Logs {
        let is_speed = |at: usize| at == MEMORY || (at > MEMORY && at % 2 == 1);
        Logs::from_fn(self.width(), |at, _| if is_speed(at) { -1.0 } else { 1.0 })
    }
}

/// Equal nodes once, with their number.
fn items(kinds: &[(Kind, bool)], work: &[Work]) -> Vec<Item> {
    let mut sorted: Vec<(usize, u64, u64)> = work
        .iter()
        .filter_map(|work| {
            Some((kinds.binary_search(&(work.kind, work.int8)).ok()?, work.ops, work.bytes))
        })
        .collect();
    sorted.sort_unstable();
    let equal = sorted.chunk_by(|a, b| a == b);
    let item = |same: &[(usize, u64, u64)]| {
        let (slot, ops, bytes) = *same.first()?;
        let (ops, bytes) = (ops as f64, bytes as f64);
        Some(Item { slot, ops, bytes, count: same.len() as f64 })
    };
    equal.filter_map(item).collect()
}

#[cfg(test)]
mod tests {
    use umbra::rank::cost::roofline::latency;

    use super::*;
    use crate::architecture::mobile;

    #[test]
    fn costs_are_the_agents_and_move_as_the_gradient_says() {
        let names = ["mobilenet_v1_0.5_160", "mobilenet_v3_small_1_224"];
        let work = names.map(|name| mobile(name).unwrap().work(true));
        let bills = Bills::of(work.iter().map(Vec::as_slice)).unwrap();
        let logs = bills.plain(&[0, 1], 5000.0);
        // Not all alike, so that some nodes wait for memory.
        let logs = Logs::from_fn(logs.len(), |at, _| logs[at] + 0.7 * (at as f64).sin());
        let cost = |logs: &Logs, model: usize| bills.cost(logs.map(f64::exp).as_slice(), model);
        for (model, work) in work.iter().enumerate() {
            let (found, gradient) = cost(&logs, model);
            let agents = latency(&bills.rates(&logs), work).unwrap().0;
            assert!((found - agents.ln()).abs() < 1e-12, "{found} {agents}");
            for at in 0..logs.len() {
                let mut moved = logs.clone();
                moved[at] += 1e-6;
                let slope = (cost(&moved, model).0 - found) / 1e-6;
                assert!((slope - gradient[at]).abs() < 1e-4, "{at}: {slope} {}", gradient[at]);
            }
            let slower = gradient.dot(&bills.slower());
            assert!((slower - 1.0).abs() < 1e-12, "all twice as slow is twice the cost: {slower}");
        }
    }
}
