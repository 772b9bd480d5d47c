//! What becomes of sums on their way to memory.

use super::tile::{self, Bounds};
use crate::activation::Activation;
use crate::cpu::raw::Raw;
use crate::{Float, Grad, View};

/// What becomes of the sums of a product or a convolution on their way to memory: `activation(scale * sum + bias + residual)`.
///
/// ```
/// use keras_kernels::activation::Activation;
/// use keras_kernels::matmul::Epilogue;
///
/// let epilogue = Epilogue { activation: Activation::Relu6, ..Epilogue::NONE };
/// assert!(epilogue.bias.is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Epilogue {
    /// Factor of each column (channel) of the result; none is 1.
    pub scale: Option<View>,
    /// Added to each column.
    pub bias: Option<View>,
    /// Added element by element: it lies as the result does, and may be the result's own memory.
    pub residual: Option<View>,
    /// Applied to that.
    pub activation: Activation,
}

impl Epilogue {
    /// The sums as they are.
    pub const NONE: Epilogue =
        Epilogue { scale: None, bias: None, residual: None, activation: Activation::Linear };

    /// A bias and an activation.
    pub const fn new(bias: Option<View>, activation: Activation) -> Epilogue {
        Epilogue { bias, activation, ..Epilogue::NONE }
    }

    /// What is left to do once a kernel has stored what [`Epilogue::tile`] says.
    pub(crate) fn rest(&self) -> Option<Activation> {
        self.activation.bounds().is_none().then_some(self.activation)
    }

    /// As tiles do it to a result of so many columns, and of `size` elements, at `c`; an activation that is not a clip comes after them
    /// ([`Epilogue::rest`]).
    pub(crate) fn tile<T: Float>(&self, columns: usize, size: usize, c: *mut T) -> tile::Epilogue<T> {
        let start = |view: Option<View>, size| match view {
            Some(view) => Raw::<T>::sized(view, size).at(0).cast_const(),
            None => std::ptr::null(),
        };
        tile::Epilogue {
            scale: start(self.scale, columns),
            bias: start(self.bias, columns),
            added: start(self.residual, size),
            bounds: self.activation.bounds().map_or_else(Bounds::none, Bounds::new),
            ..tile::Epilogue::write(c)
        }
    }
}

impl Grad {
    /// Sums become the gradient, or are added to it.
    pub fn epilogue(&self) -> Epilogue {
        Epilogue { residual: self.adds().then_some(self.view), ..Epilogue::NONE }
    }
}
