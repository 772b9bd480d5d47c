//! Typed addresses that tasks on several threads cut into pieces.

use crate::{DType, Element, Mode, View};

/// Elements that a block loop keeps on the stack.
pub(crate) const BLOCK: usize = 256;

/// Numbers of a vector of the widest level.
pub(crate) const LANES: usize = 16;

/// The start of a view's elements. Bounds are checked in debug builds.
pub(crate) struct Raw<T> {
    address: *mut T,
    len: usize,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Raw<T> {}

// SAFETY: an address, as a view is; whoever makes slices of it answers for them.
unsafe impl<T: Send> Send for Raw<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Raw<T> {}

impl<T: Element> Raw<T> {
    /// The elements of a view.
    ///
    /// # Panics
    /// If `T` is not the view's element type (`u8` for bool).
    #[track_caller]
    pub(crate) fn of(view: View) -> Raw<T> {
        let found = if view.dtype() == DType::Bool { DType::U8 } else { view.dtype() };
        assert!(found == T::DTYPE, "a view of {} used as {}", view.dtype(), T::DTYPE);
        Raw { address: view.address().cast(), len: view.size() }
    }

    /// The elements of a view, which has `size` at least.
    ///
    /// # Panics
    /// If it has fewer, or is of another element type.
    #[track_caller]
    pub(crate) fn sized(view: View, size: usize) -> Raw<T> {
        assert!(view.size() >= size, "{view:?} for {size} elements");
        Raw::of(view)
    }

    /// The elements of a slice, for as long as that is borrowed.
    pub(crate) fn from_slice(slice: &mut [T]) -> Raw<T> {
        Raw { address: slice.as_mut_ptr(), len: slice.len() }
    }

    /// `len` elements from `start`, for whoever makes slices of them.
    #[inline(always)]
    pub(crate) fn cut(self, start: usize, len: usize) -> Raw<T> {
        debug_assert!(start + len <= self.len);
        Raw { address: self.address.wrapping_add(start), len }
    }

    /// The address of element `offset`, for kernels that do their own arithmetic on addresses.
    #[inline(always)]
    pub(crate) fn at(self, offset: usize) -> *mut T {
        self.address.wrapping_add(offset)
    }

    /// The elements from `offset` on.
    ///
    /// # Panics
    /// If there are fewer than `offset`.
    pub(crate) fn skip(self, offset: usize) -> Raw<T> {
        assert!(offset <= self.len, "{offset} of {} elements", self.len);
        Raw { address: self.at(offset), len: self.len - offset }
    }

    /// `len` elements from `start`.
    ///
    /// # Safety
    /// They lie inside the view, and nothing writes to them while the slice lives.
    #[inline(always)]
    pub(crate) unsafe fn slice<'a>(self, start: usize, len: usize) -> &'a [T] {
        debug_assert!(start + len <= self.len);
        // SAFETY: by the contracts of the view and of this function.
        unsafe { std::slice::from_raw_parts(self.address.add(start), len) }
    }

    /// `len` elements from `start`, to write.
    ///
    /// # Safety
    /// They lie inside the view, and nothing else reads or writes them while the slice lives.
    #[inline(always)]
    pub(crate) unsafe fn slice_mut<'a>(self, start: usize, len: usize) -> &'a mut [T] {
        debug_assert!(start + len <= self.len);
        // SAFETY: by the contracts of the view and of this function.
        unsafe { std::slice::from_raw_parts_mut(self.address.add(start), len) }
    }

    /// Element `i`.
    ///
    /// # Safety
    /// As [`Raw::slice`].
    #[inline(always)]
    pub(crate) unsafe fn get(self, i: usize) -> T {
        debug_assert!(i < self.len);
        // SAFETY: as above.
        unsafe { *self.address.add(i) }
    }

    /// Sets element `i`.
    ///
    /// # Safety
    /// As [`Raw::slice_mut`].
    #[inline(always)]
    pub(crate) unsafe fn set(self, i: usize, value: T) {
        debug_assert!(i < self.len);
        // SAFETY: as above.
        unsafe { *self.address.add(i) = value }
    }
}

/// `N` elements from `at`.
///
/// # Safety
/// As [`Raw::slice`].
#[inline(always)]
pub(crate) unsafe fn read<T: Element, const N: usize>(from: Raw<T>, at: usize) -> [T; N] {
    // SAFETY: the caller's promise; an array is aligned as its elements are.
    unsafe { *from.slice(at, N).as_ptr().cast::<[T; N]>() }
}

/// Sets `N` elements from `at`.
///
/// # Safety
/// As [`Raw::slice_mut`].
#[inline(always)]
pub(crate) unsafe fn write<T: Element, const N: usize>(to: Raw<T>, at: usize, values: [T; N]) {
    // SAFETY: as above.
    unsafe { *to.slice_mut(at, N).as_mut_ptr().cast::<[T; N]>() = values }
}

/// Runs a block for every vector of `n` neighbouring elements: `$N` of them from `$at`, one by one at the end.
macro_rules! vectors {
    ($n:expr, |$N:ident, $at:ident| $body:expr) => {{
        let (n, mut $at) = ($n, 0);
        while $at + $crate::cpu::raw::LANES <= n {
            const $N: usize = $crate::cpu::raw::LANES;
            $body;
            $at += $N;
        }
        while $at < n {
            const $N: usize = 1;
            $body;
            $at += 1;
        }
    }};
}
pub(crate) use vectors;

/// Writes a block's results, or adds them.
#[inline(always)]
pub(crate) fn store<T: crate::Float>(from: &[T], to: &mut [T], mode: Mode) {
    match mode {
        Mode::Write => to.copy_from_slice(from),
        Mode::Add => {
            for (to, from) in to.iter_mut().zip(from) {
                *to += *from;
            }
        }
    }
}
