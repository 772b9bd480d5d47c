//! What one value of a graph is: the shape of a sample, the element type.

use keras_kernels::{DType, Shape};

/// Shape and element type of a value, as const evaluation computes them.
///
/// The shape is that of **one sample**; the batch dimension is implied where [`Spec::batched`] says so. Axes are
/// numbered as Keras numbers them: 0 is the batch, 1 the first dimension of the sample, negative ones count from the
/// end. A weight has no batch, so its axis 0 is its first dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    shape: Shape,
    dtype: DType,
    batched: bool,
    poison: bool,
}

impl Spec {
    /// The value of a layer that could not be planned. Later layers accept it silently: one mistake, one error.
    pub const POISON: Spec = Spec { shape: Shape::SCALAR, dtype: DType::F32, batched: true, poison: true };

    /// A float value whose samples have these dimensions.
    #[track_caller]
    pub const fn of(dims: &[usize]) -> Spec {
        Spec { shape: Shape::of(dims), dtype: DType::F32, batched: true, poison: false }
    }

    /// A float value whose samples have this shape.
    pub const fn sample(shape: Shape) -> Spec {
        Spec { shape, dtype: DType::F32, batched: true, poison: false }
    }

    /// A float value without a batch dimension: a weight, or something that belongs to the batch as a whole.
    pub const fn fixed(shape: Shape) -> Spec {
        Spec { shape, dtype: DType::F32, batched: false, poison: false }
    }

    /// The same with another element type.
    #[must_use]
    pub const fn with_dtype(mut self, dtype: DType) -> Spec {
        self.dtype = dtype;
        self
    }

    /// The same with another sample shape.
    #[must_use]
    pub const fn with_shape(mut self, shape: Shape) -> Spec {
        self.shape = shape;
        self
    }

    /// The same with the last dimension replaced.
    #[must_use]
    pub const fn with_last(mut self, n: usize) -> Spec {
        self.shape = self.shape.with_last(n);
        self
    }

    /// Shape of one sample.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Element type; `F32` stands for the float type that the model runs in.
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// Whether there is one such for every sample of the batch.
    pub const fn batched(&self) -> bool {
        self.batched
    }

    /// Whether it comes from a layer that failed.
    pub const fn is_poison(&self) -> bool {
        self.poison
    }

    /// Number of dimensions of a sample.
    pub const fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// Dimension `i` of a sample, counted from 0.
    pub const fn dim(&self, i: usize) -> usize {
        self.shape.dim(i)
    }

    /// The last dimension of a sample (1 if it has none).
    pub const fn last(&self) -> usize {
        self.shape.last()
    }

    /// Elements of a sample.
    pub const fn size(&self) -> usize {
        self.shape.size()
    }

    /// Bytes of a sample.
    pub const fn bytes(&self) -> usize {
        self.size().saturating_mul(self.dtype.size())
    }

    /// Which dimension of a sample Keras' `axis` means; `None` if there is no such, or if it is the batch.
    pub const fn axis(&self, axis: isize) -> Option<usize> {
        let rank = self.rank() as isize + self.batched as isize;
        let at = if axis < 0 { axis + rank } else { axis } - self.batched as isize;
        if at < 0 || at >= self.rank() as isize { None } else { Some(at as usize) }
    }

    /// `==` in const contexts.
    pub const fn same(&self, other: &Spec) -> bool {
        self.shape.same(&other.shape) && self.dtype.same(other.dtype) && self.batched == other.batched
    }

    /// The full shape for a batch of `n`.
    pub const fn shape_for(&self, n: usize) -> Shape {
        if self.batched { self.shape.insert(0, n) } else { self.shape }
    }
}
