//! The eigenvalues of a symmetric matrix, and a few vectors in the coordinates of its
//! eigenvectors, which themselves are never formed.
//!
//! Scores need the products of the eigenvectors with one vector for each class, not the
//! eigenvectors. Householder reflections make the matrix tridiagonal, implicit QL steps make it
//! diagonal (EISPACK's `tred2` and `tql2`), and both turn the given vectors along: for n rows
//! and c vectors that is 4/3 n³ + O(c n²) operations and no memory beyond the matrix, where the
//! eigenvectors would take several times as much of both. A reflection is applied to a column
//! in the same pass that multiplies the column for the next one, so that the matrix
//! is read once per step.

use std::cell::Cell;

use nalgebra::DVector;

use super::{Matrix, Undefined};

/// Eigenvalues below this share of the largest are rounding noise.
const CUT: f64 = 1e-12;
/// QL steps for one eigenvalue; three are usual.
const STEPS: usize = 64;

/// Vectors in the coordinates of eigenvectors.
#[derive(Debug)]
pub(super) struct Projected {
    /// Eigenvalues above the cut, largest first.
    pub(super) sigma: Vec<f64>,
    /// Products of each given vector (a row) with each eigenvector (a column).
    pub(super) along: Matrix,
}

/// Decomposes a symmetric matrix, of which only the lower triangle is read; the vectors are the
/// rows of `along`.
///
/// # Errors
/// [`Undefined`] where the eigenvalues do not converge.
pub(super) fn project(matrix: Matrix, along: Matrix) -> Result<Projected, Undefined> {
    let mut reduced = Tridiagonal::of(matrix, along);
    reduced.diagonalise()?;
    let Tridiagonal { diagonal, along, .. } = reduced;
    let largest = diagonal.iter().copied().fold(0.0, f64::max);
    let mut kept: Vec<(f64, usize)> =
        diagonal.iter().enumerate().map(|(at, value)| (*value, at)).collect();
    kept.retain(|(value, _)| *value > largest * CUT);
    kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let columns: Vec<usize> = kept.iter().map(|(_, at)| *at).collect();
    let sigma = kept.into_iter().map(|(value, _)| value).collect();
    Ok(Projected { sigma, along: along.select_columns(&columns) })
}

/// A tridiagonal matrix with the same eigenvalues, and the vectors turned with it.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Below the diagonal; the last is 0.
    below: Vec<f64>,
    along: Matrix,
}

/// What a reflection `I - beta v vᵀ` on both sides takes away: `v wᵀ + w vᵀ`.
struct Update {
    v: DVector<f64>,
    w: DVector<f64>,
}

impl Tridiagonal {
    fn of(mut matrix: Matrix, mut along: Matrix) -> Self {
        let size = matrix.nrows();
        let zero = || DVector::zeros(size);
        let (mut diagonal, mut below) = (Vec::with_capacity(size), Vec::with_capacity(size));
        let mut last = Update { v: zero(), w: zero() };
        for at in 0..size {
            let (value, mut v) = updated(&matrix, at, &last);
            diagonal.push(value);
            below.push(reflector(&mut v, at + 1));
            let square = v.norm_squared();
            let beta = if square > 0.0 { 2.0 / square } else { 0.0 };
            let mut w = zero();
            for column in at + 1..size {
                multiply(&mut matrix, column, &last, &v, &mut w);
            }
            w *= beta;
            w -= &v * (0.5 * beta * w.dot(&v));
            if beta > 0.0 {
                let turned = &along * &v;
                along.ger(-beta, &turned, &v, 1.0);
            }
            last = Update { v, w };
        }
        Self { diagonal, below, along }
    }

    fn diagonalise(&mut self) -> Result<(), Undefined> {
        let largest = |values: &[f64]| values.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let small = f64::EPSILON * (largest(&self.diagonal) + 2.0 * largest(&self.below));
        for first in 0..self.diagonal.len() {
            let mut steps = 0;
            // The last of all is 0, so one is found.
            while let Some(length @ 1..) =
                self.below.iter().skip(first).position(|value| value.abs() <= small)
            {
                steps += 1;
                if steps > STEPS {
                    return Err(Undefined("eigenvalues that do not converge".to_owned()));
                }
                self.step(first, first + length);
            }
        }
        Ok(())
    }

    /// One implicit QL step on the block from `first` to `last`.
    fn step(&mut self, first: usize, last: usize) {
        let (Some(d), Some(e)) =
            (self.diagonal.get_mut(first..=last), self.below.get_mut(first..=last))
        else {
            return;
        };
        let d = Cell::from_mut(d).as_slice_of_cells();
        let e = Cell::from_mut(e).as_slice_of_cells();
        let ([top, second, ..], [below_top, ..]) = (d, e) else { return };
        let (Some(bottom), Some(below_bottom)) = (d.last(), e.last()) else { return };
        let g = (second.get() - top.get()) / (2.0 * below_top.get());
        let r = (g * g + 1.0).sqrt();
        let mut g = bottom.get() - top.get() + below_top.get() / (g + r.copysign(g));
        let (mut sine, mut cosine, mut p) = (1.0, 1.0, 0.0);
        for (at, (d, e)) in d.windows(2).zip(e.windows(2)).enumerate().rev() {
            let ([d, d_next], [e, e_next]) = (d, e) else { return };
            let (f, b) = (sine * e.get(), cosine * e.get());
            let r = (f * f + g * g).sqrt();
            e_next.set(r);
            if r == 0.0 {
                // The block fell apart on the way.
                d_next.set(d_next.get() - p);
                below_bottom.set(0.0);
                return;
            }
            (sine, cosine) = (f / r, g / r);
            g = d_next.get() - p;
            let r = (d.get() - g) * sine + 2.0 * cosine * b;
            p = sine * r;
            d_next.set(g + p);
            g = cosine * r - b;
            rotate(&mut self.along, first + at, sine, cosine);
        }
        top.set(top.get() - p);
        below_top.set(g);
        below_bottom.set(0.0);
    }
}

/// A column brought up to date: what is on the diagonal, and a vector of what is below it.
fn updated(matrix: &Matrix, at: usize, last: &Update) -> (f64, DVector<f64>) {
    let (at_v, at_w) = (entry(&last.v, at), entry(&last.w, at));
    let mut column: DVector<f64> = matrix.column(at).into_owned();
    let update = column.iter_mut().zip(&last.v).zip(&last.w);
    update.for_each(|((value, v), w)| *value -= v * at_w + w * at_v);
    let value = entry(&column, at);
    column.rows_mut(0, at + 1).fill(0.0);
    (value, column)
}

fn entry(vector: &DVector<f64>, at: usize) -> f64 {
    vector.get(at).copied().unwrap_or(0.0)
}

/// Makes a vector, of which the part from a place on is not zero, that of the reflection which
/// leaves only its first; gives what is left there.
fn reflector(v: &mut DVector<f64>, from: usize) -> f64 {
    let norm = v.norm();
    let Some(first) = v.get_mut(from) else { return 0.0 };
    let left = -norm.copysign(*first);
    *first -= left;
    left
}

/// Brings a column up to date and adds its part, and that of the row it mirrors, to the
/// product of the matrix with `v`.
fn multiply(
    matrix: &mut Matrix,
    at: usize,
    last: &Update,
    v: &DVector<f64>,
    product: &mut DVector<f64>,
) {
    let factors = [entry(&last.v, at), entry(&last.w, at), entry(v, at)];
    let mut column = matrix.column_mut(at);
    let Some((head, column)) = column.as_mut_slice().split_at_mut(at).1.split_first_mut() else {
        return;
    };
    let Some((own, product)) = product.as_mut_slice().split_at_mut(at).1.split_first_mut() else {
        return;
    };
    let [at_v, at_w, at_new] = factors;
    *head -= 2.0 * at_v * at_w;
    let vectors = [below(&last.v, at), below(&last.w, at), below(v, at)];
    *own += *head * at_new + sweep(column, vectors, product, factors);
}

/// A vector's part below a row.
fn below(vector: &DVector<f64>, row: usize) -> &[f64] {
    vector.as_slice().split_at(row + 1).1
}

/// `a -= p q + r s` and `product += a t`; gives `aᵀ v`. In lanes: a sum in order would be the
/// slowest part of all.
fn sweep(
    column: &mut [f64],
    [last_v, last_w, v]: [&[f64]; 3],
    product: &mut [f64],
    [at_v, at_w, at_new]: [f64; 3],
) -> f64 {
    const LANES: usize = 8;
    let one = |a: &mut f64, lv: f64, lw: f64, v: f64, product: &mut f64| {
        *a -= lv * at_w + lw * at_v;
        *product += *a * at_new;
        *a * v
    };
    let (columns, column) = column.as_chunks_mut::<LANES>();
    let (products, product) = product.as_chunks_mut::<LANES>();
    let ((lvs, lv), (lws, lw), (vs, v)) =
        (last_v.as_chunks::<LANES>(), last_w.as_chunks::<LANES>(), v.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for ((((a, lv), lw), v), product) in columns.iter_mut().zip(lvs).zip(lws).zip(vs).zip(products)
    {
        let lanes = a.iter_mut().zip(lv).zip(lw).zip(v).zip(product).zip(&mut sums);
        for (((((a, lv), lw), v), product), sum) in lanes {
            *sum += one(a, *lv, *lw, *v, product);
        }
    }
    let rest = column.iter_mut().zip(lv).zip(lw).zip(v).zip(product);
    let rest: f64 = rest.map(|((((a, lv), lw), v), product)| one(a, *lv, *lw, *v, product)).sum();
    sums.iter().sum::<f64>() + rest
}

/// Turns two neighbouring columns.
fn rotate(along: &mut Matrix, at: usize, sine: f64, cosine: f64) {
    let (mut left, mut right) = along.columns_range_pair_mut(at, at + 1);
    for (l, r) in left.as_mut_slice().iter_mut().zip(right.as_mut_slice()) {
        let turned = *r;
        *r = sine * *l + cosine * turned;
        *l = cosine * *l - sine * turned;
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::SymmetricEigen;

    use super::*;
    use crate::base::random::SplitMix64;

    /// Against eigenvectors: for every eigenvalue, squares of the products.
    fn check(matrix: &Matrix) {
        let size = matrix.nrows();
        let mut random = SplitMix64::new(5);
        let along = Matrix::from_fn(3, size, |_, _| random.unit() - 0.5);
        let found = project(matrix.clone(), along.clone()).unwrap();
        let whole = SymmetricEigen::new(matrix.clone());
        let largest = whole.eigenvalues.amax();
        let mut known: Vec<(f64, usize)> =
            whole.eigenvalues.iter().enumerate().map(|(at, value)| (*value, at)).collect();
        known.retain(|(value, _)| *value > largest * CUT);
        known.sort_by(|a, b| b.0.total_cmp(&a.0));
        assert_eq!(found.sigma.len(), known.len());
        for (at, (value, column)) in known.iter().enumerate() {
            assert!((found.sigma[at] - value).abs() <= 1e-12 * largest, "{at}: {value}");
            let own = &along * whole.eigenvectors.column(*column);
            for (own, found) in own.iter().zip(found.along.column(at).iter()) {
                assert!((own * own - found * found).abs() < 1e-7, "{at}: {own} {found}");
            }
        }
    }

    #[test]
    fn agrees_with_eigenvectors() {
        let mut random = SplitMix64::new(3);
        for (rows, size) in [(40, 30), (12, 11), (3, 20), (9, 1), (5, 2)] {
            let features = Matrix::from_fn(rows, size, |_, _| random.unit() - 0.3);
            check(&features.tr_mul(&features));
        }
        check(&Matrix::from_diagonal(&DVector::from_vec(vec![3.0, 1.0, 2.0])));
    }

    #[test]
    fn what_has_no_rank_keeps_nothing_and_equal_values_keep_their_space() {
        let found = project(Matrix::zeros(4, 4), Matrix::identity(4, 4)).unwrap();
        assert!(found.sigma.is_empty() && found.along.ncols() == 0);
        let found = project(Matrix::identity(5, 5), Matrix::identity(5, 5)).unwrap();
        assert_eq!(found.sigma, [1.0; 5]);
        let squares: f64 = found.along.iter().map(|value| value * value).sum();
        assert!((squares - 5.0).abs() < 1e-12);
    }
}
