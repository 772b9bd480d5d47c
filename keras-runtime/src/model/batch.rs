//! Batches: typed data at the border of a model.

use std::marker::PhantomData;

use keras_kernels::{DType, Element, Shape};
use ndarray::{Array, ArrayD, ArrayView, Dimension, IxDyn};

use super::dims::Dims;
use crate::{Error, Result};

/// Samples of shape `D`, row-major, one after the other.
///
/// ```
/// use keras_runtime::model::{Batch, D2};
/// let batch: Batch<D2<2, 3>> = Batch::new((0..12).map(|i| i as f32).collect())?;
/// assert_eq!(batch.len(), 2);
/// assert_eq!(batch.sample(1), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
/// # Ok::<(), keras_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<D, T = f32> {
    data: Vec<T>,
    len: usize,
    dims: PhantomData<D>,
}

impl<D: Dims, T: Element> Batch<D, T> {
    /// From numbers, sample after sample.
    ///
    /// # Errors
    /// If they do not make whole samples.
    pub fn new(data: Vec<T>) -> Result<Self> {
        let size = D::SHAPE.size();
        if size == 0 || !data.len().is_multiple_of(size) {
            let (found, shape) = (data.len(), D::SHAPE);
            return Err(Error::Data(format!(
                "{found} numbers are not whole samples of shape {shape} ({size} each)"
            )));
        }
        Ok(Batch { len: data.len() / size, data, dims: PhantomData })
    }

    /// `len` samples of zeros.
    pub fn zeros(len: usize) -> Self {
        Batch { data: vec![T::default(); len * D::SHAPE.size()], len, dims: PhantomData }
    }

    /// From an array whose first dimension is the batch.
    ///
    /// # Errors
    /// If the other dimensions are not those of `D`.
    pub fn from_array<I: Dimension>(array: ArrayView<'_, T, I>) -> Result<Self> {
        let shape = array.shape();
        let expected = D::SHAPE.to_vec();
        if shape.is_empty() || shape[1..] != expected[..] {
            let (found, expected) = (format!("{shape:?}"), D::SHAPE);
            return Err(Error::Data(format!(
                "an array of shape {found} is not a batch of {expected}: expected the batch dimension, then {expected}"
            )));
        }
        Ok(Batch { len: shape[0], data: array.iter().copied().collect(), dims: PhantomData })
    }

    /// As an array whose first dimension is the batch.
    pub fn to_array(&self) -> ArrayD<T> {
        let mut shape = vec![self.len];
        shape.extend(D::SHAPE.dims());
        Array::from_shape_vec(IxDyn(&shape), self.data.clone())
            .unwrap_or_else(|_| Array::default(IxDyn(&[0])))
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One sample.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn sample(&self, i: usize) -> &[T] {
        let size = D::SHAPE.size();
        &self.data[i * size..(i + 1) * size]
    }

    /// All numbers.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// All numbers, to write.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// All numbers, sample after sample.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// Samples `from..to`.
    ///
    /// # Panics
    /// If there are no such samples.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        let size = D::SHAPE.size();
        Batch { data: self.data[from * size..to * size].to_vec(), len: to - from, dims: PhantomData }
    }
}

impl<D: Dims, T> Batch<D, T> {
    /// Keeps the first `len` samples, or all if there are fewer.
    pub fn truncate(&mut self, len: usize) {
        self.data.truncate(len.saturating_mul(D::SHAPE.size()));
        self.len = self.len.min(len);
    }

    /// Adds the samples of another batch at the end.
    pub fn append(&mut self, more: Batch<D, T>) {
        self.data.extend(more.data);
        self.len += more.len;
    }
}

/// One port of a data set: samples of one shape and type, without their static type.
#[derive(Clone, Copy)]
pub struct Port<'a> {
    /// The numbers' bytes, sample after sample.
    pub bytes: &'a [u8],
    /// Shape of a sample.
    pub shape: Shape,
    /// Element type.
    pub dtype: DType,
    /// Number of samples.
    pub len: usize,
}

/// Data with one or several ports: a [`Batch`], or a tuple of them, in the order of a model's inputs or outputs.
pub trait Ports: Send + Sync {
    /// How many ports.
    const PORTS: usize;
    /// Port `i`.
    fn port(&self, i: usize) -> Port<'_>;
    /// Room for `len` samples.
    fn room(len: usize) -> Self;
    /// The bytes of port `i`, to write.
    fn port_mut(&mut self, i: usize) -> &mut [u8];
    /// Adds samples at the end.
    fn append(&mut self, more: Self);
    /// Keeps the first `len` samples.
    fn truncate(&mut self, len: usize);
    /// Number of samples.
    fn samples(&self) -> usize {
        self.port(0).len
    }
}

impl<D: Dims, T: Element> Ports for Batch<D, T> {
    const PORTS: usize = 1;
    fn port(&self, _: usize) -> Port<'_> {
        let len = std::mem::size_of_val(&self.data[..]);
        // SAFETY: the elements are plain numbers (`Element` is sealed), so their bytes are initialised.
        let bytes = unsafe { std::slice::from_raw_parts(self.data.as_ptr().cast(), len) };
        Port { bytes, shape: D::SHAPE, dtype: T::DTYPE, len: self.len }
    }
    fn room(len: usize) -> Self {
        Batch::zeros(len)
    }
    fn port_mut(&mut self, _: usize) -> &mut [u8] {
        let len = std::mem::size_of_val(&self.data[..]);
        // SAFETY: as above; any bytes are valid numbers (`Element` has no bool).
        unsafe { std::slice::from_raw_parts_mut(self.data.as_mut_ptr().cast(), len) }
    }
    fn append(&mut self, more: Self) {
        Batch::append(self, more);
    }
    fn truncate(&mut self, len: usize) {
        Batch::truncate(self, len);
    }
}

macro_rules! tuples {
    ($($n:literal: $($t:ident $i:tt),*);* $(;)?) => { $(
        impl<$($t: Ports),*> Ports for ($($t,)*) {
            const PORTS: usize = $n;
            fn port(&self, i: usize) -> Port<'_> {
                match i { $($i => self.$i.port(0),)* _ => self.0.port(0) }
            }
            fn room(len: usize) -> Self {
                ($($t::room(len),)*)
            }
            fn port_mut(&mut self, i: usize) -> &mut [u8] {
                match i { $($i => self.$i.port_mut(0),)* _ => self.0.port_mut(0) }
            }
            fn append(&mut self, more: Self) {
                $(self.$i.append(more.$i);)*
            }
            fn truncate(&mut self, len: usize) {
                $(self.$i.truncate(len);)*
            }
        }
    )* };
}
tuples! {
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
}
