//! Multinomial logistic regression by L-BFGS.
//!
//! Minimises the sum of log losses plus `PENALTY / 2` times the squared weights (the
//! bias is free). The problem is convex, and strictly so in the weights.

use std::collections::VecDeque;

use nalgebra::DMatrix;

use super::Linear;

/// On coordinates of norm about 1; see docs/ranking.md for why it is fixed.
const PENALTY: f64 = 0.1;
const STEPS: usize = 100;
/// Stop where no component of the mean gradient is larger.
const FLAT: f64 = 1e-6;
/// Pairs that L-BFGS remembers.
const MEMORY: usize = 8;

pub(super) fn solve(coordinates: &DMatrix<f64>, labels: &[u32], classes: usize) -> Linear {
    // The bias is the weight of one more coordinate, which is always 1.
    let with_bias = coordinates.clone().insert_column(coordinates.ncols(), 1.0);
    let problem = Problem { rows: &with_bias, labels, classes };
    let mut weights = minimise(&problem);
    let bias: Vec<f64> = weights.row(coordinates.ncols()).iter().copied().collect();
    weights = weights.remove_row(coordinates.ncols());
    Linear { weights, bias }
}

struct Problem<'a> {
    /// Samples x coordinates, the last being 1.
    rows: &'a DMatrix<f64>,
    labels: &'a [u32],
    classes: usize,
}

impl Problem<'_> {
    /// Loss and gradient, both of the mean over samples.
    fn at(&self, weights: &DMatrix<f64>) -> (f64, DMatrix<f64>) {
        let samples = self.rows.nrows() as f64;
        let mut scores = self.rows * weights;
        let mut loss = 0.0;
        for (mut row, label) in scores.row_iter_mut().zip(self.labels) {
            let highest = row.max();
            let own = row.get(*label as usize).map_or(0.0, |score| score - highest);
            row.apply(|score| *score = (*score - highest).exp());
            let sum = row.sum();
            loss += sum.ln() - own;
            row.unscale_mut(sum);
            if let Some(own) = row.get_mut(*label as usize) {
                *own -= 1.0;
            }
        }
        let mut penalised = weights.clone();
        penalised.row_mut(self.rows.ncols() - 1).fill(0.0);
        let gradient = (self.rows.tr_mul(&scores) + &penalised * PENALTY) / samples;
        ((loss + 0.5 * PENALTY * penalised.norm_squared()) / samples, gradient)
    }
}

fn minimise(problem: &Problem<'_>) -> DMatrix<f64> {
    let mut weights = DMatrix::zeros(problem.rows.ncols(), problem.classes);
    let (mut loss, mut gradient) = problem.at(&weights);
    let mut memory = VecDeque::new();
    for _ in 0..STEPS {
        if gradient.amax() < FLAT {
            break;
        }
        let direction = descent(&memory, &gradient);
        let Some((step, next)) = line_search(problem, &weights, loss, &gradient, &direction) else {
            break;
        };
        let moved = direction * step;
        let bend = &next.1 - &gradient;
        weights += &moved;
        (loss, gradient) = next;
        if moved.dot(&bend) > 0.0 {
            memory.push_back((moved, bend));
        }
        if memory.len() > MEMORY {
            memory.pop_front();
        }
    }
    weights
}

/// The two-loop recursion: minus the inverse curvature times the gradient.
fn descent(
    memory: &VecDeque<(DMatrix<f64>, DMatrix<f64>)>,
    gradient: &DMatrix<f64>,
) -> DMatrix<f64> {
    let mut direction = -gradient;
    let mut along = Vec::new();
    for (moved, bend) in memory.iter().rev() {
        let share = moved.dot(&direction) / moved.dot(bend);
        direction -= bend * share;
        along.push(share);
    }
    if let Some((moved, bend)) = memory.back() {
        direction *= moved.dot(bend) / bend.norm_squared();
    }
    for ((moved, bend), share) in memory.iter().zip(along.into_iter().rev()) {
        let back = bend.dot(&direction) / moved.dot(bend);
        direction += moved * (share - back);
    }
    direction
}

/// Halves the step until the loss falls enough (Armijo).
fn line_search(
    problem: &Problem<'_>,
    weights: &DMatrix<f64>,
    loss: f64,
    gradient: &DMatrix<f64>,
    direction: &DMatrix<f64>,
) -> Option<(f64, (f64, DMatrix<f64>))> {
    let slope = gradient.dot(direction);
    if slope >= 0.0 {
        return None;
    }
    let mut step = 1.0;
    for _ in 0..30 {
        let next = problem.at(&(weights + direction * step));
        if next.0 <= loss + 1e-4 * step * slope {
            return Some((step, next));
        }
        step *= 0.5;
    }
    None
}
