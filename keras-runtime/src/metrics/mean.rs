//! Means.

use serde_json::Value;

use super::{Metric, Values, envelope, weight_of};
use crate::layer::Config;

/// A weighted mean that grows number by number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedMean {
    total: f64,
    count: f64,
}

impl WeightedMean {
    /// Takes in a number.
    pub fn add(&mut self, value: f64, weight: f64) {
        self.total += value * weight;
        self.count += weight;
    }

    /// The mean, 0 of nothing.
    pub fn result(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { self.total / self.count }
    }
}

/// The mean of the predictions.
#[derive(Clone, Debug)]
pub struct Mean {
    name: String,
    mean: WeightedMean,
}

impl Mean {
    /// By this name.
    pub fn new(name: impl Into<String>) -> Mean {
        Mean { name: name.into(), mean: WeightedMean::default() }
    }
}

impl Metric for Mean {
    fn name(&self) -> &str {
        &self.name
    }
    fn reset(&mut self) {
        self.mean = WeightedMean::default();
    }
    fn update(&mut self, _: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let parts = predictions.data.len();
        for (i, value) in predictions.data.iter().enumerate() {
            self.mean.add(f64::from(*value), weight_of(weights, i, parts));
        }
    }
    fn result(&self) -> f64 {
        self.mean.result()
    }
    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
    fn to_json(&self) -> Value {
        envelope("Mean", &self.name, Config::new())
    }
}
