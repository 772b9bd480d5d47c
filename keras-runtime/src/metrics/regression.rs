//! Metrics of numbers that are no losses.

use serde_json::{Value, json};

use super::mean::WeightedMean;
use super::{Metric, Values, envelope, weight_of};
use crate::layer::Config;

/// Root of the mean squared error.
#[derive(Clone, Debug)]
pub struct RootMeanSquaredError {
    name: String,
    mean: WeightedMean,
}

impl RootMeanSquaredError {
    /// By Keras' name.
    pub fn new() -> Self {
        RootMeanSquaredError { name: "root_mean_squared_error".into(), mean: WeightedMean::default() }
    }

    /// Its name in the logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl Default for RootMeanSquaredError {
    fn default() -> Self {
        RootMeanSquaredError::new()
    }
}

impl Metric for RootMeanSquaredError {
    fn name(&self) -> &str {
        &self.name
    }
    fn reset(&mut self) {
        self.mean = WeightedMean::default();
    }
    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let count = predictions.data.len();
        for (i, (t, p)) in labels.data.iter().zip(predictions.data).enumerate() {
            let error = f64::from(*p) - f64::from(*t);
            self.mean.add(error * error, weight_of(weights, i, count));
        }
    }
    fn result(&self) -> f64 {
        self.mean.result().sqrt()
    }
    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
    fn to_json(&self) -> Value {
        envelope("RootMeanSquaredError", &self.name, Config::new())
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    squares: f64,
    sum: f64,
    errors: f64,
    count: f64,
}

/// Coefficient of determination, the mean over the outputs.
#[derive(Clone, Debug)]
pub struct R2Score {
    name: String,
    outputs: Vec<Moments>,
}

impl R2Score {
    /// By Keras' name.
    pub fn new() -> Self {
        R2Score { name: "r2_score".into(), outputs: Vec::new() }
    }

    /// Its name in the logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl Default for R2Score {
    fn default() -> Self {
        R2Score::new()
    }
}

impl Metric for R2Score {
    fn name(&self) -> &str {
        &self.name
    }
    fn reset(&mut self) {
        self.outputs.iter_mut().for_each(|o| *o = Moments::default());
    }
    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let (rows, width) = (predictions.rows(), predictions.width());
        self.outputs.resize(width, Moments::default());
        for row in 0..rows {
            let weight = weight_of(weights, row, rows);
            for (i, output) in self.outputs.iter_mut().enumerate() {
                let (t, p) = (f64::from(labels.data[row * width + i]), f64::from(predictions.row(row)[i]));
                output.sum += t * weight;
                output.squares += t * t * weight;
                output.errors += (t - p) * (t - p) * weight;
                output.count += weight;
            }
        }
    }
    fn result(&self) -> f64 {
        let score = |o: &Moments| {
            let total = o.squares - o.sum * o.sum / o.count;
            let score = 1.0 - o.errors / total;
            if score.is_infinite() { 0.0 } else { score }
        };
        self.outputs.iter().map(score).sum::<f64>() / self.outputs.len().max(1) as f64
    }
    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
    fn to_json(&self) -> Value {
        let mut config = Config::new();
        config.insert("class_aggregation".into(), json!("uniform_average"));
        config.insert("num_regressors".into(), json!(0));
        envelope("R2Score", &self.name, config)
    }
}
