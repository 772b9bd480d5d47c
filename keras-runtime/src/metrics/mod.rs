//! Metrics: what is reported while a model trains.
//!
//! Source: <https://keras.io/api/metrics/>. A metric gathers numbers batch by batch and tells its result at any time.

mod accuracy;
mod auc;
mod config;
mod confusion;
mod fscore;
mod list;
mod mean;
mod of_loss;
mod regression;

pub(crate) use accuracy::argmax;
pub use accuracy::{
    Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
};
pub use auc::{AUC, Curve, Summation};
pub use config::from_config;
pub use confusion::{FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives};
pub use fscore::{Average, F1Score, FBetaScore};
pub use list::{Metrics, MetricsFor};
pub use mean::{Mean, WeightedMean};
pub use of_loss::{IntoMetric, OfLoss};
pub use regression::{R2Score, RootMeanSquaredError};

use keras_kernels::Shape;
use serde_json::Value;

use crate::Result;
use crate::layer::Config;

/// A batch of labels or predictions.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The numbers, sample after sample.
    pub data: &'a [f32],
    /// The shape, batch first.
    pub shape: Shape,
}

impl<'a> Values<'a> {
    /// Numbers of the given shape.
    ///
    /// # Panics
    /// If there are more or fewer than the shape says.
    pub fn new(data: &'a [f32], shape: Shape) -> Values<'a> {
        assert_eq!(data.len(), shape.size(), "values must match their shape");
        Values { data, shape }
    }

    /// How many rows: all dimensions but the last.
    pub fn rows(&self) -> usize {
        self.data.len() / self.width().max(1)
    }

    /// The last dimension (1 for one number a sample).
    pub fn width(&self) -> usize {
        if self.shape.rank() > 1 { self.shape.last() } else { 1 }
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &'a [f32] {
        let width = self.width();
        &self.data[i * width..(i + 1) * width]
    }
}

/// The weight of the part `i` of `parts` equal ones, where `weights` has one number for each of some larger parts.
pub(crate) fn weight_of(weights: Option<&[f32]>, i: usize, parts: usize) -> f64 {
    match weights {
        Some(weights) if !weights.is_empty() => f64::from(weights[i * weights.len() / parts]),
        _ => 1.0,
    }
}

/// Something that is reported while a model trains. Updating allocates nothing.
///
/// ```
/// use keras_runtime::metrics::{Metric, Values};
///
/// /// The largest prediction so far.
/// #[derive(Clone, Debug)]
/// struct Largest(f32);
///
/// impl Metric for Largest {
///     fn name(&self) -> &str {
///         "largest"
///     }
///     fn reset(&mut self) {
///         self.0 = f32::NEG_INFINITY;
///     }
///     fn update(&mut self, _labels: Values<'_>, predictions: Values<'_>, _weights: Option<&[f32]>) {
///         self.0 = predictions.data.iter().copied().fold(self.0, f32::max);
///     }
///     fn result(&self) -> f64 {
///         f64::from(self.0)
///     }
///     fn boxed(&self) -> Box<dyn Metric> {
///         Box::new(self.clone())
///     }
/// }
/// ```
pub trait Metric: Send + Sync {
    /// Its name in the logs.
    fn name(&self) -> &str;

    /// Refuses labels that it cannot compare with predictions of this shape, before the first batch; the batch counts as an axis.
    ///
    /// # Errors
    /// If the shapes do not fit.
    fn check(&self, _labels: Shape, _predictions: Shape) -> Result<()> {
        Ok(())
    }

    /// Forgets everything.
    fn reset(&mut self);

    /// Takes in a batch. Weights are one for each sample or row; without, all are 1.
    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>);

    /// The result so far.
    fn result(&self) -> f64;

    /// A copy.
    fn boxed(&self) -> Box<dyn Metric>;

    /// As Keras writes it: an envelope, or the name that the user gave. One's own metrics are null, as Keras cannot
    /// open them.
    fn to_json(&self) -> Value {
        Value::Null
    }
}

impl Metric for Box<dyn Metric> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn check(&self, labels: Shape, predictions: Shape) -> Result<()> {
        (**self).check(labels, predictions)
    }
    fn reset(&mut self) {
        (**self).reset();
    }
    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        (**self).update(labels, predictions, weights);
    }
    fn result(&self) -> f64 {
        (**self).result()
    }
    fn boxed(&self) -> Box<dyn Metric> {
        (**self).boxed()
    }
    fn to_json(&self) -> Value {
        (**self).to_json()
    }
}

/// The configuration of a metric of this crate: name, element type, own options.
fn envelope(class: &str, name: &str, options: Config) -> Value {
    let mut config = Config::new();
    config.insert("name".into(), name.into());
    config.insert("dtype".into(), "float32".into());
    config.extend(options);
    crate::config::envelope("keras.metrics", class, Value::Object(config))
}

/// Metrics of a compiled model: `metrics![Accuracy, AUC::new()]`. Losses serve as metrics too.
#[macro_export]
macro_rules! metrics {
    ($($metric:expr),* $(,)?) => {
        $crate::metrics::Metrics::new()$(.with($metric))*
    };
}
