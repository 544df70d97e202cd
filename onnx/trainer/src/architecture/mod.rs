//! What published architectures consist of: their layers, written down again from the papers,
//! and from the layers the work of each kind. What the tables say of parameters and
//! multiply-accumulates is held against it in the tests.

mod mobile;
mod search;

use umbra::model::{Kind, Work};

pub(crate) use mobile::mobile;
pub(crate) use search::{fbnet, nasbench};

/// Channels of a picture at most, as the agent's cards have it.
const FEW: f64 = 4.0;
/// Bytes of a number in floating point.
const FLOAT: f64 = 4.0;

/// A layer, or what is between layers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    kind: Kind,
    /// Multiply-accumulates; of pools the elements that are looked at.
    ops: f64,
    /// Weights and biases (batch normalisation is folded).
    params: f64,
    /// Elements read beside them, and written.
    read: f64,
    written: f64,
}

impl Node {
    fn has_weights(&self) -> bool {
        self.params > 0.0
    }

    /// As the agent's card would have it.
    fn work(&self, int8: bool) -> Work {
        let size = if int8 { 1.0 } else { FLOAT };
        let bytes = (size * (self.params + self.read + self.written)) as u64;
        Work { kind: self.kind, int8, ops: self.ops as u64, bytes }
    }
}

/// A network: its nodes in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Network {
    nodes: Vec<Node>,
}

impl Network {
    /// What each node costs, in one of the two types of numbers.
    pub(crate) fn work(&self, int8: bool) -> Vec<Work> {
        self.nodes.iter().map(|node| node.work(int8)).collect()
    }

    /// All multiply-accumulates.
    pub(crate) fn total(&self) -> f64 {
        self.sum(|node| if node.has_weights() { node.ops } else { 0.0 })
    }

    /// Weights and biases.
    pub(crate) fn params(&self) -> f64 {
        self.sum(|node| node.params)
    }

    /// Layers with weights.
    pub(crate) fn layers(&self) -> f64 {
        self.sum(|node| f64::from(u8::from(node.has_weights())))
    }

    /// As the amounts of a model's traits: multiply-accumulates in all and of convolutions,
    /// depthwise, pointwise and dense layers; parameters; elements written by layers, and passed
    /// over between them; layers.
    pub(crate) fn amounts(&self) -> Vec<f64> {
        let macs = |kinds: &[Kind]| {
            self.sum(|node| if kinds.contains(&node.kind) { node.ops } else { 0.0 })
        };
        let written = self.sum(|node| if node.has_weights() { node.written } else { 0.0 });
        let between = self.sum(|node| match node.kind {
            Kind::Pool => node.ops,
            Kind::Other => node.written,
            _ => 0.0,
        });
        vec![
            self.total(),
            macs(&[Kind::Stem, Kind::Convolution]),
            macs(&[Kind::Depthwise]),
            macs(&[Kind::Pointwise]),
            macs(&[Kind::Product]),
            self.params(),
            written,
            between,
            self.layers(),
        ]
    }

    fn sum(&self, of: impl Fn(&Node) -> f64) -> f64 {
        self.nodes.iter().map(of).sum()
    }
}

/// A network while it is written down: the tensor at hand, and the nodes so far.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    side: f64,
    channels: f64,
    nodes: Vec<Node>,
}

impl Builder {
    pub(crate) fn new(side: f64, channels: f64) -> Self {
        Self { side, channels, nodes: Vec::new() }
    }

    pub(crate) fn channels(&self) -> f64 {
        self.channels
    }

    /// A convolution with the padding that gives `side / stride`, rounded up.
    pub(crate) fn conv(&mut self, kernel: f64, out: f64, stride: f64, groups: f64) -> &mut Self {
        let kind = match (kernel, groups) {
            (1.0, _) => Kind::Pointwise,
            (_, 1.0) if self.channels <= FEW => Kind::Stem,
            (_, groups) if groups > 1.0 && groups == self.channels => Kind::Depthwise,
            _ => Kind::Convolution,
        };
        let read = self.elements();
        self.side = (self.side / stride).ceil();
        let weights = kernel * kernel * self.channels / groups * out;
        self.channels = out;
        self.node(kind, weights * self.side * self.side, weights + out, read)
    }

    /// One filter per channel.
    pub(crate) fn depthwise(&mut self, kernel: f64, stride: f64) -> &mut Self {
        self.conv(kernel, self.channels, stride, self.channels)
    }

    /// The mean over space.
    pub(crate) fn pool(&mut self) -> &mut Self {
        let read = self.elements();
        self.side = 1.0;
        self.node(Kind::Pool, read, 0.0, read)
    }

    /// The mean over neighbours.
    pub(crate) fn average(&mut self, kernel: f64) -> &mut Self {
        self.node(Kind::Pool, kernel * kernel * self.elements(), 0.0, self.elements())
    }

    /// A dense layer on pooled features.
    pub(crate) fn dense(&mut self, out: f64) -> &mut Self {
        let (weights, read) = (self.channels * out, self.elements());
        self.channels = out;
        self.node(Kind::Product, weights, weights + out, read)
    }

    /// Squeeze and excitation.
    pub(crate) fn gate(&mut self, squeezed: f64) -> &mut Self {
        let (side, channels) = (self.side, self.channels);
        self.pool().dense(squeezed).dense(channels);
        self.side = side;
        self.elementwise(1.0, 1.0)
    }

    /// So many passes over the tensor at hand, each of which reads it so many times.
    pub(crate) fn elementwise(&mut self, passes: f64, reads: f64) -> &mut Self {
        let written = passes * self.elements();
        self.nodes.push(Node {
            kind: Kind::Other,
            ops: 0.0,
            params: 0.0,
            read: reads * written,
            written,
        });
        self
    }

    pub(crate) fn network(&self) -> Network {
        Network { nodes: self.nodes.clone() }
    }

    /// A branch from the tensor at hand.
    pub(crate) fn branch(&self) -> Self {
        Self { nodes: Vec::new(), ..*self }
    }

    /// Takes in what a branch did.
    pub(crate) fn join(&mut self, branch: Self) -> &mut Self {
        self.nodes.extend(branch.nodes);
        self
    }

    fn elements(&self) -> f64 {
        self.side * self.side * self.channels
    }

    fn node(&mut self, kind: Kind, ops: f64, params: f64, read: f64) -> &mut Self {
        self.nodes.push(Node { kind, ops, params, read, written: self.elements() });
        self
    }
}
