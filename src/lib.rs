//! Keras for Rust: models as source, shapes proved at compile time.

// The command-line tool names the library as its users do.
#[cfg(feature = "cli")]
#[allow(unused_extern_crates)]
extern crate self as keras;

#[cfg(doctest)]
mod book;
#[cfg(feature = "cli")]
pub mod cli;

/// # Example
///
/// ```
/// use keras::prelude::*;
///
/// #[derive(Layer, Clone)]
/// struct Shifted {
///     /// What is added.
///     by: f64, // no default: positional
///     #[config(default = true)]
///     learned: bool, // an option
///     #[weight([input.last()], init = Zeros, when = learned)]
///     more: Weight, // there if `learned`
/// }
///
/// #[call]
/// impl Shifted {
///     fn call(&self, x: Tensor) -> Tensor {
///         let y = x + self.by;
///         if self.learned { y + self.more } else { y }
///     }
/// }
///
/// model! { Net([4]) -> [4] = [Shifted(1.0), Shifted(2.0, learned = false)] }
/// assert_eq!(Net::PARAMS, 4);
/// ```
#[doc(inline)]
pub use keras_macros::Layer;
/// # Example
///
/// ```
/// use keras::prelude::*;
///
/// /// A gate with a slope.
/// #[activation]
/// fn swoosh(x: Tensor) -> Tensor {
///     x * sigmoid(2.0 * x - 1.0)
/// }
///
/// model! { Net([8]) -> [1] = [Dense(16, activation = swoosh), Dense(1)] }
/// ```
#[doc(inline)]
pub use keras_macros::activation;
/// # Example
///
/// ```
/// use keras::prelude::*;
///
/// /// Twice the mean of the others and half of itself.
/// #[derive(Layer, Clone)]
/// struct Spread {
///     #[weight([input.last()], init = Ones)]
///     scale: Weight,
/// }
///
/// #[call]
/// impl Spread {
///     fn call(&self, x: Tensor) -> Tensor {
///         let all = sum(x, keepdims(1));
///         self.scale * (2.0 * (all - x) / (x.dim(1) as f64 - 1.0) + 0.5 * x)
///     }
/// }
///
/// model! { Net([6, 4]) -> [6, 1] = [Spread, Dense(1)] }
/// ```
#[doc(inline)]
pub use keras_macros::call;
/// # Example
///
/// ```
/// use keras::prelude::*;
///
/// #[loss]
/// fn quartic(y_true: Tensor, y_pred: Tensor) -> Tensor {
///     mean(square(square(y_true - y_pred)), -1)
/// }
///
/// #[loss(sparse)]
/// fn focal(y_true: Tensor, y_pred: Tensor, gamma: f64) -> Tensor {
///     let p = softmax(y_pred, -1);
///     -sum(y_true * power(1.0 - p, gamma) * log_softmax(y_pred, -1), -1)
/// }
///
/// model! { Net([8]) -> [3] = [Dense(3)] }
///
/// let model = Model::<Net>::new(Device::default());
/// let mut model = model.compile(Adam::new(1e-3), focal(2.0), metrics![Accuracy]);
/// let (x, y) = (Batch::<D1<8>>::zeros(4), Batch::<D0, u8>::zeros(4));
/// model.train_on_batch(&x, &y)?;
/// # Ok::<(), keras::Error>(())
/// ```
#[doc(inline)]
pub use keras_macros::loss;
/// # Example
///
/// ```
/// use keras::prelude::*;
///
/// /// How many predictions are near.
/// #[metric]
/// fn within(y_true: Tensor, y_pred: Tensor, tolerance: f64) -> Tensor {
///     less_equal(abs(y_true - y_pred), tolerance)
/// }
///
/// model! { Net([8]) -> [3] = [Dense(3)] }
///
/// let model = Model::<Net>::new(Device::default());
/// let mut model = model.compile(Adam::new(1e-3), MeanSquaredError::new(), metrics![within(0.1)]);
/// let (x, y) = (Batch::<D1<8>>::zeros(4), Batch::<D1<3>>::zeros(4));
/// assert_eq!(model.evaluate(&x, &y)?.get("within"), Some(1.0));
/// # Ok::<(), keras::Error>(())
/// ```
#[doc(inline)]
pub use keras_macros::metric;
#[doc(inline)]
pub use keras_macros::model;
pub use keras_runtime::*;

/// What programs import.
pub mod prelude {
    // By family: `layers::*` would bring modules such as `core` into scope.
    pub use crate::callbacks::{
        BackupAndRestore, CSVLogger, Callback, EarlyStopping, LambdaCallback, LearningRateScheduler,
        ModelCheckpoint, MonitorMode, ReduceLROnPlateau, SaveFreq, TerminateOnNaN,
    };
    pub use crate::layers::{
        activations::*, attention::*, convolutional::*, core::*, merging::*, normalization::*, pooling::*,
        preprocessing::*, regularization::*, reshaping::*, rnn::*,
    };
    pub use crate::losses::{
        BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
        CategoricalHinge, CosineSimilarity, Dice, Hinge, Huber, KLDivergence, LogCosh, MeanAbsoluteError,
        MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError, Poisson,
        SparseCategoricalCrossentropy, SquaredHinge, Tversky,
    };
    pub use crate::metrics::{
        AUC, Accuracy, BinaryAccuracy, CategoricalAccuracy, F1Score, Precision, Recall, RootMeanSquaredError,
        SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy,
    };
    pub use crate::model::{Batch, D0, D1, D2, D3, D4, D5, D6, Model};
    pub use crate::optimizers::{
        Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, RMSprop, SGD, schedules,
    };
    pub use crate::training::{History, Logs, TrainedModel, Verbose};
    pub use crate::{Device, activation, call, datasets, loss, metric, metrics, model};
    #[doc(no_inline)]
    pub use crate::{Error, Layer, Tensor, Weight};
}
