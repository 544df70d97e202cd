//! Ridge regression on standings within a task: only differences between its candidates count.

use candle_core::{Error, Result};
use umbra::rank::relevance::Matrix;

/// Normal equations, as tasks are added.
#[derive(Debug, Clone)]
pub(crate) struct Ridge {
    squares: Matrix,
    products: Matrix,
    /// Of the standings themselves.
    own: f64,
    weight: f64,
}

impl Ridge {
    pub(crate) fn new(width: usize) -> Self {
        let (squares, products) = (Matrix::zeros(width, width), Matrix::zeros(width, 1));
        Self { squares, products, own: 0.0, weight: 0.0 }
    }

    /// A task: a row of numbers for each candidate, and its standing.
    pub(crate) fn add(&mut self, rows: &[Vec<f64>], standing: &[f64], weight: f64) {
        let (count, width) = (rows.len(), self.products.nrows());
        let cell = |row: usize, at: usize| rows.get(row).and_then(|row| row.get(at)).copied();
        let mut x = Matrix::from_fn(count, width, |row, at| cell(row, at).unwrap_or(0.0));
        let mut y = Matrix::from_fn(count, 1, |row, _| standing.get(row).copied().unwrap_or(0.0));
        for mut column in x.column_iter_mut().chain(y.column_iter_mut()) {
            let mean = column.mean();
            column.add_scalar_mut(-mean);
        }
        let share = weight / count.max(1) as f64;
        self.squares += x.tr_mul(&x) * share;
        self.products += x.tr_mul(&y) * share;
        self.own += y.norm_squared() * share;
        self.weight += weight;
    }

    /// Those of several together.
    pub(crate) fn sum<'a>(width: usize, parts: impl Iterator<Item = &'a Self>) -> Self {
        parts.fold(Self::new(width), |mut sum, part| {
            sum.squares += &part.squares;
            sum.products += &part.products;
            sum.own += part.own;
            sum.weight += part.weight;
            sum
        })
    }

    /// The weights of a row's numbers, each with its own penalty.
    pub(crate) fn solve(&self, penalties: &[f64]) -> Result<Vec<f64>> {
        let scale = self.weight.max(f64::MIN_POSITIVE);
        solve(&self.squares / scale, penalties, &(&self.products / scale))
    }

    /// Mean squared error of some weights.
    pub(crate) fn error(&self, weights: &[f64]) -> f64 {
        let weights = Matrix::from_column_slice(weights.len(), 1, weights);
        let square = weights.dot(&(&self.squares * &weights));
        (square - 2.0 * weights.dot(&self.products) + self.own) / self.weight.max(f64::MIN_POSITIVE)
    }
}

/// Kernel ridge regression: what each example counts.
pub(crate) fn kernel(alike: &Matrix, penalty: f64, values: &[f64]) -> Result<Vec<f64>> {
    let penalties = vec![penalty; values.len()];
    solve(alike.clone(), &penalties, &Matrix::from_column_slice(values.len(), 1, values))
}

fn solve(mut squares: Matrix, penalties: &[f64], products: &Matrix) -> Result<Vec<f64>> {
    for (at, penalty) in penalties.iter().enumerate() {
        if let Some(cell) = squares.get_mut((at, at)) {
            *cell += penalty;
        }
    }
    let factors = squares.cholesky();
    let factors =
        factors.ok_or_else(|| Error::Msg("a regression without a solution".to_owned()))?;
    Ok(factors.solve(products).iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_for_a_whole_task_teaches_nothing() {
        // The standing is twice the first number; the second tells tasks apart, not candidates.
        let (mut one, mut other) = (Ridge::new(2), Ridge::new(2));
        one.add(&[vec![0.0, 5.0], vec![1.0, 5.0]], &[-1.0, 1.0], 1.0);
        other.add(&[vec![7.0, -5.0], vec![8.0, -5.0], vec![9.0, -5.0]], &[0.0, 2.0, 4.0], 3.0);
        let both = Ridge::sum(2, [&one, &other].into_iter());
        let found = both.solve(&[1e-9; 2]).unwrap();
        assert!((found[0] - 2.0).abs() < 1e-6 && found[1].abs() < 1e-6, "{found:?}");
        assert!(other.error(&found).abs() < 1e-6);
        // Weights of 0 are off by what the standings differ: (4 + 0 + 4) / 3.
        assert!((other.error(&[0.0; 2]) - 8.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_kernel_ridge_meets_its_examples_as_the_penalty_vanishes() {
        let alike = Matrix::from_row_slice(2, 2, &[1.0, 0.5, 0.5, 1.0]);
        let weights = kernel(&alike, 1e-9, &[3.0, -1.0]).unwrap();
        let again = &alike * Matrix::from_column_slice(2, 1, &weights);
        assert!((again[0] - 3.0).abs() < 1e-6 && (again[1] + 1.0).abs() < 1e-6);
    }
}
