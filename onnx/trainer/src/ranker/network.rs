//! The network: one attention layer over a model's token, its view of the samples and the classes.
//!
//! A board may be among them, as a token for each of its groups of numbers. Single head, post-norm,
//! read at the model's token (arXiv 2306.03900, released code), with one
//! difference in cost and none in value: keys and values of the classes are computed once and
//! shared by all models. What the [wide part](super::wide) says is added.

use std::collections::BTreeMap;

use candle_core::{D, Device, Result, Tensor, Var};
use umbra::base::random::SplitMix64;

/// Stands for minus infinity before a softmax.
const NEVER: f64 = -1e9;
/// Added to variances.
pub(crate) const EPSILON: f64 = 1e-5;

/// Sizes of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Numbers of a portrait.
    pub(crate) portrait: usize,
    /// Numbers of a row of views; 0 leaves the token out.
    pub(crate) views: usize,
    /// Numbers of a prototype; 0 leaves the classes out.
    pub(crate) features: usize,
    /// Numbers of a board; 0 leaves the board out.
    pub(crate) hardware: usize,
    /// Numbers of a token.
    pub(crate) token: usize,
    /// Models with a learned token of their own, beside their portrait; 0 for none.
    pub(crate) learned: usize,
}

/// A batch of tasks that all models answer.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Portraits, models x numbers, standardised.
    pub(crate) portraits: Tensor,
    /// Views, tasks x models x numbers.
    pub(crate) views: Tensor,
    /// Prototypes, tasks x classes x features, standardised; padding is 0.
    pub(crate) classes: Tensor,
    /// 1 where a class is padding, tasks x 1 x classes.
    pub(crate) padding: Tensor,
    /// Boards, tasks x groups x numbers, standardised, 0 outside of a row's group.
    pub(crate) hardware: Tensor,
    /// What the wide part says, tasks x models.
    pub(crate) wide: Tensor,
}

/// Weights by name, each stored as inputs x outputs.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) sizes: Sizes,
    pub(crate) weights: BTreeMap<&'static str, Var>,
}

impl Network {
    /// Random weights from a seed.
    pub(crate) fn new(sizes: Sizes, seed: u64) -> Result<Self> {
        let mut random = Normal(SplitMix64::new(seed));
        let Sizes { portrait, views, features, hardware, token: d, learned } = sizes;
        let mut weights = BTreeMap::new();
        let mut layer = |name: [&'static str; 2], from: usize, to: usize| -> Result<()> {
            let scale = 1.0 / (from.max(1) as f64).sqrt();
            weights.insert(name[0], random.matrix(from, to, scale)?);
            if !name[1].is_empty() {
                weights
                    .insert(name[1], Var::zeros((1, to), candle_core::DType::F32, &Device::Cpu)?);
            }
            Ok(())
        };
        layer(["portrait.w", "portrait.b"], portrait, d)?;
        if views > 0 {
            layer(["view.w", "view.b"], views, d)?;
        }
        if features > 0 {
            layer(["class.w", "class.b"], features, d)?;
        }
        if hardware > 0 {
            layer(["hardware.w", "hardware.b"], hardware, d)?;
        }
        for name in ["query", "key", "value"] {
            layer([name, ""], d, d)?;
        }
        layer(["out.w", "out.b"], d, d)?;
        layer(["head.w", "head.b"], d, 1)?;
        // Of the scores, as a logarithm, where they are the logits of a loss; no part of a score.
        weights.insert("sharpness", Var::zeros((1, 1), candle_core::DType::F32, &Device::Cpu)?);
        if learned > 0 {
            weights.insert("learned", random.matrix(learned, d, 0.1)?);
        }
        for name in ["norm1.g", "norm2.g"] {
            weights.insert(name, Var::ones((1, d), candle_core::DType::F32, &Device::Cpu)?);
        }
        for name in ["norm1.b", "norm2.b"] {
            weights.insert(name, Var::zeros((1, d), candle_core::DType::F32, &Device::Cpu)?);
        }
        Ok(Self { sizes, weights })
    }

    /// Lets the attention say nothing until it has learned something.
    pub(crate) fn silence(&self) -> Result<()> {
        self.weights.get("head.w").map_or(Ok(()), |head| head.set(&head.as_tensor().zeros_like()?))
    }

    /// A weight; one that is not there is a mistake of this program that the tensor library names.
    pub(crate) fn weight(&self, name: &str) -> Result<&Tensor> {
        let found = self.weights.get(name).map(Var::as_tensor);
        found.ok_or_else(|| candle_core::Error::Msg(format!("no weight {name}")))
    }

    fn layer(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let product = self.product(x, &format!("{name}.w"))?;
        product.broadcast_add(self.weight(&format!("{name}.b"))?)
    }

    /// A matrix applied to the last dimension; one multiplication, whatever the others are.
    fn product(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let (weight, mut sizes) = (self.weight(name)?, x.dims().to_vec());
        let flat = x.reshape(((), weight.dim(0)?))?.matmul(weight)?;
        if let Some(last) = sizes.last_mut() {
            *last = weight.dim(1)?;
        }
        flat.reshape(sizes)
    }

    /// A score for each task and model, tasks x models.
    pub(crate) fn scores(&self, batch: &Batch) -> Result<Tensor> {
        let tasks = batch.views.dim(0)?;
        let mut token = self.layer(&batch.portraits, "portrait")?;
        if self.sizes.learned > 0 {
            token = (token + self.weight("learned")?)?;
        }
        let (models, width) = token.dims2()?;
        let of_all =
            |x: &Tensor| x.unsqueeze(0)?.broadcast_as((tasks, models, width))?.contiguous();
        let query = of_all(&self.product(&token, "query")?)?;
        // Every token that a model looks at alone: itself, and its own view of the samples.
        let mut own = vec![[
            of_all(&self.product(&token, "key")?)?,
            of_all(&self.product(&token, "value")?)?,
        ]];
        if self.sizes.views > 0 {
            let view = self.layer(&batch.views, "view")?;
            own.push([self.product(&view, "key")?, self.product(&view, "value")?]);
        }
        let token = of_all(&token)?;
        let (mut logits, mut values) = (Vec::new(), Vec::new());
        for [key, value] in own {
            logits.push((&query * key)?.sum_keepdim(D::Minus1)?);
            values.push(value);
        }
        // And those that all models share: keys and values are computed once.
        let shared = self.shared(batch)?;
        for (seen, padding) in &shared {
            let key = self.product(seen, "key")?;
            let found = query.matmul(&key.transpose(1, 2)?.contiguous()?)?;
            logits.push(match padding {
                Some(padding) => found.broadcast_add(&(*padding * NEVER)?)?,
                None => found,
            });
        }
        let logits = (Tensor::cat(&logits, 2)? / (width as f64).sqrt())?;
        let share = candle_nn::ops::softmax(&logits, D::Minus1)?;
        let mut mixed = token.zeros_like()?;
        for (at, value) in values.iter().enumerate() {
            mixed = (mixed + share.narrow(2, at, 1)?.broadcast_mul(value)?)?;
        }
        let mut from = values.len();
        for (seen, _) in &shared {
            let value = self.product(seen, "value")?;
            let count = value.dim(1)?;
            mixed = (mixed + share.narrow(2, from, count)?.contiguous()?.matmul(&value)?)?;
            from += count;
        }
        let read = self.norm(&(token + self.layer(&mixed, "out")?)?, "norm1")?;
        self.layer(&self.norm(&read, "norm2")?, "head")?.squeeze(2)? + &batch.wide
    }

    /// Tokens of the task and of the board, each with what pads it.
    fn shared<'b>(&self, batch: &'b Batch) -> Result<Vec<(Tensor, Option<&'b Tensor>)>> {
        let mut shared = Vec::new();
        if self.sizes.features > 0 {
            shared.push((self.layer(&batch.classes, "class")?, Some(&batch.padding)));
        }
        if self.sizes.hardware > 0 {
            shared.push((self.layer(&batch.hardware, "hardware")?, None));
        }
        Ok(shared)
    }

    fn norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let apart = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = apart.sqr()?.mean_keepdim(D::Minus1)?;
        let unit = apart.broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
        let scaled = unit.broadcast_mul(self.weight(&format!("{name}.g"))?)?;
        scaled.broadcast_add(self.weight(&format!("{name}.b"))?)
    }
}

/// Normal numbers from a seed.
pub(crate) struct Normal(pub(crate) SplitMix64);

impl Normal {
    /// Mean 0, deviation 1 (Box and Muller).
    pub(crate) fn draw(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.0.unit(), self.0.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// A matrix of them, so far from 0.
    pub(crate) fn matrix(&mut self, rows: usize, columns: usize, scale: f64) -> Result<Var> {
        let values: Vec<f32> = (0..rows * columns).map(|_| (scale * self.draw()) as f32).collect();
        Var::from_vec(values, (rows, columns), &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Rows of numbers; one row where there is a list of numbers, one number where there is one.
    fn rows(value: &Value) -> Vec<Vec<f32>> {
        let number = |value: &Value| value.as_f64().unwrap() as f32;
        match value.as_array() {
            None => vec![vec![number(value)]],
            Some(list) if list.iter().all(Value::is_array) => list
                .iter()
                .map(|row| row.as_array().unwrap().iter().map(number).collect())
                .collect(),
            Some(list) => vec![list.iter().map(number).collect()],
        }
    }

    fn tensor(value: &Value) -> Tensor {
        Tensor::new(rows(value), &Device::Cpu).unwrap()
    }

    /// The vectors' own weights; tokens go in as they are.
    fn network(params: &Value, token: usize) -> Network {
        let sizes =
            Sizes { portrait: token, views: 0, features: token, hardware: 0, token, learned: 0 };
        let network = Network::new(sizes, 1).unwrap();
        let set = |name: &str, value: &Tensor| network.weights[name].set(value).unwrap();
        let one = Tensor::eye(token, candle_core::DType::F32, &Device::Cpu).unwrap();
        set("portrait.w", &one);
        set("class.w", &one);
        // Theirs are stored outputs x inputs.
        for (name, key) in
            [("query", "wq"), ("key", "wk"), ("value", "wv"), ("out.w", "wo"), ("head.w", "wh")]
        {
            set(name, &tensor(&params[key]).t().unwrap().contiguous().unwrap());
        }
        for (name, key) in [
            ("out.b", "bo"),
            ("norm1.g", "g1"),
            ("norm1.b", "b1"),
            ("norm2.g", "g2"),
            ("norm2.b", "b2"),
            ("head.b", "bh"),
        ] {
            set(name, &tensor(&params[key]));
        }
        network
    }

    #[test]
    fn scores_are_those_of_the_vectors() {
        let text = include_str!("../../../../tests/vectors/token_scorer.json");
        let vectors: Value = serde_json::from_str(text).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let portraits = tensor(&case["ptm_token"]);
            let classes = tensor(&case["task_tokens"]).unsqueeze(0).unwrap();
            let (_, count, token) = classes.dims3().unwrap();
            let padded = |at: usize| case["pad_mask"].get(at).is_some_and(|pad| pad == true);
            let padding: Vec<f32> = (0..count).map(|at| f32::from(u8::from(padded(at)))).collect();
            let batch = Batch {
                portraits,
                views: Tensor::zeros((1, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap(),
                classes,
                padding: Tensor::from_vec(padding, (1, 1, count), &Device::Cpu).unwrap(),
                hardware: Tensor::zeros((1, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap(),
                wide: Tensor::zeros((1, 1), candle_core::DType::F32, &Device::Cpu).unwrap(),
            };
            let score = network(&case["params"], token).scores(&batch).unwrap();
            let score = f64::from(score.to_vec2::<f32>().unwrap()[0][0]);
            let expected = case["expected_score"].as_f64().unwrap();
            assert!((score - expected).abs() < 2e-6 * (1.0 + expected.abs()), "{case}: {score}");
        }
    }
}
