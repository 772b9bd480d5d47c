//! Constructors by name: `Gated { units: 64 }` in `model!`, for which `#[derive(Layer)]` writes a builder of these.

use std::mem::MaybeUninit;

/// The value of a field, once it is given. It drops nothing, so that const evaluation can move it.
pub struct Given<T> {
    value: MaybeUninit<T>,
    is_given: bool,
}

impl<T> Given<T> {
    /// Not given yet.
    pub const fn none() -> Given<T> {
        Given { value: MaybeUninit::uninit(), is_given: false }
    }

    /// This value.
    pub const fn some(value: T) -> Given<T> {
        Given { value: MaybeUninit::new(value), is_given: true }
    }

    /// Whether it is given.
    pub const fn is_given(&self) -> bool {
        self.is_given
    }

    /// The value; `message` says which field lacks one.
    ///
    /// # Panics
    /// If it was not given.
    #[track_caller]
    pub const fn take(self, message: &str) -> T {
        assert!(self.is_given, "{}", message);
        // SAFETY: `some` wrote it, and it is moved out once.
        unsafe { self.value.assume_init() }
    }
}

/// A number that a float field takes by name: files write whole ones without a point.
///
/// # Safety
/// [`IntoFloat::WHOLE`] is true for `i32` alone and false for `f64` alone: [`float_of`] reads the value's bytes by it, because a trait
/// method cannot be called in const evaluation.
#[diagnostic::on_unimplemented(message = "expected a number, such as `0.5`", label = "not a number")]
pub unsafe trait IntoFloat: Copy {
    /// Whether it is a whole number.
    const WHOLE: bool;
}
// SAFETY: `i32`.
unsafe impl IntoFloat for i32 {
    const WHOLE: bool = true;
}
// SAFETY: `f64`.
unsafe impl IntoFloat for f64 {
    const WHOLE: bool = false;
}

/// The number.
pub const fn float_of<T: IntoFloat>(value: T) -> f64 {
    union Bytes<T: Copy> {
        value: T,
        whole: i32,
        float: f64,
    }
    let bytes = Bytes { value };
    if T::WHOLE {
        // SAFETY: `T` is `i32`, by the contract of `IntoFloat`.
        unsafe { bytes.whole as f64 }
    } else {
        // SAFETY: `T` is `f64`, by the contract of `IntoFloat`.
        unsafe { bytes.float }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_once() {
        const FOUR: usize = Given::some(4).take("a number");
        assert_eq!((FOUR, float_of(2), float_of(0.5)), (4, 2.0, 0.5));
        assert_eq!(Given::some(String::from("text")).take("a text"), "text");
        assert!(!Given::<String>::none().is_given());
    }

    #[test]
    #[should_panic(expected = "`Gated` needs `units`")]
    fn what_is_missing_is_said() {
        Given::<usize>::none().take("`Gated` needs `units`");
    }
}
