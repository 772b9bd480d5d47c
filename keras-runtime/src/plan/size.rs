//! Options that take one number for all dimensions or one for each: `strides = 2`, `strides = [2, 1]`.

/// What an option of type [`Size`] accepts: a number, or an array of `N` numbers.
///
/// # Safety
/// [`IntoSize::SCALAR`] must be true for `usize` alone and false for `[usize; N]` alone: [`Size::of`] reads the
/// value's bytes by it, because a trait method cannot be called in const evaluation.
#[diagnostic::on_unimplemented(
    message = "expected a number or {N} of them, such as `2` or `(2, 1)`",
    label = "not a size of {N} dimensions"
)]
pub unsafe trait IntoSize<const N: usize>: Copy {
    /// Whether this is one number for all dimensions.
    const SCALAR: bool;
}
// SAFETY: `usize`.
unsafe impl<const N: usize> IntoSize<N> for usize {
    const SCALAR: bool = true;
}
// SAFETY: `[usize; N]`.
unsafe impl<const N: usize> IntoSize<N> for [usize; N] {
    const SCALAR: bool = false;
}

/// One number for each of `N` dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<const N: usize>(pub [usize; N]);

impl<const N: usize> Size<N> {
    /// From a number or an array.
    pub const fn of<T: IntoSize<N>>(value: T) -> Size<N> {
        union Bytes<T: Copy, const N: usize> {
            value: T,
            number: usize,
            array: [usize; N],
        }
        let bytes = Bytes::<T, N> { value };
        if T::SCALAR {
            // SAFETY: `T` is `usize`, by the contract of `IntoSize`.
            Size([unsafe { bytes.number }; N])
        } else {
            // SAFETY: `T` is `[usize; N]`, by the contract of `IntoSize`.
            Size(unsafe { bytes.array })
        }
    }

    /// Whether one of the numbers is zero.
    pub const fn has_zero(&self) -> bool {
        let mut i = 0;
        while i < N {
            if self.0[i] == 0 {
                return true;
            }
            i += 1;
        }
        false
    }
}

/// A short list of numbers: a target shape, a permutation, axes. At most 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ints {
    items: [isize; 8],
    len: usize,
}

impl Ints {
    /// From an array.
    ///
    /// # Panics
    /// With more than 8 numbers.
    #[track_caller]
    pub const fn of<const N: usize>(items: [isize; N]) -> Ints {
        assert!(N <= 8, "at most 8 numbers");
        Ints::from_slice(&items)
    }

    /// From a slice; numbers after the eighth are dropped (run-time input is checked before).
    pub const fn from_slice(items: &[isize]) -> Ints {
        let mut out = Ints { items: [0; 8], len: if items.len() < 8 { items.len() } else { 8 } };
        let mut i = 0;
        while i < out.len {
            out.items[i] = items[i];
            i += 1;
        }
        out
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number at `i`.
    pub const fn get(&self, i: usize) -> isize {
        self.items[i]
    }

    /// As a slice.
    pub const fn as_slice(&self) -> &[isize] {
        self.items.split_at(self.len).0
    }
}

/// A short text that fits into a const: an equation, a name. At most 62 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text {
    bytes: [u8; 62],
    len: u8,
}

impl Text {
    /// From a string.
    ///
    /// # Panics
    /// If it is longer than 62 bytes; [`Text::try_of`] returns `None` instead.
    #[track_caller]
    pub const fn of(text: &str) -> Text {
        match Text::try_of(text) {
            Some(text) => text,
            None => panic!("a text option has at most 62 bytes"),
        }
    }

    /// From a string of at most 62 bytes.
    pub const fn try_of(text: &str) -> Option<Text> {
        let from = text.as_bytes();
        if from.len() > 62 {
            return None;
        }
        let mut out = Text { bytes: [0; 62], len: from.len() as u8 };
        let mut i = 0;
        while i < from.len() {
            out.bytes[i] = from[i];
            i += 1;
        }
        Some(out)
    }

    /// The text.
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len as usize).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
