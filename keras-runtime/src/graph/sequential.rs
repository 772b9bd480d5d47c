//! Lists of layers, written at run time.

use std::sync::Arc;

use keras_kernels::Device;

use super::functional::Names;
use super::keras_tensor::{Dimension, Input, Shared};
use super::{Blueprint, LoadedModel, Part, PartCall, PartKind};
use crate::engine::Source;
use crate::layer::Layer;
use crate::saving::snake_case;
use crate::{Policy, Result};

/// A model that is a list of layers.
///
/// ```
/// use keras_runtime::graph::Sequential;
/// use keras_runtime::layers::{Dense, Dropout};
/// use keras_runtime::{Activation, Device};
///
/// let hidden = [128, 64]; // known at run time
/// let mut model = Sequential::new([784]);
/// for units in hidden {
///     model = model.add(Dense::new(units).activation(Activation::RELU)).add(Dropout::new(0.2));
/// }
/// let mut model = model.add(Dense::new(10)).build(Device::default())?;
/// assert_eq!(model.count_params(), Some(784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10));
/// # Ok::<(), keras_runtime::Error>(())
/// ```
pub struct Sequential {
    name: String,
    input: Option<Input>,
    layers: Vec<Shared>,
}

impl Sequential {
    /// A model for samples of these dimensions: numbers, or `Option`s with `None` for what data decides.
    pub fn new<D: Dimension, const N: usize>(dims: [D; N]) -> Sequential {
        Sequential::of(Input::new(dims))
    }

    /// A model for this input.
    pub fn of(input: Input) -> Sequential {
        Sequential { name: "sequential".into(), input: Some(input), layers: Vec::new() }
    }

    /// A model whose input is not known until data come, of any shape that its layers take.
    pub fn unbuilt() -> Sequential {
        Sequential { name: "sequential".into(), input: None, layers: Vec::new() }
    }

    /// Its name (`sequential`).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Sequential {
        self.name = name.into();
        self
    }

    /// One layer more.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // Keras' name.
    pub fn add(self, layer: impl Layer + 'static) -> Sequential {
        self.add_shared(Shared::new(layer))
    }

    /// One layer more, with a name or frozen.
    #[must_use]
    pub fn add_shared(mut self, layer: Shared) -> Sequential {
        self.layers.push(layer);
        self
    }

    /// The model with fresh weights.
    ///
    /// # Errors
    /// If two layers have one name, or a layer cannot take what it gets.
    pub fn build(self, device: Device) -> Result<LoadedModel> {
        self.build_with(device, 0)
    }

    /// As [`Sequential::build`], with weights that are a function of the seed.
    ///
    /// # Errors
    /// See [`Sequential::build`].
    pub fn build_with(self, device: Device, seed: u64) -> Result<LoadedModel> {
        let what = || format!("model `{}`", self.name);
        let mut blueprint = Blueprint::empty(&self.name, true);
        blueprint.inputs.extend(self.input.map(|input| input.slot));
        let (mut names, mut current) = (Names::default(), Source::Input(0));
        for layer in &self.layers {
            let member = layer.member();
            let name = names.take(member.name.as_ref(), &snake_case(member.layer.class_name()), &what)?;
            blueprint.parts.push(Part {
                name,
                kind: PartKind::Layer(Arc::clone(&member.layer)),
                trainable: member.trainable,
                activity_regularizer: member.activity_regularizer,
                policy: Policy::Full,
            });
            let part = blueprint.parts.len() - 1;
            blueprint.calls.push(PartCall { part, layer: None, inputs: vec![current], masks: Vec::new() });
            current = Source::node(part);
        }
        let name = blueprint.parts.last().map_or_else(|| self.name.clone(), |part| part.name.clone());
        blueprint.outputs.push((name, current));
        LoadedModel::from_blueprint(blueprint, device, seed)
    }
}
