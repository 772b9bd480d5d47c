//! The lower-case words of options: in scope inside `model!`, around each constructor, and nowhere else.
//!
//! `activation = relu` is `Dense::activation(symbols::relu)`.

#![allow(non_upper_case_globals)]

use crate::layers::MergeMode;
use crate::layers::options::{DataFormat, Interpolation, Padding};
use crate::{Activation, Initializer};

pub use crate::{Constraint, Regularizer};

macro_rules! words {
    ($($ty:ident { $($name:ident = $value:expr),* $(,)? })*) => { $( $(
        #[doc = concat!("The option value `", stringify!($name), "`.")]
        pub const $name: $ty = $value;
    )* )* };
}
words! {
    MergeMode {
        sum = MergeMode::Sum,
        mul = MergeMode::Mul,
        concat = MergeMode::Concat,
        ave = MergeMode::Ave,
    }
    Activation {
        linear = Activation::Linear,
        relu = Activation::RELU,
        relu6 = Activation::Relu6,
        leaky_relu = Activation::LeakyRelu { negative_slope: 0.2 },
        sigmoid = Activation::Sigmoid,
        tanh = Activation::Tanh,
        softmax = Activation::SOFTMAX,
        log_softmax = Activation::LogSoftmax { axis: -1 },
        elu = Activation::Elu { alpha: 1.0 },
        selu = Activation::Selu,
        celu = Activation::Celu { alpha: 1.0 },
        softplus = Activation::Softplus,
        softsign = Activation::Softsign,
        silu = Activation::Silu,
        swish = Activation::Silu,
        gelu = Activation::Gelu { approximate: false },
        exponential = Activation::Exponential,
        hard_sigmoid = Activation::HardSigmoid,
        hard_silu = Activation::HardSilu,
        hard_swish = Activation::HardSilu,
        hard_tanh = Activation::HardTanh,
        mish = Activation::Mish,
        log_sigmoid = Activation::LogSigmoid,
        glu = Activation::Glu { axis: -1 },
        hard_shrink = Activation::HardShrink { threshold: 0.5 },
        soft_shrink = Activation::SoftShrink { threshold: 0.5 },
        tanh_shrink = Activation::TanhShrink,
        squareplus = Activation::Squareplus { b: 4.0 },
        sparse_plus = Activation::SparsePlus,
        sparse_sigmoid = Activation::SparseSigmoid,
        sparsemax = Activation::Sparsemax { axis: -1 },
    }
    Padding {
        valid = Padding::Valid,
        same = Padding::Same,
        causal = Padding::Causal,
    }
    DataFormat {
        channels_last = DataFormat::ChannelsLast,
        channels_first = DataFormat::ChannelsFirst,
    }
    Interpolation {
        nearest = Interpolation::Nearest,
        bilinear = Interpolation::Bilinear,
        bicubic = Interpolation::Bicubic,
        lanczos3 = Interpolation::Lanczos3,
        lanczos5 = Interpolation::Lanczos5,
    }
    Initializer {
        zeros = Initializer::Zeros,
        ones = Initializer::Ones,
        random_normal = Initializer::RandomNormal { mean: 0.0, stddev: 0.05, seed: None },
        random_uniform = Initializer::UNIFORM,
        uniform = Initializer::UNIFORM,
        truncated_normal = Initializer::TruncatedNormal { mean: 0.0, stddev: 0.05, seed: None },
        glorot_uniform = Initializer::GLOROT_UNIFORM,
        glorot_normal = Initializer::GlorotNormal { seed: None },
        he_uniform = Initializer::HeUniform { seed: None },
        he_normal = Initializer::HeNormal { seed: None },
        lecun_uniform = Initializer::LecunUniform { seed: None },
        lecun_normal = Initializer::LecunNormal { seed: None },
        orthogonal = Initializer::ORTHOGONAL,
        identity = Initializer::Identity { gain: 1.0 },
    }
}

/// The same words as names of types, as they stand in Keras: `init = GlorotUniform`.
#[allow(non_upper_case_globals)]
mod classes {
    use super::Initializer;

    macro_rules! classes {
        ($($name:ident = $value:expr),* $(,)?) => { $(
            #[doc = concat!("The initializer `", stringify!($name), "` with its defaults.")]
            pub const $name: Initializer = $value;
        )* };
    }
    classes! {
        Zeros = super::zeros,
        Ones = super::ones,
        RandomNormal = super::random_normal,
        RandomUniform = super::random_uniform,
        TruncatedNormal = super::truncated_normal,
        GlorotUniform = super::glorot_uniform,
        GlorotNormal = super::glorot_normal,
        HeUniform = super::he_uniform,
        HeNormal = super::he_normal,
        LecunUniform = super::lecun_uniform,
        LecunNormal = super::lecun_normal,
        Orthogonal = super::orthogonal,
    }
}
pub use classes::*;

/// `L1(l1)`.
#[allow(non_snake_case)]
pub const fn L1(l1: f64) -> Regularizer {
    Regularizer::L1 { l1 }
}

/// `L2(l2)`.
#[allow(non_snake_case)]
pub const fn L2(l2: f64) -> Regularizer {
    Regularizer::L2 { l2 }
}

/// `L1L2(l1, l2)`.
#[allow(non_snake_case)]
pub const fn L1L2(l1: f64, l2: f64) -> Regularizer {
    Regularizer::L1L2 { l1, l2 }
}

/// `Constant(value)`.
#[allow(non_snake_case)]
pub const fn Constant(value: f64) -> Initializer {
    Initializer::Constant { value }
}

/// `MaxNorm(max_value)` along axis 0.
#[allow(non_snake_case)]
pub const fn MaxNorm(max_value: f64) -> Constraint {
    Constraint::MaxNorm { max_value, axes: crate::plan::Ints::of([0]) }
}

/// `UnitNorm` along axis 0.
pub const UnitNorm: Constraint = Constraint::UnitNorm { axes: crate::plan::Ints::of([0]) };
/// `NonNeg`.
pub const NonNeg: Constraint = Constraint::NonNeg;
