//! A loss on one output of a program: its formula with every buffer placed.

use keras_kernels::{Block, DType, Device, Grad, Shape, View, with_float};

use super::formula::{Passes, Placed, Slot, Tape, Target};
use crate::losses::{LabelKind, Loss, RowAxes};
use crate::{Error, Result};

/// How predictions fall into rows: elements are `[outer, width, inner]`, rows `[outer, 1, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub outer: usize,
    pub width: usize,
    pub inner: usize,
}

impl Geometry {
    /// For predictions of this full shape.
    pub fn new(loss: &dyn Loss, shape: Shape) -> Result<Geometry> {
        let rank = shape.rank();
        match loss.axes() {
            RowAxes::All => Ok(Geometry { outer: 1, width: shape.size(), inner: 1 }),
            // One number a sample: rows of one.
            RowAxes::One(-1) if rank == 1 => Ok(Geometry { outer: shape.size(), width: 1, inner: 1 }),
            RowAxes::One(axis) => Geometry::of_axes(loss, shape, &[axis], 1),
            RowAxes::Several(axes) => Geometry::of_axes(loss, shape, axes.as_slice(), 0),
        }
    }

    /// Axes from `first` on that lie side by side.
    fn of_axes(loss: &dyn Loss, shape: Shape, axes: &[isize], first: isize) -> Result<Geometry> {
        let rank = shape.rank() as isize;
        let mut at: Vec<isize> = axes.iter().map(|a| if *a < 0 { a + rank } else { *a }).collect();
        at.sort_unstable();
        let side_by_side = at.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        if at.is_empty() || at[0] < first || at[at.len() - 1] >= rank || !side_by_side {
            return Err(Error::Argument(format!(
                "{}: axes {axes:?} of predictions of shape {shape} cannot make a row (0 is the batch)",
                loss.class_name()
            )));
        }
        let (from, to) = (at[0] as usize, at[at.len() - 1] as usize + 1);
        Ok(Geometry {
            outer: shape.size_between(0, from),
            width: shape.size_between(from, to),
            inner: shape.size_between(to, shape.rank()),
        })
    }

    pub fn rows(&self) -> usize {
        self.outer * self.inner
    }

    pub fn size(&self) -> usize {
        self.rows() * self.width
    }

    fn elements(&self) -> Shape {
        Shape::of(&[self.outer, self.width, self.inner])
    }

    fn row_shape(&self) -> Shape {
        Shape::of(&[self.outer, 1, self.inner])
    }
}

/// A loss on one output of a program.
pub(crate) struct Objective {
    pub geometry: Geometry,
    /// Where labels go, as 32-bit floats.
    pub labels: View,
    /// Where the rows' shares go, as 32-bit floats.
    pub shares: View,
    value: View,
    placed: Placed,
    _block: Box<dyn Block>,
}

/// Inputs of the formula.
const LABELS: u8 = 0;
const PREDICTIONS: u8 = 1;
const SHARES: u8 = 2;
const CLASSES: u8 = 3;

impl Objective {
    /// Places a loss on predictions; with `gradient` it also writes that.
    pub fn new(
        device: &Device,
        loss: &dyn Loss,
        predictions: View,
        gradient: Option<Grad>,
    ) -> Result<Objective> {
        let geometry = Geometry::new(loss, predictions.shape())?;
        let sparse = loss.label_kind() == LabelKind::Sparse;
        let tape = Tape::new(geometry.width);
        let labels =
            if sparse { tape.row(LABELS).equal(tape.element(CLASSES)) } else { tape.element(LABELS) };
        let (prediction, share) = (tape.element(PREDICTIONS), tape.row(SHARES));
        let value = loss.rows(labels, prediction);
        if !value.is_row() {
            return Err(Error::Argument(format!("{}: a loss yields one number a row", loss.class_name())));
        }
        if tape.asks_where() {
            return Err(Error::Argument(format!(
                "{}: `row_argmax` is for metrics; a loss cannot use it, as it has no gradient",
                loss.class_name()
            )));
        }
        // Rows of weight 0 do not count, whatever their number is.
        let counted = share.not_equal(share.constant(0.0)).select(value * share, share.constant(0.0));
        let mut outputs = vec![(counted, Target::Row)];
        if gradient.is_some() {
            let seed = share * tape.scalar(0);
            outputs.push((value.gradient(seed, prediction), Target::Element));
        }
        let passes = Passes::new(&outputs);
        if !passes.fit() {
            return Err(Error::Argument(format!(
                "{}: this loss has too many operations for one pass over memory",
                loss.class_name()
            )));
        }

        let float = predictions.dtype();
        let (rows, size) = (geometry.rows(), geometry.size());
        let label_count = if sparse { rows } else { size };
        let mut end = 0;
        let mut take = |numbers: usize, dtype: DType| {
            let at = end;
            end += (numbers * dtype.size()).next_multiple_of(64);
            at
        };
        let labels_at = take(label_count, DType::F32);
        let shares_at = take(rows, DType::F32);
        let classes_at = take(if sparse { geometry.width } else { 0 }, DType::F32);
        let value_at = take(1, float);
        let rows_at: Vec<usize> = (0..passes.row_scratch).map(|_| take(rows, float)).collect();
        let elements_at: Vec<usize> = (0..passes.element_scratch).map(|_| take(size, float)).collect();
        let block = device.allocate(end)?;
        let view = |at: usize, shape: Shape, dtype: DType| {
            assert!(at + shape.size() * dtype.size() <= end);
            // SAFETY: inside the block, which the objective keeps; every place starts on 64 bytes and none overlap.
            unsafe { View::new(block.address().add(at), shape, dtype) }
        };
        let label_shape = if sparse { geometry.row_shape() } else { geometry.elements() };
        let labels = view(labels_at, label_shape, DType::F32);
        let shares = view(shares_at, geometry.row_shape(), DType::F32);
        let classes =
            view(classes_at, Shape::of(&[1, if sparse { geometry.width } else { 0 }, 1]), DType::F32);
        if sparse {
            let numbers: Vec<u8> = (0..geometry.width).flat_map(|i| (i as f32).to_ne_bytes()).collect();
            device.upload(&numbers, classes);
        }
        let value = view(value_at, Shape::of(&[1, 1, 1]), float);
        let predictions = predictions.reshape(geometry.elements());
        let place = |slot: Slot| match slot {
            Slot::Input(LABELS) => labels,
            Slot::Input(PREDICTIONS) => predictions,
            Slot::Input(SHARES) => shares,
            Slot::Input(CLASSES) => classes,
            Slot::Row(i) => view(rows_at[i], geometry.row_shape(), float),
            Slot::Element(i) => view(elements_at[i], geometry.elements(), float),
            other => unreachable!("a loss has no {other:?}"),
        };
        let output = |i: usize| match (i, gradient) {
            (1, Some(gradient)) => gradient.reshape(geometry.elements()),
            _ => Grad::write(value),
        };
        let placed = passes.place(&place, &output);
        Ok(Objective { geometry, labels, shares, value, placed, _block: block })
    }

    /// Computes the loss, and its gradient times `scale`. Labels and shares are there.
    pub fn run(&self, device: &Device, scale: f64) -> f64 {
        self.placed.run(device, &[scale]);
        read_number(device, self.value)
    }
}

/// The one number of a float view.
#[allow(clippy::unnecessary_cast)] // `T` may be the type that is wanted.
pub(crate) fn read_number(device: &Device, view: View) -> f64 {
    with_float!(view.dtype(), T => {
        let mut bytes = [0; size_of::<T>()];
        device.download(view, &mut bytes);
        T::from_ne_bytes(bytes) as f64
    })
}

/// A slice of 32-bit floats as bytes.
pub(crate) fn bytes_of(values: &[f32]) -> &[u8] {
    // SAFETY: floats have no padding, and any of their bytes is initialised.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// Reads a float view as 32-bit floats; `staging` has room for 64-bit ones.
pub(crate) fn read_floats(device: &Device, view: View, to: &mut [f32], staging: &mut Vec<u8>) {
    if view.dtype() == DType::F32 {
        // SAFETY: as in `bytes_of`; any bytes are a float.
        let bytes = unsafe { std::slice::from_raw_parts_mut(to.as_mut_ptr().cast(), size_of_val(to)) };
        return device.download(view, bytes);
    }
    staging.resize(view.size() * view.dtype().size(), 0);
    device.download(view, staging);
    let (numbers, _) = staging.as_chunks::<8>();
    to.iter_mut().zip(numbers).for_each(|(to, b)| *to = f64::from_ne_bytes(*b) as f32);
}
