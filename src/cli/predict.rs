//! `keras predict`.

use std::path::PathBuf;

use clap::Args;
use keras::Result;
use keras::graph::load_model;
use keras::saving::{Array, npz};

use super::data;

/// Predict with a model.
#[derive(Args)]
pub struct Predict {
    /// The model, a .keras file
    model: PathBuf,
    /// Arrays by input name: .npz, .npy or .json
    inputs: PathBuf,
    /// Where the outputs go, by name: .npz
    output: PathBuf,
    /// Samples that are predicted at once
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
}

impl Predict {
    pub fn run(&self) -> Result<()> {
        let mut model = load_model(&self.model)?;
        let inputs = model.arrange(data::read(&self.inputs)?)?;
        let outputs = model.predict_in_batches(&inputs, self.batch_size)?;
        let names = model.output_names();
        // Names of outputs need not be distinct; an archive's must be, and the last one stays, as in a Python dict.
        let mut named: Vec<(&str, &Array)> = Vec::with_capacity(outputs.len());
        for (name, array) in names.iter().zip(&outputs) {
            match named.iter_mut().find(|(known, _)| known == name) {
                Some(known) => known.1 = array,
                None => named.push((name, array)),
            }
        }
        npz::write(&self.output, named)
    }
}
