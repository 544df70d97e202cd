//! MobileNet v1 (Howard et al. 2017), v2 (Sandler et al. 2018), v3 (Howard et al. 2019) and
//! EfficientNet-Lite (Tan and Le 2019 without gates, stem and head not scaled).

use super::{Builder, Network};

/// ImageNet and a background class.
const CLASSES: f64 = 1001.0;

/// A network by the name that the tables use: `mobilenet_v1_0.25_128`,
/// `mobilenet_v3_large_minimalistic_1_224`, `efficientnet_lite2`; none of another kind.
pub(crate) fn mobile(name: &str) -> Option<Network> {
    if let Some(size) = name.strip_prefix("efficientnet_lite") {
        return lite(size.parse().ok()?);
    }
    let rest = name.strip_prefix("mobilenet_v")?;
    let (rest, side) = rest.rsplit_once('_')?;
    let (kind, width) = rest.rsplit_once('_')?;
    let (width, side) = (width.parse().ok()?, side.parse().ok()?);
    match kind {
        "1" => Some(v1(width, side)),
        "2" => Some(v2(width, side)),
        "3_large" => Some(v3(&LARGE, width, side, false)),
        "3_large_minimalistic" => Some(v3(&LARGE, width, side, true)),
        "3_small" => Some(v3(&SMALL, width, side, false)),
        "3_small_minimalistic" => Some(v3(&SMALL, width, side, true)),
        _ => None,
    }
}

/// To a multiple of eight, and never less than nine tenths.
fn eights(channels: f64) -> f64 {
    let rounded = ((channels + 4.0) / 8.0).floor().max(1.0) * 8.0;
    if rounded < 0.9 * channels { rounded + 8.0 } else { rounded }
}

fn v1(width: f64, side: f64) -> Network {
    let scaled = |channels: f64| (channels * width).floor().max(8.0);
    let mut net = Builder::new(side, 3.0);
    net.conv(3.0, scaled(32.0), 2.0, 1.0);
    let pairs = [(64.0, 1.0), (128.0, 2.0), (128.0, 1.0), (256.0, 2.0), (256.0, 1.0), (512.0, 2.0)];
    let rest = [(512.0, 1.0); 5].into_iter().chain([(1024.0, 2.0), (1024.0, 1.0)]);
    for (out, stride) in pairs.into_iter().chain(rest) {
        net.depthwise(3.0, stride).conv(1.0, scaled(out), 1.0, 1.0);
    }
    net.pool().dense(CLASSES).network()
}

/// Expansion, filter, projection, and the way round where shapes allow.
fn inverted(
    net: &mut Builder,
    kernel: f64,
    expanded: f64,
    out: f64,
    stride: f64,
    gate: Option<f64>,
) {
    let entering = net.channels();
    if expanded != entering {
        net.conv(1.0, expanded, 1.0, 1.0);
    }
    net.depthwise(kernel, stride);
    if let Some(squeezed) = gate {
        net.gate(squeezed);
    }
    net.conv(1.0, out, 1.0, 1.0);
    if stride == 1.0 && entering == out {
        net.elementwise(1.0, 2.0);
    }
}

fn v2(width: f64, side: f64) -> Network {
    let blocks = [
        (1.0, 16.0, 1, 1.0),
        (6.0, 24.0, 2, 2.0),
        (6.0, 32.0, 3, 2.0),
        (6.0, 64.0, 4, 2.0),
        (6.0, 96.0, 3, 1.0),
        (6.0, 160.0, 3, 2.0),
        (6.0, 320.0, 1, 1.0),
    ];
    let mut net = Builder::new(side, 3.0);
    net.conv(3.0, eights(32.0 * width), 2.0, 1.0);
    for (expansion, out, repeats, stride) in blocks {
        for at in 0..repeats {
            let expanded = net.channels() * expansion;
            let stride = if at == 0 { stride } else { 1.0 };
            inverted(&mut net, 3.0, expanded, eights(out * width), stride, None);
        }
    }
    net.conv(1.0, eights(1280.0 * width.max(1.0)), 1.0, 1.0);
    net.pool().dense(CLASSES).network()
}

/// Kernel, expanded, out, gate, hard swish, stride.
type Bneck = (f64, f64, f64, bool, bool, f64);

const LARGE: [Bneck; 15] = [
    (3.0, 16.0, 16.0, false, false, 1.0),
    (3.0, 64.0, 24.0, false, false, 2.0),
    (3.0, 72.0, 24.0, false, false, 1.0),
    (5.0, 72.0, 40.0, true, false, 2.0),
    (5.0, 120.0, 40.0, true, false, 1.0),
    (5.0, 120.0, 40.0, true, false, 1.0),
    (3.0, 240.0, 80.0, false, true, 2.0),
    (3.0, 200.0, 80.0, false, true, 1.0),
    (3.0, 184.0, 80.0, false, true, 1.0),
    (3.0, 184.0, 80.0, false, true, 1.0),
    (3.0, 480.0, 112.0, true, true, 1.0),
    (3.0, 672.0, 112.0, true, true, 1.0),
    (5.0, 672.0, 160.0, true, true, 2.0),
    (5.0, 960.0, 160.0, true, true, 1.0),
    (5.0, 960.0, 160.0, true, true, 1.0),
];
const SMALL: [Bneck; 11] = [
    (3.0, 16.0, 16.0, true, false, 2.0),
    (3.0, 72.0, 24.0, false, false, 2.0),
    (3.0, 88.0, 24.0, false, false, 1.0),
    (5.0, 96.0, 40.0, true, true, 2.0),
    (5.0, 240.0, 40.0, true, true, 1.0),
    (5.0, 240.0, 40.0, true, true, 1.0),
    (5.0, 120.0, 48.0, true, true, 1.0),
    (5.0, 144.0, 48.0, true, true, 1.0),
    (5.0, 288.0, 96.0, true, true, 2.0),
    (5.0, 576.0, 96.0, true, true, 1.0),
    (5.0, 576.0, 96.0, true, true, 1.0),
];

fn v3(blocks: &[Bneck], width: f64, side: f64, minimalistic: bool) -> Network {
    let mut net = Builder::new(side, 3.0);
    net.conv(3.0, eights(16.0 * width), 2.0, 1.0);
    if !minimalistic {
        net.elementwise(1.0, 1.0);
    }
    let (mut expanded_last, mut entering) = (16.0, 16.0);
    for (kernel, expanded, out, gate, swish, stride) in blocks {
        let kernel = if minimalistic { 3.0 } else { *kernel };
        // The ratio is of the unscaled table.
        let wide = eights(net.channels() * expanded / entering);
        let gate = (*gate && !minimalistic).then(|| eights(wide / 4.0));
        inverted(&mut net, kernel, wide, eights(out * width), *stride, gate);
        if *swish && !minimalistic {
            // Behind the filter and behind the expansion, which are wider than what is at hand.
            net.elementwise(expanded / out, 1.0).elementwise(expanded / out, 1.0);
        }
        (expanded_last, entering) = (*expanded, *out);
    }
    net.conv(1.0, eights(expanded_last * width), 1.0, 1.0);
    let features = if blocks.len() == LARGE.len() { 1280.0 } else { 1024.0 };
    net.pool().dense(eights(features * width.max(1.0))).dense(CLASSES).network()
}

fn lite(size: usize) -> Option<Network> {
    let scales = [
        (1.0, 1.0, 224.0),
        (1.0, 1.1, 240.0),
        (1.1, 1.2, 260.0),
        (1.2, 1.4, 280.0),
        (1.4, 1.8, 300.0),
    ];
    let (width, depth, side) = *scales.get(size)?;
    let blocks = [
        (1.0, 3.0, 1.0, 1.0, 16.0),
        (2.0, 3.0, 2.0, 6.0, 24.0),
        (2.0, 5.0, 2.0, 6.0, 40.0),
        (3.0, 3.0, 2.0, 6.0, 80.0),
        (3.0, 5.0, 1.0, 6.0, 112.0),
        (4.0, 5.0, 2.0, 6.0, 192.0),
        (1.0, 3.0, 1.0, 6.0, 320.0),
    ];
    let last = blocks.len() - 1;
    let mut net = Builder::new(side, 3.0);
    net.conv(3.0, 32.0, 2.0, 1.0);
    for (at, (repeats, kernel, stride, expansion, out)) in blocks.into_iter().enumerate() {
        let ends = at == 0 || at == last;
        let repeats: f64 = if ends { repeats } else { (repeats * depth).ceil() };
        for repeat in 0..repeats as usize {
            let stride = if repeat == 0 { stride } else { 1.0 };
            let expanded = net.channels() * expansion;
            inverted(&mut net, kernel, expanded, eights(out * width), stride, None);
        }
    }
    net.conv(1.0, 1280.0, 1.0, 1.0);
    Some(net.pool().dense(1000.0).network())
}

#[cfg(test)]
mod tests {
    use umbra::model::Kind;

    use super::*;

    /// Published multiply-accumulates and parameters, both in millions.
    const PUBLISHED: [(&str, f64, f64); 9] = [
        ("mobilenet_v1_1_224", 569.0, 4.24),
        ("mobilenet_v1_0.25_128", 14.0, 0.47),
        ("mobilenet_v2_1_224", 300.0, 3.47),
        ("mobilenet_v2_1.4_224", 582.0, 6.06),
        ("mobilenet_v2_0.35_128", 20.0, 1.66),
        ("mobilenet_v3_large_1_224", 217.0, 5.4),
        ("mobilenet_v3_large_minimalistic_1_224", 209.0, 3.9),
        ("efficientnet_lite0", 407.0, 4.7),
        ("efficientnet_lite4", 2640.0, 13.0),
    ];

    #[test]
    fn layers_add_up_to_the_published_figures() {
        for (name, macs, params) in PUBLISHED {
            let network = mobile(name).unwrap();
            let (own_macs, own_params) = (network.total() / 1e6, network.params() / 1e6);
            // EfficientNet-Lite's figures seem to count more than products of layers.
            assert!((own_macs / macs - 1.0).abs() < 0.07, "{name}: {own_macs} M, {macs} published");
            assert!((own_params / params - 1.0).abs() < 0.05, "{name}: {own_params}, {params}");
        }
        assert!(mobile("resnet50").is_none());
    }

    #[test]
    fn nodes_are_those_that_a_card_would_have() {
        let network = mobile("mobilenet_v1_1_224").unwrap();
        let (real, codes) = (network.work(false), network.work(true));
        let kinds = |kind: Kind| real.iter().filter(|work| work.kind == kind).count();
        let found = [Kind::Stem, Kind::Depthwise, Kind::Pointwise, Kind::Pool, Kind::Product];
        assert_eq!(found.map(kinds), [1, 13, 13, 1, 1]);
        assert_eq!(real.iter().map(|work| work.ops).sum::<u64>(), 568_741_376 + 49 * 1024);
        // A picture of three channels, weights and biases, and what comes out.
        let elements = 3 * 224 * 224 + (27 * 32 + 32) + 32 * 112 * 112;
        assert_eq!((real[0].bytes, codes[0].bytes), (4 * elements, elements));
        assert!(codes.iter().all(|work| work.int8));
    }
}
