//! Losses of numbers: labels have the shape of the predictions.

use super::{Common, EPSILON, Loss, RowAxes, loss, loss_basics};
use crate::layer::Config;
use crate::training::formula::Expr;
use crate::training::options::options;

macro_rules! simple {
    ($(#[$doc:meta])* $name:ident, $keras_name:literal, |$t:ident, $p:ident| $body:expr) => {
        options! {
            $(#[$doc])*
            $name [common: Common] {}
        }
        loss!($name, $keras_name);
        impl Loss for $name {
            loss_basics!($name);
            fn rows<'t>(&self, $t: Expr<'t>, $p: Expr<'t>) -> Expr<'t> {
                $body
            }
        }
    };
}
pub(super) use simple;

simple!(
    /// `mean((y_true - y_pred)^2)`.
    MeanSquaredError, "mean_squared_error", |t, p| (t - p).square().mean()
);
simple!(
    /// `mean(|y_true - y_pred|)`.
    MeanAbsoluteError, "mean_absolute_error", |t, p| (t - p).abs().mean()
);
simple!(
    /// `100 * mean(|y_true - y_pred| / |y_true|)`.
    MeanAbsolutePercentageError, "mean_absolute_percentage_error", |t, p| {
        ((t - p) / t.abs().max(t.constant(EPSILON))).abs().mean() * 100.0
    }
);
simple!(
    /// `mean((log(y_true + 1) - log(y_pred + 1))^2)`.
    MeanSquaredLogarithmicError, "mean_squared_logarithmic_error", |t, p| {
        let log = |x: Expr<'t>| (x.max(x.constant(EPSILON)) + 1.0).ln();
        (log(p) - log(t)).square().mean()
    }
);
simple!(
    /// `mean(log(cosh(y_pred - y_true)))`.
    LogCosh, "log_cosh", |t, p| {
        let x = p - t;
        (x + (x * -2.0).softplus() - std::f64::consts::LN_2).mean()
    }
);

options! {
    /// Squared error near 0, absolute error beyond `delta`.
    ///
    /// Keras does not save `delta`.
    Huber [common: Common] {
        /// Where the square ends (1).
        delta: f64 = 1.0,
    }
}
loss!(Huber, "huber_loss");

impl Loss for Huber {
    loss_basics!(Huber);

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        let error = p - t;
        let size = error.abs();
        let near = error.square() * 0.5;
        let far = size * self.delta - 0.5 * self.delta * self.delta;
        size.le(size.constant(self.delta)).select(near, far).mean()
    }

    fn config(&self) -> Config {
        base_config(&self.common)
    }
}

options! {
    /// `-sum(l2_norm(y_true) * l2_norm(y_pred))`: -1 for vectors of the same direction.
    ///
    /// Keras does not save `axis`.
    CosineSimilarity [common: Common] {
        /// The vectors' axis (-1).
        axis: isize = -1,
    }
}
loss!(CosineSimilarity, "cosine_similarity");

impl Loss for CosineSimilarity {
    loss_basics!(CosineSimilarity);

    fn axes(&self) -> RowAxes {
        RowAxes::One(self.axis)
    }

    fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
        // Keras' `normalize` keeps the norm from zero.
        let unit = |x: Expr<'t>| {
            let squares = x.square().sum();
            x / squares.max(squares.constant(EPSILON * EPSILON)).sqrt()
        };
        -(unit(t) * unit(p)).sum()
    }

    fn config(&self) -> Config {
        base_config(&self.common)
    }
}

/// Name and reduction: all that Keras saves of some losses.
fn base_config(common: &Common) -> Config {
    let mut config = Config::new();
    config.insert("name".into(), common.name.clone().into());
    config.insert("reduction".into(), common.reduction.name().into());
    config
}
