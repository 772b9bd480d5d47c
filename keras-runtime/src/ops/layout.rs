//! Operations that move elements or read them in another shape.

use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use super::shapes::{axis_of, full, resolve, spec_of};
use super::{Backward, Op};
use crate::layer::Context;
use crate::plan::{Ints, Message, Spec, catalogue};
use crate::plan_try;

fn strides(shape: Shape) -> [isize; MAX_RANK] {
    shape.strides().map(|s| s as isize)
}

fn whole(view: View) -> Grad {
    Grad::write(view)
}

/// The spec of `x` itself.
pub const fn identity(inputs: &[Spec]) -> Result<Spec, Message> {
    Ok(inputs[0])
}

/// `reshape(x, shape)`: the same elements. The first dimension of a batched tensor is -1, the batch; one other may be -1, what
/// remains.
#[derive(Clone, Copy)]
pub struct Reshape {
    /// The new shape, the batch included.
    pub shape: Ints,
}

impl Reshape {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let x = &inputs[0];
        let skip = x.batched() as usize;
        if x.batched() && (self.shape.is_empty() || self.shape.get(0) != -1) {
            return Err(Message::new("the first dimension of a shape is the batch, -1"));
        }
        let (mut known, mut free) = (1usize, None);
        let mut i = skip;
        while i < self.shape.len() {
            let n = self.shape.get(i);
            if n == -1 && free.is_none() {
                free = Some(i);
            } else if n < 0 {
                return Err(Message::new("a dimension must be positive, or -1 once, found ").signed(n));
            } else {
                known = known.saturating_mul(n as usize);
            }
            i += 1;
        }
        let rest = match x.size().checked_div(known) {
            Some(rest) => rest,
            None => 0,
        };
        let fits = if free.is_some() { known * rest == x.size() } else { known == x.size() };
        if !fits {
            let message = Message::new("cannot give the ").number(x.size()).text(" elements of ").spec(x);
            return Err(message.text(" this shape, which has ").number(known));
        }
        let mut shape = Shape::SCALAR;
        let mut i = skip;
        while i < self.shape.len() {
            let n = self.shape.get(i);
            shape = shape.insert(shape.rank(), if n == -1 { rest } else { n as usize });
            i += 1;
        }
        Ok(x.with_shape(shape))
    }
}

/// `expand_dims(x, axis)`: a dimension of 1 at `axis` of the result.
#[derive(Clone, Copy)]
pub struct ExpandDims {
    /// Where it stands in the result.
    pub axis: isize,
}

impl ExpandDims {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let shape = full(&inputs[0]);
        if shape.rank() == keras_kernels::MAX_RANK {
            return Err(Message::new("the result would have more than 8 dimensions: found ").spec(&inputs[0]));
        }
        match resolve(shape.rank() + 1, self.axis) {
            Some(axis) => spec_of(shape.insert(axis, 1), inputs[0].dtype()),
            None => Err(catalogue::axis(self.axis, &inputs[0])),
        }
    }
}

/// `squeeze(x, axis)`: without a dimension that is 1.
#[derive(Clone, Copy)]
pub struct Squeeze {
    /// The dimension.
    pub axis: isize,
}

impl Squeeze {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let axis = plan_try!(axis_of(&inputs[0], self.axis));
        let shape = full(&inputs[0]);
        if shape.dim(axis) != 1 {
            let message = Message::new("axis ").signed(self.axis).text(" of ").spec(&inputs[0]);
            return Err(message.text(" is not 1"));
        }
        spec_of(shape.remove(axis), inputs[0].dtype())
    }
}

/// `transpose(x, axes)`: axis `i` of the result is axis `axes[i]` of `x`.
#[derive(Clone, Copy)]
pub struct Transpose {
    /// A permutation of all axes; empty: reversed.
    pub axes: Ints,
}

impl Transpose {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let x = full(&inputs[0]);
        if !self.axes.is_empty() && self.axes.len() != x.rank() {
            let message = Message::new("needs ").number(x.rank()).text(" axes for ").spec(&inputs[0]);
            return Err(message.text(", found ").number(self.axes.len()));
        }
        let (mut shape, mut seen) = (x, 0usize);
        let mut i = 0;
        while i < x.rank() {
            let axis = plan_try!(axis_of(&inputs[0], self.axis(i, x.rank())));
            if seen >> axis & 1 == 1 {
                return Err(Message::new("axis ").number(axis).text(" occurs twice"));
            }
            seen |= 1 << axis;
            shape = shape.with_dim(i, x.dim(axis));
            i += 1;
        }
        spec_of(shape, inputs[0].dtype())
    }

    const fn axis(&self, i: usize, rank: usize) -> isize {
        if self.axes.is_empty() { (rank - 1 - i) as isize } else { self.axes.get(i) }
    }

    /// The walk over `x` in the order of the result.
    fn walk(&self, x: Shape) -> Walk {
        let (from, mut shape, mut strided) = (strides(x), x, [0; MAX_RANK]);
        for i in 0..x.rank() {
            let axis = resolve(x.rank(), self.axis(i, x.rank())).expect("planned");
            shape = shape.with_dim(i, x.dim(axis));
            strided[i] = from[axis];
        }
        Walk { shape, from: 0, from_strides: strided, to: 0, to_strides: strides(shape) }
    }
}

impl Op for Transpose {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        cx.device.walk(&self.walk(inputs[0].shape()), inputs[0], whole(y));
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let Some(dx) = pass.grads[0] else { return };
        let walk = self.walk(dx.view.shape());
        let (from_strides, to_strides) = (walk.to_strides, walk.from_strides);
        cx.device.walk(&Walk { from_strides, to_strides, ..walk }, pass.dy, dx);
    }
}

/// A block of `y` that starts at `start` along `axis`, against a tensor of the block's shape.
fn block(y: Shape, axis: usize, start: usize, shape: Shape) -> Walk {
    let to_strides = strides(y);
    let to = start * to_strides[axis] as usize;
    Walk { shape, from: 0, from_strides: strides(shape), to, to_strides }
}

/// The other direction.
fn reversed(walk: Walk) -> Walk {
    let Walk { shape, from, from_strides, to, to_strides } = walk;
    Walk { shape, from: to, from_strides: to_strides, to: from, to_strides: from_strides }
}

/// `concatenate([a, b], axis)`.
#[derive(Clone, Copy)]
pub struct Concat {
    /// The axis.
    pub axis: isize,
}

impl Concat {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let axis = plan_try!(axis_of(&inputs[0], self.axis));
        let mut shape = full(&inputs[0]);
        if inputs[0].batched() && axis == 0 {
            return Err(Message::new("cannot join batches (axis 0)"));
        }
        let mut i = 1;
        while i < inputs.len() {
            let other = full(&inputs[i]);
            let agree = other.rank() == shape.rank()
                && other.with_dim(axis, 1).same(&shape.with_dim(axis, 1))
                && inputs[i].dtype().same(inputs[0].dtype());
            if !agree {
                let message = Message::new("cannot join ").spec(&inputs[0]).text(" and ").spec(&inputs[i]);
                return Err(message.text(" along axis ").signed(self.axis));
            }
            shape = shape.with_dim(axis, shape.dim(axis) + other.dim(axis));
            i += 1;
        }
        spec_of(shape, inputs[0].dtype())
    }

    /// A walk into the result for each input.
    fn walks(&self, inputs: &[View], y: View) -> impl Iterator<Item = Walk> {
        let (shape, mut start) = (y.shape(), 0);
        let axis = resolve(shape.rank(), self.axis).expect("planned");
        inputs.iter().map(move |x| {
            let walk = block(shape, axis, start, x.shape());
            start += x.shape().dim(axis);
            walk
        })
    }
}

impl Op for Concat {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        self.walks(inputs, y).zip(inputs).for_each(|(walk, x)| cx.device.walk(&walk, *x, whole(y)));
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        for (walk, dx) in self.walks(pass.inputs, pass.dy).zip(pass.grads) {
            if let Some(dx) = dx {
                cx.device.walk(&reversed(walk), pass.dy, *dx);
            }
        }
    }
}

/// `slice(x, axis, start..end)`, negative ends counted from the end, as Python does; also a part of `split(x, axis)`.
#[derive(Clone, Copy)]
pub struct Slice {
    /// The axis.
    pub axis: isize,
    /// Its bounds.
    pub part: Part,
}

/// Which part of an axis.
#[derive(Clone, Copy)]
pub enum Part {
    /// From the first up to, not including, the second.
    Range(isize, isize),
    /// One of so many equal parts.
    Nth(usize, usize),
}

impl Slice {
    /// Elements `start..end` of an axis.
    pub const fn range(axis: isize, start: isize, end: isize) -> Slice {
        Slice { axis, part: Part::Range(start, end) }
    }

    /// Part `n` of `count` equal ones.
    pub const fn nth(axis: isize, n: usize, count: usize) -> Slice {
        Slice { axis, part: Part::Nth(n, count) }
    }

    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let x = &inputs[0];
        let axis = plan_try!(axis_of(x, self.axis));
        if x.batched() && axis == 0 {
            return Err(Message::new("cannot cut the batch (axis 0)"));
        }
        let size = full(x).dim(axis);
        if let Part::Nth(_, count) = self.part {
            if count == 0 || !size.is_multiple_of(count) {
                let message = Message::new("cannot split axis ").signed(self.axis).text(" of ").spec(x);
                return Err(message.text(" into ").number(count).text(" equal parts"));
            }
        }
        let (start, end) = self.bounds(size);
        if start >= end {
            let message = Message::new("nothing of axis ").signed(self.axis).text(" of ").spec(x);
            return Err(message.text(" is left"));
        }
        spec_of(full(x).with_dim(axis, end - start), x.dtype())
    }

    const fn bounds(&self, size: usize) -> (usize, usize) {
        const fn clamp(at: isize, size: usize) -> usize {
            let at = if at < 0 { at + size as isize } else { at };
            if at < 0 {
                0
            } else if at as usize > size {
                size
            } else {
                at as usize
            }
        }
        match self.part {
            Part::Range(start, end) => (clamp(start, size), clamp(end, size)),
            Part::Nth(n, count) => (size / count * n, size / count * (n + 1)),
        }
    }

    fn walk(&self, x: Shape, y: Shape) -> Walk {
        let axis = resolve(x.rank(), self.axis).expect("planned");
        reversed(block(x, axis, self.bounds(x.dim(axis)).0, y))
    }
}

impl Op for Slice {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        cx.device.walk(&self.walk(inputs[0].shape(), y.shape()), inputs[0], whole(y));
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let Some(dx) = pass.grads[0] else { return };
        // What the slice leaves out has no gradient.
        if !dx.adds() {
            cx.device.fill(0.0, dx.view);
        }
        let walk = reversed(self.walk(dx.view.shape(), pass.dy.shape()));
        cx.device.walk(&walk, pass.dy, Grad::add(dx.view));
    }
}
