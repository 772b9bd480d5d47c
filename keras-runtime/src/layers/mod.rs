//! The layers, in Keras' families. One file each.

pub mod activations;
pub mod attention;
pub(crate) mod calls;
pub mod convolutional;
pub mod core;
pub mod merging;
pub mod normalization;
pub mod options;
pub mod pooling;
pub mod preprocessing;
pub(crate) mod registry;
pub mod regularization;
pub mod reshaping;
pub mod rnn;
#[cfg(test)]
mod signatures;
pub(crate) mod support;
pub(crate) mod unsupported;
#[cfg(test)]
mod values;

pub use activations::{Activation, ELU, LeakyReLU, PReLU, ReLU, Softmax};
pub use attention::{AdditiveAttention, Attention, GroupQueryAttention, MultiHeadAttention, ScoreMode};
#[doc(hidden)]
pub use calls::arguments as call_arguments;
pub use convolutional::{
    Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose, DepthwiseConv1D,
    DepthwiseConv2D, SeparableConv1D, SeparableConv2D,
};
pub use core::{Dense, EinsumDense, Embedding, Identity, Masking};
pub use merging::{Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract};
pub use normalization::{
    BatchNormalization, GroupNormalization, LayerNormalization, RMSNormalization, RenormClipping,
    UnitNormalization,
};
pub use options::{DataFormat, Interpolation, Padding};
pub use pooling::{
    AveragePooling1D, AveragePooling2D, AveragePooling3D, GlobalAveragePooling1D, GlobalAveragePooling2D,
    GlobalAveragePooling3D, GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D, MaxPooling1D,
    MaxPooling2D, MaxPooling3D,
};
pub use preprocessing::Rescaling;
pub use regularization::{
    ActivityRegularization, AlphaDropout, Dropout, GaussianDropout, GaussianNoise, SpatialDropout1D,
    SpatialDropout2D, SpatialDropout3D,
};
pub use reshaping::{
    Cropping1D, Cropping2D, Cropping3D, Flatten, Permute, RepeatVector, Reshape, UpSampling1D, UpSampling2D,
    UpSampling3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D,
};
pub use rnn::{Bidirectional, GRU, LSTM, MergeMode, Recurrent, SimpleRNN, TimeDistributed};

pub use crate::registry::Registry;
