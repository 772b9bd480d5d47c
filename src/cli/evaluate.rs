//! `keras evaluate`.

use clap::Args;
use keras::training::EvaluateOptions;
use serde_json::{Map, Value, json};

use super::common::{Common, ModelArgs, print, print_json};
use super::compiling::Compiling;
use super::data::{self, DataFile};
use super::failure::Outcome;
use super::labels::Labelled;
use super::predict::at_least_one;
use super::table::table;

/// Loss and metrics of a model over data
///
/// The model's own loss and metrics, as it was compiled in Keras, or those that are given.
#[derive(Args)]
#[command(after_long_help = format!("\
{}

Examples:
  keras evaluate net.keras --x x.npz --y y.npz
  keras evaluate net.keras --x x.csv --y y.csv --loss mse --metrics mae --json", data::FORMATS))]
pub struct Evaluate {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: Labelled,
    /// Weights of samples, by the names of the outputs
    #[arg(long, value_name = "FILE")]
    sample_weight: Vec<DataFile>,
    /// Samples of a batch
    #[arg(long, default_value_t = 32, value_parser = at_least_one(), value_name = "N")]
    batch_size: usize,
    /// At most so many batches [default: all]
    #[arg(long, value_parser = at_least_one(), value_name = "N")]
    steps: Option<usize>,
    #[command(flatten)]
    compiling: Compiling,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub fn run(&self, common: &Common) -> Outcome {
        let mut saved = self.model.read()?;
        self.compiling.apply(&mut saved, &common.registry)?;
        let mut model = self.model.build(saved, common)?;
        let (x, y) = self.data.read(&model)?;
        let weights = data::weights_by_output(&model, &self.sample_weight)?;
        let verbose = if self.json { keras::training::Verbose::Silent } else { common.verbose() };
        let options = EvaluateOptions {
            batch_size: Some(self.batch_size),
            steps: self.steps,
            sample_weight: weights.iter().map(Option::as_deref).collect(),
            verbose,
            ..EvaluateOptions::default()
        };
        let logs = model.evaluate(&x, &y, options)?;
        if self.json {
            let all: Map<String, Value> =
                logs.iter().map(|(name, value)| (name.into(), json!(value))).collect();
            return print_json(&Value::Object(all));
        }
        let row = |(name, value): (&str, f64)| vec![name.to_string(), format!("{value:.6}")];
        print(&table(&["metric", "value"], &logs.iter().map(row).collect::<Vec<_>>()))
    }
}
