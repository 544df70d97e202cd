//! Execution providers: the value of the configuration's engine axis, and how each is asked for.

use std::num::NonZeroUsize;

use ort::ep::{CUDA, ExecutionProvider as _, ExecutionProviderDispatch, TensorRT, XNNPACK};

/// Which part of ONNX Runtime runs the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// The default one.
    Cpu,
    /// Float and int8 kernels for ARM and x86.
    Xnnpack,
    /// NVIDIA graphics processors.
    Cuda,
    /// NVIDIA's own compiler; what it does not take goes to CUDA.
    TensorRt,
}

impl Provider {
    /// The engine's name.
    pub(super) fn engine(self) -> &'static str {
        match self {
            Self::Cpu => "ort-cpu",
            Self::Xnnpack => "ort-xnnpack",
            Self::Cuda => "ort-cuda",
            Self::TensorRt => "ort-tensorrt",
        }
    }

    /// What ONNX Runtime calls it in its log; none for the one that is always there.
    pub(super) fn own_name(self) -> Option<&'static str> {
        match self {
            Self::Cpu => None,
            Self::Xnnpack => Some(XNNPACK::default().name()),
            Self::Cuda => Some(CUDA::default().name()),
            Self::TensorRt => Some(TensorRT::default().name()),
        }
    }

    /// What to register, in order of preference; failing to is an error.
    pub(super) fn registered(self, threads: usize) -> Vec<ExecutionProviderDispatch> {
        let list = match self {
            Self::Cpu => Vec::new(),
            Self::Xnnpack => {
                let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
                vec![XNNPACK::default().with_intra_op_num_threads(threads).build()]
            }
            Self::Cuda => vec![CUDA::default().build()],
            Self::TensorRt => vec![TensorRT::default().build(), CUDA::default().build()],
        };
        list.into_iter().map(ExecutionProviderDispatch::error_on_failure).collect()
    }

    /// Threads of ONNX Runtime's own pool: XNNPACK brings its own.
    pub(super) fn pool(self, threads: usize) -> usize {
        if self == Self::Xnnpack { 1 } else { threads }
    }

    /// Whether it runs a convolution between quantisations on integers.
    pub(super) fn runs_integers(self) -> bool {
        self != Self::Cuda
    }
}
