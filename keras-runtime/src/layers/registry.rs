//! Keras' own layers that can be made from a configuration, one line each.

use std::sync::Arc;

use crate::Result;
use crate::layer::{Config, FromConfig, Layer};
use crate::layers as l;
use crate::registry::Registry;

/// Makes a layer from its configuration; the registry is for what is inside it.
pub(crate) type Make = fn(&Config, &Registry) -> Result<Arc<dyn Layer>>;

pub(crate) fn make<L: FromConfig + Layer + 'static>(
    config: &Config,
    registry: &Registry,
) -> Result<Arc<dyn Layer>> {
    Ok(Arc::new(L::from_config(config, registry)?))
}

const fn entry<L: FromConfig + Layer + 'static>() -> (&'static str, Make) {
    (L::CLASS_NAME, make::<L>)
}

/// The built-in layers.
pub(crate) const BUILT_IN: &[(&str, Make)] = &[
    entry::<l::Activation>(),
    entry::<l::ActivityRegularization>(),
    entry::<l::Add>(),
    entry::<l::AdditiveAttention>(),
    entry::<l::AlphaDropout>(),
    entry::<l::Attention>(),
    entry::<l::Average>(),
    entry::<l::AveragePooling1D>(),
    entry::<l::AveragePooling2D>(),
    entry::<l::AveragePooling3D>(),
    entry::<l::BatchNormalization>(),
    ("Bidirectional", l::rnn::bidirectional::from_config),
    entry::<l::Concatenate>(),
    entry::<l::Conv1D>(),
    entry::<l::Conv1DTranspose>(),
    entry::<l::Conv2D>(),
    entry::<l::Conv2DTranspose>(),
    entry::<l::Conv3D>(),
    entry::<l::Conv3DTranspose>(),
    entry::<l::Cropping1D>(),
    entry::<l::Cropping2D>(),
    entry::<l::Cropping3D>(),
    entry::<l::Dense>(),
    entry::<l::DepthwiseConv1D>(),
    entry::<l::DepthwiseConv2D>(),
    entry::<l::Dot>(),
    entry::<l::Dropout>(),
    entry::<l::EinsumDense>(),
    entry::<l::ELU>(),
    entry::<l::Embedding>(),
    entry::<l::Flatten>(),
    entry::<l::GaussianDropout>(),
    entry::<l::GaussianNoise>(),
    entry::<l::GlobalAveragePooling1D>(),
    entry::<l::GlobalAveragePooling2D>(),
    entry::<l::GlobalAveragePooling3D>(),
    entry::<l::GlobalMaxPooling1D>(),
    entry::<l::GlobalMaxPooling2D>(),
    entry::<l::GlobalMaxPooling3D>(),
    entry::<l::GroupNormalization>(),
    entry::<l::GroupQueryAttention>(),
    entry::<l::GRU>(),
    entry::<l::Identity>(),
    entry::<l::LayerNormalization>(),
    entry::<l::LeakyReLU>(),
    entry::<l::LSTM>(),
    entry::<l::Masking>(),
    entry::<l::Maximum>(),
    entry::<l::MaxPooling1D>(),
    entry::<l::MaxPooling2D>(),
    entry::<l::MaxPooling3D>(),
    entry::<l::Minimum>(),
    entry::<l::MultiHeadAttention>(),
    entry::<l::Multiply>(),
    entry::<l::Permute>(),
    entry::<l::PReLU>(),
    entry::<l::ReLU>(),
    entry::<l::RepeatVector>(),
    entry::<l::Rescaling>(),
    entry::<l::Reshape>(),
    entry::<l::RMSNormalization>(),
    entry::<l::SeparableConv1D>(),
    entry::<l::SeparableConv2D>(),
    entry::<l::SimpleRNN>(),
    entry::<l::Softmax>(),
    entry::<l::SpatialDropout1D>(),
    entry::<l::SpatialDropout2D>(),
    entry::<l::SpatialDropout3D>(),
    entry::<l::Subtract>(),
    ("TimeDistributed", l::rnn::time_distributed::from_config),
    entry::<l::UnitNormalization>(),
    entry::<l::UpSampling1D>(),
    entry::<l::UpSampling2D>(),
    entry::<l::UpSampling3D>(),
    entry::<l::ZeroPadding1D>(),
    entry::<l::ZeroPadding2D>(),
    entry::<l::ZeroPadding3D>(),
];

/// How the layer of this class is made.
pub(crate) fn built_in(class: &str) -> Option<Make> {
    BUILT_IN.iter().find(|(name, _)| *name == class).map(|(_, make)| *make)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_class_is_listed_twice() {
        let distinct: std::collections::BTreeSet<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        assert_eq!(distinct.len(), BUILT_IN.len());
    }
}
