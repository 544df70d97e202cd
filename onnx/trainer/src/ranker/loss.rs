//! What is to be made small: the listwise loss, which is the negative logarithm of the chance that a
//! Plackett-Luce model of the scores deals the models in their true order, mean over its stages; and the
//! squared distance between scores and standings.

use candle_core::{Device, Result, Tensor};

/// Places of the candidates of each task, best first, padded; with what pads them.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    /// Tasks x places: which model.
    order: Tensor,
    /// Tasks x places: 0 where a model is, a large negative number behind the last.
    outside: Tensor,
    /// Tasks x places: weight of each stage; a task's sum to its own weight.
    weight: Tensor,
    /// Places x places: 0 where the second is not before the first, a large negative number otherwise.
    before: Tensor,
}

const NEVER: f32 = -1e9;

impl Orders {
    /// From the models of each task, best first, and the tasks' weights.
    pub(crate) fn new(best_first: &[Vec<usize>], weights: &[f64]) -> Result<Self> {
        let (tasks, places) =
            (best_first.len(), best_first.iter().map(Vec::len).max().unwrap_or(0));
        let (mut order, mut outside, mut weight) = (Vec::new(), Vec::new(), Vec::new());
        for (models, share) in best_first.iter().zip(weights) {
            let stages = models.len().saturating_sub(1);
            let each = (share / stages.max(1) as f64) as f32;
            for place in 0..places {
                order.push(models.get(place).copied().unwrap_or(0) as u32);
                outside.push(if place < models.len() { 0.0 } else { NEVER });
                weight.push(if place < stages { each } else { 0.0 });
            }
        }
        let before: Vec<f32> = (0..places)
            .flat_map(|at| (0..places).map(move |other| if other < at { NEVER } else { 0.0 }))
            .collect();
        let cpu = &Device::Cpu;
        Ok(Self {
            order: Tensor::from_vec(order, (tasks, places), cpu)?,
            outside: Tensor::from_vec(outside, (tasks, places), cpu)?,
            weight: Tensor::from_vec(weight, (tasks, places), cpu)?,
            before: Tensor::from_vec(before, (places, places), cpu)?,
        })
    }

    /// The loss of scores, tasks x models: a number.
    pub(crate) fn loss(&self, scores: &Tensor) -> Result<Tensor> {
        let dealt = (scores.gather(&self.order, 1)? + &self.outside)?;
        // At every stage those that are still there.
        let left = dealt.unsqueeze(1)?.broadcast_add(&self.before)?;
        let highest = left.max_keepdim(2)?.detach();
        let sum = left.broadcast_sub(&highest)?.exp()?.sum(2)?;
        let tail = (sum.log()? + highest.squeeze(2)?)?;
        ((tail - dealt)? * &self.weight)?.sum_all()
    }
}

/// Where the candidates of each task stand.
#[derive(Debug, Clone)]
pub(crate) struct Standings {
    /// Tasks x models: 0 where a model is no candidate.
    standing: Tensor,
    /// Tasks x models: one over the candidates of the task; 0 where a model is none.
    inside: Tensor,
    /// Tasks x 1.
    weight: Tensor,
}

impl Standings {
    /// From the candidates of each task, where they stand, and the tasks' weights.
    pub(crate) fn new(
        lists: &[(&[usize], &[f64])],
        models: usize,
        weights: &[f64],
    ) -> Result<Self> {
        let (mut standing, mut inside) = (Vec::new(), Vec::new());
        for (candidates, at) in lists {
            let share = 1.0 / candidates.len().max(1) as f32;
            let place = |model: usize| candidates.iter().position(|of| *of == model);
            let places: Vec<Option<usize>> = (0..models).map(place).collect();
            inside.extend(places.iter().map(|place| place.map_or(0.0, |_| share)));
            let value = |place: usize| at.get(place).copied().unwrap_or(0.0) as f32;
            standing.extend(places.into_iter().map(|place| place.map_or(0.0, value)));
        }
        let (cpu, size) = (&Device::Cpu, (lists.len(), models));
        let weight: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
        Ok(Self {
            standing: Tensor::from_vec(standing, size, cpu)?,
            inside: Tensor::from_vec(inside, size, cpu)?,
            weight: Tensor::from_vec(weight, (lists.len(), 1), cpu)?,
        })
    }

    /// The mean squared distance of scores, tasks x models, after the mean of each task's is taken off.
    pub(crate) fn loss(&self, scores: &Tensor) -> Result<Tensor> {
        let mean = (scores * &self.inside)?.sum_keepdim(1)?;
        let apart = (scores.broadcast_sub(&mean)? - &self.standing)?;
        (apart.sqr()? * &self.inside)?.broadcast_mul(&self.weight)?.sum_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_that_of_the_vectors() {
        let text = include_str!("../../../../tests/vectors/listwise_plackett_luce.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let numbers = |key: &str| -> Vec<f64> {
                let values = case[key].as_array().unwrap();
                values.iter().map(|value| value.as_f64().unwrap()).collect()
            };
            let (logits, ranks) = (numbers("logits"), numbers("rank_larger_is_better"));
            let mut order: Vec<usize> = (0..ranks.len()).collect();
            order.sort_by(|a, b| ranks[*b].total_cmp(&ranks[*a]));
            let scores: Vec<f32> = logits.iter().map(|logit| *logit as f32).collect();
            let scores = Tensor::from_vec(scores, (1, ranks.len()), &Device::Cpu).unwrap();
            let loss = Orders::new(&[order], &[1.0]).unwrap().loss(&scores).unwrap();
            let loss = f64::from(loss.to_scalar::<f32>().unwrap());
            let expected = case["expected_loss"].as_f64().unwrap();
            // Single precision: the vectors' own tolerance is for double.
            assert!((loss - expected).abs() < 2e-6 * (1.0 + expected), "{case}: {loss}");
        }
    }

    #[test]
    fn what_pads_a_list_counts_nothing() {
        let scores = Tensor::new(&[[0.5_f32, 2.0, -1.0], [0.5, 2.0, -1.0]], &Device::Cpu).unwrap();
        let loss = |orders: &[Vec<usize>], weights: &[f64], scores: &Tensor| {
            let orders = Orders::new(orders, weights).unwrap();
            orders.loss(scores).unwrap().to_scalar::<f32>().unwrap()
        };
        let both = loss(&[vec![1, 0, 2], vec![2, 0]], &[0.25, 0.75], &scores);
        let first = loss(&[vec![1, 0, 2]], &[1.0], &scores.narrow(0, 0, 1).unwrap());
        let second = loss(&[vec![2, 0]], &[1.0], &scores.narrow(0, 1, 1).unwrap());
        assert!((both - (0.25 * first + 0.75 * second)).abs() < 1e-6);
    }

    #[test]
    fn the_distance_to_the_standings_is_that_of_the_candidates_alone() {
        // Model 1 is no candidate; the scores are off by 0.5 and -0.5 once their mean is taken off.
        let scores = Tensor::new(&[[4.5_f32, 99.0, 1.5]], &Device::Cpu).unwrap();
        let standings = Standings::new(&[(&[0, 2], &[1.0, -1.0])], 3, &[2.0]).unwrap();
        let loss = standings.loss(&scores).unwrap().to_scalar::<f32>().unwrap();
        assert!((loss - 2.0 * 0.25).abs() < 1e-6, "{loss}");
    }
}
