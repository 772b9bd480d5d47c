//! Full shapes in const evaluation, with a number that stands for the batch, so that one rule serves both sides.

use keras_kernels::{DType, Shape};

use crate::plan::{Message, Spec, catalogue};

/// Stands for the size of the batch: no dimension of a sample is that large.
pub(crate) const BATCH: usize = u32::MAX as usize;

/// The full shape, the batch first if there is one.
pub(crate) const fn full(spec: &Spec) -> Shape {
    spec.shape_for(BATCH)
}

/// The spec of a full shape inside a `#[call]`.
pub(crate) const fn spec_of(full: Shape, dtype: DType) -> Result<Spec, Message> {
    // Values between operations lie in buffers of these types.
    if !dtype.is_float() && !matches!(dtype, DType::I32) {
        return Err(Message::new("moves floats and numbers of type int32, found ").text(dtype.name()));
    }
    spec_of_any(full, dtype)
}

/// The spec of a full shape that a node of a graph yields: those have places for every type.
pub(crate) const fn spec_of_any(full: Shape, dtype: DType) -> Result<Spec, Message> {
    let mut i = 1;
    while i < full.rank() {
        if full.dim(i) == BATCH {
            return Err(Message::new("the batch must stay axis 0"));
        }
        i += 1;
    }
    let batched = full.rank() > 0 && full.dim(0) == BATCH;
    let spec = if batched { Spec::sample(full.remove(0)) } else { Spec::fixed(full) };
    Ok(spec.with_dtype(dtype))
}

/// Which axis of the full shape `axis` means.
pub(crate) const fn axis_of(spec: &Spec, axis: isize) -> Result<usize, Message> {
    match resolve(full(spec).rank(), axis) {
        Some(axis) => Ok(axis),
        None => Err(catalogue::axis(axis, spec)),
    }
}

/// `axis` counted from 0; `None` if a tensor of this rank has no such.
pub(crate) const fn resolve(rank: usize, axis: isize) -> Option<usize> {
    let at = if axis < 0 { axis + rank as isize } else { axis };
    if at < 0 || at >= rank as isize { None } else { Some(at as usize) }
}

/// Numpy's broadcasting of two full shapes, aligned at the end.
pub(crate) const fn broadcast(a: Shape, b: Shape) -> Option<Shape> {
    let (long, short) = if a.rank() >= b.rank() { (a, b) } else { (b, a) };
    let lead = long.rank() - short.rank();
    let mut out = long;
    let mut i = 0;
    while i < short.rank() {
        let (n, m) = (long.dim(lead + i), short.dim(i));
        if n != m && m != 1 {
            if n != 1 {
                return None;
            }
            out = out.with_dim(lead + i, m);
        }
        i += 1;
    }
    Some(out)
}

/// The float that a function of these values is, element by element.
///
/// # Errors
/// If the shapes do not broadcast.
pub const fn elementwise(inputs: &[Spec]) -> Result<Spec, Message> {
    let mut shape = Shape::SCALAR;
    let mut i = 0;
    while i < inputs.len() {
        shape = match broadcast(shape, full(&inputs[i])) {
            Some(shape) => shape,
            None => {
                let message = Message::new("shapes ").spec(&inputs[0]).text(" and ").spec(&inputs[i]);
                return Err(message.text(" do not broadcast: dimensions must agree or be 1"));
            }
        };
        i += 1;
    }
    spec_of(shape, DType::F32)
}

/// A function of floats alone gets one.
pub(crate) const fn check_float(spec: &Spec) -> Result<(), Message> {
    if spec.dtype().is_float() { Ok(()) } else { Err(catalogue::float(spec)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_knows_the_batch() {
        let (sample, weight) = (Spec::of(&[5, 3]), Spec::fixed(Shape::of(&[3])));
        assert_eq!(elementwise(&[sample, weight]).unwrap(), sample);
        assert_eq!(elementwise(&[weight, sample]).unwrap(), sample);
        // The batch of `[batch, 3]` is not aligned with the 5 of `[batch, 5, 3]`, whatever its size.
        assert!(elementwise(&[sample, Spec::of(&[3])]).is_err());
        assert!(elementwise(&[Spec::of(&[3]), Spec::fixed(Shape::of(&[4, 3]))]).is_err());
        assert_eq!(elementwise(&[Spec::of(&[3]), Spec::fixed(Shape::of(&[1, 3]))]).unwrap(), Spec::of(&[3]));
        let column = elementwise(&[Spec::of(&[5, 1]), Spec::of(&[1, 3])]).unwrap();
        assert_eq!(column, sample);
    }
}
