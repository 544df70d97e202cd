//! A trained network as an ONNX file, in operators that any engine knows.
//!
//! Layer norms are written as products with constant matrices, so that nothing newer than
//! operator set 13 is needed.

use candle_core::{Result, Tensor};
use umbra::model::Dtype;
use umbra::model::onnx::{Attribute, Graph, Model, Node, TensorData, ValueInfo};
use umbra::rank::spider::{CLASS, GROUPS, HARDWARE, VIEWS, WIDTH, names};

use super::batch::{Scale, groups};
use super::fit::Fitted;
use super::network::EPSILON;
use super::prior::{EXPECTED, Expected, Prior};
use super::wide::Wide;

const OPSET: i64 = 13;

/// Nodes and constants as they are added; every value has the name of its node.
#[derive(Default)]
pub(crate) struct Draft {
    nodes: Vec<Node>,
    constants: Vec<TensorData>,
}

impl Draft {
    /// A node; gives the name of its value.
    pub(crate) fn node(&mut self, op: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        let name = format!("{}{}", op.to_lowercase(), self.nodes.len());
        let node = Node::new(op, inputs, &[&name]);
        self.nodes.push(attributes.iter().fold(node, |node, of| node.with(of.clone())));
        name
    }

    pub(crate) fn constant(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = format!("c{}", self.constants.len());
        self.constants.push(TensorData::from_f32(&name, shape, values));
        name
    }

    fn whole(&mut self, values: &[i64]) -> String {
        let name = format!("c{}", self.constants.len());
        self.constants.push(TensorData::from_i64(&name, &[values.len()], values));
        name
    }

    /// A matrix of weights.
    pub(crate) fn weight(&mut self, tensor: &Tensor) -> Result<String> {
        let (rows, columns) = tensor.dims2()?;
        Ok(self.constant(&[rows, columns], &tensor.flatten_all()?.to_vec1::<f32>()?))
    }

    /// Rows standardised.
    pub(crate) fn scaled(&mut self, x: &str, scale: &Scale) -> String {
        let mean = self.constant(&[1, scale.mean.len()], &scale.mean);
        let inverse = self.constant(&[1, scale.inverse.len()], &scale.inverse);
        let apart = self.node("Sub", &[x, &mean], &[]);
        self.node("Mul", &[&apart, &inverse], &[])
    }

    /// The whole file: `last` goes out under a name of its own.
    pub(crate) fn finish(
        mut self,
        inputs: Vec<ValueInfo>,
        last: &str,
        output: (&str, usize),
    ) -> Model {
        self.nodes.push(Node::new("Identity", &[last], &[output.0]));
        let mut graph = Graph::of(inputs, self.nodes, vec![rows(output.0, output.1)]);
        graph.initializer = self.constants;
        Model::of(OPSET, graph)
    }

    /// Columns of `x` from one place to another.
    fn columns(&mut self, x: &str, from: i64, to: i64) -> String {
        let bounds = [self.whole(&[from]), self.whole(&[to]), self.whole(&[1])];
        self.node("Slice", &[x, &bounds[0], &bounds[1], &bounds[2]], &[])
    }
}

/// An input or output of any number of rows.
pub(crate) fn rows(name: &str, width: usize) -> ValueInfo {
    ValueInfo::tensor(name, Dtype::Float32, &[None, Some(width as u64)])
}

/// Writes the network down.
pub(crate) fn model(fitted: &Fitted) -> Result<Model> {
    let mut draft = Draft::default();
    let scores = Writer { fitted }.scores(&mut draft)?;
    let sizes = fitted.network.sizes;
    let mut inputs = vec![rows(names::PORTRAITS, WIDTH)];
    for (name, used, width) in [
        (names::VIEWS, sizes.views, VIEWS),
        (names::CLASSES, sizes.features, fitted.scales.classes.mean.len()),
        (names::HARDWARE, sizes.hardware, HARDWARE),
    ] {
        inputs.extend((used > 0).then(|| rows(name, width)));
    }
    Ok(draft.finish(inputs, &scores, (names::SCORES, 1)))
}

/// What is expected of each model, models x numbers, as `Prior::of`.
fn expected(draft: &mut Draft, portraits: &str, prior: &Prior) -> String {
    let width = prior.examples.first().map_or(1, Vec::len);
    let count = prior.examples.len();
    let at = |place: usize, example: usize| {
        let cell = prior.examples.get(example).and_then(|row| row.get(place));
        cell.copied().unwrap_or(0.0) / width as f32
    };
    let cells = (0..width).flat_map(|place| (0..count).map(move |example| at(place, example)));
    let examples = draft.constant(&[width, count], &cells.collect::<Vec<f32>>());
    let likeness = draft.node("MatMul", &[portraits, &examples], &[]);
    let one = draft.constant(&[1], &[1.0]);
    let likeness = draft.node("Add", &[&likeness, &one], &[]);
    let square = draft.node("Mul", &[&likeness, &likeness], &[]);
    let single = |row: &Expected| row.map(|value| value as f32);
    let weights: Vec<f32> = prior.weights.iter().flat_map(single).collect();
    let weights = draft.constant(&[count, EXPECTED], &weights);
    let sum = draft.node("MatMul", &[&square, &weights], &[]);
    let constant = draft.constant(&[1, EXPECTED], &single(&prior.constant));
    draft.node("Add", &[&sum, &constant], &[])
}

/// What the views are worth together.
fn said(draft: &mut Draft, wide: &Wide, look: Option<&str>) -> String {
    let (own, by_look): (Vec<f64>, Vec<[f64; CLASS]>) =
        (0..VIEWS).map(|view| wide.of_view(view)).unzip();
    let own: Vec<f32> = own.into_iter().map(|worth| worth as f32).collect();
    let mut worth = draft.constant(&[1, VIEWS], &own);
    if let Some(look) = look {
        let rows = (0..CLASS).flat_map(|at| by_look.iter().map(move |of| of.get(at).copied()));
        let cells: Vec<f32> = rows.map(|worth| worth.unwrap_or(0.0) as f32).collect();
        let by_look = draft.constant(&[CLASS, VIEWS], &cells);
        let of_look = draft.node("MatMul", &[look, &by_look], &[]);
        worth = draft.node("Add", &[&of_look, &worth], &[]);
    }
    product_sum(draft, names::VIEWS, &worth, VIEWS)
}

/// Of each row the sum of its products with another.
fn product_sum(draft: &mut Draft, rows: &str, by: &str, width: usize) -> String {
    let each = draft.node("Mul", &[rows, by], &[]);
    let ones = draft.constant(&[width, 1], &vec![1.0; width]);
    draft.node("MatMul", &[&each, &ones], &[])
}

struct Writer<'a> {
    fitted: &'a Fitted,
}

impl Writer<'_> {
    /// The name of the scores, models x 1; as `Network::scores`, for one task.
    fn scores(&self, draft: &mut Draft) -> Result<String> {
        let sizes = self.fitted.network.sizes;
        let portraits = draft.scaled(names::PORTRAITS, &self.fitted.scales.portraits);
        let token = self.layer(draft, &portraits, "portrait")?;
        let query = self.product(draft, &token, "query")?;
        let mut own = vec![token.clone()];
        if sizes.views > 0 {
            own.push(self.layer(draft, names::VIEWS, "view")?);
        }
        let ones = draft.constant(&[sizes.token, 1], &vec![1.0; sizes.token]);
        let (mut logits, mut values) = (Vec::new(), Vec::new());
        for seen in &own {
            let key = self.product(draft, seen, "key")?;
            let both = draft.node("Mul", &[&query, &key], &[]);
            logits.push(draft.node("MatMul", &[&both, &ones], &[]));
            values.push(self.product(draft, seen, "value")?);
        }
        let shared = self.shared(draft)?;
        for seen in &shared {
            let key = self.product(draft, seen, "key")?;
            let key = draft.node("Transpose", &[&key], &[Attribute::ints("perm", &[1, 0])]);
            logits.push(draft.node("MatMul", &[&query, &key], &[]));
        }
        let share = self.shares(draft, &logits);
        let mut mixed = self.mixed_own(draft, &share, &values);
        if !shared.is_empty() {
            let each: Result<Vec<String>> =
                shared.iter().map(|seen| self.product(draft, seen, "value")).collect();
            let each = each?;
            let names: Vec<&str> = each.iter().map(String::as_str).collect();
            let value = draft.node("Concat", &names, &[Attribute::int("axis", 0)]);
            let rest = draft.columns(&share, values.len() as i64, i64::MAX);
            let seen = draft.node("MatMul", &[&rest, &value], &[]);
            mixed = draft.node("Add", &[&mixed, &seen], &[]);
        }
        let out = self.layer(draft, &mixed, "out")?;
        let sum = draft.node("Add", &[&token, &out], &[]);
        let read = self.norm(draft, &sum, "norm1")?;
        let read = self.norm(draft, &read, "norm2")?;
        let deep = self.layer(draft, &read, "head")?;
        Ok(match &self.fitted.wide {
            None => deep,
            Some(wide) => {
                let wide = self.wide(draft, &portraits, wide);
                draft.node("Add", &[&deep, &wide], &[])
            }
        })
    }

    /// As `Wide::score`, of portraits that are scaled.
    fn wide(&self, draft: &mut Draft, portraits: &str, wide: &Wide) -> String {
        let expected = expected(draft, portraits, &wide.prior);
        let look = self.look(draft);
        let (mut gates, mut always) = (vec![0.0; VIEWS * EXPECTED], [0.0; EXPECTED]);
        let mut by_look = [[0.0; EXPECTED]; CLASS];
        for number in 0..EXPECTED {
            let ([own, seen, size], each) = wide.of_expected(number);
            let cells = gates.iter_mut().rev().skip(EXPECTED - 1 - number).step_by(EXPECTED);
            cells.zip([size, seen]).for_each(|(cell, worth)| *cell = worth as f32);
            always.iter_mut().skip(number).take(1).for_each(|cell| *cell = own as f32);
            for (row, worth) in by_look.iter_mut().zip(each) {
                row.iter_mut().skip(number).take(1).for_each(|cell| *cell = worth as f32);
            }
        }
        let always = draft.constant(&[1, EXPECTED], &always);
        let mut worth = always;
        if let Some(look) = &look {
            let by_look = draft.constant(&[CLASS, EXPECTED], by_look.as_flattened());
            let of_look = draft.node("MatMul", &[look, &by_look], &[]);
            worth = draft.node("Add", &[&worth, &of_look], &[]);
        }
        if self.fitted.network.sizes.views > 0 {
            let gates = draft.constant(&[VIEWS, EXPECTED], &gates);
            let of_samples = draft.node("MatMul", &[names::VIEWS, &gates], &[]);
            worth = draft.node("Add", &[&of_samples, &worth], &[]);
        }
        let expected = product_sum(draft, &expected, &worth, EXPECTED);
        if self.fitted.network.sizes.views == 0 {
            return expected;
        }
        let said = said(draft, wide, look.as_deref());
        draft.node("Add", &[&expected, &said], &[])
    }

    /// As `Scales::look`; none where classes are not used.
    fn look(&self, draft: &mut Draft) -> Option<String> {
        (self.fitted.network.sizes.features > 0).then(|| {
            let classes = draft.scaled(names::CLASSES, &self.fitted.scales.classes);
            let axes = [Attribute::ints("axes", &[0]), Attribute::int("keepdims", 1)];
            draft.node("ReduceMean", &[&classes], &axes)
        })
    }

    /// Tokens that all models share, as `Network::shared`.
    fn shared(&self, draft: &mut Draft) -> Result<Vec<String>> {
        let sizes = self.fitted.network.sizes;
        let mut shared = Vec::new();
        if sizes.features > 0 {
            let scaled = draft.scaled(names::CLASSES, &self.fitted.scales.classes);
            shared.push(self.layer(draft, &scaled, "class")?);
        }
        if sizes.hardware > 0 {
            let scaled = draft.scaled(names::HARDWARE, &self.fitted.scales.hardware);
            let groups = draft.constant(&[GROUPS.len(), HARDWARE], &groups());
            let rows = draft.node("Mul", &[&scaled, &groups], &[]);
            shared.push(self.layer(draft, &rows, "hardware")?);
        }
        Ok(shared)
    }

    /// Softmax over all tokens.
    fn shares(&self, draft: &mut Draft, logits: &[String]) -> String {
        let names: Vec<&str> = logits.iter().map(String::as_str).collect();
        let all = draft.node("Concat", &names, &[Attribute::int("axis", 1)]);
        let width = draft.constant(&[1], &[(self.fitted.network.sizes.token as f32).sqrt()]);
        let all = draft.node("Div", &[&all, &width], &[]);
        draft.node("Softmax", &[&all], &[Attribute::int("axis", 1)])
    }

    /// The share of each model's own tokens.
    fn mixed_own(&self, draft: &mut Draft, share: &str, values: &[String]) -> String {
        let mut mixed = String::new();
        for (at, value) in values.iter().enumerate() {
            let own = draft.columns(share, at as i64, at as i64 + 1);
            let seen = draft.node("Mul", &[value, &own], &[]);
            mixed = match mixed.is_empty() {
                true => seen,
                false => draft.node("Add", &[&mixed, &seen], &[]),
            };
        }
        mixed
    }

    fn weight(&self, draft: &mut Draft, name: &str) -> Result<String> {
        draft.weight(self.fitted.network.weight(name)?)
    }

    fn product(&self, draft: &mut Draft, x: &str, name: &str) -> Result<String> {
        let weight = self.weight(draft, name)?;
        Ok(draft.node("MatMul", &[x, &weight], &[]))
    }

    fn layer(&self, draft: &mut Draft, x: &str, name: &str) -> Result<String> {
        let product = self.product(draft, x, &format!("{name}.w"))?;
        let bias = self.weight(draft, &format!("{name}.b"))?;
        Ok(draft.node("Add", &[&product, &bias], &[]))
    }

    fn norm(&self, draft: &mut Draft, x: &str, name: &str) -> Result<String> {
        let d = self.fitted.network.sizes.token;
        let average = draft.constant(&[d, d], &vec![1.0 / d as f32; d * d]);
        let mean = draft.node("MatMul", &[x, &average], &[]);
        let apart = draft.node("Sub", &[x, &mean], &[]);
        let square = draft.node("Mul", &[&apart, &apart], &[]);
        let variance = draft.node("MatMul", &[&square, &average], &[]);
        let epsilon = draft.constant(&[1], &[EPSILON as f32]);
        let variance = draft.node("Add", &[&variance, &epsilon], &[]);
        let deviation = draft.node("Sqrt", &[&variance], &[]);
        let unit = draft.node("Div", &[&apart, &deviation], &[]);
        let (gain, bias) =
            (self.weight(draft, &format!("{name}.g"))?, self.weight(draft, &format!("{name}.b"))?);
        let scaled = draft.node("Mul", &[&unit, &gain], &[]);
        Ok(draft.node("Add", &[&scaled, &bias], &[]))
    }
}
