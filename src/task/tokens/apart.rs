//! How far the classes of a task lie apart, as their tokens alone say it.

use super::{ClassToken, TaskTokens};

impl ClassToken {
    /// Root mean square distance of its samples from the prototype, 0 to 1: their features have
    /// length 1, so what the mean lacks in length is how far they are spread.
    #[must_use]
    pub fn spread(&self) -> f64 {
        (1.0 - squared(&self.prototype)).max(0.0).sqrt()
    }

    /// Distance of two prototypes, 0 to 2.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f64 {
        let differences = self.prototype.iter().zip(&other.prototype);
        differences.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
    }
}

impl TaskTokens {
    /// Distances between all classes, in their order.
    #[must_use]
    pub fn distances(&self) -> Vec<Vec<f64>> {
        let from = |class: &ClassToken| self.classes.iter().map(|to| class.distance(to)).collect();
        self.classes.iter().map(from).collect()
    }

    /// The class nearest to the one at this index, with its distance; the first of equals.
    #[must_use]
    pub fn nearest(&self, at: usize) -> Option<(&ClassToken, f64)> {
        let own = self.classes.get(at)?;
        let others = self.classes.iter().enumerate().filter(|(other, _)| *other != at);
        let distances = others.map(|(_, class)| (class, own.distance(class)));
        distances.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// Share of the features' variance that lies between classes rather than within them, 0 to 1;
    /// every class counts alike. Nothing where all samples look the same.
    #[must_use]
    pub fn separability(&self) -> Option<f64> {
        let classes = self.classes.len() as f64;
        let mean: Vec<f32> = (0..self.features as usize)
            .map(|at| {
                let values = self.classes.iter().filter_map(|class| class.prototype.get(at));
                (values.map(|value| f64::from(*value)).sum::<f64>() / classes) as f32
            })
            .collect();
        let within = self.classes.iter().map(|class| class.spread().powi(2)).sum::<f64>() / classes;
        let all = 1.0 - squared(&mean);
        (all > 1e-9).then(|| (1.0 - within / all).clamp(0.0, 1.0))
    }
}

fn squared(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::task::TaskKind;

    fn of(prototypes: &[&[f32]]) -> TaskTokens {
        let class = |(at, prototype): (usize, &&[f32])| ClassToken {
            name: at.to_string(),
            samples: 2,
            prototype: prototype.to_vec(),
        };
        TaskTokens {
            kind: TaskKind::Classification,
            name: String::new(),
            task: Digest::of(b""),
            extractor: Digest::of(b""),
            features: prototypes[0].len() as u32,
            classes: prototypes.iter().enumerate().map(class).collect(),
        }
    }

    #[test]
    fn a_class_is_as_spread_as_its_prototype_is_short() {
        let tokens = of(&[&[0.6, 0.0], &[0.0, 1.0], &[0.0, 0.8]]);
        let spreads: Vec<f64> = tokens.classes.iter().map(ClassToken::spread).collect();
        for (found, wanted) in spreads.iter().zip([0.8, 0.0, 0.6]) {
            assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
        }
        let (nearest, distance) = tokens.nearest(1).unwrap();
        assert_eq!(nearest.name, "2");
        assert!((distance - 0.2).abs() < 1e-6);
        assert_eq!(tokens.distances()[1][1], 0.0);
    }

    #[test]
    fn separability_is_the_share_of_variance_between_classes() {
        let certain = of(&[&[1.0, 0.0], &[0.0, 1.0]]);
        assert!((certain.separability().unwrap() - 1.0).abs() < 1e-6);
        let none = of(&[&[0.6, 0.0], &[0.6, 0.0]]);
        assert!(none.separability().unwrap() < 1e-6);
        assert_eq!(of(&[&[1.0, 0.0], &[1.0, 0.0]]).separability(), None);
    }
}
