//! One pass of a call: the values of its trace as views, and the passes over memory that chains are.

use keras_kernels::elementwise::{Instr, Program};
use keras_kernels::{DType, Grad, Shape, View};

use super::trace::{List, Place, Trace, class};
use super::{Backward, Op};
use crate::Weight;
use crate::layer::{Call, Context};
use crate::plan::Spec;

/// Most results of one chain's gradient.
const MAX_GRADS: usize = 16;

/// A call of a layer that is being run.
pub struct Frame<'a, const N: usize> {
    cx: &'a Context<'a>,
    call: &'a Call,
    trace: Trace<N>,
    batch: usize,
}

/// The specs that a call's inputs had when it was planned.
pub fn call_specs<const K: usize>(call: &Call) -> [Spec; K] {
    std::array::from_fn(|i| {
        let view = &call.inputs[i];
        let dtype = if view.dtype().is_float() { DType::F32 } else { view.dtype() };
        Spec::sample(view.shape().remove(0)).with_dtype(dtype)
    })
}

/// A number of the layer's configuration in a chain; a weight is none.
pub trait Number {
    /// The number.
    fn number(self) -> f64;
}
impl Number for Weight {
    fn number(self) -> f64 {
        f64::NAN
    }
}
macro_rules! numbers {
    ($($t:ty),*) => { $(
        impl Number for $t {
            fn number(self) -> f64 {
                self as f64
            }
        }
    )* };
}
numbers!(f64, f32, usize, isize, i32, u32, u64, i64);
impl Number for bool {
    fn number(self) -> f64 {
        f64::from(self)
    }
}

/// The instruction that reads a field: an input if it is a weight, else a number.
pub const fn read_field(is_weight: bool, input: u8, scalar: u8) -> Instr {
    if is_weight { Instr::Input(input) } else { Instr::Scalar(scalar) }
}

impl<'a, const N: usize> Frame<'a, N> {
    /// A frame for a call that was planned by the same trace.
    pub fn new(cx: &'a Context<'a>, call: &'a Call, trace: Trace<N>) -> Self {
        Frame { cx, call, trace, batch: call.inputs[0].shape().dim(0) }
    }

    /// Specs and places.
    pub fn trace(&self) -> &Trace<N> {
        &self.trace
    }

    fn cut(&self, list: List, offset: usize, spec: &Spec) -> View {
        let buffer = self.trace.buffer_of(list, class(spec));
        let views = match list {
            List::Saved => &self.call.saved,
            List::Scratch => &self.call.scratch,
            List::Backward => &self.call.backward_scratch,
        };
        let rows = if spec.batched() { self.batch } else { 1 };
        views[buffer].cut(offset * rows, spec.shape_for(self.batch))
    }

    /// A value.
    pub fn view(&self, at: usize) -> View {
        let spec = self.trace.spec(at);
        let view = match self.trace.place(at) {
            Place::Input(i) => self.call.inputs[i],
            Place::Output(i) => self.call.outputs[i],
            Place::Weight(i) => self.call.weights[i],
            Place::State(i) => self.call.state[i],
            Place::Saved(offset) => return self.cut(List::Saved, offset, &spec),
            Place::Scratch(offset) => return self.cut(List::Scratch, offset, &spec),
            // A number in the place of a weight, or an empty buffer: nobody reads the element.
            Place::Nowhere if self.call.inputs[0].size() == 0 => return self.call.inputs[0],
            Place::Nowhere => return self.call.inputs[0].cut(0, Shape::SCALAR),
        };
        view.reshape(spec.shape_for(self.batch))
    }

    /// The gradient of a value that was computed.
    pub fn dy(&self, at: usize) -> View {
        let spec = self.trace.spec(at);
        match (self.trace.place(at), self.trace.grad_at(at)) {
            (Place::Output(i), _) => self.call.output_grads[i],
            (_, Some(offset)) => self.cut(List::Backward, offset, &spec),
            (place, None) => unreachable!("a gradient of {place:?} was not planned"),
        }
    }

    /// A buffer of an operation's gradient, which may be empty.
    fn room(&self, at: usize) -> View {
        match self.trace.grad_at(at) {
            Some(offset) => self.cut(List::Backward, offset, &self.trace.spec(at)),
            None => self.view(at),
        }
    }

    /// Where a contribution to a value's gradient goes; `None` where nobody needs it.
    pub fn grad(&self, at: usize, first: bool) -> Option<Grad> {
        let shape = self.trace.spec(at).shape_for(self.batch);
        let given = match self.trace.place(at) {
            Place::Input(i) => self.call.input_grads[i],
            Place::Weight(i) => self.call.weight_grads[i],
            Place::Output(i) => return Some(Grad::add(self.call.output_grads[i].reshape(shape))),
            Place::State(_) => None,
            Place::Saved(_) | Place::Scratch(_) => {
                let view = self.dy(at);
                return Some(if first { Grad::write(view) } else { Grad::add(view) });
            }
            Place::Nowhere => None,
        };
        let given = given?.reshape(shape);
        Some(if first { given } else { Grad::add(given.view) })
    }

    /// Runs an operation.
    pub fn forward<const K: usize, const S: usize>(
        &self,
        op: &impl Op,
        inputs: [usize; K],
        to: usize,
        scratch: [usize; S],
    ) {
        let (inputs, scratch) = (inputs.map(|i| self.view(i)), scratch.map(|i| self.view(i)));
        op.forward(self.cx, &inputs, self.view(to), &scratch);
    }

    /// Runs an operation's gradient.
    pub fn backward<const K: usize, const S: usize>(
        &self,
        op: &impl Op,
        inputs: [usize; K],
        of: usize,
        grads: [Option<Grad>; K],
        scratch: [usize; S],
    ) {
        if grads.iter().all(Option::is_none) {
            return;
        }
        let (inputs, scratch) = (inputs.map(|i| self.view(i)), scratch.map(|i| self.room(i)));
        let (y, dy) = (self.view(of), self.dy(of));
        op.backward(self.cx, &Backward { inputs: &inputs, y, dy, grads: &grads, scratch: &scratch });
    }

    /// Runs a chain.
    pub fn chain<const K: usize>(
        &self,
        program: &Program<'_>,
        scalars: &[f64],
        inputs: [usize; K],
        to: usize,
    ) {
        let inputs = inputs.map(|i| self.view(i));
        self.cx.device.map(program, scalars, &inputs, &[Grad::write(self.view(to))]);
    }

    /// Runs a chain's gradient: `inputs` are the chain's, then comes the gradient of its result, and `program` has one output
    /// for each of `grads`.
    pub fn chain_backward<const K: usize>(
        &self,
        program: &Program<'_>,
        scalars: &[f64],
        inputs: [usize; K],
        of: usize,
        grads: &[Option<Grad>],
    ) {
        let mut views = [self.dy(of); MAX_GRADS + 1];
        views[..K].iter_mut().zip(inputs).for_each(|(view, i)| *view = self.view(i));
        let views = &views[..K + 1];
        // Nobody needs some of the results; and results that go to one place are computed one after the other.
        let mut done = [false; MAX_GRADS];
        for first in 0..grads.len() {
            let (mut outputs, mut to, mut n) = ([0; MAX_GRADS], [Grad::write(views[0]); MAX_GRADS], 0);
            for (k, grad) in grads.iter().enumerate().skip(first) {
                let Some(grad) = grad.filter(|_| !done[k]) else { continue };
                if to[..n].iter().any(|t| t.view.address() == grad.view.address()) {
                    continue;
                }
                (outputs[n], to[n], done[k]) = (program.outputs[k], grad, true);
                n += 1;
            }
            if n > 0 {
                let program = Program { instrs: program.instrs, outputs: &outputs[..n] };
                self.cx.device.map(&program, scalars, views, &to[..n]);
            }
        }
    }

    /// Zeroes the gradient of an input to which nothing flows.
    pub fn zero(&self, at: usize) {
        zero(self.cx, self.grad(at, true));
    }

    /// Zeroes the gradients of the weights that are not among the values `reached`.
    pub fn zero_weights(&self, reached: &[usize]) {
        for (i, grad) in self.call.weight_grads.iter().enumerate() {
            if !reached.iter().any(|at| self.trace.place(*at) == Place::Weight(i)) {
                zero(self.cx, *grad);
            }
        }
    }
}

fn zero(cx: &Context<'_>, grad: Option<Grad>) {
    if let Some(grad) = grad.filter(|g| !g.adds()) {
        cx.device.fill(0.0, grad.view);
    }
}
