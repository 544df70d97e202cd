//! One line per figure: the median with its 95 % interval, from order statistics.

/// Prints `name`, the median and the interval that holds the true median with 95 % confidence.
pub(crate) fn print(name: &str, values: &[f64]) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let reach = 0.98 * n.sqrt();
    let low = ((n / 2.0 - reach).floor().max(0.0)) as usize;
    let high = ((n / 2.0 + reach).ceil() as usize).min(sorted.len() - 1);
    println!(
        "{name:<60} {:>9.4}  [{:.4}, {:.4}]  n={}",
        sorted[sorted.len() / 2],
        sorted[low],
        sorted[high],
        sorted.len()
    );
}

/// The median.
#[allow(dead_code)]
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
