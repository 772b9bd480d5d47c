//! Losses of overlap, for segmentation. Unless axes are given, the whole batch is one row.

use super::{Common, EPSILON, Loss, RowAxes, loss, loss_basics};
use crate::plan::Ints;
use crate::training::formula::Expr;
use crate::training::options::options;

options! {
    /// `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`.
    Dice [common: Common] {
        /// The axes that are summed; without any, all of them (none).
        axis: Option<Ints> = None,
    }
}
loss!(Dice, "dice");

options! {
    /// One minus the Tversky index: Dice with weights for what is missed and what is wrongly found.
    ///
    /// Source: Salehi et al., "Tversky loss function for image segmentation", 2017.
    Tversky [common: Common] {
        /// Weight of what is missed (0.5).
        alpha: f64 = 0.5,
        /// Weight of what is wrongly found (0.5).
        beta: f64 = 0.5,
        /// The axes that are summed; without any, all of them (none).
        axis: Option<Ints> = None,
    }
}
loss!(Tversky, "tversky");

fn axes(axis: Option<Ints>) -> RowAxes {
    axis.map_or(RowAxes::All, RowAxes::Several)
}

impl Loss for Dice {
    loss_basics!(Dice);

    fn axes(&self) -> RowAxes {
        axes(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        1.0 - (t * p).sum() * 2.0 / (t.sum() + p.sum() + EPSILON)
    }
}

impl Loss for Tversky {
    loss_basics!(Tversky);

    fn axes(&self) -> RowAxes {
        axes(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        let both = (t * p).sum();
        let missed = ((1.0 - p) * t).sum();
        let wrong = (p * (1.0 - t)).sum();
        1.0 - both / (both + missed * self.alpha + wrong * self.beta + EPSILON)
    }
}
