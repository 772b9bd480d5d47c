//! Losses as metrics: the mean of their rows.

use keras_kernels::Shape;
use serde_json::Value;

use super::accuracy::AutoAccuracy;
use super::mean::WeightedMean;
use super::{Accuracy, Metric, Values, envelope, weight_of};
use crate::layer::Config;
use crate::losses::function::{RowMetric, Rows, metric_json};
use crate::losses::{LabelKind, Loss, RowAxes};
use crate::training::formula::{Interpreter, Tape};
use crate::{Error, Result};

/// The mean of a loss's rows, as a metric.
pub struct OfLoss {
    loss: Box<dyn Loss>,
    name: String,
    mean: WeightedMean,
    /// The formula for rows of this width, made when the first batch comes.
    formula: Option<(usize, Interpreter)>,
    labels: Vec<f32>,
}

impl OfLoss {
    /// The mean of this loss's rows.
    pub fn new(loss: Box<dyn Loss>) -> OfLoss {
        // As a metric Huber goes by its plain name.
        let name = if loss.class_name() == "Huber" { "huber".into() } else { loss.common().name.to_string() };
        OfLoss { loss, name, mean: WeightedMean::default(), formula: None, labels: Vec::new() }
    }

    /// The mean of this function's rows.
    #[doc(hidden)]
    pub fn of_function(metric: impl RowMetric) -> OfLoss {
        OfLoss::new(Box::new(Rows::new(metric)))
    }

    /// With another name in the logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> OfLoss {
        self.name = name.into();
        self
    }
}

impl Metric for OfLoss {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self, labels: Shape, predictions: Shape) -> Result<()> {
        let plain = |shape: Shape| shape.rank() - usize::from(shape.rank() > 1 && shape.last() == 1);
        let fits = match self.loss.label_kind() {
            LabelKind::Sparse => labels.size() == predictions.size() / predictions.last().max(1),
            LabelKind::Same => plain(labels) == plain(predictions) && labels.size() == predictions.size(),
        };
        if fits {
            return Ok(());
        }
        let takes = match self.loss.label_kind() {
            LabelKind::Sparse => "numbers of classes",
            LabelKind::Same => "labels of the same shape",
        };
        Err(Error::Data(format!(
            "the metric `{}` takes {takes} for predictions of shape {predictions}, found {labels} (batch included)",
            self.name
        )))
    }

    fn reset(&mut self) {
        self.mean = WeightedMean::default();
    }

    fn update(&mut self, labels: Values<'_>, predictions: Values<'_>, weights: Option<&[f32]>) {
        let sparse = self.loss.label_kind() == LabelKind::Sparse;
        let whole = self.loss.axes() == RowAxes::All;
        let width = if whole { predictions.data.len() } else { predictions.width() };
        if self.formula.as_ref().is_none_or(|(w, _)| *w != width) {
            let tape = Tape::new(width);
            let (t, p) = (tape.element(0), tape.element(1));
            self.formula = Some((width, Interpreter::new(self.loss.rows(t, p))));
            self.labels = vec![0.0; labels.data.len().max(width)];
        }
        let Some((_, formula)) = &mut self.formula else { return };
        let rows = predictions.data.len() / width.max(1);
        let mut labels = labels.data;
        self.labels.resize(if sparse { width } else { labels.len() }, 0.0);
        if !sparse && self.loss.convert_labels(labels, &mut self.labels) {
            labels = &self.labels;
        }
        let ignored = self.loss.ignored_class();
        for row in 0..rows {
            let p = &predictions.data[row * width..(row + 1) * width];
            let value = if sparse {
                let label = labels[row];
                if ignored == Some(f64::from(label)) {
                    continue;
                }
                let one_hot = |class: usize| f32::from(class as f32 == label.trunc());
                formula.row(&|input, i| if input == 0 { one_hot(i) } else { p[i] })
            } else {
                let t = &labels[row * width..(row + 1) * width];
                formula.row(&|input, i| if input == 0 { t[i] } else { p[i] })
            };
            self.mean.add(value, weight_of(weights, row, rows));
        }
    }

    fn result(&self) -> f64 {
        // As a loss similarity is negative, so that it can be made small; as a metric it is what it is.
        let sign = if self.loss.class_name() == "CosineSimilarity" { -1.0 } else { 1.0 };
        sign * self.mean.result()
    }

    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(OfLoss::new(self.loss.boxed()).name(self.name.clone()))
    }

    fn to_json(&self) -> Value {
        if let Some(arguments) = self.loss.arguments() {
            return metric_json(self.loss.class_name(), &self.name, arguments);
        }
        let mut config: Config = self.loss.options();
        // Of all metrics only crossentropies save options.
        if !self.loss.class_name().contains("Crossentropy") {
            config.clear();
        }
        config.remove("ignore_class");
        let class = match self.loss.class_name() {
            "LogCosh" => "LogCoshError",
            other => other,
        };
        envelope(class, &self.name, config)
    }
}

/// What `metrics![..]` takes: a metric, or a loss.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a metric",
    label = "expected a metric or a loss",
    note = "a metric of your own that takes numbers is given them: `within(0.5)`"
)]
pub trait IntoMetric {
    /// The metric.
    fn into_metric(self) -> Box<dyn Metric>;

    /// The metric with a name that a file gives it; one that is written by hand reads it from its configuration.
    #[doc(hidden)]
    fn into_metric_named(self, _name: &str) -> Box<dyn Metric>
    where
        Self: Sized,
    {
        self.into_metric()
    }
}

impl<M: Metric + 'static> IntoMetric for M {
    fn into_metric(self) -> Box<dyn Metric> {
        Box::new(self)
    }
}

impl IntoMetric for Accuracy {
    fn into_metric(self) -> Box<dyn Metric> {
        Box::new(AutoAccuracy::new("accuracy"))
    }
}

macro_rules! losses {
    ($($name:ident),*) => { $(
        impl IntoMetric for crate::losses::$name {
            fn into_metric(self) -> Box<dyn Metric> {
                Box::new(OfLoss::new(Box::new(self)))
            }
        }
    )* };
}
losses!(
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    MeanSquaredError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    CosineSimilarity,
    Huber,
    LogCosh,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    KLDivergence,
    Poisson
);
