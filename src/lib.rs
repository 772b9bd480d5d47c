//! Keras for Rust: models as source, shapes proved at compile time.

pub use keras_macros::{Layer, call, model};
pub use keras_runtime::*;

/// What programs import.
pub mod prelude {
    // By family: `layers::*` would bring modules such as `core` into scope.
    pub use crate::layers::{
        activations::*, attention::*, convolutional::*, core::*, merging::*, normalization::*, pooling::*,
        preprocessing::*, regularization::*, reshaping::*, rnn::*,
    };
    pub use crate::model::{Batch, D0, D1, D2, D3, D4, D5, D6};
    pub use crate::{Device, call, model};
    #[doc(no_inline)]
    pub use crate::{Error, Layer, Tensor, Weight};
}
