//! `keras fit`.

mod batch_log;
mod watching;

use std::path::PathBuf;

use clap::{ArgAction, Args};
use keras::Error;
use keras::graph::{LoadedModel, Prepared};
use keras::saving::Array;
use keras::training::{FitOptions, Validation, ValidationFreq};
use serde_json::Value;

use super::common::{Common, ModelArgs};
use super::compiling::{Compiling, Optimizing};
use super::data::{self, DataFile};
use super::failure::{Failure, Outcome};
use super::labels::Labelled;
use super::predict::at_least_one;
use batch_log::BatchLog;
use watching::Watching;

/// Train a model on
///
/// The optimizer of a compiled file goes on where it stopped. What was trained is saved with --save; without it, and without
/// --save-weights and --checkpoint, nothing is kept.
#[derive(Args)]
#[command(after_long_help = format!("\
{}

Examples:
  keras fit net.keras --x x.npz --y y.npz --epochs 10 --save trained.keras
  keras fit net.keras --x x.csv --y y.csv --validation-split 0.1 --epochs 100 --early-stopping 5 \\
      --checkpoint best.keras --csv-log log.csv
  keras fit architecture.json --x x.npy --y y.npy --optimizer adam --learning-rate 1e-3 \\
      --loss sparse_categorical_crossentropy --metrics accuracy --save trained.keras
  keras fit net.keras --x x.npz --y y.npz --epochs 50 --backup backup --save trained.keras   # goes on after a crash",
    data::FORMATS))]
pub struct Fit {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: Labelled,
    /// Weights of samples, by the names of the outputs
    #[arg(long, value_name = "FILE")]
    sample_weight: Vec<DataFile>,
    /// Weights of classes: a JSON file {"0": 1.0, "1": 2.5}
    #[arg(long, value_name = "FILE")]
    class_weight: Option<PathBuf>,
    /// This share of the samples, the last ones, is for validation
    #[arg(long, value_name = "SHARE")]
    validation_split: Option<f64>,
    /// Inputs for validation
    #[arg(long, value_name = "FILE", requires = "validation_y", conflicts_with = "validation_split")]
    validation_x: Vec<DataFile>,
    /// Labels for validation
    #[arg(long, value_name = "FILE", requires = "validation_x")]
    validation_y: Vec<DataFile>,
    /// Validate after every so many epochs
    #[arg(long, default_value_t = 1, value_parser = at_least_one(), value_name = "N")]
    validation_freq: usize,
    /// Samples of a step
    #[arg(long, default_value_t = 32, value_parser = at_least_one(), value_name = "N")]
    batch_size: usize,
    /// Passes over the data
    #[arg(long, default_value_t = 1, value_name = "N")]
    epochs: usize,
    /// Epoch to start with, counted from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    initial_epoch: usize,
    /// Steps of an epoch [default: as many as the samples make]
    #[arg(long, value_parser = at_least_one(), value_name = "N")]
    steps_per_epoch: Option<usize>,
    /// Whether samples come in another order in each epoch
    #[arg(long, default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    shuffle: bool,
    #[command(flatten)]
    optimizing: Optimizing,
    #[command(flatten)]
    compiling: Compiling,
    #[command(flatten)]
    watching: Watching,
    /// Where each step's own loss and metrics go, one JSON object a line; for steps in the order of the data, so it goes
    /// with `--shuffle false` and without validation and callbacks
    #[arg(long, value_name = "FILE", conflicts_with_all = ["validation_split", "validation_x", "early_stopping", "checkpoint",
        "csv_log", "backup", "reduce_lr", "terminate_on_nan", "steps_per_epoch"])]
    batch_log: Option<PathBuf>,
    /// Where the trained model goes: .keras, a folder, .h5
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Where its weights go, with the optimizer's: .weights.h5, .weights.json, .h5, .safetensors
    #[arg(long, value_name = "FILE")]
    save_weights: Option<PathBuf>,
}

impl Fit {
    pub fn run(&self, common: &Common) -> Outcome {
        if self.batch_log.is_some() && self.shuffle {
            return Err(Failure::usage(
                "--batch-log is for steps in the order of the data: give `--shuffle false`, too",
            ));
        }
        let mut saved = self.model.read()?;
        self.optimizing.apply(&mut saved, &common.registry)?;
        self.compiling.apply(&mut saved, &common.registry)?;
        let mut model = self.model.build(saved, common)?;
        let (x, y) = self.data.read(&model)?;
        let weights = data::weights_by_output(&model, &self.sample_weight)?;
        let classes = self.class_weight.as_deref().map(class_weights).transpose()?.unwrap_or_default();
        match &self.batch_log {
            Some(path) => {
                let log =
                    BatchLog { path, epochs: self.initial_epoch..self.epochs, batch_size: self.batch_size };
                log.run(&mut model, &x, &y, &weights, &classes)?;
            }
            None => self.fit(&mut model, (&x, &y), &weights, classes, common)?,
        }
        if let Some(path) = &self.save {
            model.save(path)?;
            common.note(format!("Saved the model as {}", path.display()))?;
        }
        if let Some(path) = &self.save_weights {
            model.save_weights(path)?;
            common.note(format!("Saved the weights as {}", path.display()))?;
        }
        Ok(())
    }

    fn fit(
        &self,
        model: &mut LoadedModel,
        (x, y): (&[Array], &[Array]),
        weights: &[Option<Vec<f32>>],
        class_weight: Vec<(usize, f32)>,
        common: &Common,
    ) -> Outcome {
        let held_out = match &self.validation_x[..] {
            [] => None,
            files => {
                let (x, y) = self.data.read_files(model, files, &self.validation_y)?;
                Some(Prepared::new(model, &x, &y)?)
            }
        };
        let validates = held_out.is_some() || self.validation_split.is_some();
        let validation = held_out.as_ref().map(Prepared::samples).transpose()?;
        let options = FitOptions {
            epochs: self.epochs,
            batch_size: Some(self.batch_size),
            shuffle: Some(self.shuffle),
            validation_split: self.validation_split,
            validation: validation.map(|samples| Validation::Memory(samples, 0)),
            validation_freq: ValidationFreq::Every(self.validation_freq),
            class_weight,
            sample_weight: weights.iter().map(Option::as_deref).collect(),
            initial_epoch: self.initial_epoch,
            steps_per_epoch: self.steps_per_epoch,
            verbose: common.verbose(),
            callbacks: self.watching.callbacks(validates),
            ..FitOptions::default()
        };
        model.fit(x, y, options)?;
        Ok(())
    }
}

fn class_weights(path: &std::path::Path) -> Outcome<Vec<(usize, f32)>> {
    let json = data::json(path)?;
    let wrong =
        || Error::file(path, "expected an object of numbers by class, such as {\"0\": 1.0, \"1\": 2.5}");
    let pair = |(class, weight): (&String, &Value)| {
        Ok((class.parse().map_err(|_| wrong())?, weight.as_f64().ok_or_else(wrong)? as f32))
    };
    json.as_object().ok_or_else(wrong)?.iter().map(pair).collect()
}
