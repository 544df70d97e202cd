//! Codes to reals and back in a draft: constants at once, everything else as operators
//! of the house.

use crate::engine::EngineError;
use crate::engine::lower::draft::Draft;
use crate::engine::quantize::{Dequantize, Quantize, run_length};
use crate::model::onnx::TensorData;
use crate::model::{Dtype, Stage};

use super::custom;

impl Draft {
    /// Elements of a constant integer tensor.
    pub(in crate::engine::lower) fn integers(&self, name: &str) -> Option<Vec<i64>> {
        self.constants.get(name)?.to_i64()
    }

    /// The real values of an integer tensor: folded where it is constant, a node otherwise,
    /// and one node however many readers there are.
    pub(in crate::engine::lower) fn dequantise(
        &mut self,
        name: &str,
        how: &Dequantize,
    ) -> Result<String, EngineError> {
        if let Some(known) = self.dequantised.get(&key(name, how)) {
            return Ok(known.clone());
        }
        let output = self.fresh(name);
        self.dequantise_as(name, how, &output)?;
        Ok(output)
    }

    /// The same under a given name.
    pub(in crate::engine::lower) fn dequantise_as(
        &mut self,
        name: &str,
        how: &Dequantize,
        output: &str,
    ) -> Result<(), EngineError> {
        let key = key(name, how);
        if let Some(known) = self.dequantised.get(&key).cloned() {
            self.emit_as("Identity", &[&known], vec![], output);
            return Ok(());
        }
        if self.constants.contains_key(name) {
            let tensor = self.fold(name, how, output)?;
            self.constants.insert(output.to_owned(), tensor);
        } else {
            self.emit_as(custom::DEQUANTIZE, &[name], custom::dequantize_attributes(how), output);
        }
        self.dequantised.insert(key, output.to_owned());
        Ok(())
    }

    fn fold(&self, name: &str, how: &Dequantize, output: &str) -> Result<TensorData, EngineError> {
        let codes = self.integers(name);
        let shape = self.constants.get(name).and_then(TensorData::shape);
        let values = shape.as_ref().zip(codes).and_then(|(shape, codes)| how.fold(shape, &codes));
        let tensor = shape.zip(values);
        tensor.map(|(shape, values)| TensorData::from_f32(output, &shape, &values)).ok_or_else(
            || {
                let reason = format!("constant {name} does not fit its scales and zero points");
                EngineError::new(Stage::Load, reason).help("export the model again")
            },
        )
    }

    /// Codes of a real tensor: folded where it is constant, a node otherwise.
    pub(in crate::engine::lower) fn quantise(&mut self, name: &str, how: &Quantize, output: &str) {
        match self.fold_codes(name, how, output) {
            Some(tensor) => {
                self.constants.insert(output.to_owned(), tensor);
            }
            None => {
                self.emit_as(custom::QUANTIZE, &[name], custom::quantize_attributes(how), output)
            }
        }
    }

    fn fold_codes(&self, name: &str, how: &Quantize, output: &str) -> Option<TensorData> {
        let values = self.floats(name)?;
        let shape = self.constants.get(name)?.shape()?;
        let lanes = how.lanes()?;
        let inner = run_length(&shape, how.axis, lanes.len())?.max(1);
        let mut channel = lanes.iter().cycle();
        let mut data = Vec::with_capacity(values.len());
        for run in values.chunks(inner) {
            let lane = channel.next()?;
            run.iter().for_each(|&x| push_code(&mut data, how.dtype, lane.code(x)));
        }
        Some(TensorData::raw(output, how.dtype, &shape, data))
    }
}

fn key(name: &str, how: &Dequantize) -> String {
    format!("{name}\u{0}{how:?}")
}

fn push_code(data: &mut Vec<u8>, dtype: Dtype, code: f32) {
    match dtype {
        Dtype::Int8 | Dtype::UInt8 => data.extend((code as i16).to_le_bytes().first()),
        _ => data.extend((code as i32).to_le_bytes().iter().take(2)),
    }
}
