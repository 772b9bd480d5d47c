//! The layers, in Keras' families. One file each.

pub mod activations;
pub mod attention;
pub mod core;
pub mod merging;
pub mod normalization;
pub mod options;
mod registry;
pub mod regularization;
pub mod reshaping;
pub mod rnn;
mod support;

pub use activations::{Activation, ELU, LeakyReLU, PReLU, ReLU, Softmax};
pub use attention::{AdditiveAttention, Attention, GroupQueryAttention, MultiHeadAttention, ScoreMode};
pub use core::{Dense, EinsumDense, Embedding, Identity, Masking};
pub use merging::{Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract};
pub use normalization::{
    BatchNormalization, GroupNormalization, LayerNormalization, RMSNormalization, RenormClipping,
    UnitNormalization,
};
pub use options::{DataFormat, Interpolation, Padding};
pub use registry::{Make, Registry};
pub use regularization::{
    ActivityRegularization, AlphaDropout, Dropout, GaussianDropout, GaussianNoise, SpatialDropout1D,
    SpatialDropout2D, SpatialDropout3D,
};
pub use reshaping::{
    Cropping1D, Cropping2D, Cropping3D, Flatten, Permute, RepeatVector, Reshape, UpSampling1D, UpSampling2D,
    UpSampling3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D,
};
pub use rnn::{Bidirectional, GRU, LSTM, MergeMode, Recurrent, SimpleRNN, TimeDistributed};
