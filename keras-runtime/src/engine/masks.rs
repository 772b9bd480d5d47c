//! Which values of a network have masks, and whether the layers can honour them.

use keras_kernels::Shape;

use super::definition::Definition;
use super::flat::Flat;
use super::spec::Source;
use crate::plan::{MaskRule, Spec};
use crate::{Error, Result};

impl Flat {
    /// Follows the masks through the calls: shapes of samples, of the masks of each call's outputs.
    ///
    /// # Errors
    /// If a layer cannot honour what reaches it.
    pub(super) fn masks(&self, definition: &Definition) -> Result<Vec<Vec<Option<Shape>>>> {
        // Inputs of a model have none.
        let mut masks: Vec<Vec<Option<Shape>>> = Vec::with_capacity(self.nodes.len());
        let spec = |source: Source| match source {
            Source::Input(i) => definition.inputs[i].spec,
            Source::Node { node, output } => self.nodes[node].plan.outputs.as_slice()[output],
        };
        for node in &self.nodes {
            let own: Vec<Option<Shape>> = node
                .inputs
                .iter()
                .map(|source| match *source {
                    Source::Input(_) => None,
                    Source::Node { node, output } => masks[node][output],
                })
                .collect();
            if own.iter().any(Option::is_some) {
                let specs: Vec<Spec> = node.inputs.iter().map(|source| spec(*source)).collect();
                node.layer.check_masks(&specs, &own).map_err(|message| Error::Plan {
                    layer: self.leaves[node.leaf].path.join("/"),
                    class: node.layer.class_name().into(),
                    message,
                })?;
            }
            let mut outputs = vec![None; node.plan.outputs.len()];
            match node.plan.mask {
                MaskRule::Drop => {}
                MaskRule::Pass => outputs.fill(own.iter().flatten().next().copied()),
                MaskRule::First => outputs[0] = own.first().copied().flatten(),
                MaskRule::Last => outputs[0] = own.last().copied().flatten(),
                rule => outputs[0] = rule.written_for(&own),
            }
            masks.push(outputs);
        }
        Ok(masks)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keras_kernels::{DType, Device};

    use super::*;
    use crate::engine::Network;
    use crate::layer::Layer;
    use crate::layers::{
        BatchNormalization, Dense, Flatten, LSTM, Masking, MultiHeadAttention, Reshape, Softmax,
    };

    /// What is said of a network of these layers after a `Masking` of `[4, 2]`; the last takes the value twice if it attends.
    fn refusal(layers: &[Arc<dyn Layer>]) -> String {
        let mut definition = Definition::new("masked");
        let mut at = definition.input("x", Spec::of(&[4, 2]));
        let masking: Arc<dyn Layer> = Arc::new(Masking::new());
        for (i, layer) in std::iter::once(&masking).chain(layers).enumerate() {
            let member = definition.layer(format!("layer_{i}"), Arc::clone(layer));
            let inputs = vec![at; 1 + usize::from(layer.class_name() == "MultiHeadAttention")];
            at = Source::node(definition.call(member, &inputs).expect("has a plan"));
        }
        definition.output("y", at);
        let made = Network::blank(Arc::new(definition), Device::cpu(), 0, DType::F32);
        made.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn masks_are_honoured_or_refused() {
        let softmax = || -> Arc<dyn Layer> { Arc::new(Softmax::new()) };
        assert_eq!(refusal(&[Arc::new(LSTM::new(3))]), "");
        assert_eq!(refusal(&[Arc::new(Dense::new(3)), Arc::new(LSTM::new(3))]), "");
        assert_eq!(refusal(&[Arc::new(BatchNormalization::new())]), "");
        assert_eq!(refusal(&[Arc::new(MultiHeadAttention::new(1, 2))]), "");
        // A layer that does not pass masks on.
        assert_eq!(refusal(&[Arc::new(Flatten::new()), softmax()]), "");
        let image: Arc<dyn Layer> = Arc::new(Reshape::new([4, 2]));
        assert_eq!(refusal(&[image, softmax()]), "");
        // The mask says something of steps, the layer asks about elements.
        let error = refusal(&[softmax()]);
        assert!(error.contains("layer_1") && error.contains("Softmax") && error.contains("mask"), "{error}");
        // Through a layer that passes it on.
        let error = refusal(&[Arc::new(Dense::new(3)), softmax()]);
        assert!(error.contains("layer_2"), "{error}");
    }
}
