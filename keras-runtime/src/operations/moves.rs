//! Operations that move elements: each is one strided copy, and its gradient the copy back.

use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape};

use super::Compute;
use super::setting::{Index, Key};
use crate::layer::{Call, Context};
use crate::layers::support::walks;
use crate::ops::shapes::{BATCH, broadcast, full, resolve, spec_of_any};
use crate::plan::{Ints, MaskRule, Message, Plan, PlanResult, Spec, catalogue};
use crate::plan_try;

/// An operation that moves elements.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "const evaluation has no boxes")]
pub(super) enum Move {
    /// `x[..]`.
    GetItem(Key),
    /// Axis `i` of the result is axis `axes[i]`; none: reversed.
    Transpose(Option<Ints>),
    /// Two axes change places.
    SwapAxes(isize, isize),
    /// Axes move to other places, the rest keep their order.
    Shift(Ints, Ints),
    /// The other way round along these axes.
    Flip(Ints),
    /// To a larger shape, which is given with the batch in front.
    Broadcast(Ints),
    /// Each element so many times.
    Repeat(usize, isize),
    /// The whole so many times along each of the last axes.
    Tile(Ints),
}

/// Where the elements of the result are in the input.
struct Plot {
    /// The result's shape.
    shape: Shape,
    /// The walk over the input; it may have more axes than the result.
    walk: Shape,
    from: usize,
    strides: [isize; MAX_RANK],
}

/// Axes under construction.
struct Axes {
    shape: Shape,
    strides: [isize; MAX_RANK],
    from: isize,
}

impl Axes {
    const fn new() -> Axes {
        Axes { shape: Shape::SCALAR, strides: [0; MAX_RANK], from: 0 }
    }

    const fn push(&mut self, size: usize, stride: isize) -> Result<(), Message> {
        let rank = self.shape.rank();
        if rank == MAX_RANK {
            return Err(Message::new("would have more than 8 axes"));
        }
        self.shape = self.shape.insert(rank, size);
        self.strides[rank] = stride;
        Ok(())
    }

    /// Goes so many steps of this size further before it begins.
    const fn skip(&mut self, steps: isize, stride: isize) {
        self.from = self.from.saturating_add(steps.saturating_mul(stride));
    }

    const fn plot(self) -> Plot {
        let from = if self.from < 0 { 0 } else { self.from as usize };
        Plot { shape: self.shape, walk: self.shape, from, strides: self.strides }
    }
}

/// Which axis of so many `axis` means.
const fn axis_among(rank: usize, axis: isize) -> Result<usize, Message> {
    match resolve(rank, axis) {
        Some(axis) => Ok(axis),
        None => Err(Message::new("there is no axis ").signed(axis).text(" among ").number(rank)),
    }
}

const fn steps(x: Shape) -> [isize; MAX_RANK] {
    let strides = x.strides();
    let mut out = [0; MAX_RANK];
    let mut i = 0;
    while i < MAX_RANK {
        out[i] = strides[i] as isize;
        i += 1;
    }
    out
}

impl Move {
    const fn plot(&self, x: Shape) -> Result<Plot, Message> {
        let rank = x.rank();
        match self {
            Move::GetItem(key) => index(x, key.as_slice()),
            Move::Transpose(None) => {
                let mut order = [0; MAX_RANK];
                let mut i = 0;
                while i < rank {
                    order[i] = rank - 1 - i;
                    i += 1;
                }
                permute(x, &order, rank)
            }
            Move::Transpose(Some(axes)) => {
                let mut order = [0; MAX_RANK];
                let mut i = 0;
                while i < axes.len() {
                    order[i] = plan_try!(axis_among(rank, axes.get(i)));
                    i += 1;
                }
                permute(x, &order, axes.len())
            }
            Move::SwapAxes(a, b) => {
                let (a, b) = (plan_try!(axis_among(rank, *a)), plan_try!(axis_among(rank, *b)));
                let mut order = [0; MAX_RANK];
                let mut i = 0;
                while i < rank {
                    order[i] = i;
                    i += 1;
                }
                order[a] = b;
                order[b] = a;
                permute(x, &order, rank)
            }
            Move::Shift(from, to) => shift(x, from, to),
            Move::Flip(along) => flip(x, along),
            Move::Broadcast(dims) => spread(x, dims),
            Move::Repeat(count, along) => {
                let mut times = [[1; 2]; MAX_RANK];
                times[plan_try!(axis_among(rank, *along))][1] = *count;
                again(x, &times)
            }
            Move::Tile(counts) => {
                if counts.len() > rank {
                    let message = Message::new("`repeats` has ").number(counts.len()).text(" numbers for ");
                    return Err(message.number(rank).text(" axes"));
                }
                let mut times = [[1; 2]; MAX_RANK];
                let mut i = 0;
                while i < counts.len() {
                    if counts.get(i) < 1 {
                        return Err(Message::new("`repeats`: expected numbers of at least 1"));
                    }
                    // Counted from the end, as numpy aligns them.
                    times[rank - counts.len() + i][0] = counts.get(i) as usize;
                    i += 1;
                }
                again(x, &times)
            }
        }
    }

    fn walk(&self, x: Shape) -> (Walk, Shape) {
        let plot = self.plot(x).unwrap_or_else(|message| unreachable!("planned: {message}"));
        let to_strides = steps(plot.walk);
        let walk = Walk { shape: plot.walk, from: plot.from, from_strides: plot.strides, to: 0, to_strides };
        (walk, plot.shape)
    }
}

/// Axis `i` of the result is axis `order[i]`.
const fn permute(x: Shape, order: &[usize; MAX_RANK], len: usize) -> Result<Plot, Message> {
    let strides = steps(x);
    let mut axes = Axes::new();
    let mut seen = [false; MAX_RANK];
    let mut i = 0;
    while i < len {
        if len != x.rank() || seen[order[i]] {
            return Err(Message::new("needs each of the ").number(x.rank()).text(" axes once"));
        }
        seen[order[i]] = true;
        plan_try!(axes.push(x.dim(order[i]), strides[order[i]]));
        i += 1;
    }
    if len != x.rank() {
        return Err(Message::new("needs each of the ").number(x.rank()).text(" axes once"));
    }
    Ok(axes.plot())
}

/// `moveaxis(x, from, to)`.
const fn shift(x: Shape, from: &Ints, to: &Ints) -> Result<Plot, Message> {
    if from.len() != to.len() {
        return Err(Message::new("`source` and `destination` must name as many axes"));
    }
    let rank = x.rank();
    let (mut order, mut taken) = ([MAX_RANK; MAX_RANK], [false; MAX_RANK]);
    let mut i = 0;
    while i < from.len() {
        let (source, place) =
            (plan_try!(axis_among(rank, from.get(i))), plan_try!(axis_among(rank, to.get(i))));
        if taken[source] || order[place] != MAX_RANK {
            return Err(Message::new("`source` and `destination` name an axis twice"));
        }
        order[place] = source;
        taken[source] = true;
        i += 1;
    }
    // The rest keep their order.
    let (mut place, mut rest) = (0, 0);
    while place < rank {
        if order[place] == MAX_RANK {
            while taken[rest] {
                rest += 1;
            }
            order[place] = rest;
            rest += 1;
        }
        place += 1;
    }
    permute(x, &order, rank)
}

/// `flip(x, along)`.
const fn flip(x: Shape, along: &Ints) -> Result<Plot, Message> {
    let strides = steps(x);
    let mut flipped = [false; MAX_RANK];
    let mut i = 0;
    while i < along.len() {
        flipped[plan_try!(axis_among(x.rank(), along.get(i)))] = true;
        i += 1;
    }
    let mut axes = Axes::new();
    let mut a = 0;
    while a < x.rank() {
        if flipped[a] {
            axes.skip(x.dim(a) as isize - 1, strides[a]);
        }
        plan_try!(axes.push(x.dim(a), if flipped[a] { -strides[a] } else { strides[a] }));
        a += 1;
    }
    Ok(axes.plot())
}

/// `broadcast_to(x, dims)`; the first dimension is the batch's.
const fn spread(x: Shape, dims: &Ints) -> Result<Plot, Message> {
    let (strides, rank) = (steps(x), x.rank());
    let mut target = Shape::SCALAR;
    let mut i = 0;
    while i < dims.len() {
        let dim = if i == 0 && rank > 0 { x.dim(0) as isize } else { dims.get(i) };
        if dim < 0 {
            return Err(Message::new("`shape`: expected the batch, then dimensions of at least 0"));
        }
        target = target.insert(i, dim as usize);
        i += 1;
    }
    let fits = match broadcast(x, target) {
        Some(both) => both.same(&target),
        None => false,
    };
    if !fits || rank > target.rank() {
        let sample = if target.rank() == 0 { target } else { target.remove(0) };
        return Err(Message::new("does not broadcast to `").dims(&sample).text("`"));
    }
    let mut axes = Axes::new();
    let mut a = 0;
    while a < target.rank() {
        let stride = if a + rank >= target.rank() && x.dim(a + rank - target.rank()) > 1 {
            strides[a + rank - target.rank()]
        } else {
            0
        };
        plan_try!(axes.push(target.dim(a), stride));
        a += 1;
    }
    Ok(axes.plot())
}

/// Along each axis: the whole so many times, each element so many times.
const fn again(x: Shape, times: &[[usize; 2]; MAX_RANK]) -> Result<Plot, Message> {
    let strides = steps(x);
    let (mut axes, mut shape) = (Axes::new(), Shape::SCALAR);
    let mut a = 0;
    while a < x.rank() {
        let [whole, each] = times[a];
        if x.dim(a) == BATCH && whole * each != 1 {
            return Err(Message::new("cannot repeat the batch (axis 0)"));
        }
        let size = x.dim(a).saturating_mul(whole).saturating_mul(each);
        shape = shape.insert(a, if size > u32::MAX as usize { u32::MAX as usize } else { size });
        if whole != 1 {
            plan_try!(axes.push(whole, 0));
        }
        plan_try!(axes.push(x.dim(a), strides[a]));
        if each != 1 {
            plan_try!(axes.push(each, 0));
        }
        a += 1;
    }
    Ok(Plot { shape, ..axes.plot() })
}

/// `x[parts]`, by Python's rules.
const fn index(x: Shape, parts: &[Index]) -> Result<Plot, Message> {
    let strides = steps(x);
    let mut named = 0;
    let mut i = 0;
    while i < parts.len() {
        named += matches!(parts[i], Index::At(_) | Index::Range { .. }) as usize;
        i += 1;
    }
    if named > x.rank() {
        let message = Message::new("is indexed along ").number(named).text(" axes, but has ");
        return Err(message.number(x.rank()));
    }
    let rest = x.rank() - named;
    let (mut axes, mut at, mut rested) = (Axes::new(), 0, false);
    i = 0;
    // The axes that no part names come last unless a part says where.
    while i < parts.len() + 1 {
        let part = if i < parts.len() {
            parts[i]
        } else if rested {
            break;
        } else {
            Index::Rest
        };
        i += 1;
        match part {
            Index::New => plan_try!(axes.push(1, 0)),
            Index::Rest if rested => return Err(Message::new("an index has one `...` at most")),
            Index::Rest => {
                rested = true;
                let end = at + rest;
                while at < end {
                    plan_try!(axes.push(x.dim(at), strides[at]));
                    at += 1;
                }
            }
            Index::At(place) => {
                let size = x.dim(at) as isize;
                let found = if place < 0 { place.saturating_add(size) } else { place };
                if found < 0 || found >= size {
                    let message = Message::new("index ").signed(place).text(" is outside axis ").number(at);
                    return Err(message.text(", which has ").number(x.dim(at)));
                }
                axes.skip(found, strides[at]);
                at += 1;
            }
            Index::Range { start, stop, step } => {
                let (first, count) = range(x.dim(at) as isize, start, stop, step);
                // Of an empty batch nothing is left, and that is right.
                if step == 0 || (count == 0 && x.dim(at) > 0) {
                    return Err(Message::new("nothing of axis ").number(at).text(" is left"));
                }
                axes.skip(first, strides[at]);
                plan_try!(axes.push(count, strides[at].saturating_mul(step)));
                at += 1;
            }
        }
    }
    Ok(axes.plot())
}

/// Where `start:stop:step` begins on an axis of this size, and how many elements it has.
const fn range(size: isize, start: Option<isize>, stop: Option<isize>, step: isize) -> (isize, usize) {
    const fn bound(bound: Option<isize>, otherwise: isize, size: isize, low: isize, high: isize) -> isize {
        let Some(bound) = bound else { return otherwise };
        let at = if bound < 0 { bound.saturating_add(size) } else { bound };
        if at < low {
            low
        } else if at > high {
            high
        } else {
            at
        }
    }
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let (before, after) = if step > 0 { (low, high) } else { (high, low) };
    let (first, last) = (bound(start, before, size, low, high), bound(stop, after, size, low, high));
    let span = if step > 0 { last - first } else { first - last };
    let stride = step.unsigned_abs();
    let count = if span <= 0 || stride == 0 { 0 } else { (span as usize).div_ceil(stride) };
    (first, count)
}

impl Move {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let x = full(&inputs[0]);
        let plot = plan_try!(self.plot(x));
        let stays = x.rank() == 0
            || (plot.shape.rank() > 0
                && plot.shape.dim(0) == x.dim(0)
                && (plot.from == 0 || plot.from < x.size_between(1, x.rank())));
        if inputs[0].batched() && !stays {
            return Err(Message::new("cannot move or cut the batch (axis 0)"));
        }
        Ok(Plan::new(plan_try!(spec_of_any(plot.shape, inputs[0].dtype()))).mask(MaskRule::Drop))
    }
}

impl Compute for Move {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (walk, _) = self.walk(call.inputs[0].shape());
        cx.device.walk(&walk, call.inputs[0], Grad::write(call.outputs[0]));
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(mut dx) = call.input_grads[0] else { return };
        let (walk, shape) = self.walk(dx.view.shape());
        // What is left out, or read more than once, is added to zeros.
        let once = shape.size() == dx.view.size() && !matches!(self, Move::Broadcast(_));
        if !once {
            super::zero(cx, Some(dx));
            dx = Grad::add(dx.view);
        }
        let back = Walk {
            shape: walk.shape,
            from: walk.to,
            from_strides: walk.to_strides,
            to: walk.from,
            to_strides: walk.from_strides,
        };
        cx.device.walk(&back, call.output_grads[0], dx);
    }
}

/// Another shape of the same elements: nothing is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reshape {
    /// To these dimensions, the batch included; -1 for what remains.
    To(Ints),
    /// A new axis of 1 at each of these places of the result.
    ExpandDims(Ints),
    /// Without these axes of 1; none: all of them.
    Squeeze(Option<Ints>),
}

impl Reshape {
    const fn shape(&self, x: &Spec) -> Result<Shape, Message> {
        let from = full(x);
        match self {
            Reshape::To(dims) => {
                let op = crate::ops::generated::Reshape { shape: *dims };
                Ok(full(&plan_try!(op.spec(std::slice::from_ref(x)))))
            }
            Reshape::ExpandDims(axes) => {
                let rank = from.rank() + axes.len();
                if rank > MAX_RANK {
                    return Err(Message::new("would have more than 8 axes"));
                }
                let mut new = [false; MAX_RANK];
                let mut i = 0;
                while i < axes.len() {
                    let Some(place) = resolve(rank, axes.get(i)) else {
                        return Err(catalogue::axis(axes.get(i), x));
                    };
                    if new[place] {
                        return Err(Message::new("an axis occurs twice"));
                    }
                    new[place] = true;
                    i += 1;
                }
                let (mut shape, mut place) = (from, 0);
                while place < rank {
                    if new[place] {
                        shape = shape.insert(place, 1);
                    }
                    place += 1;
                }
                Ok(shape)
            }
            Reshape::Squeeze(axes) => {
                let mut gone = [false; MAX_RANK];
                let mut i = 0;
                match axes {
                    None => {
                        while i < from.rank() {
                            gone[i] = from.dim(i) == 1;
                            i += 1;
                        }
                    }
                    Some(axes) => {
                        while i < axes.len() {
                            let axis = axes.get(i);
                            let Some(at) = resolve(from.rank(), axis) else {
                                return Err(catalogue::axis(axis, x));
                            };
                            if from.dim(at) != 1 {
                                let message = Message::new("axis ").signed(axis).text(" of ").spec(x);
                                return Err(message.text(" is not 1"));
                            }
                            gone[at] = true;
                            i += 1;
                        }
                    }
                }
                let (mut shape, mut at) = (from, from.rank());
                while at > 0 {
                    at -= 1;
                    if gone[at] {
                        shape = shape.remove(at);
                    }
                }
                Ok(shape)
            }
        }
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let spec = plan_try!(spec_of_any(plan_try!(self.shape(&inputs[0])), inputs[0].dtype()));
        if inputs[0].batched() && !spec.batched() {
            return Err(Message::new("cannot put anything before the batch (axis 0)"));
        }
        Ok(Plan::new(spec).alias().mask(MaskRule::Drop))
    }
}

impl Compute for Reshape {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        walks::forward_alias(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        walks::backward_alias(cx, call);
    }
}
