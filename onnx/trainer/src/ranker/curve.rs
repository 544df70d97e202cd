//! Learning curves as a picture.

/// Loss over passes, a line for each ranker.
pub(crate) fn svg(curves: &[(&str, &[f64])]) -> String {
    const COLOURS: [&str; 2] = ["#0066cc", "#cc6600"];
    let all = || curves.iter().flat_map(|(_, curve)| curve.iter().copied());
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| {
        (low.min(loss), high.max(loss))
    });
    let reach = (high - low).max(1e-9);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 260\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"560\" height=\"260\" fill=\"white\"/>\n\
         <text x=\"60\" y=\"16\">listwise loss of all tasks, over passes</text>\n",
    );
    for step in 0..=4 {
        let loss = low + reach * f64::from(step) / 4.0;
        let y = 220.0 - 190.0 * f64::from(step) / 4.0;
        svg += &format!("<path d=\"M60 {y:.0}H420\" stroke=\"#dddddd\"/>");
        svg +=
            &format!("<text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">{loss:.2}</text>\n", y + 4.0);
    }
    for (at, ((name, curve), colour)) in curves.iter().zip(COLOURS).enumerate() {
        let last = curve.len().saturating_sub(1).max(1) as f64;
        let point = |(pass, loss): (usize, &f64)| {
            let (x, y) = (60.0 + 360.0 * pass as f64 / last, 220.0 - 190.0 * (loss - low) / reach);
            format!("{x:.1},{y:.1}")
        };
        let points: Vec<String> = curve.iter().enumerate().map(point).collect();
        svg += &format!(
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\n",
            points.join(" ")
        );
        let (row, passes) = (40 + 18 * at, curve.len());
        svg += &format!("<text x=\"430\" y=\"{row}\" fill=\"{colour}\">{name}, {passes}</text>\n");
    }
    svg + "</svg>\n"
}
