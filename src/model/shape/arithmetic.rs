//! Small whole numbers, computed: exporters derive shapes with ordinary operators.

use super::fact::Value;
use super::site::Site;
use crate::model::Dtype;

/// Exporters compute shapes with two operands, seldom with three.
const MOST_OPERANDS: usize = 8;

/// The value of an arithmetic node whose inputs are known whole numbers. Each input must be a
/// single number or as long as the result.
pub(super) fn evaluate(site: &Site<'_>) -> Option<Value> {
    let operation: fn(i64, i64) -> Option<i64> = match site.node.op_type.as_str() {
        "Add" | "Sum" => i64::checked_add,
        "Sub" => i64::checked_sub,
        "Mul" => i64::checked_mul,
        "Div" => i64::checked_div,
        "Mod" => i64::checked_rem_euclid,
        "Min" => |a, b| Some(a.min(b)),
        "Max" => |a, b| Some(a.max(b)),
        _ => return None,
    };
    if site.node.input.len() > MOST_OPERANDS {
        return None;
    }
    let mut result = site.ints(0)?.to_vec();
    for at in 1..site.node.input.len() {
        result = pairwise(&result, site.ints(at)?, operation)?;
    }
    Some(Value::Ints(result))
}

fn pairwise(a: &[i64], b: &[i64], operation: fn(i64, i64) -> Option<i64>) -> Option<Vec<i64>> {
    match (a, b) {
        (_, [b]) => a.iter().map(|a| operation(*a, *b)).collect(),
        ([a], _) => b.iter().map(|b| operation(*a, *b)).collect(),
        _ if a.len() == b.len() => a.iter().zip(b).map(|(a, b)| operation(*a, *b)).collect(),
        _ => None,
    }
}

/// A value in another type; types narrower than its numbers are not followed.
pub(super) fn cast(value: &Value, dtype: Dtype) -> Option<Value> {
    match value {
        Value::Ints(values) if matches!(dtype, Dtype::Int64 | Dtype::Int32) => {
            let fits = dtype == Dtype::Int64 || values.iter().all(|v| i32::try_from(*v).is_ok());
            fits.then(|| Value::Ints(values.clone()))
        }
        Value::Ints(values) if dtype == Dtype::Float32 => {
            Some(Value::Floats(values.iter().map(|value| *value as f32).collect()))
        }
        Value::Floats(values) if matches!(dtype, Dtype::Int64 | Dtype::Int32) => {
            Some(Value::Ints(values.iter().map(|value| *value as i64).collect()))
        }
        Value::Floats(values) if dtype == Dtype::Float32 => Some(Value::Floats(values.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_numbers_broadcast_and_overflow_is_unknown() {
        assert_eq!(pairwise(&[2, 3], &[4], i64::checked_mul), Some(vec![8, 12]));
        assert_eq!(pairwise(&[9], &[4, 2], i64::checked_sub), Some(vec![5, 7]));
        assert_eq!(pairwise(&[i64::MAX], &[1], i64::checked_add), None);
        assert_eq!(pairwise(&[1], &[0], i64::checked_div), None);
        assert_eq!(pairwise(&[1, 2], &[1, 2, 3], i64::checked_add), None);
    }
}
