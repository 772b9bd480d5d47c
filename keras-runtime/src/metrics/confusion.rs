//! Metrics of the confusion matrix at a threshold.

use serde_json::Value;

use super::{Metric, Values, envelope, weight_of};
use crate::config::config_or;
use crate::layer::Config;
use crate::{Error, Result};

/// Counts at a threshold.
#[derive(Clone, Debug)]
struct Counts {
    name: String,
    threshold: Option<f64>,
    top_k: Option<usize>,
    class_id: Option<usize>,
    true_positives: f64,
    false_positives: f64,
    true_negatives: f64,
    false_negatives: f64,
}

impl Counts {
    fn new(name: &str) -> Counts {
        Counts {
            name: name.into(),
            threshold: None,
            top_k: None,
            class_id: None,
            true_positives: 0.0,
            false_positives: 0.0,
            true_negatives: 0.0,
            false_negatives: 0.0,
        }
    }

    fn reset(&mut self) {
        self.true_positives = 0.0;
        self.false_positives = 0.0;
        self.true_negatives = 0.0;
        self.false_negatives = 0.0;
    }

    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let (rows, width) = (predictions.rows(), predictions.width());
        // With `top_k` everything among the k largest is positive, unless a threshold is set too.
        let threshold =
            self.threshold.unwrap_or(if self.top_k.is_some() { f64::from(f32::MIN) } else { 0.5 });
        for row in 0..rows {
            let p = predictions.row(row);
            let weight = weight_of(weights, row, rows);
            for i in 0..width {
                if self.class_id.is_some_and(|id| id != i) {
                    continue;
                }
                // Of equal predictions the first ones are the largest.
                let above = |j: usize| p[j] > p[i] || (p[j] == p[i] && j < i);
                let within = self.top_k.is_none_or(|k| (0..width).filter(|j| above(*j)).count() < k);
                let positive = within && f64::from(p[i]) > threshold;
                let count = match (labels.data[row * width + i] != 0.0, positive) {
                    (true, true) => &mut self.true_positives,
                    (false, true) => &mut self.false_positives,
                    (false, false) => &mut self.true_negatives,
                    (true, false) => &mut self.false_negatives,
                };
                *count += weight;
            }
        }
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if a + b == 0.0 { 0.0 } else { a / (a + b) }
}

/// The threshold of a configuration: a number or a list of one.
fn threshold(class: &str, config: &Config) -> Result<Option<f64>> {
    match config.get("thresholds") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) if list.len() != 1 => {
            let message = format!("{} thresholds give {} results; a metric has one", list.len(), list.len());
            Err(Error::config(format!("{class}: `thresholds`"), message))
        }
        Some(Value::Array(list)) => Ok(list[0].as_f64()),
        Some(value) => Ok(value.as_f64()),
    }
}

macro_rules! confusion {
    ($(#[$doc:meta])* $name:ident, $keras_name:literal, |$c:ident| $result:expr $(, $top:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Counts);

        impl $name {
            /// At a threshold of one half.
            pub fn new() -> Self {
                $name(Counts::new($keras_name))
            }
            /// Predictions above it are positive (0.5).
            #[must_use]
            pub fn threshold(mut self, threshold: f64) -> Self {
                self.0.threshold = Some(threshold);
                self
            }
            $(
                /// Only the `top_k` largest predictions of a row can be positive (all).
                #[must_use]
                pub fn $top(mut self, top_k: usize) -> Self {
                    self.0.top_k = Some(top_k);
                    self
                }
                /// Only this class is looked at (all).
                #[must_use]
                pub fn class_id(mut self, class: usize) -> Self {
                    self.0.class_id = Some(class);
                    self
                }
            )?
            /// Its name in the logs.
            #[must_use]
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.0.name = name.into();
                self
            }
            pub(super) fn from_config(config: &Config) -> Result<Self> {
                let mut this = $name::new();
                this.0.threshold = threshold(stringify!($name), config)?;
                this.0.top_k = config_or(config, stringify!($name), "top_k", None)?;
                this.0.class_id = config_or(config, stringify!($name), "class_id", None)?;
                if let Some(name) = config.get("name").and_then(Value::as_str) {
                    this.0.name = name.into();
                }
                Ok(this)
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name::new()
            }
        }
        impl Metric for $name {
            fn name(&self) -> &str {
                &self.0.name
            }
            fn reset(&mut self) {
                self.0.reset();
            }
            fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
                self.0.update(labels, predictions, weights);
            }
            fn result(&self) -> f64 {
                let $c = &self.0;
                $result
            }
            fn boxed(&self) -> Box<dyn Metric> {
                Box::new(self.clone())
            }
            fn to_json(&self) -> Value {
                let mut config = Config::new();
                config.insert("thresholds".into(), self.0.threshold.into());
                $(
                    config.insert(stringify!($top).into(), self.0.top_k.into());
                    config.insert("class_id".into(), self.0.class_id.into());
                )?
                envelope(stringify!($name), &self.0.name, config)
            }
        }
    };
}

confusion!(
    /// Share of positive predictions that are right.
    Precision, "precision", |c| ratio(c.true_positives, c.false_positives), top_k
);
confusion!(
    /// Share of positive labels that are found.
    Recall, "recall", |c| ratio(c.true_positives, c.false_negatives), top_k
);
confusion!(
    /// How many positive labels are found.
    TruePositives, "true_positives", |c| c.true_positives
);
confusion!(
    /// How many negative labels are taken for positive.
    FalsePositives, "false_positives", |c| c.false_positives
);
confusion!(
    /// How many negative labels are found.
    TrueNegatives, "true_negatives", |c| c.true_negatives
);
confusion!(
    /// How many positive labels are taken for negative.
    FalseNegatives, "false_negatives", |c| c.false_negatives
);
