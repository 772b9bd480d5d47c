//! Keras for Rust: models as source, shapes proved at compile time.

#[cfg(doctest)]
mod book;

pub use keras_macros::{Layer, activation, call, loss, metric, model};
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
