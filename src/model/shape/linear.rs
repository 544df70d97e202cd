//! Matrix products.

use super::elementwise::broadcast;
use super::fact::Fact;
use super::site::Site;
use crate::model::Dtype;

/// Shape of a matrix product with numpy's rules for vectors and stacks.
pub(super) fn product(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let (a_stack, rows, inner) = match a {
        [] => return None,
        [inner] => (&[][..], None, *inner),
        [stack @ .., rows, inner] => (stack, Some(*rows), *inner),
    };
    let (b_stack, other, columns) = match b {
        [] => return None,
        [inner] => (&[][..], *inner, None),
        [stack @ .., inner, columns] => (stack, *inner, Some(*columns)),
    };
    if inner != other {
        return None;
    }
    let mut shape = broadcast(a_stack, b_stack)?;
    shape.extend(rows);
    shape.extend(columns);
    Some(shape)
}

fn product_of(site: &Site<'_>, a: usize, b: usize) -> Option<Vec<u64>> {
    product(site.shape(a)?, site.shape(b)?)
}

/// `MatMul`.
pub(super) fn matmul(site: &Site<'_>) -> Vec<Fact> {
    site.alike(product_of(site, 0, 1))
}

/// `MatMulInteger`.
pub(super) fn matmul_integer(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(Some(Dtype::Int32), product_of(site, 0, 1))]
}

/// `com.microsoft`'s products of integers that give floats.
pub(super) fn matmul_to_float(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(Some(Dtype::Float32), product_of(site, 0, 1))]
}

/// `QLinearMatMul`.
pub(super) fn qlinear_matmul(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(site.dtype(7), product_of(site, 0, 3))]
}

/// Rows, inner size and columns of a `Gemm`; `b` is the place of the second matrix.
pub(crate) fn gemm_sizes(
    a: &[u64],
    b: &[u64],
    transposed: (bool, bool),
) -> Option<(u64, u64, u64)> {
    let ([a0, a1], [b0, b1]) = (a, b) else { return None };
    let (rows, inner) = if transposed.0 { (*a1, *a0) } else { (*a0, *a1) };
    let (other, columns) = if transposed.1 { (*b1, *b0) } else { (*b0, *b1) };
    (inner == other).then_some((rows, inner, columns))
}

fn gemm_shape(site: &Site<'_>, b: usize) -> Option<Vec<u64>> {
    let flag = |name: &str| site.node.attr_i(name).unwrap_or(0) != 0;
    let transposed = (flag("transA"), flag("transB"));
    let (rows, _, columns) = gemm_sizes(site.shape(0)?, site.shape(b)?, transposed)?;
    Some(vec![rows, columns])
}

/// `Gemm`.
pub(super) fn gemm(site: &Site<'_>) -> Vec<Fact> {
    site.alike(gemm_shape(site, 1))
}

/// `com.microsoft:QGemm`: integers if an output scale is given, else floats.
pub(super) fn qgemm(site: &Site<'_>) -> Vec<Fact> {
    let dtype = if site.has(8) { site.dtype(8) } else { Some(Dtype::Float32) };
    vec![Fact::new(dtype, gemm_shape(site, 3))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_follow_numpy() {
        assert_eq!(product(&[2, 3], &[3, 4]), Some(vec![2, 4]));
        assert_eq!(product(&[5, 1, 2, 3], &[7, 3, 4]), Some(vec![5, 7, 2, 4]));
        assert_eq!(product(&[3], &[3, 4]), Some(vec![4]));
        assert_eq!(product(&[2, 3], &[3]), Some(vec![2]));
        assert_eq!(product(&[3], &[3]), Some(vec![]));
        assert_eq!(product(&[2, 3], &[4, 2]), None);
    }

    #[test]
    fn gemm_transposes() {
        assert_eq!(gemm_sizes(&[1, 8], &[10, 8], (false, true)), Some((1, 8, 10)));
        assert_eq!(gemm_sizes(&[8, 1], &[8, 10], (true, false)), Some((1, 8, 10)));
        assert_eq!(gemm_sizes(&[1, 8], &[10, 8], (false, false)), None);
    }
}
