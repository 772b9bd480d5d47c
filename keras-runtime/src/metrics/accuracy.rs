//! Accuracies: the share of predictions that are right.

use serde_json::Value;

use super::mean::WeightedMean;
use super::{Metric, Values, envelope, weight_of};
use crate::layer::Config;
use crate::training::options::{Options, options};

/// Name and sum of an accuracy.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub name: String,
    mean: WeightedMean,
}

impl State {
    pub fn new(name: &str) -> State {
        State { name: name.into(), mean: WeightedMean::default() }
    }
}

/// Index of the largest number, the first of equal ones.
pub(crate) fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, value) in row.iter().enumerate() {
        // As numpy: a NaN is larger than everything.
        if (*value > row[best] || value.is_nan()) && !row[best].is_nan() {
            best = i;
        }
    }
    best
}

/// Whether fewer than `k` classes have a larger prediction than the label's (a label without a prediction is wrong).
fn in_top(row: &[f32], label: usize, k: usize) -> bool {
    let Some(mine) = row.get(label).filter(|v| v.is_finite()) else { return false };
    row.iter().filter(|v| *v > mine).count() < k
}

fn sparse_label(labels: Values<'_>, row: usize) -> usize {
    let value = labels.data[row];
    if value >= 0.0 { value as usize } else { usize::MAX }
}

fn binary(
    mean: &mut WeightedMean,
    labels: Values<'_>,
    p: Values<'_>,
    weights: Option<&[f32]>,
    threshold: f64,
) {
    let threshold = threshold as f32;
    let (rows, width) = (p.rows(), p.width());
    for row in 0..rows {
        let same = |i: usize| f32::from(p.row(row)[i] > threshold) == labels.data[row * width + i];
        let right = (0..width).filter(|i| same(*i)).count();
        mean.add(right as f64 / width as f64, weight_of(weights, row, rows));
    }
}

fn rows(mean: &mut WeightedMean, count: usize, weights: Option<&[f32]>, right: impl Fn(usize) -> bool) {
    for row in 0..count {
        mean.add(f64::from(u8::from(right(row))), weight_of(weights, row, count));
    }
}

macro_rules! accuracy {
    ($name:ident, $keras_name:literal, |$this:ident, $mean:ident, $t:ident, $p:ident, $w:ident| $body:expr) => {
        impl $name {
            /// With Keras' defaults for all options.
            pub fn new() -> Self {
                $name::with_common(State::new($keras_name))
            }
            /// Its name in the logs.
            #[must_use]
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.state.name = name.into();
                self
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name::new()
            }
        }
        impl Metric for $name {
            fn name(&self) -> &str {
                &self.state.name
            }
            fn reset(&mut self) {
                self.state.mean = WeightedMean::default();
            }
            fn update(&mut self, $t: Values<'_>, $p: Values<'_>, $w: Option<&[f32]>) {
                let $mean = &mut self.state.mean.clone();
                let $this = &*self;
                $body;
                self.state.mean = *$mean;
            }
            fn result(&self) -> f64 {
                self.state.mean.result()
            }
            fn boxed(&self) -> Box<dyn Metric> {
                Box::new(self.clone())
            }
            fn to_json(&self) -> Value {
                let mut config = Config::new();
                self.write(&mut config);
                envelope(stringify!($name), &self.state.name, config)
            }
        }
    };
}

options! {
    /// Share of numbers on the right side of a threshold; labels are 0 or 1.
    BinaryAccuracy [state: State] {
        /// Above it a prediction means 1 (0.5).
        threshold: f64 = 0.5,
    }
}
accuracy!(BinaryAccuracy, "binary_accuracy", |this, mean, t, p, w| binary(mean, t, p, w, this.threshold));

options! {
    /// Share of rows whose largest prediction is at the largest label.
    CategoricalAccuracy [state: State] {}
}
accuracy!(CategoricalAccuracy, "categorical_accuracy", |_this, mean, t, p, w| {
    rows(mean, p.rows(), w, |row| argmax(t.row(row)) == argmax(p.row(row)))
});

options! {
    /// Share of rows whose largest prediction is that of the label, a number of a class.
    SparseCategoricalAccuracy [state: State] {}
}
accuracy!(SparseCategoricalAccuracy, "sparse_categorical_accuracy", |_this, mean, t, p, w| {
    rows(mean, p.rows(), w, |row| argmax(p.row(row)) as f32 == t.data[row])
});

options! {
    /// Share of rows with the largest label among the `k` largest predictions.
    TopKCategoricalAccuracy [state: State] {
        /// How many (5).
        k: usize = 5,
    }
}
accuracy!(TopKCategoricalAccuracy, "top_k_categorical_accuracy", |this, mean, t, p, w| {
    rows(mean, p.rows(), w, |row| in_top(p.row(row), argmax(t.row(row)), this.k))
});

options! {
    /// Share of rows with the label, a number of a class, among the `k` largest predictions.
    SparseTopKCategoricalAccuracy [state: State] {
        /// How many (5).
        k: usize = 5,
        /// Whether the label must be in the list of the `k` largest predictions, equal ones by number (false).
        from_sorted_ids: bool = false,
    }
}
accuracy!(SparseTopKCategoricalAccuracy, "sparse_top_k_categorical_accuracy", |this, mean, t, p, w| {
    if this.from_sorted_ids {
        // Predictions are numbers of classes, best first.
        rows(mean, p.rows(), w, |row| p.row(row).iter().take(this.k).any(|id| *id == t.data[row]))
    } else {
        rows(mean, p.rows(), w, |row| in_top(p.row(row), sparse_label(t, row), this.k))
    }
});

/// `"accuracy"`: binary, categorical or sparse categorical accuracy, whichever the shapes of labels and predictions ask for.
///
/// (Keras' class of this name, which counts equal numbers, is what its string never means.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuracy;

/// [`Accuracy`] at work, by any name.
#[derive(Clone, Debug)]
pub(crate) struct AutoAccuracy(State);

impl AutoAccuracy {
    pub(crate) fn new(name: &str) -> AutoAccuracy {
        AutoAccuracy(State::new(name))
    }
}

impl Metric for AutoAccuracy {
    fn name(&self) -> &str {
        &self.0.name
    }
    fn reset(&mut self) {
        self.0.mean = WeightedMean::default();
    }
    fn update(&mut self, t: Values<'_>, p: Values<'_>, w: Option<&[f32]>) {
        let mean = &mut self.0.mean;
        let sparse = t.shape.rank() < p.shape.rank() || t.width() == 1;
        if p.width() == 1 {
            binary(mean, t, p, w, 0.5);
        } else if sparse {
            rows(mean, p.rows(), w, |row| argmax(p.row(row)) as f32 == t.data[row]);
        } else {
            rows(mean, p.rows(), w, |row| argmax(t.row(row)) == argmax(p.row(row)));
        }
    }
    fn result(&self) -> f64 {
        self.0.mean.result()
    }
    fn boxed(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
    fn to_json(&self) -> Value {
        self.0.name.clone().into()
    }
}
