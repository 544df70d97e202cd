//! What published architectures consist of: their layers, written down again from the papers,
//! and from the layers the work of each kind. What the tables say of parameters and
//! multiply-accumulates is held against it in the tests.

mod mobile;
mod search;

pub(crate) use mobile::mobile;
pub(crate) use search::{fbnet, nasbench};

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A convolution over space and channels.
    Full,
    /// One filter per channel.
    Depthwise,
    /// One by one.
    Pointwise,
    /// A matrix and a vector.
    Dense,
}

/// Work by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Work {
    /// Multiply-accumulates: full, depthwise, pointwise, dense.
    pub(crate) macs: [f64; 4],
    /// Weights and biases of convolutions and dense layers (batch normalisation is folded).
    pub(crate) params: f64,
    /// Elements written by layers with weights.
    pub(crate) written: f64,
    /// Elements written by layers without weights.
    pub(crate) elementwise: f64,
    /// Layers with weights.
    pub(crate) layers: f64,
}

impl Work {
    /// All multiply-accumulates.
    pub(crate) fn total(&self) -> f64 {
        self.macs.iter().sum()
    }

    /// As the amounts of a model's traits: all multiply-accumulates first.
    pub(crate) fn amounts(&self) -> Vec<f64> {
        let mut amounts = vec![self.total()];
        amounts.extend(self.macs);
        amounts.extend([self.params, self.written, self.elementwise, self.layers]);
        amounts
    }
}

/// A network while it is written down: the tensor at hand, and the work so far.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    side: f64,
    channels: f64,
    work: Work,
}

impl Builder {
    pub(crate) fn new(side: f64, channels: f64) -> Self {
        Self { side, channels, work: Work::default() }
    }

    pub(crate) fn channels(&self) -> f64 {
        self.channels
    }

    /// A convolution with the padding that gives `side / stride`, rounded up.
    pub(crate) fn conv(&mut self, kernel: f64, out: f64, stride: f64, groups: f64) -> &mut Self {
        let kind = match (kernel, groups) {
            (1.0, _) => Kind::Pointwise,
            (_, groups) if groups > 1.0 && groups == self.channels => Kind::Depthwise,
            _ => Kind::Full,
        };
        self.side = (self.side / stride).ceil();
        let weights = kernel * kernel * self.channels / groups * out;
        self.channels = out;
        self.layer(kind, weights * self.side * self.side, weights + out)
    }

    /// One filter per channel.
    pub(crate) fn depthwise(&mut self, kernel: f64, stride: f64) -> &mut Self {
        self.conv(kernel, self.channels, stride, self.channels)
    }

    /// The mean over space.
    pub(crate) fn pool(&mut self) -> &mut Self {
        self.elementwise(1.0);
        self.side = 1.0;
        self
    }

    /// A dense layer on pooled features.
    pub(crate) fn dense(&mut self, out: f64) -> &mut Self {
        let weights = self.channels * out;
        self.channels = out;
        self.layer(Kind::Dense, weights, weights + out)
    }

    /// Squeeze and excitation.
    pub(crate) fn gate(&mut self, squeezed: f64) -> &mut Self {
        let (side, channels) = (self.side, self.channels);
        self.elementwise(2.0);
        self.side = 1.0;
        self.dense(squeezed).dense(channels);
        self.side = side;
        self
    }

    /// So many passes over the tensor at hand.
    pub(crate) fn elementwise(&mut self, passes: f64) -> &mut Self {
        self.work.elementwise += passes * self.elements();
        self
    }

    pub(crate) fn work(&self) -> Work {
        self.work
    }

    /// Adds what a branch did since it left.
    pub(crate) fn add(&mut self, before: &Work, after: &Work) -> &mut Self {
        for ((sum, after), before) in self.work.macs.iter_mut().zip(after.macs).zip(before.macs) {
            *sum += after - before;
        }
        self.work.params += after.params - before.params;
        self.work.written += after.written - before.written;
        self.work.elementwise += after.elementwise - before.elementwise;
        self.work.layers += after.layers - before.layers;
        self
    }

    fn elements(&self) -> f64 {
        self.side * self.side * self.channels
    }

    fn layer(&mut self, kind: Kind, macs: f64, params: f64) -> &mut Self {
        let slot = match kind {
            Kind::Full => 0,
            Kind::Depthwise => 1,
            Kind::Pointwise => 2,
            Kind::Dense => 3,
        };
        if let Some(sum) = self.work.macs.get_mut(slot) {
            *sum += macs;
        }
        self.work.params += params;
        self.work.written += self.elements();
        self.work.layers += 1.0;
        self
    }
}
