//! Outputs of a raw inference.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::text::page;
use super::{Show, document};
use crate::model::Tensor;

/// What `infer` shows: names, types and shapes; the values are in the file.
#[derive(Debug)]
pub struct Outputs(pub BTreeMap<String, Tensor>);

impl Show for Outputs {
    fn text(&self) -> String {
        let line = |(name, tensor): (&String, &Tensor)| {
            let dtype = json!(tensor.dtype);
            format!("{name}: {} {:?}", dtype.as_str().unwrap_or("other"), tensor.shape)
        };
        page(&self.0.iter().map(line).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        let entry = |(name, tensor): (&String, &Tensor)| {
            (name.clone(), json!({ "dtype": tensor.dtype, "shape": tensor.shape }))
        };
        document(json!({ "outputs": self.0.iter().map(entry).collect::<Map<_, _>>() }))
    }
}
