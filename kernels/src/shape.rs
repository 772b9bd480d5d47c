//! Shapes: short lists of dimensions that const evaluation can compute with.

use std::fmt;

/// Most dimensions a tensor can have, its batch dimension included.
pub const MAX_RANK: usize = 8;

/// Dimensions of a tensor, outermost first, row-major.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [u32; MAX_RANK],
    rank: u8,
}

/// Elements of the largest tensor: 256 GiB of 32-bit floats. Files may say anything; sums of many sizes below this do not overflow.
const MOST: usize = 1 << 36;

/// A dimension as it is kept.
const fn narrow(n: usize) -> u32 {
    if n > u32::MAX as usize { u32::MAX } else { n as u32 }
}

impl Shape {
    /// A scalar's shape, `[]`.
    pub const SCALAR: Shape = Shape { dims: [1; MAX_RANK], rank: 0 };

    /// A shape of these dimensions. One above `u32::MAX` becomes `u32::MAX`, which [`Shape::is_oversized`] tells.
    ///
    /// # Panics
    /// With more than [`MAX_RANK`] dimensions; [`Shape::try_of`] returns `None` instead.
    #[track_caller]
    pub const fn of(dims: &[usize]) -> Shape {
        assert!(dims.len() <= MAX_RANK, "a shape has at most 8 dimensions");
        let mut shape = Shape { dims: [1; MAX_RANK], rank: dims.len() as u8 };
        let mut i = 0;
        while i < dims.len() {
            shape.dims[i] = narrow(dims[i]);
            i += 1;
        }
        shape
    }

    /// Whether it has a dimension that is too large to be counted, or too many elements to lie in memory.
    pub const fn is_oversized(&self) -> bool {
        let mut i = 0;
        while i < self.rank as usize {
            if self.dims[i] == u32::MAX {
                return true;
            }
            i += 1;
        }
        self.size() > MOST
    }

    /// A shape of these dimensions, or `None` if there are more than [`MAX_RANK`] or one is above `u32::MAX`.
    pub const fn try_of(dims: &[usize]) -> Option<Shape> {
        if dims.len() > MAX_RANK {
            return None;
        }
        let mut i = 0;
        while i < dims.len() {
            if dims[i] > u32::MAX as usize {
                return None;
            }
            i += 1;
        }
        Some(Shape::of(dims))
    }

    /// Number of dimensions.
    pub const fn rank(&self) -> usize {
        self.rank as usize
    }

    /// Dimension `axis`; 1 at and beyond the rank.
    pub const fn dim(&self, axis: usize) -> usize {
        if axis < MAX_RANK { self.dims[axis] as usize } else { 1 }
    }

    /// The last dimension; 1 for a scalar.
    pub const fn last(&self) -> usize {
        if self.rank == 0 { 1 } else { self.dims[self.rank as usize - 1] as usize }
    }

    /// Number of elements (saturating).
    pub const fn size(&self) -> usize {
        self.size_between(0, self.rank as usize)
    }

    /// Product of the dimensions `from..to` (saturating).
    pub const fn size_between(&self, from: usize, to: usize) -> usize {
        let mut n = 1usize;
        let mut i = from;
        while i < to {
            n = n.saturating_mul(self.dim(i));
            i += 1;
        }
        n
    }

    /// The same shape with dimension `axis` replaced.
    #[must_use]
    pub const fn with_dim(mut self, axis: usize, n: usize) -> Shape {
        assert!(axis < self.rank as usize);
        self.dims[axis] = narrow(n);
        self
    }

    /// The same shape with its last dimension replaced.
    #[must_use]
    pub const fn with_last(self, n: usize) -> Shape {
        self.with_dim(self.rank as usize - 1, n)
    }

    /// The shape with `n` put in at `axis`.
    ///
    /// # Panics
    /// If the rank is [`MAX_RANK`] already.
    #[must_use]
    pub const fn insert(self, axis: usize, n: usize) -> Shape {
        assert!(self.rank() < MAX_RANK && axis <= self.rank());
        let mut out = self;
        out.rank += 1;
        let mut i = self.rank();
        while i > axis {
            out.dims[i] = self.dims[i - 1];
            i -= 1;
        }
        out.dims[axis] = narrow(n);
        out
    }

    /// The shape without dimension `axis`.
    #[must_use]
    pub const fn remove(self, axis: usize) -> Shape {
        assert!(axis < self.rank());
        let mut out = self;
        let mut i = axis;
        while i + 1 < self.rank() {
            out.dims[i] = self.dims[i + 1];
            i += 1;
        }
        out.rank -= 1;
        out.dims[out.rank as usize] = 1;
        out
    }

    /// `==` in const contexts.
    pub const fn same(&self, other: &Shape) -> bool {
        if self.rank != other.rank {
            return false;
        }
        let mut i = 0;
        while i < self.rank as usize {
            if self.dims[i] != other.dims[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// The dimensions as numbers, for iteration.
    pub fn dims(&self) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator + '_ {
        self.dims[..self.rank()].iter().map(|d| *d as usize)
    }

    /// The dimensions in a vector.
    pub fn to_vec(&self) -> Vec<usize> {
        self.dims().collect()
    }

    /// Strides in elements of a row-major tensor of this shape.
    pub const fn strides(&self) -> [usize; MAX_RANK] {
        let mut strides = [0; MAX_RANK];
        let mut step = 1usize;
        let mut i = self.rank();
        while i > 0 {
            i -= 1;
            strides[i] = step;
            step = step.saturating_mul(self.dim(i));
        }
        strides
    }
}

/// A shape seen from one axis: `[outer, n, inner]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AxisSplit {
    /// Product of the dimensions before the axis.
    pub outer: usize,
    /// The axis.
    pub n: usize,
    /// Product of the dimensions after it.
    pub inner: usize,
}

impl AxisSplit {
    /// Number of elements.
    pub(crate) fn size(self) -> usize {
        self.outer * self.n * self.inner
    }
}

/// Splits a shape at an axis.
#[track_caller]
pub(crate) fn axis_split(shape: Shape, axis: usize) -> AxisSplit {
    assert!(axis < shape.rank(), "axis {axis} of {shape}");
    AxisSplit {
        outer: shape.size_between(0, axis),
        n: shape.dim(axis),
        inner: shape.size_between(axis + 1, shape.rank()),
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.dims()).finish()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
