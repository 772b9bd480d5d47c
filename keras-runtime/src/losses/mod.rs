//! Losses: what training makes small.
//!
//! Source: <https://keras.io/api/losses/>. A loss is a formula over labels and predictions that yields one number a row; a row
//! is what remains when the class axis is summed away. Its gradient is derived from the formula.

mod config;
mod crossentropy;
mod focal;
pub(crate) mod function;
mod hinge;
mod overlap;
mod probabilistic;
mod reduction;
mod regression;
mod typed;

pub use config::from_config;
pub(crate) use config::unknown_class;
pub use crossentropy::{BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy};
pub use focal::{BinaryFocalCrossentropy, CategoricalFocalCrossentropy};
pub use hinge::{CategoricalHinge, Hinge, SquaredHinge};
pub use overlap::{Dice, Tversky};
pub use probabilistic::{KLDivergence, Poisson};
pub use reduction::Reduction;
pub use regression::{
    CosineSimilarity, Huber, LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError,
};
pub use typed::{ClassNumber, Losses, TakesLabels};

use std::borrow::Cow;

use serde_json::Value;

use crate::Result;
use crate::layer::Config;
use crate::plan::Ints;
use crate::training::formula::Expr;

/// Keras' `epsilon()`.
pub(crate) const EPSILON: f64 = 1e-7;

/// What all losses have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// Name of the loss.
    pub name: Cow<'static, str>,
    /// How the rows' numbers become one.
    pub reduction: Reduction,
}

impl Common {
    /// This name, and Keras' default reduction.
    pub const fn named(name: &'static str) -> Common {
        Common { name: Cow::Borrowed(name), reduction: Reduction::SumOverBatchSize }
    }

    /// With the name and the reduction of a configuration, where it has them.
    ///
    /// # Errors
    /// If there is no such reduction.
    pub fn read(mut self, config: &Config) -> Result<Common> {
        if let Some(name) = config.get("name").and_then(Value::as_str) {
            self.name = name.to_string().into();
        }
        match config.get("reduction") {
            Some(Value::String(name)) => self.reduction = Reduction::from_name(name)?,
            Some(Value::Null) => self.reduction = Reduction::None,
            _ => {}
        }
        Ok(self)
    }
}

/// How labels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// As the predictions are.
    Same,
    /// Numbers of classes, without the class axis.
    Sparse,
}

/// Which axes of the predictions make a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowAxes {
    /// One axis, counted as Keras does (0 is the batch, -1 the last).
    One(isize),
    /// These, which lie side by side.
    Several(Ints),
    /// All of them: the batch is one row.
    All,
}

/// Something that training makes small. [`loss`](../../keras/attr.loss.html) makes one of a function; by hand:
///
/// ```
/// use keras_runtime::losses::{Common, Loss, Reduction};
/// use keras_runtime::training::formula::Expr;
///
/// /// The fourth power of the error.
/// #[derive(Clone)]
/// struct Quartic(Common);
///
/// impl Loss for Quartic {
///     fn class_name(&self) -> &'static str {
///         "Quartic"
///     }
///     fn common(&self) -> &Common {
///         &self.0
///     }
///     fn rows<'t>(&self, labels: Expr<'t>, predictions: Expr<'t>) -> Expr<'t> {
///         (labels - predictions).square().square().mean()
///     }
///     fn boxed(&self) -> Box<dyn Loss> {
///         Box::new(self.clone())
///     }
/// }
/// ```
pub trait Loss: Send + Sync {
    /// The class name, as Keras knows it.
    fn class_name(&self) -> &'static str;

    /// Name and reduction.
    fn common(&self) -> &Common;

    /// The loss's own options, under Keras' names.
    fn options(&self) -> Config {
        Config::new()
    }

    /// How labels are written.
    fn label_kind(&self) -> LabelKind {
        LabelKind::Same
    }

    /// Which axes make a row.
    fn axes(&self) -> RowAxes {
        RowAxes::One(-1)
    }

    /// The number of each row. Sparse labels come as the row of a matrix of zeros and ones.
    fn rows<'t>(&self, labels: Expr<'t>, predictions: Expr<'t>) -> Expr<'t>;

    /// Rows with this class do not count.
    fn ignored_class(&self) -> Option<f64> {
        None
    }

    /// Rewrites a batch of labels; returns whether it did.
    fn convert_labels(&self, _from: &[f32], _to: &mut [f32]) -> bool {
        false
    }

    /// The numbers that a function of the user's own was given (`#[loss]` writes it); Keras' losses are none.
    fn arguments(&self) -> Option<Config> {
        None
    }

    /// A copy.
    fn boxed(&self) -> Box<dyn Loss>;

    /// The configuration, as Keras writes it.
    fn config(&self) -> Config {
        let mut config = Config::new();
        config.insert("name".into(), self.common().name.as_ref().into());
        config.insert("reduction".into(), self.common().reduction.name().into());
        config.extend(self.options());
        config
    }

    /// As Keras writes it to a file.
    fn to_json(&self) -> Value {
        match self.arguments() {
            Some(arguments) => function::loss_json(self.class_name(), self.common(), arguments),
            None => crate::config::envelope("keras.losses", self.class_name(), Value::Object(self.config())),
        }
    }
}

/// Constructor, shared setters and the methods of [`Loss`] that only pass on.
macro_rules! loss {
    ($name:ident, $keras_name:literal) => {
        impl $name {
            /// With Keras' defaults for all options.
            pub fn new() -> Self {
                $name::with_common($crate::losses::Common::named($keras_name))
            }

            /// How the rows' numbers become one (`sum_over_batch_size`).
            #[must_use]
            pub fn reduction(mut self, reduction: $crate::losses::Reduction) -> Self {
                self.common.reduction = reduction;
                self
            }

            /// Name of the loss.
            #[must_use]
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.common.name = name.into().into();
                self
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name::new()
            }
        }
    };
}
pub(crate) use loss;

macro_rules! loss_basics {
    ($name:ident) => {
        fn class_name(&self) -> &'static str {
            stringify!($name)
        }
        fn common(&self) -> &$crate::losses::Common {
            &self.common
        }
        fn options(&self) -> $crate::Config {
            let mut config = $crate::Config::new();
            $crate::training::options::Options::write(self, &mut config);
            config
        }
        fn boxed(&self) -> Box<dyn $crate::losses::Loss> {
            Box::new(self.clone())
        }
    };
}
pub(crate) use loss_basics;
