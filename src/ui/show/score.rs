//! Scores of arrays.

use serde_json::{Value, json};

use super::text::{number, page, wrap};
use super::{Show, document};
use crate::rank::copeland::Copeland;
use crate::rank::evaluate::WeightedTau;
use crate::task::Undefined;

/// One number, or why there is none.
#[derive(Debug)]
pub struct Single {
    /// Its name.
    pub metric: String,
    /// The number.
    pub value: Result<f64, Undefined>,
}

impl Show for Single {
    fn text(&self) -> String {
        let text = match &self.value {
            Ok(value) => format!("{value:.9}"),
            Err(why) => format!("undefined: {why}"),
        };
        page(&wrap(&format!("{}  ", self.metric), &text, 3))
    }

    fn json(&self) -> Value {
        document(json!({
            "metric": self.metric,
            "value": self.value.as_ref().ok(),
            "undefined": self.value.as_ref().err().map(ToString::to_string),
        }))
    }
}

/// Both definitions of weighted tau.
#[derive(Debug)]
pub struct Tau(pub Result<WeightedTau, Undefined>);

impl Show for Tau {
    fn text(&self) -> String {
        match &self.0 {
            Ok(tau) => page(&[
                format!("truth-ranked  {:.9}", tau.truth_ranked),
                format!("symmetric     {:.9}", tau.symmetric),
            ]),
            Err(why) => page(&wrap("tau  ", &format!("undefined: {why}"), 3)),
        }
    }

    fn json(&self) -> Value {
        let tau = self.0.as_ref().ok();
        document(json!({
            "metric": "tau",
            "value": tau.map(|tau| tau.truth_ranked),
            "truth_ranked": tau.map(|tau| tau.truth_ranked),
            "symmetric": tau.map(|tau| tau.symmetric),
            "undefined": self.0.as_ref().err().map(ToString::to_string),
        }))
    }
}

/// An order by Copeland's method.
#[derive(Debug)]
pub struct Order {
    /// What was found.
    pub found: Copeland,
    /// Only so many of the best.
    pub top: Option<usize>,
}

impl Order {
    fn indices(&self) -> impl Iterator<Item = usize> {
        self.found.order.iter().copied().take(self.top.unwrap_or(usize::MAX))
    }

    /// All values by index; with `top` those of the best, in their order.
    fn values(&self, of: &[f64]) -> Vec<f64> {
        match self.top {
            None => of.to_vec(),
            Some(_) => self.indices().filter_map(|at| of.get(at).copied()).collect(),
        }
    }
}

impl Show for Order {
    fn text(&self) -> String {
        let line = |at: usize| {
            let score = self.found.copeland.get(at).copied().unwrap_or(f64::NAN);
            format!("{at}: {}", number(score))
        };
        page(&self.indices().map(line).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        let order: Vec<usize> = self.indices().collect();
        let mut value = document(json!({
            "metric": "copeland",
            "copeland": self.values(&self.found.copeland),
            "second_order": self.values(&self.found.second_order),
            "margin_sum": self.values(&self.found.margin_sum),
            "order": order,
            "exact": true,
        }));
        if let (Some(_), Value::Object(map)) = (self.top, &mut value) {
            map.insert("index".to_owned(), json!(order));
        }
        value
    }
}
