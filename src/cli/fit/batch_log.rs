//! Training step by step, with each step's own numbers in a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use keras::graph::{LoadedModel, TrainingBatch};
use keras::saving::Array;
use keras::training::Logs;
use keras::{Error, Result};
use serde_json::{Map, Value, json};

use super::super::failure::{Failure, Outcome};

/// Steps whose numbers are those of their batch alone, where `fit` has running means.
pub struct BatchLog<'a> {
    /// One JSON object a line.
    pub path: &'a Path,
    /// Passes over the data.
    pub epochs: Range<usize>,
    /// Samples of a step.
    pub batch_size: usize,
}

impl BatchLog<'_> {
    /// Trains on the samples in their order.
    pub fn run(
        &self,
        model: &mut LoadedModel,
        x: &[Array],
        y: &[Array],
        weights: &[Option<Vec<f32>>],
        classes: &[(usize, f32)],
    ) -> Outcome {
        let weights = match weights {
            [] => None,
            [one] => one.as_deref(),
            _ => {
                return Err(Failure::usage("--batch-log with --sample-weight is for models with one output"));
            }
        };
        let samples = x.first().and_then(|array| array.shape.first()).copied().unwrap_or(0);
        if let Some(wrong) = y.iter().chain(x).find(|a| a.shape.first() != Some(&samples)) {
            let message =
                format!("the first input has {samples} samples, another array the shape {:?}", wrong.shape);
            return Err(Error::Data(message).into());
        }
        let per_sample = weights.map_or(0, |weights| weights.len() / samples.max(1));
        if weights.is_some_and(|weights| per_sample == 0 || weights.len() != per_sample * samples) {
            let message = format!("the sample weights are not as many for each of {samples} samples");
            return Err(Error::Data(message).into());
        }
        let mut file = BufWriter::new(File::create(self.path).map_err(|e| Error::io(self.path, e))?);
        let order: Vec<usize> = (0..samples).collect();
        for _ in self.epochs.clone() {
            for picked in order.chunks(self.batch_size) {
                let pick = |arrays: &[Array]| arrays.iter().map(|a| a.pick(picked)).collect::<Vec<_>>();
                let (first, end) = (picked[0], picked[0] + picked.len());
                let logs = model.train_on_batch(&TrainingBatch {
                    x: &pick(x),
                    y: &pick(y),
                    sample_weight: weights.map(|weights| &weights[first * per_sample..end * per_sample]),
                    class_weight: classes,
                })?;
                self.line(&mut file, &logs)?;
            }
        }
        file.flush().map_err(|e| Error::io(self.path, e))?;
        Ok(())
    }

    fn line(&self, file: &mut impl Write, logs: &Logs) -> Result<()> {
        let entries: Map<String, Value> =
            logs.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        writeln!(file, "{}", Value::Object(entries)).map_err(|e| Error::io(self.path, e))
    }
}
