//! Hinge losses: labels are -1 or 1; 0 or 1 is converted.

use super::regression::simple;
use super::{Common, Loss, loss, loss_basics};
use crate::training::formula::Expr;
use crate::training::options::options;

/// If all labels of the batch are 0 or 1, they become -1 or 1.
fn convert(from: &[f32], to: &mut [f32]) -> bool {
    let binary = from.iter().all(|y| *y == 0.0 || *y == 1.0);
    if binary {
        from.iter().zip(to).for_each(|(y, to)| *to = 2.0 * y - 1.0);
    }
    binary
}

macro_rules! binary_hinge {
    ($(#[$doc:meta])* $name:ident, $keras_name:literal, |$x:ident| $body:expr) => {
        options! {
            $(#[$doc])*
            $name [common: Common] {}
        }
        loss!($name, $keras_name);
        impl Loss for $name {
            loss_basics!($name);
            fn rows<'t>(&self, t: Expr<'t>, p: Expr<'t>) -> Expr<'t> {
                let $x = 1.0 - t * p;
                let $x = $x.max($x.constant(0.0));
                $body
            }
            fn convert_labels(&self, from: &[f32], to: &mut [f32]) -> bool {
                convert(from, to)
            }
        }
    };
}
binary_hinge!(
    /// `mean(max(1 - y_true * y_pred, 0))`.
    Hinge, "hinge", |x| x.mean()
);
binary_hinge!(
    /// `mean(max(1 - y_true * y_pred, 0)^2)`.
    SquaredHinge, "squared_hinge", |x| x.square().mean()
);

simple!(
    /// `max(neg - pos + 1, 0)` with `pos = sum(y_true * y_pred)` and `neg = max((1 - y_true) * y_pred)`.
    CategoricalHinge, "categorical_hinge", |t, p| {
        let right = (t * p).sum();
        let wrong = ((1.0 - t) * p).row_max();
        let x = wrong - right + 1.0;
        x.max(x.constant(0.0))
    }
);
