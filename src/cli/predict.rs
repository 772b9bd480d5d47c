//! `keras predict`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use keras::saving::Array;
use keras::training::{PredictOptions, Verbose};

use super::common::{Common, ModelArgs, is_stdout};
use super::data::{self, DataFile, Images, Outputs};
use super::failure::Outcome;
use super::top::Top;

/// Parses a number of at least 1.
pub fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::<usize>::new().range(1..)
}

/// Predict with a model
#[derive(Args)]
#[command(after_long_help = format!("\
{}

Outputs are written as .npz (by name), .npy (one output), .csv (a sample a line) or .json (nested lists by name), and as JSON
to standard output for `-`.

Examples:
  keras predict net.keras x.npz y.npz
  keras predict ranker.keras user=users.csv item=items.npy scores.csv
  keras predict classifier.keras cat.jpg dog.png - --scale 0.00392157 --top 3 --labels names.txt
  keras predict net.keras x.csv - | jq .", data::FORMATS))]
pub struct Predict {
    #[command(flatten)]
    model: ModelArgs,
    /// Files of inputs: .npz, .npy, .csv, .json, images; NAME=FILE for one of several inputs
    #[arg(required = true, num_args = 1.., value_name = "INPUTS")]
    inputs: Vec<DataFile>,
    /// Where the outputs go: .npz, .npy, .csv, .json, or - for standard output
    output: PathBuf,
    /// Samples that are predicted at once
    #[arg(long, default_value_t = 32, value_parser = at_least_one(), value_name = "N")]
    batch_size: usize,
    #[command(flatten)]
    top: Top,
    #[command(flatten)]
    images: Images,
}

impl Predict {
    pub fn run(&self, common: &Common) -> Outcome {
        let format = self.top.format(&self.output)?;
        let mut model = self.model.open(common)?;
        let inputs = data::inputs(&model, &self.inputs, &self.images)?;
        let verbose = if is_stdout(&self.output) { Verbose::Silent } else { common.verbose() };
        let options =
            PredictOptions { batch_size: Some(self.batch_size), verbose, ..PredictOptions::default() };
        let outputs = model.predict_with(&inputs, options)?;
        let names = model.output_names();
        // Names of outputs need not be distinct; an archive's must be, and the last one stays, as in a Python dict.
        let mut named: Vec<(&str, &Array)> = Vec::with_capacity(outputs.len());
        for (name, array) in names.iter().zip(&outputs) {
            match named.iter_mut().find(|(known, _)| known == name) {
                Some(known) => known.1 = array,
                None => named.push((name, array)),
            }
        }
        if self.top.asked() {
            return self.top.write(&self.output, &named);
        }
        format.unwrap_or(Outputs::Json).write(&self.output, &named)
    }
}
