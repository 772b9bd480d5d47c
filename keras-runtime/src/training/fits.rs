//! Whether data fits the model and its losses.

use keras_kernels::Shape;

use super::data::Samples;
use super::trainer::Trainer;
use crate::engine::Network;
use crate::losses::{LabelKind, RowAxes};
use crate::{Error, Result};

impl Trainer {
    /// Refuses data that does not fit the model.
    pub(super) fn check(&mut self, network: &Network, data: &Samples<'_>) -> Result<()> {
        data.check()?;
        let definition = network.definition();
        let several = definition.outputs.len() > 1;
        if self.outputs.len() != definition.outputs.len() {
            return Err(Error::Argument(format!(
                "the model has {} outputs, {} losses were given",
                definition.outputs.len(),
                self.outputs.len()
            )));
        }
        super::predict::check_inputs(network, &data.x)?;
        if data.y.len() != definition.outputs.len() {
            let (outputs, found) = (definition.outputs.len(), data.y.len());
            return Err(Error::Data(format!(
                "the model has {outputs} outputs, labels for {found} were given"
            )));
        }
        if several && !data.class_weights.is_empty() {
            return Err(Error::Argument("`class_weight` is for models with one output".into()));
        }
        for (i, port) in data.y.iter().enumerate() {
            let declared = &definition.outputs[i];
            let output = &mut self.outputs[i];
            output.name.clone_from(&declared.name);
            let predicted = definition.spec_of(declared.source).shape_for(data.len());
            for metric in output.metrics.iter().chain(&output.weighted) {
                metric.check(port.shape.insert(0, data.len()), predicted)?;
            }
            let Some(loss) = &output.loss else { continue };
            let prediction = definition.spec_of(declared.source).shape();
            let expected = match (loss.label_kind(), loss.axes()) {
                (LabelKind::Sparse, RowAxes::One(axis)) => {
                    let rank = prediction.rank() as isize;
                    let at = if axis < 0 { axis + rank } else { axis - 1 };
                    let keep = prediction.to_vec().into_iter().enumerate();
                    let keep: Vec<usize> = keep.filter(|(i, _)| *i as isize != at).map(|(_, d)| d).collect();
                    Shape::of(&keep)
                }
                _ => prediction,
            };
            // A last dimension of 1 may be left out or added, as in Keras.
            let plain = |shape: Shape| {
                let mut dims = shape.to_vec();
                if dims.last() == Some(&1) {
                    dims.pop();
                }
                dims
            };
            if plain(port.shape) != plain(expected) {
                let class = loss.class_name();
                let hint = match loss.label_kind() {
                    LabelKind::Same if port.shape.rank() + 1 == prediction.rank() => {
                        " (for numbers of classes use SparseCategoricalCrossentropy)"
                    }
                    LabelKind::Sparse if port.shape.same(&prediction) => {
                        " (for one-hot labels use CategoricalCrossentropy)"
                    }
                    _ => "",
                };
                return Err(Error::Data(format!(
                    "{class} on output `{}` of shape {prediction} takes labels of shape {expected}, found {}{hint}",
                    declared.name, port.shape
                )));
            }
        }
        Ok(())
    }
}
