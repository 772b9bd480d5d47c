//! Lists of metrics, one list for each output.

use super::{IntoMetric, Metric};
use crate::model::{Batch, Dims};

/// The metrics of one output; `metrics![..]` makes them.
#[derive(Default)]
pub struct Metrics {
    /// Metrics that know no sample weights.
    pub(crate) plain: Vec<Box<dyn Metric>>,
    /// Metrics that do.
    pub(crate) weighted: Vec<Box<dyn Metric>>,
}

impl Metrics {
    /// No metrics.
    pub fn new() -> Metrics {
        Metrics::default()
    }

    /// One more. As in Keras it ignores class and sample weights.
    #[must_use]
    pub fn with(mut self, metric: impl IntoMetric) -> Metrics {
        self.plain.push(metric.into_metric());
        self
    }

    /// One more that takes class and sample weights into account (`weighted_metrics` in Keras).
    #[must_use]
    pub fn weighted(mut self, metric: impl IntoMetric) -> Metrics {
        self.weighted.push(metric.into_metric());
        self
    }
}

/// Metrics for each output of a model: a list, or a tuple of lists.
#[diagnostic::on_unimplemented(
    message = "`{Self}` are not the metrics of the output `{Output}`",
    label = "expected `metrics![..]`, or a tuple with one list for each output"
)]
pub trait MetricsFor<Output> {
    /// The lists in order.
    fn into_lists(self) -> Vec<Metrics>;
}

impl<D: Dims> MetricsFor<Batch<D>> for Metrics {
    fn into_lists(self) -> Vec<Metrics> {
        vec![self]
    }
}

macro_rules! tuples {
    ($(($($m:ident $o:ident $i:tt),*));* $(;)?) => { $(
        impl<$($m: MetricsFor<$o>,)* $($o),*> MetricsFor<($($o,)*)> for ($($m,)*) {
            fn into_lists(self) -> Vec<Metrics> {
                let mut all = Vec::new();
                $(all.extend(self.$i.into_lists());)*
                all
            }
        }
    )* };
}
tuples! {
    (M0 O0 0, M1 O1 1);
    (M0 O0 0, M1 O1 1, M2 O2 2);
    (M0 O0 0, M1 O1 1, M2 O2 2, M3 O3 3);
    (M0 O0 0, M1 O1 1, M2 O2 2, M3 O3 3, M4 O4 4);
    (M0 O0 0, M1 O1 1, M2 O2 2, M3 O3 3, M4 O4 4, M5 O5 5);
}
