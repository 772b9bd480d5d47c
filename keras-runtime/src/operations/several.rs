//! Operations that join several tensors, or take one apart.

use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape};

use super::Compute;
use crate::layer::{Call, Context};
use crate::ops::shapes::{full, resolve, spec_of_any};
use crate::plan::{MAX_OUTPUTS, MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// A stretch of one axis of a whole, and the walk between the two.
fn stretch(whole: Shape, axis: usize, start: usize, part: Shape) -> Walk {
    let strides = |shape: Shape| shape.strides().map(|s| s as isize);
    let from_strides = strides(whole);
    let from = start * from_strides[axis] as usize;
    Walk { shape: part, from, from_strides, to: 0, to_strides: strides(part) }
}

fn reversed(walk: Walk) -> Walk {
    let Walk { shape, from, from_strides, to, to_strides } = walk;
    Walk { shape, from: to, from_strides: to_strides, to: from, to_strides: from_strides }
}

/// `concatenate(xs, axis)` and `stack(xs, axis)`.
pub(super) struct Join {
    pub axis: isize,
    /// Along a new axis.
    pub stack: bool,
}

impl Join {
    /// An input as it lies in the result.
    fn part(&self, x: Shape) -> Option<(Shape, usize)> {
        let rank = x.rank() + usize::from(self.stack);
        let axis = resolve(rank, self.axis).filter(|_| rank <= MAX_RANK)?;
        Some((if self.stack { x.insert(axis, 1) } else { x }, axis))
    }
}

impl Compute for Join {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let Some(first) = inputs.first() else { return Err(Message::new("takes at least 1 input, found 0")) };
        let (mut shape, axis) = self.part(full(first)).ok_or(catalogue::axis(self.axis, first))?;
        if first.batched() && axis == 0 {
            return Err(Message::new("cannot join batches (axis 0)"));
        }
        for other in &inputs[1..] {
            let agree = self.part(full(other)).map(|(part, _)| part).filter(|part| {
                part.rank() == shape.rank()
                    && part.with_dim(axis, 1).same(&shape.with_dim(axis, 1))
                    && other.dtype().same(first.dtype())
            });
            let Some(part) = agree else {
                let message = Message::new("cannot join ").spec(first).text(" and ").spec(other);
                return Err(message.text(" along axis ").signed(self.axis));
            };
            shape = shape.with_dim(axis, shape.dim(axis) + part.dim(axis));
        }
        Ok(Plan::new(spec_of_any(shape, first.dtype())?).mask(MaskRule::Drop))
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (y, mut start) = (call.outputs[0], 0);
        for x in &call.inputs {
            let (part, axis) = self.part(x.shape()).expect("planned");
            cx.device.walk(&reversed(stretch(y.shape(), axis, start, part)), *x, Grad::write(y));
            start += part.dim(axis);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let (dy, mut start) = (call.output_grads[0], 0);
        for (x, dx) in call.inputs.iter().zip(&call.input_grads) {
            let (part, axis) = self.part(x.shape()).expect("planned");
            if let Some(dx) = dx {
                cx.device.walk(&stretch(dy.shape(), axis, start, part), dy, *dx);
            }
            start += part.dim(axis);
        }
    }
}

/// `split(x, parts, axis)` and `unstack(x, axis)`.
pub(super) struct Take {
    pub axis: isize,
    pub parts: Parts,
}

/// Where the parts are.
pub(super) enum Parts {
    /// So many equal ones.
    Equal(usize),
    /// They start at 0 and at these places.
    At(Vec<usize>),
    /// One for each element, without the axis.
    Each,
}

impl Take {
    fn axis(&self, rank: usize) -> Option<usize> {
        resolve(rank, self.axis)
    }

    /// Start and size of part `i`.
    fn part(&self, i: usize, size: usize) -> (usize, usize) {
        match &self.parts {
            Parts::Equal(n) => (i * (size / n), size / n),
            Parts::Each => (i, 1),
            Parts::At(at) => {
                let place = |i: usize| at.get(i).map_or(size, |at| (*at).min(size));
                let start = if i == 0 { 0 } else { place(i - 1) };
                (start, place(i).saturating_sub(start))
            }
        }
    }
}

impl Compute for Take {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let (x, spec) = (full(&inputs[0]), &inputs[0]);
        let axis = self.axis(x.rank()).ok_or(catalogue::axis(self.axis, spec))?;
        if spec.batched() && axis == 0 {
            return Err(Message::new("cannot cut the batch (axis 0)"));
        }
        let size = x.dim(axis);
        let count = match &self.parts {
            Parts::Equal(n) => *n,
            Parts::At(at) => at.len() + 1,
            Parts::Each => size,
        };
        if let Parts::Equal(n) = self.parts {
            if n == 0 || !size.is_multiple_of(n) {
                let message = Message::new("cannot split axis ").signed(self.axis).text(" of ").spec(spec);
                return Err(message.text(" into ").number(n).text(" equal parts"));
            }
        }
        if count == 0 || count > MAX_OUTPUTS {
            let message = Message::new("can be taken into 1 to ").number(MAX_OUTPUTS).text(" parts, found ");
            return Err(message.number(count).text("; use slices instead"));
        }
        let mut plan: Option<Plan> = None;
        for i in 0..count {
            let (_, n) = self.part(i, size);
            if n == 0 {
                return Err(Message::new("part ")
                    .number(i)
                    .text(" of axis ")
                    .signed(self.axis)
                    .text(" is empty"));
            }
            let shape = if let Parts::Each = self.parts { x.remove(axis) } else { x.with_dim(axis, n) };
            let out = spec_of_any(shape, spec.dtype())?;
            plan = Some(plan.map_or_else(|| Plan::new(out), |plan| plan.output(out)));
        }
        plan.map(|plan| plan.mask(MaskRule::Drop)).ok_or(Message::new("has no parts"))
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let x = call.inputs[0];
        let axis = self.axis(x.shape().rank()).expect("planned");
        for (i, y) in call.outputs.iter().enumerate() {
            let (start, n) = self.part(i, x.shape().dim(axis));
            let walk = stretch(x.shape(), axis, start, x.shape().with_dim(axis, n));
            cx.device.walk(&walk, x, Grad::write(*y));
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        // The parts are the whole: each element gets its gradient once.
        let Some(dx) = call.input_grads[0] else { return };
        let shape = dx.view.shape();
        let axis = self.axis(shape.rank()).expect("planned");
        for (i, dy) in call.output_grads.iter().enumerate() {
            let (start, n) = self.part(i, shape.dim(axis));
            cx.device.walk(&reversed(stretch(shape, axis, start, shape.with_dim(axis, n))), *dy, dx);
        }
    }
}

/// `roll(x, shift, axis)`: two stretches change places.
pub(super) struct Roll {
    pub shift: isize,
    pub axis: isize,
}

impl Roll {
    /// Each stretch: where it is read, where it is written, its length.
    fn stretches(&self, size: usize) -> [(usize, usize, usize); 2] {
        let shift = self.shift.rem_euclid(size.max(1) as isize) as usize;
        [(0, shift, size - shift), (size - shift, 0, shift)]
    }
}

impl Compute for Roll {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let x = &inputs[0];
        let axis = resolve(full(x).rank(), self.axis).ok_or(catalogue::axis(self.axis, x))?;
        if x.batched() && axis == 0 {
            return Err(Message::new("cannot roll the batch (axis 0)"));
        }
        Ok(Plan::new(*x).mask(MaskRule::Drop))
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], call.outputs[0]);
        let axis = resolve(x.shape().rank(), self.axis).expect("planned");
        for (from, to, n) in self.stretches(x.shape().dim(axis)).into_iter().filter(|s| s.2 > 0) {
            let part = x.shape().with_dim(axis, n);
            let read = stretch(x.shape(), axis, from, part);
            let write = stretch(x.shape(), axis, to, part);
            let walk = Walk { to: write.from, to_strides: write.from_strides, ..read };
            cx.device.walk(&walk, x, Grad::write(y));
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        let dy = call.output_grads[0];
        let axis = resolve(dy.shape().rank(), self.axis).expect("planned");
        for (from, to, n) in self.stretches(dy.shape().dim(axis)).into_iter().filter(|s| s.2 > 0) {
            let part = dy.shape().with_dim(axis, n);
            let read = stretch(dy.shape(), axis, to, part);
            let write = stretch(dy.shape(), axis, from, part);
            let walk = Walk { to: write.from, to_strides: write.from_strides, ..read };
            cx.device.walk(&walk, dy, dx);
        }
    }
}

/// `pad(x, pad_width)` with a constant around it: widths before and after, one pair for each axis.
pub(super) struct Pad {
    pub widths: Vec<(usize, usize)>,
    pub value: f64,
}

impl Pad {
    /// The place of `x` inside the result.
    fn inside(&self, x: Shape, y: Shape) -> Walk {
        let strides = y.strides().map(|s| s as isize);
        let from = self.widths.iter().enumerate().map(|(a, (before, _))| before * strides[a] as usize).sum();
        let to_strides = x.strides().map(|s| s as isize);
        Walk { shape: x, from, from_strides: strides, to: 0, to_strides }
    }
}

impl Compute for Pad {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let x = full(&inputs[0]);
        if self.widths.len() != x.rank() {
            let message = Message::new("`pad_width` has ").number(self.widths.len()).text(" pairs for ");
            return Err(message.number(x.rank()).text(" axes"));
        }
        if inputs[0].batched() && self.widths[0] != (0, 0) {
            return Err(Message::new("cannot pad the batch (axis 0)"));
        }
        let mut shape = x;
        for (a, (before, after)) in self.widths.iter().enumerate() {
            let size = x.dim(a).saturating_add(*before).saturating_add(*after);
            if size > u32::MAX as usize {
                return Err(Message::new("`pad_width` is too large"));
            }
            shape = shape.with_dim(a, size);
        }
        Ok(Plan::new(spec_of_any(shape, inputs[0].dtype())?).mask(MaskRule::Drop))
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], call.outputs[0]);
        cx.device.fill(self.value, y);
        cx.device.walk(&reversed(self.inside(x.shape(), y.shape())), x, Grad::write(y));
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        let dy = call.output_grads[0];
        cx.device.walk(&self.inside(dx.view.shape(), dy.shape()), dy, dx);
    }
}
