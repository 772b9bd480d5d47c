//! F-scores: precision and recall in one number.

use serde_json::{Value, json};

use super::{Metric, Values, envelope, weight_of};
use crate::config::config_or;
use crate::layer::Config;
use crate::{Error, Result};

/// How the scores of classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The score of all classes taken together.
    Micro,
    /// The mean of the classes' scores.
    Macro,
    /// Their mean, weighted by how often the classes occur.
    Weighted,
}

#[derive(Clone, Copy, Debug, Default)]
struct Class {
    true_positives: f64,
    false_positives: f64,
    false_negatives: f64,
    labels: f64,
}

/// The weighted harmonic mean of precision and recall, of labels of zeros and ones in the shape of the predictions.
#[derive(Clone, Debug)]
pub struct FBetaScore {
    class: &'static str,
    name: String,
    average: Average,
    beta: f64,
    threshold: Option<f64>,
    counts: Vec<Class>,
}

/// [`FBetaScore`] with a beta of 1.
#[derive(Clone, Copy, Debug)]
pub struct F1Score;

impl F1Score {
    /// With this average over the classes.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(average: Average) -> FBetaScore {
        FBetaScore { class: "F1Score", name: "f1_score".into(), ..FBetaScore::new(average, 1.0) }
    }
}

impl FBetaScore {
    /// With this average over the classes; recall counts `beta` times as much as precision.
    pub fn new(average: Average, beta: f64) -> FBetaScore {
        let name = "fbeta_score".into();
        FBetaScore { class: "FBetaScore", name, average, beta, threshold: None, counts: Vec::new() }
    }

    /// Predictions above it are positive; without one, the largest of a row is.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> FBetaScore {
        self.threshold = Some(threshold);
        self
    }

    /// Its name in the logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> FBetaScore {
        self.name = name.into();
        self
    }

    pub(super) fn from_config(class: &str, config: &Config) -> Result<FBetaScore> {
        let average = match config.get("average").and_then(Value::as_str) {
            Some("micro") => Average::Micro,
            Some("macro") => Average::Macro,
            Some("weighted") => Average::Weighted,
            _ => {
                let message = "expected micro, macro or weighted: a metric has one result";
                return Err(Error::config(format!("{class}: `average`"), message));
            }
        };
        let mut score = if class == "F1Score" {
            F1Score::new(average)
        } else {
            FBetaScore::new(average, config_or(config, class, "beta", 1.0)?)
        };
        score.threshold = config_or(config, class, "threshold", None)?;
        if let Some(name) = config.get("name").and_then(Value::as_str) {
            score.name = name.into();
        }
        Ok(score)
    }

    fn score(&self, c: &Class) -> f64 {
        const EPSILON: f64 = 1e-7;
        let precision = c.true_positives / (c.true_positives + c.false_positives + EPSILON);
        let recall = c.true_positives / (c.true_positives + c.false_negatives + EPSILON);
        let square = self.beta * self.beta;
        precision * recall / (square * precision + recall + EPSILON) * (1.0 + square)
    }
}

impl Metric for FBetaScore {
    fn name(&self) -> &str {
        &self.name
    }

    fn reset(&mut self) {
        self.counts.iter_mut().for_each(|c| *c = Class::default());
    }

    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let (rows, width) = (predictions.rows(), predictions.width());
        let classes = if self.average == Average::Micro { 1 } else { width };
        self.counts.resize(classes, Class::default());
        for row in 0..rows {
            let p = predictions.row(row);
            let largest = p.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weight = weight_of(weights, row, rows);
            for (i, p) in p.iter().enumerate() {
                let positive = match self.threshold {
                    Some(threshold) => f64::from(*p) > threshold,
                    None => *p >= largest && p.abs() > 1e-9,
                };
                let (p, t) = (f64::from(u8::from(positive)), f64::from(labels.data[row * width + i]));
                let count = &mut self.counts[if classes == 1 { 0 } else { i }];
                count.true_positives += p * t * weight;
                count.false_positives += p * (1.0 - t) * weight;
                count.false_negatives += (1.0 - p) * t * weight;
                count.labels += t * weight;
            }
        }
    }

    fn result(&self) -> f64 {
        let total: f64 = self.counts.iter().map(|c| c.labels).sum();
        let classes = self.counts.len().max(1) as f64;
        let share = |c: &Class| match self.average {
            Average::Weighted => c.labels / (total + 1e-7),
            _ => 1.0 / classes,
        };
        self.counts.iter().map(|c| self.score(c) * share(c)).sum()
    }

    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }

    fn to_json(&self) -> Value {
        let average = match self.average {
            Average::Micro => "micro",
            Average::Macro => "macro",
            Average::Weighted => "weighted",
        };
        let mut config = Config::new();
        config.insert("average".into(), average.into());
        if self.class == "FBetaScore" {
            config.insert("beta".into(), json!(self.beta));
        }
        config.insert("threshold".into(), json!(self.threshold));
        envelope(self.class, &self.name, config)
    }
}
