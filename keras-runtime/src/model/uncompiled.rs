//! What is said of a model that is trained before it is compiled.

use super::{Architecture, Model};

/// A model with an optimizer and a loss. No [`Model`] is one: the methods below are there for their error, which says what to do.
#[diagnostic::on_unimplemented(
    message = "the model is not compiled",
    label = "a model is trained and evaluated after `compile`",
    note = "`let mut model = model.compile(Adam::new(1e-3), loss, metrics![Accuracy]);` gives it an optimizer, a loss and metrics"
)]
pub trait IsCompiled {
    /// What the method would return.
    type Output;
}

macro_rules! after_compile {
    ($($method:ident),*) => {
        impl<M: Architecture> Model<M> {
            $(
                #[doc(hidden)]
                pub fn $method<X, Y>(&mut self, _: &X, _: &Y) -> <Self as IsCompiled>::Output
                where
                    Self: IsCompiled,
                {
                    unreachable!("no model without an optimizer is compiled")
                }
            )*
        }
    };
}
after_compile!(fit, evaluate, train_on_batch, test_on_batch);
