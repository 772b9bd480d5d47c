//! Inputs and labels.

use clap::Args;
use keras::graph::LoadedModel;
use keras::saving::Array;

use super::data::{self, DataFile, Images};
use super::failure::Outcome;

/// Data with labels.
#[derive(Args, Clone, Debug)]
pub struct Labelled {
    /// Inputs by name; NAME=FILE for one of several, may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    x: Vec<DataFile>,
    /// Labels by the names of the outputs
    #[arg(long, required = true, value_name = "FILE")]
    y: Vec<DataFile>,
    #[command(flatten)]
    images: Images,
}

impl Labelled {
    /// The arrays in the order of the model's inputs and outputs.
    pub fn read(&self, model: &LoadedModel) -> Outcome<(Vec<Array>, Vec<Array>)> {
        self.read_files(model, &self.x, &self.y)
    }

    /// Arrays of other files, as these are read.
    pub fn read_files(
        &self,
        model: &LoadedModel,
        x: &[DataFile],
        y: &[DataFile],
    ) -> Outcome<(Vec<Array>, Vec<Array>)> {
        let x = data::inputs(model, x, &self.images)?;
        let y = data::by_output(model, data::read(y, &[], &Images::default())?, "labels")?;
        Ok((x, y))
    }
}
