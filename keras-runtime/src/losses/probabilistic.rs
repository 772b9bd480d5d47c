//! Losses between distributions.

use super::regression::simple;
use super::{Common, EPSILON, Loss, loss, loss_basics};
use crate::training::formula::Expr;
use crate::training::options::options;

simple!(
    /// Kullback-Leibler divergence, `sum(y_true * log(y_true / y_pred))`.
    KLDivergence, "kl_divergence", |t, p| {
        let (t, p) = (t.clip(EPSILON, 1.0), p.clip(EPSILON, 1.0));
        (t * (t / p).ln()).sum()
    }
);
simple!(
    /// `mean(y_pred - y_true * log(y_pred))`.
    Poisson, "poisson", |t, p| (p - t * (p + EPSILON).ln()).mean()
);
