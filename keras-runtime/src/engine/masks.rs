//! Which values of a network have masks, and whether the layers can honour them.

use keras_kernels::Shape;

use super::definition::Definition;
use super::flat::Flat;
use super::spec::Source;
use crate::plan::{MaskRule, Spec};
use crate::{Error, Result};

impl Flat {
    /// Follows the masks through the calls.
    ///
    /// # Errors
    /// If a layer cannot honour what reaches it.
    pub(super) fn check_masks(&self, definition: &Definition) -> Result<()> {
        // Shapes of samples, of the masks of each call's outputs. Inputs of a model have none.
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
                rule => outputs[0] = rule.written_for(&own),
            }
            masks.push(outputs);
        }
        Ok(())
    }
}
