//! Crossentropies.

use super::{Common, EPSILON, LabelKind, Loss, RowAxes, loss, loss_basics};
use crate::training::formula::Expr;
use crate::training::options::options;

options! {
    /// Crossentropy of yes-or-no labels: 0 or 1, of the shape of the predictions. (For an output of one number, labels may
    /// also be one number a sample.)
    BinaryCrossentropy [common: Common] {
        /// Whether predictions are logits, not probabilities (false).
        from_logits: bool = false,
        /// Pulls labels towards one half by this share (0).
        label_smoothing: f64 = 0.0,
        /// Axis over which the mean is taken (-1).
        axis: isize = -1,
    }
}
loss!(BinaryCrossentropy, "binary_crossentropy");

options! {
    /// Crossentropy of labels that are distributions over classes, one-hot for instance, of the shape of the predictions.
    CategoricalCrossentropy [common: Common] {
        /// Whether predictions are logits, not probabilities (false).
        from_logits: bool = false,
        /// Spreads this share of a label over all classes (0).
        label_smoothing: f64 = 0.0,
        /// The class axis (-1).
        axis: isize = -1,
    }
}
loss!(CategoricalCrossentropy, "categorical_crossentropy");

options! {
    /// Crossentropy of labels that are numbers of classes, without the predictions' class axis.
    SparseCategoricalCrossentropy [common: Common] {
        /// Whether predictions are logits, not probabilities (false).
        from_logits: bool = false,
        /// Rows with this label do not count (none).
        ignore_class: Option<isize> = None,
        /// The class axis (-1).
        axis: isize = -1,
    }
}
loss!(SparseCategoricalCrossentropy, "sparse_categorical_crossentropy");

/// Crossentropy of each element, between 0 or 1 and a probability.
pub(super) fn binary<'t>(t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
    let p = p.clip(EPSILON, 1.0 - EPSILON);
    -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
}

/// Labels with a share of them moved to the middle.
pub(super) fn smooth<'t>(t: Expr<'t>, share: f64, to: f64) -> Expr<'t> {
    if share == 0.0 { t } else { t * (1.0 - share) + share * to }
}

/// Probabilities that sum to 1 in each row, away from 0 and 1.
pub(super) fn normalized(p: Expr<'_>) -> Expr<'_> {
    (p / p.sum()).clip(EPSILON, 1.0 - EPSILON)
}

fn categorical<'t>(t: Expr<'t>, p: Expr<'t>, from_logits: bool) -> Expr<'t> {
    let log = if from_logits { p.log_softmax() } else { normalized(p).ln() };
    -(t * log).sum()
}

impl Loss for BinaryCrossentropy {
    loss_basics!(BinaryCrossentropy);

    fn axes(&self) -> RowAxes {
        RowAxes::One(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        let t = smooth(t, self.label_smoothing, 0.5);
        let each = if self.from_logits {
            // -t * log(sigmoid(p)) - (1 - t) * log(sigmoid(-p)), by softplus.
            t * (-p).softplus() + (1.0 - t) * p.softplus()
        } else {
            binary(t, p)
        };
        each.mean()
    }
}

impl Loss for CategoricalCrossentropy {
    loss_basics!(CategoricalCrossentropy);

    fn axes(&self) -> RowAxes {
        RowAxes::One(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        let classes = p.tape().width() as f64;
        categorical(smooth(t, self.label_smoothing, 1.0 / classes), p, self.from_logits)
    }
}

impl Loss for SparseCategoricalCrossentropy {
    loss_basics!(SparseCategoricalCrossentropy);

    fn axes(&self) -> RowAxes {
        RowAxes::One(self.axis)
    }

    fn label_kind(&self) -> LabelKind {
        LabelKind::Sparse
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        categorical(t, p, self.from_logits)
    }

    fn ignored_class(&self) -> Option<f64> {
        self.ignore_class.map(|c| c as f64)
    }
}
