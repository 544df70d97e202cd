//! Arrays that a user hands to `score`, checked and in the shape that formulas take.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use super::Failure;
use crate::model::{Dtype, Tensor};

/// Most numbers of one array: 512 MiB in double precision.
const MOST: usize = 1 << 26;

/// Named arrays of one file.
#[derive(Debug)]
pub(crate) struct Arrays(pub(crate) BTreeMap<String, Tensor>);

impl Arrays {
    fn get(&self, name: &str) -> Result<&Tensor, Failure> {
        self.0.get(name).ok_or_else(|| {
            let there: Vec<&str> = self.0.keys().map(String::as_str).collect();
            Failure::input(format!("the file has no array {name:?}"))
                .help(format!("it has: {}", there.join(", ")))
        })
    }

    fn shaped<const N: usize>(&self, name: &str) -> Result<(Vec<f64>, [usize; N]), Failure> {
        let tensor = self.get(name)?;
        if tensor.len() > MOST {
            let count = tensor.len();
            return Err(Failure::input(format!("{name} holds {count} numbers, {MOST} at most")));
        }
        let shape = <[usize; N]>::try_from(tensor.shape.as_slice()).map_err(|_| {
            Failure::input(format!("{name} has {} dimensions, {N} wanted", tensor.shape.len()))
        })?;
        Ok((numbers(name, tensor)?, shape))
    }

    /// One dimension.
    pub(crate) fn vector(&self, name: &str) -> Result<Vec<f64>, Failure> {
        self.shaped::<1>(name).map(|(values, _)| values)
    }

    /// The same, or `None` where the file has no such array.
    pub(crate) fn optional_vector(&self, name: &str) -> Result<Option<Vec<f64>>, Failure> {
        if self.0.contains_key(name) { self.vector(name).map(Some) } else { Ok(None) }
    }

    /// Two dimensions.
    pub(crate) fn matrix(&self, name: &str) -> Result<DMatrix<f64>, Failure> {
        let (values, [rows, columns]) = self.shaped::<2>(name)?;
        Ok(DMatrix::from_row_slice(rows, columns, &values))
    }

    /// Two dimensions, or one that is the only column.
    pub(crate) fn columns(&self, name: &str) -> Result<DMatrix<f64>, Failure> {
        if self.get(name)?.shape.len() != 1 {
            return self.matrix(name);
        }
        let values = self.vector(name)?;
        Ok(DMatrix::from_column_slice(values.len(), 1, &values))
    }

    /// Two dimensions, row by row.
    pub(crate) fn rows(&self, name: &str) -> Result<Vec<Vec<f64>>, Failure> {
        let (values, [rows, columns]) = self.shaped::<2>(name)?;
        let row = |at: usize| values.iter().copied().skip(at * columns).take(columns).collect();
        Ok((0..rows).map(row).collect())
    }

    /// Class numbers.
    pub(crate) fn labels(&self, name: &str) -> Result<Vec<u32>, Failure> {
        let whole = |value: f64| {
            let fits = value.fract() == 0.0 && (0.0..4e9).contains(&value);
            fits.then_some(value as u32)
        };
        let labels = self.vector(name)?.into_iter().map(whole).collect::<Option<Vec<u32>>>();
        labels.ok_or_else(|| Failure::input(format!("{name} are not whole numbers from 0 on")))
    }
}

/// The elements in double precision.
fn numbers(name: &str, tensor: &Tensor) -> Result<Vec<f64>, Failure> {
    macro_rules! read {
        ($type:ty) => {
            tensor
                .data
                .chunks_exact(size_of::<$type>())
                .filter_map(|bytes| bytes.try_into().ok().map(<$type>::from_le_bytes))
                .map(|value| value as f64)
                .collect()
        };
    }
    let values: Vec<f64> = match tensor.dtype {
        Dtype::Float64 => read!(f64),
        Dtype::Float32 => read!(f32),
        Dtype::Int64 => read!(i64),
        Dtype::UInt64 => read!(u64),
        Dtype::Int32 => read!(i32),
        Dtype::UInt32 => read!(u32),
        Dtype::Int16 => read!(i16),
        Dtype::UInt16 => read!(u16),
        Dtype::Int8 => read!(i8),
        Dtype::UInt8 | Dtype::Bool => read!(u8),
        _ => return Err(Failure::input(format!("{name} is not an array of numbers"))),
    };
    if values.len() == tensor.len() {
        Ok(values)
    } else {
        Err(Failure::input(format!(
            "{name} has {} values, its shape says {}",
            values.len(),
            tensor.len()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(name: &str, tensor: Tensor) -> Arrays {
        Arrays(BTreeMap::from([(name.to_owned(), tensor)]))
    }

    #[test]
    fn missing_misshapen_and_fractional_arrays_are_refused_by_name() {
        let found = arrays("labels", Tensor::from_f32(vec![2], &[0.0, 1.5]));
        assert!(found.labels("labels").unwrap_err().message.contains("labels"));
        assert!(found.matrix("labels").unwrap_err().message.contains("2 wanted"));
        let failure = found.vector("features").unwrap_err();
        assert!(failure.help.unwrap().contains("labels"));
    }

    #[test]
    fn rows_keep_their_order() {
        let tensor = Tensor::from_f32(vec![2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let found = arrays("scores", tensor);
        assert_eq!(found.rows("scores").unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
    }
}
