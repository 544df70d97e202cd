//! Search spaces: NAS-Bench-201 (Dong and Yang 2020) and FBNet (Wu et al. 2019).

use super::{Builder, Network};

/// A cell of NAS-Bench-201 by the operations on its six edges, in the order 0-1, 0-2, 1-2, 0-3,
/// 1-3, 2-3, in the published skeleton for 32 x 32 images.
pub(crate) fn nasbench(edges: [&str; 6]) -> Network {
    let mut net = Builder::new(32.0, 3.0);
    net.conv(3.0, 16.0, 1.0, 1.0);
    for stage in [16.0, 32.0, 64.0] {
        if stage > 16.0 {
            reduce(&mut net, stage);
        }
        for _ in 0..5 {
            for edge in edges {
                operation(&mut net, edge);
            }
        }
    }
    net.pool().dense(10.0).network()
}

fn operation(net: &mut Builder, name: &str) {
    let channels = net.channels();
    match name {
        "nor_conv_3x3" => net.conv(3.0, channels, 1.0, 1.0),
        "nor_conv_1x1" => net.conv(1.0, channels, 1.0, 1.0),
        "avg_pool_3x3" => net.average(3.0),
        "skip_connect" => net.elementwise(1.0, 2.0),
        _ => net,
    };
}

/// The residual block between stages.
fn reduce(net: &mut Builder, out: f64) {
    let mut shortcut = net.branch();
    net.conv(3.0, out, 2.0, 1.0).conv(3.0, out, 1.0, 1.0);
    // Half the side after the mean over two by two, then one by one.
    shortcut.conv(1.0, out, 2.0, 1.0);
    net.join(shortcut);
}

/// Stages of FBNet: channels, layers, stride.
const STAGES: [(f64, usize, f64); 7] = [
    (16.0, 1, 1.0),
    (24.0, 4, 2.0),
    (32.0, 4, 2.0),
    (64.0, 4, 2.0),
    (112.0, 4, 1.0),
    (184.0, 4, 2.0),
    (352.0, 1, 1.0),
];
/// Kernel, expansion and groups of the choices; the ninth leaves a layer out.
const CHOICES: [(f64, f64, f64); 8] = [
    (3.0, 1.0, 1.0),
    (3.0, 1.0, 2.0),
    (3.0, 3.0, 1.0),
    (3.0, 6.0, 1.0),
    (5.0, 1.0, 1.0),
    (5.0, 1.0, 2.0),
    (5.0, 3.0, 1.0),
    (5.0, 6.0, 1.0),
];

/// A network of FBNet's space by the choice for each of its 22 layers, at 224 x 224. (The
/// tables were measured with smaller images; amounts only place networks among their like.)
pub(crate) fn fbnet(choices: &[usize]) -> Network {
    let mut net = Builder::new(224.0, 3.0);
    net.conv(3.0, 16.0, 2.0, 1.0);
    let layers = STAGES.iter().flat_map(|(out, layers, stride)| {
        (0..*layers).map(move |at| (*out, if at == 0 { *stride } else { 1.0 }))
    });
    for ((out, stride), choice) in layers.zip(choices) {
        let entering = net.channels();
        match CHOICES.get(*choice) {
            Some((kernel, expansion, groups)) => {
                net.conv(1.0, entering * expansion, 1.0, *groups);
                net.depthwise(*kernel, stride).conv(1.0, out, 1.0, *groups);
            }
            // Where shapes change, leaving out takes a convolution.
            None if stride > 1.0 || entering != out => {
                net.conv(1.0, out, stride, 1.0);
            }
            None => {}
        }
    }
    net.conv(1.0, 1984.0, 1.0, 1.0).pool().dense(100.0).network()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_of_full_convolutions_is_as_large_as_published() {
        let network = nasbench(["nor_conv_3x3"; 6]);
        assert!((network.total() / 220.12e6 - 1.0).abs() < 0.01, "{}", network.total());
        assert!((network.params() / 1.531546e6 - 1.0).abs() < 0.01, "{}", network.params());
    }

    #[test]
    fn a_layer_left_out_costs_nothing_where_shapes_allow() {
        let full = fbnet(&[3; 22]);
        let mut choices = [3; 22];
        choices[2] = 8;
        assert!(fbnet(&choices).total() < full.total());
        assert!(fbnet(&choices).layers() == full.layers() - 3.0);
    }
}
