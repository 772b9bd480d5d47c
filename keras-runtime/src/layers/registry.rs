//! Which layers can be made from a configuration: the built-in ones, one line each, and those that are registered.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::layer::{Config, FromConfig, Layer};
use crate::layers as l;
use crate::layers::unsupported;
use crate::{Error, Result};

/// Makes a layer from its configuration.
pub type Make = fn(&Config) -> Result<Arc<dyn Layer>>;

fn make<L: FromConfig + Layer + 'static>(config: &Config) -> Result<Arc<dyn Layer>> {
    Ok(Arc::new(L::from_config(config)?))
}

const fn entry<L: FromConfig + Layer + 'static>() -> (&'static str, Make) {
    (L::CLASS_NAME, make::<L>)
}

/// Makes a built-in layer, and refuses what its configuration says beyond its options.
fn make_strictly(class: &str, make: Make, config: &Config) -> Result<Arc<dyn Layer>> {
    let layer = make(config)?;
    unsupported::check(class, config, &layer.config())?;
    Ok(layer)
}

/// The built-in layers.
const BUILT_IN: &[(&str, Make)] = &[
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

/// The classes that a model may consist of when it is read from a file.
///
/// Built-in layers are there from the start; layers of one's own are registered:
///
/// ```
/// use keras_runtime::layers::{Dense, Registry};
/// let registry = Registry::new().register::<Dense>();
/// assert!(registry.classes().any(|class| class == "Dense"));
/// ```
#[derive(Clone)]
pub struct Registry {
    makers: BTreeMap<&'static str, Maker>,
}

#[derive(Clone, Copy)]
enum Maker {
    BuiltIn(Make),
    Registered(Make),
}

impl Registry {
    /// The built-in layers.
    pub fn new() -> Registry {
        Registry { makers: BUILT_IN.iter().map(|(class, make)| (*class, Maker::BuiltIn(*make))).collect() }
    }

    /// With one class more; it takes the place of a built-in one of the same name.
    #[must_use]
    pub fn register<L: FromConfig + Layer + 'static>(mut self) -> Registry {
        self.makers.insert(L::CLASS_NAME, Maker::Registered(make::<L>));
        self
    }

    /// The classes by name.
    pub fn classes(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.makers.keys().copied()
    }

    /// Whether there is such a class.
    pub fn knows(&self, class: &str) -> bool {
        self.makers.contains_key(class)
    }

    /// Makes a layer.
    ///
    /// # Errors
    /// If the class is unknown (`module` is where its file says that it comes from), or its configuration says
    /// something that cannot be honoured.
    pub fn make(&self, class: &str, module: &str, config: &Config) -> Result<Arc<dyn Layer>> {
        match self.makers.get(class) {
            Some(Maker::BuiltIn(make)) => return make_strictly(class, *make, config),
            Some(Maker::Registered(make)) => return make(config),
            None => {}
        }
        let what = format!("class `{class}` of module `{module}`");
        Err(Error::config(
            what,
            if class == "Lambda" || class == "__lambda__" {
                "Python code inside a file is never run: replace the Lambda by a layer of your own"
                    .to_string()
            } else if module.starts_with("keras.") {
                "this layer of Keras is not there yet".to_string()
            } else {
                format!(
                    "is not known: write it as a layer (`#[derive(Layer)] struct {class}`) and register it \
                         (`Registry::new().register::<{class}>()`)"
                )
            },
        ))
    }
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_classes_say_what_to_do() {
        let text = |class, module| {
            let error = Registry::new().make(class, module, &Config::new()).err().expect("unknown");
            error.to_string()
        };
        assert!(text("Gated", "mine").contains("register::<Gated>()"));
        assert!(text("Lambda", "keras.layers").contains("never run"));
    }

    #[test]
    fn no_class_is_listed_twice() {
        let distinct: std::collections::BTreeSet<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        assert_eq!(distinct.len(), BUILT_IN.len());
    }
}
