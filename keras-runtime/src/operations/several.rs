//! Operations that join several tensors, or take one apart.

use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape};

use super::Compute;
use super::setting::Pairs;
use crate::layer::{Call, Context};
use crate::ops::shapes::{full, resolve, spec_of_any};
use crate::plan::{Ints, MAX_OUTPUTS, MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};
use crate::plan_try;

/// A stretch of one axis of a whole, and the walk between the two.
pub(super) fn stretch(whole: Shape, axis: usize, start: usize, part: Shape) -> Walk {
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
#[derive(Clone, Copy)]
pub(super) struct Join {
    pub axis: isize,
    /// Along a new axis.
    pub stack: bool,
}

impl Join {
    /// An input as it lies in the result.
    const fn part(&self, x: Shape) -> Option<(Shape, usize)> {
        let rank = x.rank() + self.stack as usize;
        if rank > MAX_RANK {
            return None;
        }
        match resolve(rank, self.axis) {
            Some(axis) if self.stack => Some((x.insert(axis, 1), axis)),
            Some(axis) => Some((x, axis)),
            None => None,
        }
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if inputs.is_empty() {
            return Err(Message::new("takes at least 1 input, found 0"));
        }
        let first = &inputs[0];
        let Some((mut shape, axis)) = self.part(full(first)) else {
            return Err(catalogue::axis(self.axis, first));
        };
        if first.batched() && axis == 0 {
            return Err(Message::new("cannot join batches (axis 0)"));
        }
        let mut i = 1;
        while i < inputs.len() {
            let other = &inputs[i];
            match self.part(full(other)) {
                Some((part, _))
                    if part.rank() == shape.rank()
                        && part.with_dim(axis, 1).same(&shape.with_dim(axis, 1))
                        && other.dtype().same(first.dtype()) =>
                {
                    shape = shape.with_dim(axis, shape.dim(axis) + part.dim(axis));
                }
                _ => {
                    let message = Message::new("cannot join ").spec(first).text(" and ").spec(other);
                    return Err(message.text(" along axis ").signed(self.axis));
                }
            }
            i += 1;
        }
        Ok(Plan::new(plan_try!(spec_of_any(shape, first.dtype()))).mask(MaskRule::Drop))
    }
}

impl Compute for Join {
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
#[derive(Clone, Copy)]
pub(super) struct Split {
    pub axis: isize,
    pub parts: Parts,
}

/// Where the parts are.
#[derive(Clone, Copy)]
pub(super) enum Parts {
    /// So many equal ones.
    Equal(usize),
    /// They start at 0 and at these places.
    At(Ints),
    /// One for each element, without the axis.
    Each,
}

impl Split {
    fn axis(&self, rank: usize) -> usize {
        resolve(rank, self.axis).expect("planned")
    }

    /// Start and size of part `i`.
    const fn part(&self, i: usize, size: usize) -> (usize, usize) {
        match &self.parts {
            Parts::Equal(n) => (i * (size / *n), size / *n),
            Parts::Each => (i, 1),
            Parts::At(at) => {
                let start = if i == 0 { 0 } else { Split::place(at, i - 1, size) };
                (start, Split::place(at, i, size).saturating_sub(start))
            }
        }
    }

    /// Where part `i` ends.
    const fn place(at: &Ints, i: usize, size: usize) -> usize {
        if i < at.len() && (at.get(i) as usize) < size { at.get(i) as usize } else { size }
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let (x, spec) = (full(&inputs[0]), &inputs[0]);
        let Some(axis) = resolve(x.rank(), self.axis) else { return Err(catalogue::axis(self.axis, spec)) };
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
        let mut plan = Plan::NOTHING;
        let mut i = 0;
        while i < count {
            let (_, n) = self.part(i, size);
            if n == 0 {
                let message = Message::new("part ").number(i).text(" of axis ").signed(self.axis);
                return Err(message.text(" is empty"));
            }
            let shape = if let Parts::Each = self.parts { x.remove(axis) } else { x.with_dim(axis, n) };
            plan = plan.output(plan_try!(spec_of_any(shape, spec.dtype())));
            i += 1;
        }
        Ok(plan.mask(MaskRule::Drop))
    }
}

impl Compute for Split {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let x = call.inputs[0];
        let axis = self.axis(x.shape().rank());
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
        let axis = self.axis(shape.rank());
        for (i, dy) in call.output_grads.iter().enumerate() {
            let (start, n) = self.part(i, shape.dim(axis));
            cx.device.walk(&reversed(stretch(shape, axis, start, shape.with_dim(axis, n))), *dy, dx);
        }
    }
}

/// `roll(x, shift, axis)`: two stretches change places.
#[derive(Clone, Copy)]
pub(super) struct Roll {
    pub shift: isize,
    pub axis: isize,
}

impl Roll {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        match resolve(full(&inputs[0]).rank(), self.axis) {
            None => Err(catalogue::axis(self.axis, &inputs[0])),
            Some(0) if inputs[0].batched() => Err(Message::new("cannot roll the batch (axis 0)")),
            Some(_) => Ok(Plan::new(inputs[0]).mask(MaskRule::Drop)),
        }
    }

    /// Each stretch: where it is read, where it is written, its length.
    fn stretches(&self, size: usize) -> [(usize, usize, usize); 2] {
        let shift = self.shift.rem_euclid(size.max(1) as isize) as usize;
        [(0, shift, size - shift), (size - shift, 0, shift)]
    }
}

impl Compute for Roll {
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
#[derive(Clone, Copy)]
pub(super) struct Pad {
    pub widths: Pairs,
    pub value: f64,
}

impl Pad {
    /// The place of `x` inside the result.
    fn inside(&self, x: Shape, y: Shape) -> Walk {
        let strides = y.strides().map(|s| s as isize);
        let widths = self.widths.as_slice().iter().enumerate();
        let from = widths.map(|(a, [before, _])| before * strides[a] as usize).sum();
        let to_strides = x.strides().map(|s| s as isize);
        Walk { shape: x, from, from_strides: strides, to: 0, to_strides }
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let (x, widths) = (full(&inputs[0]), self.widths.as_slice());
        if widths.len() != x.rank() {
            let message = Message::new("`pad_width` has ").number(widths.len()).text(" pairs for ");
            return Err(message.number(x.rank()).text(" axes (the batch is axis 0)"));
        }
        let mut shape = x;
        let mut a = 0;
        while a < x.rank() {
            let [before, after] = widths[a];
            if a == 0 && inputs[0].batched() {
                if before != 0 || after != 0 {
                    return Err(Message::new("cannot pad the batch (axis 0)"));
                }
            } else {
                let size = x.dim(a).saturating_add(before).saturating_add(after);
                if size > u32::MAX as usize {
                    return Err(Message::new("`pad_width` is too large"));
                }
                shape = shape.with_dim(a, size);
            }
            a += 1;
        }
        Ok(Plan::new(plan_try!(spec_of_any(shape, inputs[0].dtype()))).mask(MaskRule::Drop))
    }
}

impl Compute for Pad {
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

/// `take(x, indices, axis)` with indices that are known: each element is a stretch of one.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    pub axis: isize,
    /// Negative ones count from the end.
    pub at: Ints,
    /// Whether the axis stays; it goes for a single index.
    pub keep: bool,
}

impl Chosen {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let (x, spec) = (full(&inputs[0]), &inputs[0]);
        let Some(axis) = resolve(x.rank(), self.axis) else { return Err(catalogue::axis(self.axis, spec)) };
        if spec.batched() && axis == 0 {
            return Err(Message::new("cannot take samples of the batch (axis 0)"));
        }
        let mut i = 0;
        while i < self.at.len() {
            if resolve(x.dim(axis), self.at.get(i)).is_none() {
                let message = Message::new("index ").signed(self.at.get(i)).text(" is outside axis ");
                return Err(message.signed(self.axis).text(", which has ").number(x.dim(axis)));
            }
            i += 1;
        }
        let shape = if self.keep { x.with_dim(axis, self.at.len()) } else { x.remove(axis) };
        Ok(Plan::new(plan_try!(spec_of_any(shape, spec.dtype()))).mask(MaskRule::Drop))
    }

    /// For each index, where it is in `x` and where in the result.
    fn walks(&self, x: Shape) -> impl Iterator<Item = Walk> {
        let axis = resolve(x.rank(), self.axis).expect("planned");
        let (part, y, at) = (x.with_dim(axis, 1), x.with_dim(axis, self.at.len()), self.at);
        (0..at.len()).map(move |i| {
            let from = resolve(x.dim(axis), at.get(i)).expect("planned");
            let write = stretch(y, axis, i, part);
            Walk { to: write.from, to_strides: write.from_strides, ..stretch(x, axis, from, part) }
        })
    }
}

impl Compute for Chosen {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], call.outputs[0]);
        self.walks(x.shape()).for_each(|walk| cx.device.walk(&walk, x, Grad::write(y)));
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        // What is not taken has no gradient; what is taken twice has two.
        super::zero(cx, Some(dx));
        let walks = self.walks(dx.view.shape()).map(reversed);
        walks.for_each(|walk| cx.device.walk(&walk, call.output_grads[0], Grad::add(dx.view)));
    }
}
