//! Scores of arrays.

use serde_json::{Value, json};

use super::text::{number, page, wrap};
use super::{Show, document};
use crate::rank::copeland::{Election, Standing};
use crate::rank::evaluate::WeightedTau;
use crate::task::head::TargetFit;
use crate::task::{Estimate, Undefined};

/// One number, or why there is none.
#[derive(Debug)]
pub struct Single {
    /// Its name.
    pub metric: String,
    /// The number; of a score that is exact, without an interval.
    pub value: Result<Scoring, Undefined>,
}

/// A score of arrays.
#[derive(Debug, Clone, Copy)]
pub struct Scoring {
    /// The number.
    pub value: f64,
    /// Its interval, where it has one.
    pub interval: Option<[f64; 2]>,
}

impl From<f64> for Scoring {
    fn from(value: f64) -> Self {
        Self { value, interval: None }
    }
}

impl From<Estimate> for Scoring {
    fn from(Estimate { value, low, high }: Estimate) -> Self {
        Self { value, interval: Some([low, high]) }
    }
}

impl Show for Single {
    fn text(&self) -> String {
        let text = match &self.value {
            Ok(Scoring { value, interval: None }) => format!("{value:.9}"),
            Ok(Scoring { value, interval: Some([low, high]) }) => {
                format!("{value:.9}, between {low:.9} and {high:.9}")
            }
            Err(why) => format!("undefined: {why}"),
        };
        page(&wrap(&format!("{}  ", self.metric), &text, 3))
    }

    fn json(&self) -> Value {
        document(json!({
            "metric": self.metric,
            "value": self.value.as_ref().ok().map(|found| found.value),
            "interval": self.value.as_ref().ok().and_then(|found| found.interval),
            "undefined": self.value.as_ref().err().map(ToString::to_string),
        }))
    }
}

/// How well a head explains real targets, column by column.
#[derive(Debug)]
pub struct Fits(pub Vec<Result<TargetFit, Undefined>>);

impl Show for Fits {
    fn text(&self) -> String {
        let line = |(at, fit): (usize, &Result<TargetFit, Undefined>)| match fit {
            Ok(TargetFit { r2, mae }) => format!(
                "target {at}: R2 {:.4}, between {:.4} and {:.4}; mean absolute error {}",
                r2.value,
                r2.low,
                r2.high,
                number(*mae)
            ),
            Err(why) => format!("target {at}: undefined: {why}"),
        };
        page(&self.0.iter().enumerate().map(line).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        let fits: Result<Vec<&TargetFit>, &Undefined> = self.0.iter().map(Result::as_ref).collect();
        let mean = |fits: &Vec<&TargetFit>| {
            fits.iter().map(|fit| fit.r2.value).sum::<f64>() / fits.len().max(1) as f64
        };
        let one = |fit: &Result<TargetFit, Undefined>| {
            let fit = fit.as_ref().ok();
            json!({
                "r2": fit.map(|fit| fit.r2.value),
                "r2_interval": fit.map(|fit| [fit.r2.low, fit.r2.high]),
                "mae": fit.map(|fit| fit.mae),
            })
        };
        document(json!({
            "metric": "head",
            "value": fits.as_ref().ok().map(mean),
            "targets": self.0.iter().map(one).collect::<Vec<_>>(),
            "undefined": fits.err().map(ToString::to_string),
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
    pub found: Election,
    /// Values in the order of the items found, rather than by their index.
    pub by_rank: bool,
}

impl Order {
    fn values<T: serde::Serialize>(&self, of: impl Fn(&Standing) -> T) -> Value {
        let mut standings: Vec<&Standing> = self.found.standings.iter().collect();
        if !self.by_rank {
            standings.sort_by_key(|standing| standing.item);
        }
        standings.into_iter().map(|standing| json!(of(standing))).collect()
    }
}

impl Show for Order {
    fn text(&self) -> String {
        let line = |standing: &Standing| {
            let score = number(standing.copeland);
            match self.found.exact {
                true => format!("{}: {score}", standing.item),
                false => {
                    let (low, high) = (number(standing.low), number(standing.high));
                    format!("{}: {score} ({low} to {high})", standing.item)
                }
            }
        };
        page(&self.found.standings.iter().map(line).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        let order: Vec<usize> = self.found.standings.iter().map(|found| found.item).collect();
        let mut value = document(json!({
            "metric": "copeland",
            "copeland": self.values(|found| found.copeland),
            "second_order": self.values(|found| found.second_order),
            "margin_sum": self.values(|found| found.margin_sum),
            "order": order,
            "exact": self.found.exact,
        }));
        let Value::Object(map) = &mut value else { return value };
        if self.by_rank {
            map.insert("index".to_owned(), json!(order));
        }
        if !self.found.exact {
            map.insert("copeland_low".to_owned(), self.values(|found| found.low));
            map.insert("copeland_high".to_owned(), self.values(|found| found.high));
        }
        value
    }
}
