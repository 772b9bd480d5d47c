//! Area under a curve.

use serde_json::{Value, json};

use super::{Metric, Values, envelope, weight_of};
use crate::config::config_or;
use crate::layer::Config;
use crate::{Error, Result};

/// Which curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// True positive rate over false positive rate.
    ROC,
    /// Precision over recall.
    PR,
}

/// How the area between two thresholds is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summation {
    /// The mean of both heights; for PR the interpolation of Davis and Goadrich, 2006.
    Interpolation,
    /// The smaller height.
    Minoring,
    /// The larger height.
    Majoring,
}

/// Area under the ROC curve, or under the curve of precision over recall, by counts at a number of thresholds.
#[derive(Clone, Debug)]
pub struct AUC {
    name: String,
    curve: Curve,
    summation: Summation,
    from_logits: bool,
    /// Given by the user, without the two at the ends.
    own_thresholds: Option<Vec<f64>>,
    thresholds: Vec<f32>,
    even: bool,
    /// Weight of positive and negative labels by how many thresholds are below their prediction.
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl AUC {
    /// The area under the ROC curve, at 200 thresholds.
    pub fn new() -> AUC {
        let mut auc = AUC {
            name: "auc".into(),
            curve: Curve::ROC,
            summation: Summation::Interpolation,
            from_logits: false,
            own_thresholds: None,
            thresholds: vec![],
            even: true,
            positives: vec![],
            negatives: vec![],
        };
        auc.place(200);
        auc
    }

    fn place(&mut self, count: usize) {
        const EPSILON: f64 = 1e-7;
        let count = count.max(2);
        let inner: Vec<f64> = match &self.own_thresholds {
            Some(own) => own.clone(),
            None => (0..count - 2).map(|i| (i + 1) as f64 / (count - 1) as f64).collect(),
        };
        let ends = std::iter::once(-EPSILON).chain(inner).chain([1.0 + EPSILON]);
        self.thresholds = ends.map(|t| t as f32).collect();
        self.even = self.own_thresholds.is_none();
        self.reset();
    }

    /// How many thresholds (200).
    #[must_use]
    pub fn num_thresholds(mut self, count: usize) -> AUC {
        self.place(count);
        self
    }

    /// Thresholds of one's own, between 0 and 1.
    #[must_use]
    pub fn thresholds(mut self, thresholds: &[f64]) -> AUC {
        let mut own = thresholds.to_vec();
        own.sort_by(f64::total_cmp);
        self.own_thresholds = Some(own);
        self.place(0);
        self
    }

    /// Which curve (ROC).
    #[must_use]
    pub fn curve(mut self, curve: Curve) -> AUC {
        self.curve = curve;
        self
    }

    /// How the area between two thresholds is taken (interpolation).
    #[must_use]
    pub fn summation_method(mut self, summation: Summation) -> AUC {
        self.summation = summation;
        self
    }

    /// Whether predictions are logits, not probabilities (false).
    #[must_use]
    pub fn from_logits(mut self, from_logits: bool) -> AUC {
        self.from_logits = from_logits;
        self
    }

    /// Its name in the logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> AUC {
        self.name = name.into();
        self
    }

    pub(super) fn from_config(config: &Config) -> Result<AUC> {
        let refuse = |key: &str, message: &str| Err(Error::config(format!("AUC: `{key}`"), message));
        let mut auc = AUC::new();
        auc.place(config_or(config, "AUC", "num_thresholds", 200)?);
        if config.get("thresholds").is_some_and(|t| !t.is_null()) {
            auc = auc.thresholds(&config_or(config, "AUC", "thresholds", Vec::new())?);
        }
        auc.from_logits = config_or(config, "AUC", "from_logits", false)?;
        auc.curve = match config.get("curve").and_then(Value::as_str).unwrap_or("ROC") {
            "ROC" | "roc" => Curve::ROC,
            "PR" | "pr" => Curve::PR,
            _ => return refuse("curve", "expected ROC or PR"),
        };
        auc.summation =
            match config.get("summation_method").and_then(Value::as_str).unwrap_or("interpolation") {
                "interpolation" => Summation::Interpolation,
                "minoring" => Summation::Minoring,
                "majoring" => Summation::Majoring,
                _ => return refuse("summation_method", "expected interpolation, minoring or majoring"),
            };
        if config.get("multi_label").and_then(Value::as_bool) == Some(true) {
            return refuse("multi_label", "is not available: use one AUC for each label");
        }
        if config.get("label_weights").is_some_and(|v| !v.is_null()) {
            return refuse("label_weights", "are not available");
        }
        if let Some(name) = config.get("name").and_then(Value::as_str) {
            auc.name = name.into();
        }
        Ok(auc)
    }

    /// How many thresholds are below a prediction, less one.
    fn bucket(&self, p: f32) -> usize {
        let last = self.thresholds.len() - 1;
        if self.even {
            // Keras' shortcut for evenly spaced thresholds, in its precision.
            let scaled = (p.clamp(0.0, 1.0) * last as f32).ceil() - 1.0;
            return scaled.max(0.0) as usize;
        }
        self.thresholds.iter().take_while(|t| p > **t).count().saturating_sub(1)
    }
}

impl Default for AUC {
    fn default() -> Self {
        AUC::new()
    }
}

fn divide(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

impl Metric for AUC {
    fn name(&self) -> &str {
        &self.name
    }

    fn reset(&mut self) {
        self.positives = vec![0.0; self.thresholds.len()];
        self.negatives = vec![0.0; self.thresholds.len()];
    }

    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let count = predictions.data.len();
        for (i, (t, p)) in labels.data.iter().zip(predictions.data).enumerate() {
            let p = if self.from_logits { 1.0 / (1.0 + (-p).exp()) } else { *p };
            let bucket = self.bucket(p);
            let sums = if *t != 0.0 { &mut self.positives } else { &mut self.negatives };
            sums[bucket] += weight_of(weights, i, count);
        }
    }

    fn result(&self) -> f64 {
        let (all_positive, all_negative): (f64, f64) =
            (self.positives.iter().sum(), self.negatives.iter().sum());
        // True and false positives at each threshold, from the highest down.
        let (mut tp, mut fp) = (0.0, 0.0);
        let mut area = 0.0;
        for i in (0..self.thresholds.len()).rev() {
            let before = (tp, fp);
            tp += self.positives[i];
            fp += self.negatives[i];
            if i + 1 == self.thresholds.len() {
                continue;
            }
            if self.curve == Curve::PR && self.summation == Summation::Interpolation {
                let (dtp, p, p_before) = (tp - before.0, tp + fp, before.0 + before.1);
                let slope = divide(dtp, (p - p_before).max(0.0));
                let intercept = before.0 - slope * p_before;
                let log = if p > 0.0 && p_before > 0.0 { (p / p_before).ln() } else { 0.0 };
                area += divide(slope * (dtp + intercept * log), all_positive);
                continue;
            }
            let point = |(tp, fp): (f64, f64)| match self.curve {
                Curve::ROC => (divide(fp, all_negative), divide(tp, all_positive)),
                Curve::PR => (divide(tp, all_positive), divide(tp, tp + fp)),
            };
            let ((x, y), (x_before, y_before)) = (point((tp, fp)), point(before));
            let height = match self.summation {
                Summation::Interpolation => (y + y_before) / 2.0,
                Summation::Minoring => y.min(y_before),
                Summation::Majoring => y.max(y_before),
            };
            area += (x - x_before) * height;
        }
        area
    }

    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }

    fn to_json(&self) -> Value {
        let summation = match self.summation {
            Summation::Interpolation => "interpolation",
            Summation::Minoring => "minoring",
            Summation::Majoring => "majoring",
        };
        let mut config = json!({
            "num_thresholds": self.thresholds.len(),
            "curve": if self.curve == Curve::ROC { "ROC" } else { "PR" },
            "summation_method": summation,
            "multi_label": false,
            "num_labels": null,
            "label_weights": null,
            "from_logits": self.from_logits,
        });
        if let Some(own) = &self.own_thresholds {
            config["thresholds"] = json!(own);
        }
        match config {
            Value::Object(map) => envelope("AUC", &self.name, map),
            _ => Value::Null,
        }
    }
}
