//! Views: shaped pieces of a device's memory.

use crate::{DType, Element, Shape};

/// A row-major tensor in memory that somebody else owns and placed.
///
/// A view is two words and a shape, and is copied freely. Whoever makes one answers for it:
///
/// # Safety contract of the constructor
/// * The memory stays valid and keeps its place for as long as the view, or a copy of it, is used.
/// * It is aligned for its element type, and its bytes are valid values of that type.
/// * Among the views given to one kernel call, one that is written overlaps no other, unless the kernel says
///   that it works in place. Nothing else reads or writes the memory during the call.
#[derive(Clone, Copy)]
pub struct View {
    address: *mut u8,
    shape: Shape,
    dtype: DType,
}

// SAFETY: a view is an address. Access is through kernels alone, under the contract above.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    /// A view of `shape` elements of `dtype` at `address`.
    ///
    /// # Safety
    /// See the type's contract.
    pub const unsafe fn new(address: *mut u8, shape: Shape, dtype: DType) -> View {
        View { address, shape, dtype }
    }

    /// A view of a slice that is written through.
    ///
    /// # Safety
    /// The slice must outlive every use of the view; the type's contract holds.
    ///
    /// # Panics
    /// If the shape's size is not the slice's length.
    pub unsafe fn of<T: Element>(data: &mut [T], shape: Shape) -> View {
        assert_eq!(data.len(), shape.size(), "a view's shape must match its data");
        View { address: data.as_mut_ptr().cast(), shape, dtype: T::DTYPE }
    }

    /// A view of a slice that is only read.
    ///
    /// # Safety
    /// As [`View::of`]; besides, no kernel may write to it.
    pub unsafe fn of_ref<T: Element>(data: &[T], shape: Shape) -> View {
        assert_eq!(data.len(), shape.size(), "a view's shape must match its data");
        View { address: data.as_ptr().cast_mut().cast(), shape, dtype: T::DTYPE }
    }

    /// Dimensions, batch first.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Element type.
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of elements.
    pub const fn size(&self) -> usize {
        self.shape.size()
    }

    /// Where it lies.
    pub const fn address(&self) -> *mut u8 {
        self.address
    }

    /// The same elements in another shape.
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    #[track_caller]
    pub fn reshape(mut self, shape: Shape) -> View {
        assert_eq!(self.shape.size(), shape.size(), "reshape {} to {shape}", self.shape);
        self.shape = shape;
        self
    }

    /// The piece of `shape` that starts `offset` elements into this view.
    ///
    /// # Panics
    /// If it would reach beyond the view.
    #[must_use]
    #[track_caller]
    pub fn cut(&self, offset: usize, shape: Shape) -> View {
        assert!(
            offset.saturating_add(shape.size()) <= self.size(),
            "cut {shape} at {offset} out of {}",
            self.shape
        );
        // SAFETY: within the view, as just checked.
        let address = unsafe { self.address.add(offset * self.dtype.size()) };
        View { address, shape, dtype: self.dtype }
    }

    /// The elements.
    ///
    /// # Safety
    /// Nothing writes to them while the slice lives.
    ///
    /// # Panics
    /// If `T` is not the view's element type ([`DType::Bool`] is read as `u8`).
    #[track_caller]
    pub unsafe fn slice<'a, T: Element>(&self) -> &'a [T] {
        self.expect_type::<T>();
        // SAFETY: valid, aligned and typed by the constructor's contract; unaliased by the caller's.
        unsafe { std::slice::from_raw_parts(self.address.cast(), self.size()) }
    }

    /// The elements, to write.
    ///
    /// # Safety
    /// Nothing else reads or writes them while the slice lives.
    ///
    /// # Panics
    /// If `T` is not the view's element type ([`DType::Bool`] is written as `u8`).
    #[track_caller]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice_mut<'a, T: Element>(&self) -> &'a mut [T] {
        self.expect_type::<T>();
        // SAFETY: as in `slice`.
        unsafe { std::slice::from_raw_parts_mut(self.address.cast(), self.size()) }
    }

    #[track_caller]
    fn expect_type<T: Element>(&self) {
        let found = if self.dtype == DType::Bool { DType::U8 } else { self.dtype };
        assert!(found == T::DTYPE, "a view of {} used as {}", self.dtype, T::DTYPE);
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({} {})", self.dtype, self.shape)
    }
}

/// What a kernel does with what lies in its output already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Overwrite it, whatever it is (it may be uninitialised numbers, NaN included).
    Write,
    /// Add to it.
    Add,
}

/// A gradient to compute: where it goes, and whether it is the first contribution or a further one.
///
/// Every backward kernel honours the mode, so that a value with several consumers and a weight used twice
/// need no buffers of their own.
#[derive(Clone, Copy, Debug)]
pub struct Grad {
    /// Where it goes.
    pub view: View,
    /// First contribution or a further one.
    pub mode: Mode,
}

impl Grad {
    /// A gradient that overwrites.
    pub const fn write(view: View) -> Grad {
        Grad { view, mode: Mode::Write }
    }

    /// A gradient that adds.
    pub const fn add(view: View) -> Grad {
        Grad { view, mode: Mode::Add }
    }

    /// Whether it adds.
    pub const fn adds(&self) -> bool {
        matches!(self.mode, Mode::Add)
    }

    /// The same with its elements in another shape.
    #[must_use]
    #[track_caller]
    pub fn reshape(self, shape: Shape) -> Grad {
        Grad { view: self.view.reshape(shape), mode: self.mode }
    }
}
