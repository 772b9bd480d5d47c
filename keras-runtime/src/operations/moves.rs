//! Operations that move elements: each is one strided copy, and its gradient the copy back.

use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape};

use super::Compute;
use crate::layer::{Call, Context};
use crate::layers::support::walks;
use crate::ops::shapes::{BATCH, broadcast, full, resolve, spec_of_any};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, catalogue};

/// One part of the index in `x[..]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Index {
    /// One element: the axis goes.
    At(isize),
    /// `start:stop:step`, as in Python.
    Range { start: Option<isize>, stop: Option<isize>, step: isize },
    /// `None`: a new axis of 1.
    New,
    /// `...`: the axes that no other part names.
    Rest,
}

/// An operation that moves elements.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Move {
    /// `x[..]`.
    GetItem(Vec<Index>),
    /// Axis `i` of the result is axis `axes[i]`; none: reversed.
    Transpose(Option<Vec<isize>>),
    /// Two axes change places.
    SwapAxes(isize, isize),
    /// Axes move to other places, the rest keep their order.
    Shift(Vec<isize>, Vec<isize>),
    /// The other way round along these axes.
    Flip(Vec<isize>),
    /// To a larger shape, which is given without the batch.
    Broadcast(Vec<usize>),
    /// Each element so many times.
    Repeat(usize, isize),
    /// The whole so many times along an axis.
    Tile(usize, isize),
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
    fn new() -> Axes {
        Axes { shape: Shape::SCALAR, strides: [0; MAX_RANK], from: 0 }
    }

    fn push(&mut self, size: usize, stride: isize) -> Result<(), Message> {
        let rank = self.shape.rank();
        if rank == MAX_RANK {
            return Err(Message::new("would have more than 8 axes"));
        }
        self.shape = self.shape.insert(rank, size);
        self.strides[rank] = stride;
        Ok(())
    }

    fn plot(self) -> Plot {
        Plot { shape: self.shape, walk: self.shape, from: self.from.max(0) as usize, strides: self.strides }
    }
}

impl Move {
    fn plot(&self, x: Shape) -> Result<Plot, Message> {
        let rank = x.rank();
        let strides = x.strides().map(|s| s as isize);
        let axis = |axis: isize| {
            let message = Message::new("there is no axis ").signed(axis).text(" among ").number(rank);
            resolve(rank, axis).ok_or(message)
        };
        let mut axes = Axes::new();
        match self {
            Move::GetItem(parts) => return index(x, parts),
            Move::Transpose(order) => {
                let order = match order {
                    None => (0..rank).rev().collect(),
                    Some(order) => order.iter().map(|a| axis(*a)).collect::<Result<Vec<_>, _>>()?,
                };
                permute(&mut axes, x, &order)?;
            }
            Move::SwapAxes(a, b) => {
                let mut order: Vec<usize> = (0..rank).collect();
                order.swap(axis(*a)?, axis(*b)?);
                permute(&mut axes, x, &order)?;
            }
            Move::Shift(from, to) => {
                if from.len() != to.len() {
                    return Err(Message::new("`source` and `destination` must name as many axes"));
                }
                let from = from.iter().map(|a| axis(*a)).collect::<Result<Vec<_>, _>>()?;
                let mut pairs = Vec::with_capacity(from.len());
                for (from, to) in from.iter().zip(to) {
                    pairs.push((axis(*to)?, *from));
                }
                pairs.sort_unstable();
                let mut order: Vec<usize> = (0..rank).filter(|a| !from.contains(a)).collect();
                for (to, from) in pairs {
                    order.insert(to.min(order.len()), from);
                }
                permute(&mut axes, x, &order)?;
            }
            Move::Flip(along) => {
                let along = along.iter().map(|a| axis(*a)).collect::<Result<Vec<_>, _>>()?;
                for a in 0..rank {
                    let flipped = along.contains(&a);
                    if flipped {
                        let last = (x.dim(a) as isize - 1).saturating_mul(strides[a]);
                        axes.from = axes.from.saturating_add(last);
                    }
                    axes.push(x.dim(a), if flipped { -strides[a] } else { strides[a] })?;
                }
            }
            Move::Broadcast(dims) => {
                let target = Shape::try_of(dims)
                    .filter(|s| s.rank() < MAX_RANK)
                    .ok_or(Message::new("a shape has at most 8 dimensions"))?;
                let target = target.insert(0, x.dim(0));
                let fits = broadcast(x, target).is_some_and(|both| both.same(&target));
                if !fits || rank > target.rank() {
                    return Err(Message::new("does not broadcast to `").dims(&target.remove(0)).text("`"));
                }
                for a in 0..target.rank() {
                    let own = (a + rank).checked_sub(target.rank());
                    let stride = own.filter(|a| x.dim(*a) > 1).map_or(0, |a| strides[a]);
                    axes.push(target.dim(a), stride)?;
                }
            }
            Move::Repeat(count, along) | Move::Tile(count, along) => {
                let along = axis(*along)?;
                if x.dim(along) == BATCH {
                    return Err(Message::new("cannot repeat the batch (axis 0)"));
                }
                let mut shape = Shape::SCALAR;
                for a in 0..rank {
                    let size = if a == along { x.dim(a).saturating_mul(*count) } else { x.dim(a) };
                    shape = shape.insert(a, size.min(u32::MAX as usize));
                    if a == along && matches!(self, Move::Tile(..)) {
                        axes.push(*count, 0)?;
                    }
                    axes.push(x.dim(a), strides[a])?;
                    if a == along && matches!(self, Move::Repeat(..)) {
                        axes.push(*count, 0)?;
                    }
                }
                return Ok(Plot { shape, ..axes.plot() });
            }
        }
        Ok(axes.plot())
    }

    fn walk(&self, x: Shape) -> (Walk, Shape) {
        let plot = self.plot(x).unwrap_or_else(|message| unreachable!("planned: {message}"));
        let to_strides = plot.walk.strides().map(|s| s as isize);
        let walk = Walk { shape: plot.walk, from: plot.from, from_strides: plot.strides, to: 0, to_strides };
        (walk, plot.shape)
    }
}

fn permute(axes: &mut Axes, x: Shape, order: &[usize]) -> Result<(), Message> {
    let mut seen = [false; MAX_RANK];
    if order.len() != x.rank() || order.iter().any(|a| std::mem::replace(&mut seen[*a], true)) {
        return Err(Message::new("needs each of the ").number(x.rank()).text(" axes once"));
    }
    let strides = x.strides();
    order.iter().try_for_each(|a| axes.push(x.dim(*a), strides[*a] as isize))
}

/// `x[parts]`, by Python's rules.
fn index(x: Shape, parts: &[Index]) -> Result<Plot, Message> {
    let strides = x.strides().map(|s| s as isize);
    let named = parts.iter().filter(|p| matches!(p, Index::At(_) | Index::Range { .. })).count();
    let Some(rest) = x.rank().checked_sub(named) else {
        let message = Message::new("is indexed along ").number(named).text(" axes, but has ");
        return Err(message.number(x.rank()));
    };
    let (mut axes, mut at, mut rested) = (Axes::new(), 0, false);
    let all = |axes: &mut Axes, at: &mut usize| {
        for _ in 0..rest {
            axes.push(x.dim(*at), strides[*at])?;
            *at += 1;
        }
        Ok::<(), Message>(())
    };
    for part in parts {
        match *part {
            Index::New => axes.push(1, 0)?,
            Index::Rest if rested => return Err(Message::new("an index has one `...` at most")),
            Index::Rest => {
                rested = true;
                all(&mut axes, &mut at)?;
            }
            Index::At(i) => {
                let size = x.dim(at) as isize;
                let found = if i < 0 { i + size } else { i };
                if found < 0 || found >= size {
                    let message = Message::new("index ").signed(i).text(" is outside axis ").number(at);
                    return Err(message.text(", which has ").number(x.dim(at)));
                }
                axes.from = axes.from.saturating_add(found.saturating_mul(strides[at]));
                at += 1;
            }
            Index::Range { start, stop, step } => {
                let size = x.dim(at) as isize;
                let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
                let bound = |bound: isize| {
                    (if bound < 0 { bound.saturating_add(size) } else { bound }).clamp(low, high)
                };
                let first = start.map_or(if step > 0 { low } else { high }, bound);
                let last = stop.map_or(if step > 0 { high } else { low }, bound);
                let span = if step > 0 { last - first } else { first - last };
                let step_size = step.unsigned_abs();
                let count = (span.max(0) as usize).div_ceil(step_size.max(1));
                // Of an empty batch nothing is left, and that is right.
                if step == 0 || (count == 0 && size > 0) {
                    return Err(Message::new("nothing of axis ").number(at).text(" is left"));
                }
                axes.from = axes.from.saturating_add(first.saturating_mul(strides[at]));
                axes.push(count, strides[at].saturating_mul(step))?;
                at += 1;
            }
        }
    }
    if !rested {
        all(&mut axes, &mut at)?;
    }
    Ok(axes.plot())
}

impl Compute for Move {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let x = full(&inputs[0]);
        let plot = self.plot(x)?;
        let stays = x.rank() == 0
            || (plot.shape.rank() > 0
                && plot.shape.dim(0) == x.dim(0)
                && plot.from < x.size_between(1, x.rank()).max(1));
        if inputs[0].batched() && !stays {
            return Err(Message::new("cannot move or cut the batch (axis 0)"));
        }
        Ok(Plan::new(spec_of_any(plot.shape, inputs[0].dtype())?).mask(MaskRule::Drop))
    }

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
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reshape {
    /// To these dimensions, the batch included; -1 for what remains.
    To(Vec<isize>),
    /// A new axis of 1 at each of these places of the result.
    ExpandDims(Vec<isize>),
    /// Without these axes of 1; none: all of them.
    Squeeze(Option<Vec<isize>>),
}

impl Reshape {
    fn shape(&self, x: &Spec) -> Result<Shape, Message> {
        let from = full(x);
        match self {
            Reshape::To(dims) => {
                let op = crate::ops::generated::Reshape { shape: crate::plan::Ints::from_slice(dims) };
                if dims.len() > MAX_RANK {
                    return Err(Message::new("a shape has at most 8 dimensions"));
                }
                op.spec(std::slice::from_ref(x)).map(|spec| full(&spec))
            }
            Reshape::ExpandDims(axes) => {
                let rank = from.rank() + axes.len();
                if rank > MAX_RANK {
                    return Err(Message::new("would have more than 8 axes"));
                }
                let mut places = Vec::with_capacity(axes.len());
                for axis in axes {
                    places.push(resolve(rank, *axis).ok_or(catalogue::axis(*axis, x))?);
                }
                places.sort_unstable();
                let mut shape = from;
                for place in places {
                    if place > shape.rank() {
                        return Err(Message::new("an axis occurs twice"));
                    }
                    shape = shape.insert(place, 1);
                }
                Ok(shape)
            }
            Reshape::Squeeze(axes) => {
                let mut gone = [false; MAX_RANK];
                match axes {
                    None => (0..from.rank()).for_each(|a| gone[a] = from.dim(a) == 1),
                    Some(axes) => {
                        for axis in axes {
                            let at = resolve(from.rank(), *axis).ok_or(catalogue::axis(*axis, x))?;
                            if from.dim(at) != 1 {
                                return Err(Message::new("axis ")
                                    .signed(*axis)
                                    .text(" of ")
                                    .spec(x)
                                    .text(" is not 1"));
                            }
                            gone[at] = true;
                        }
                    }
                }
                let mut shape = from;
                for at in (0..from.rank()).rev().filter(|at| gone[*at]) {
                    shape = shape.remove(at);
                }
                Ok(shape)
            }
        }
    }
}

impl Compute for Reshape {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let spec = spec_of_any(self.shape(&inputs[0])?, inputs[0].dtype())?;
        if inputs[0].batched() && !spec.batched() {
            return Err(Message::new("cannot put anything before the batch (axis 0)"));
        }
        Ok(Plan::new(spec).alias().mask(MaskRule::Drop))
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        walks::forward_alias(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        walks::backward_alias(cx, call);
    }
}
