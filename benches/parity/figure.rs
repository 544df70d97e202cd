//! Figures with their intervals.

/// A median with the interval that holds the true median with 95 % confidence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) middle: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Figure {
    /// From order statistics.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let reach = 0.98 * n.sqrt();
        let low = (n / 2.0 - reach).floor().max(0.0) as usize;
        let high = ((n / 2.0 + reach).ceil() as usize).min(sorted.len() - 1);
        Self { middle: sorted[sorted.len() / 2], low: sorted[low], high: sorted[high] }
    }

    /// Such as `0.87 [0.85, 0.90]`.
    pub(crate) fn text(self) -> String {
        format!("{:.2} [{:.2}, {:.2}]", self.middle, self.low, self.high)
    }
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    Figure::of(values).middle
}

/// The geometric mean over models, block by block: its median and interval.
pub(crate) fn geometric_mean(models: &[&[f64]]) -> Option<Figure> {
    let blocks = models.iter().map(|ratios| ratios.len()).min()?;
    let mean = |block: usize| {
        let logs: f64 = models.iter().map(|ratios| ratios[block].ln()).sum();
        (logs / models.len() as f64).exp()
    };
    Some(Figure::of(&(0..blocks).map(mean).collect::<Vec<_>>()))
}

/// Element by element.
pub(crate) fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}
