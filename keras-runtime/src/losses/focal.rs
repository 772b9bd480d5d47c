//! Focal crossentropies: easy samples count less.
//!
//! Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.

use super::crossentropy::{binary, normalized, smooth};
use super::{Common, Loss, RowAxes, loss, loss_basics};
use crate::training::formula::Expr;
use crate::training::options::options;

options! {
    /// Binary crossentropy in which easy samples count less.
    BinaryFocalCrossentropy [common: Common] {
        /// Whether classes are weighted by `alpha` (false).
        apply_class_balancing: bool = false,
        /// Weight of class 1; class 0 has the rest (0.25).
        alpha: f64 = 0.25,
        /// How much less easy samples count (2).
        gamma: f64 = 2.0,
        /// Whether predictions are logits, not probabilities (false).
        from_logits: bool = false,
        /// Pulls labels towards one half by this share (0).
        label_smoothing: f64 = 0.0,
        /// Axis over which the mean is taken (-1).
        axis: isize = -1,
    }
}
loss!(BinaryFocalCrossentropy, "binary_focal_crossentropy");

options! {
    /// Categorical crossentropy in which easy samples count less.
    CategoricalFocalCrossentropy [common: Common] {
        /// Weight of all classes (0.25).
        alpha: f64 = 0.25,
        /// How much less easy samples count (2).
        gamma: f64 = 2.0,
        /// Whether predictions are logits, not probabilities (false).
        from_logits: bool = false,
        /// Spreads this share of a label over all classes (0).
        label_smoothing: f64 = 0.0,
        /// The class axis (-1).
        axis: isize = -1,
    }
}
loss!(CategoricalFocalCrossentropy, "categorical_focal_crossentropy");

fn power(x: Expr<'_>, exponent: f64) -> Expr<'_> {
    if exponent == 2.0 { x.square() } else { x.pow(x.constant(exponent)) }
}

impl Loss for BinaryFocalCrossentropy {
    loss_basics!(BinaryFocalCrossentropy);

    fn axes(&self) -> RowAxes {
        RowAxes::One(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        let t = smooth(t, self.label_smoothing, 0.5);
        let p = if self.from_logits { p.sigmoid() } else { p };
        let right = t * p + (1.0 - t) * (1.0 - p);
        let mut each = power(1.0 - right, self.gamma) * binary(t, p);
        if self.apply_class_balancing {
            each = each * (t * self.alpha + (1.0 - t) * (1.0 - self.alpha));
        }
        each.mean()
    }
}

impl Loss for CategoricalFocalCrossentropy {
    loss_basics!(CategoricalFocalCrossentropy);

    fn axes(&self) -> RowAxes {
        RowAxes::One(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        let classes = p.tape().width() as f64;
        let t = smooth(t, self.label_smoothing, 1.0 / classes);
        let p = normalized(if self.from_logits { p.log_softmax().exp() } else { p });
        (power(1.0 - p, self.gamma) * self.alpha * -(t * p.ln())).sum()
    }
}
