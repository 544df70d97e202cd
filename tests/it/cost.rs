//! Cost prediction: the published vector, and boards made up so that the truth is known.

use umbra::base::random::SplitMix64;
use umbra::rank::cost::{
    Anchor, CostError, LAMBDA, Pool, Process, Scales, Traits, choose_anchors, ridge, tune,
};

use crate::rank::{assert_close, numbers, vectors};

fn known(costs: &[f64]) -> Vec<Option<f64>> {
    costs.iter().map(|cost| Some(*cost)).collect()
}

#[test]
fn the_ridge_agrees_with_its_vector() {
    let file = vectors("latency_ridge");
    for case in file["cases"].as_array().unwrap() {
        let rows: Vec<Vec<f64>> = case["pool_ln_latency_[models,devices]"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        let board = |at: usize| rows.iter().map(|row| Some(row[at].exp())).collect();
        let boards: Vec<Vec<Option<f64>>> = (0..rows[0].len()).map(board).collect();
        let pool = Pool::of(rows.len(), &boards).unwrap();
        let models = case["anchor_models"].as_array().unwrap().iter();
        let anchors: Vec<Anchor> = models
            .zip(numbers(&case["anchor_ln_latency"]))
            .map(|(model, ln)| Anchor { model: model.as_u64().unwrap() as usize, cost: ln.exp() })
            .collect();
        let found = ridge(&pool, &[], &anchors, case["lambda"].as_f64().unwrap()).unwrap();
        for (found, expected) in found.iter().zip(numbers(&case["expected_ln_latency"])) {
            assert_close(found.cost.ln(), expected, 1e-9, "logarithm");
            assert!(found.low < found.cost && found.cost < found.high);
        }
    }
}

#[test]
fn without_anchors_the_ridge_is_the_mean_of_the_pool() {
    let pool = Pool::of(2, &[known(&[1.0, 4.0]), known(&[4.0, 1.0])]).unwrap();
    let found = ridge(&pool, &[], &[], LAMBDA).unwrap();
    assert_close(found[0].cost, 2.0, 1e-12, "geometric mean");
    assert_close(found[1].cost, 2.0, 1e-12, "geometric mean");
}

#[test]
fn a_missing_cell_lies_on_the_line_over_the_multiply_accumulates() {
    let traits: Vec<Traits> =
        [1.0, 3.0, 9.0].iter().map(|macs| traits(*macs - 1.0, false)).collect();
    let pool = Pool::of(3, &[vec![Some(1.0), Some(3.0), None]]).unwrap();
    let found = ridge(&pool, &traits, &[], LAMBDA).unwrap();
    assert_close(found[2].cost, 9.0, 1e-9, "on the line");
}

#[test]
fn what_is_no_cost_is_refused() {
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = Pool::of(1, &[vec![Some(value)]]).unwrap_err();
        assert!(matches!(refused, CostError::NotPositive { model: 0, .. }), "{refused}");
        let pool = Pool::of(1, &[known(&[1.0])]).unwrap();
        let anchor = Anchor { model: 0, cost: value };
        assert!(ridge(&pool, &[], &[anchor], LAMBDA).is_err());
    }
    assert!(Pool::of(2, &[known(&[1.0])]).is_err(), "a column that is too short");
    let pool = Pool::of(1, &[known(&[1.0])]).unwrap();
    assert!(ridge(&pool, &[], &[Anchor { model: 1, cost: 1.0 }], LAMBDA).is_err());
    let empty = Pool::of(1, &[]).unwrap();
    assert_eq!(ridge(&empty, &[], &[], LAMBDA).unwrap_err(), CostError::Nothing);
    assert!(Process::of(&pool, &[], Scales::default()).is_err(), "as many traits as models");
}

fn traits(macs: f64, int8: bool) -> Traits {
    Traits { amounts: vec![macs], int8 }
}

/// Twelve sizes in both types of number, on boards where eight bits win or lose by a factor.
struct World {
    traits: Vec<Traits>,
    random: SplitMix64,
}

impl World {
    fn new() -> Self {
        let sizes = (0..12).map(|at| 1e6 * 1.6f64.powi(at));
        let traits = sizes.flat_map(|macs| [traits(macs, false), traits(macs, true)]).collect();
        Self { traits, random: SplitMix64::new(5) }
    }

    fn board(&mut self, speed: f64, slope: f64, int8: f64) -> Vec<f64> {
        let mut noise = || 1.0 + 0.02 * (self.random.unit() - 0.5);
        let cost =
            |t: &Traits| speed * (t.amounts[0] / 1e6).powf(slope) * if t.int8 { int8 } else { 1.0 };
        self.traits.iter().map(|traits| cost(traits) * noise()).collect()
    }
}

fn anchors(truth: &[f64], models: &[usize]) -> Vec<Anchor> {
    models.iter().map(|model| Anchor { model: *model, cost: truth[*model] }).collect()
}

#[test]
fn eight_bits_that_win_elsewhere_are_seen_to_lose_here() {
    let mut world = World::new();
    let boards =
        [world.board(1.0, 0.9, 0.5), world.board(0.3, 0.95, 0.6), world.board(5.0, 1.0, 0.4)];
    let pool = Pool::of(24, &boards.each_ref().map(|board| known(board))).unwrap();
    let process = Process::of(&pool, &world.traits, Scales::default()).unwrap();
    let truth = world.board(2.0, 0.95, 1.5);
    let found = process.predict(&anchors(&truth, &[2, 9, 12, 21])).unwrap();
    for at in [4, 10, 16] {
        assert!(found[at].cost < found[at + 1].cost, "size {at}: eight bits lose on this board");
    }
    for (found, truth) in found.iter().zip(&truth) {
        assert!((found.cost / truth - 1.0).abs() < 0.25, "{found:?} for {truth}");
        assert!(found.low <= *truth && *truth <= found.high, "{found:?} for {truth}");
    }
}

#[test]
fn a_model_that_nobody_measured_is_predicted_less_surely() {
    let mut world = World::new();
    let mut boards = [world.board(1.0, 0.9, 0.5), world.board(0.3, 0.95, 0.6)].map(|b| known(&b));
    for board in &mut boards {
        board[10] = None;
    }
    let pool = Pool::of(24, &boards).unwrap();
    let process = Process::of(&pool, &world.traits, Scales::default()).unwrap();
    let truth = world.board(2.0, 0.95, 0.5);
    let found = process.predict(&anchors(&truth, &[0, 5, 14, 21])).unwrap();
    assert!((found[10].cost / truth[10] - 1.0).abs() < 0.25, "{:?} for {}", found[10], truth[10]);
    let width = |at: usize| found[at].high / found[at].low;
    assert!(width(10) > width(12), "wider than for one that was measured elsewhere");
}

#[test]
fn scales_are_chosen_on_the_pool_and_alike_each_time() {
    let mut world = World::new();
    let boards: Vec<_> = (1..5).map(|at| known(&world.board(f64::from(at), 0.9, 0.5))).collect();
    let pool = Pool::of(24, &boards).unwrap();
    let scales = tune(&pool, &world.traits, &[0, 1, 2, 3]).unwrap();
    assert_eq!(scales, tune(&pool, &world.traits, &[0, 1, 2, 3]).unwrap());
    assert!(scales.scales().noise <= Scales::default().noise, "boards that differ by a per cent");
    assert!(tune(&pool, &[], &[0, 1, 2, 3]).is_err());
}

#[test]
fn anchors_span_the_pool_one_from_each_group() {
    let costs: Vec<f64> = (1..=40).map(f64::from).collect();
    let pool = Pool::of(40, &[known(&costs)]).unwrap();
    let eligible: Vec<usize> = (0..40).rev().collect();
    let drawn = choose_anchors(&pool, &eligible, 4, &mut SplitMix64::new(1));
    let groups: Vec<usize> = drawn.iter().map(|model| model / 10).collect();
    assert_eq!(groups, [0, 1, 2, 3]);
    assert_eq!(choose_anchors(&pool, &[3], 4, &mut SplitMix64::new(1)), [3]);
}

#[test]
fn what_is_alike_is_believed_together() {
    let mut world = World::new();
    let boards = [world.board(1.0, 0.9, 0.5), world.board(0.3, 0.95, 1.6)];
    let pool = Pool::of(24, &boards.each_ref().map(|board| known(board))).unwrap();
    let process = Process::of(&pool, &world.traits, Scales::default()).unwrap();
    let truth = world.board(2.0, 0.95, 0.5);
    let measured = anchors(&truth, &[0, 22]);
    let models = [13, 3, 4, 15, 23];
    let joint = process.joint(&measured, &models).unwrap();
    let told =
        |at: usize| joint.covariance[(0, at)].powi(2) / (joint.covariance[(at, at)] + joint.noise);
    let most = (1..5).max_by(|a, b| told(*a).total_cmp(&told(*b))).unwrap();
    assert_eq!(models[most], 15, "the neighbour of the same type says most");
    let alone = process.predict(&measured).unwrap();
    for (at, model) in models.into_iter().enumerate() {
        let deviation = (joint.covariance[(at, at)] + joint.noise).sqrt();
        assert_close(joint.mean[at], alone[model].cost.ln(), 1e-9, "mean");
        assert_close(
            (1.96 * deviation).exp(),
            alone[model].high / alone[model].cost,
            1e-6,
            "width",
        );
    }
}

/// Logarithms of bytes lie far from zero: what fills the gaps must not take that for a fact.
#[test]
fn the_unit_of_costs_does_not_matter() {
    let mut world = World::new();
    let mut boards = [world.board(1.0, 0.9, 0.5), world.board(0.3, 0.95, 0.6)].map(|b| known(&b));
    for at in [3, 8, 14] {
        boards[0][at] = None;
        boards[1][at + 2] = None;
    }
    let predicted = |unit: f64| {
        let scaled = boards.each_ref().map(|board| {
            board.iter().map(|cost| cost.map(|cost| unit * cost)).collect::<Vec<Option<f64>>>()
        });
        let pool = Pool::of(24, &scaled).unwrap();
        Process::of(&pool, &world.traits, Scales::default()).unwrap().predict(&[]).unwrap()
    };
    for (large, small) in predicted(1e8).iter().zip(predicted(1.0)) {
        assert_close(large.cost / small.cost / 1e8, 1.0, 1e-6, "ratio");
    }
}

/// Boards of two sorts whose order differs, and a new one that is the twin of one of them.
#[test]
fn a_board_that_is_nearly_a_known_one_is_predicted_as_such() {
    let mut world = World::new();
    let mut board = |at: usize, odd: f64| {
        let whim = |model: usize| odd * ((model * 7 + at * 13) as f64).sin();
        let costs = world.board(1.0 + at as f64, 0.95, 0.6);
        costs.iter().enumerate().map(|(model, cost)| cost * whim(model).exp()).collect::<Vec<_>>()
    };
    let boards: Vec<Vec<f64>> = (0..10).map(|at| board(at / 2, 0.5)).collect();
    let truth: Vec<f64> = board(3, 0.5).iter().map(|cost| 3.0 * cost).collect();
    let others: Vec<_> = boards.iter().map(|board| known(board)).collect();
    let pool = Pool::of(24, &others).unwrap();
    let prior = tune(&pool, &world.traits, &(0..10).collect::<Vec<_>>()).unwrap();
    let measured = anchors(&truth, &[2, 9, 12, 21]);
    let error = |process: &Process| {
        let found = process.predict(&measured).unwrap();
        let off = found.iter().zip(&truth).map(|(found, truth)| (found.cost / truth).ln().abs());
        off.fold(0.0, f64::max)
    };
    let alone = error(&Process::of(&pool, &world.traits, *prior.scales()).unwrap());
    let mixed = error(&Process::of(&pool, &world.traits, prior).unwrap());
    assert!(mixed < 0.05 && mixed < 0.5 * alone, "{mixed} against {alone}");
}

/// The closed form says what predicting without the model says.
#[test]
fn each_measured_model_is_predicted_as_if_it_had_not_been() {
    let mut world = World::new();
    let boards: Vec<_> = (1..6).map(|at| known(&world.board(f64::from(at), 0.9, 0.5))).collect();
    let pool = Pool::of(24, &boards).unwrap();
    let prior = tune(&pool, &world.traits, &[0, 1, 2, 3, 4]).unwrap();
    let process = Process::of(&pool, &world.traits, prior).unwrap();
    let truth = world.board(2.0, 1.0, 0.7);
    let models = [1, 6, 11, 16, 21];
    let found = process.predict_from_others(&anchors(&truth, &models)).unwrap();
    for model in models {
        let others: Vec<usize> = models.iter().copied().filter(|other| *other != model).collect();
        let without = process.predict(&anchors(&truth, &others)).unwrap();
        assert_close(found[model].cost / without[model].cost, 1.0, 0.02, "median");
    }
}
