//! Reductions over axes.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{DType, Grad, Shape, View};

use super::shapes::{axis_of, check_float, full, resolve, spec_of, spec_of_any};
use super::{Backward, Op};
use crate::layer::Context;
use crate::plan::{Ints, Message, Spec};
use crate::plan_try;

/// `sum(x, axes, keepdims)` and its kin. No axes means all of them.
#[derive(Clone, Copy)]
pub struct Reduction {
    /// What is computed.
    pub kind: Reduce,
    /// Over which axes.
    pub axes: Ints,
    /// Whether they stay, as 1.
    pub keepdims: bool,
}

impl Reduction {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        plan_try!(check_float(&inputs[0]));
        self.spec_as(inputs, DType::F32)
    }

    /// The spec of the result with elements of this type, whatever those of the input are.
    pub(crate) const fn spec_as(&self, inputs: &[Spec], dtype: DType) -> Result<Spec, Message> {
        let x = &inputs[0];
        let mut i = 0;
        while i < self.axes.len() {
            plan_try!(axis_of(x, self.axes.get(i)));
            i += 1;
        }
        spec_of_any(self.shape(full(x), self.keepdims), dtype)
    }

    const fn has(&self, axis: usize, rank: usize) -> bool {
        let mut i = 0;
        while i < self.axes.len() {
            if let Some(found) = resolve(rank, self.axes.get(i)) {
                if found == axis {
                    return true;
                }
            }
            i += 1;
        }
        self.axes.is_empty()
    }

    const fn shape(&self, x: Shape, keepdims: bool) -> Shape {
        let mut shape = x;
        let mut axis = x.rank();
        while axis > 0 {
            axis -= 1;
            if self.has(axis, x.rank()) {
                shape = if keepdims { shape.with_dim(axis, 1) } else { shape.remove(axis) };
            }
        }
        shape
    }

    fn bits(&self, rank: usize) -> Axes {
        (0..rank).filter(|axis| self.has(*axis, rank)).fold(Axes::NONE, Axes::with)
    }

    /// First buffer for backward: one number for each result.
    pub const fn counts(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        spec_of(self.shape(full(&inputs[0]), true), DType::F32)
    }
}

impl Op for Reduction {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        let x = inputs[0];
        cx.device.reduce(self.kind, self.bits(x.shape().rank()), x, Grad::write(y));
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let Some(dx) = pass.grads[0] else { return };
        let x = pass.inputs[0];
        let kept = self.shape(x.shape(), true);
        let (y, dy) = (pass.y.reshape(kept), pass.dy.reshape(kept));
        match self.kind {
            Reduce::Sum => cx.device.map(&SPREAD, &[1.0], &[dy], &[dx]),
            Reduce::Mean => {
                let n = (x.size() / y.size().max(1)) as f64;
                cx.device.map(&SPREAD, &[1.0 / n], &[dy], &[dx]);
            }
            Reduce::LogSumExp => cx.device.map(&SOFTMAX, &[], &[x, y, dy], &[dx]),
            // Equal extremes share the gradient, as in JAX.
            Reduce::Max | Reduce::Min => {
                let counts = pass.scratch[0];
                cx.device.map(&TIES, &[], &[x, y], &[Grad::write(counts)]);
                cx.device.map(&SHARE, &[], &[x, y, dy, counts], &[dx]);
            }
            // The product of the others: with one zero among them only that one has a gradient, with two none has.
            Reduce::Prod => {
                let [zeros, others, rest] = [pass.scratch[0], pass.scratch[1], pass.scratch[2]];
                cx.device.map(&ZEROS, &[], &[x], &[Grad::write(zeros)]);
                cx.device.map(&NOT_ZERO, &[], &[x], &[Grad::write(rest)]);
                cx.device.reduce(Reduce::Prod, self.bits(x.shape().rank()), rest, Grad::write(others));
                cx.device.map(&OTHERS, &[], &[x, zeros, others, dy], &[dx]);
            }
            kind => unreachable!("{kind:?} has no gradient"),
        }
    }
}

use Instr::{Const, Input, Scalar, Select};

const fn binary(f: Binary, a: u16, b: u16) -> Instr {
    Instr::Binary(f, a, b)
}

/// `dy * scalar`.
const SPREAD: Program<'static> =
    Program { instrs: &[Input(0), Scalar(0), binary(Binary::Mul, 0, 1)], outputs: &[2] };

/// `dy * exp(x - y)`.
const SOFTMAX: Program<'static> = Program {
    instrs: &[
        Input(0),
        Input(1),
        Input(2),
        binary(Binary::Sub, 0, 1),
        Instr::Unary(Unary::Exp, 3),
        binary(Binary::Mul, 2, 4),
    ],
    outputs: &[5],
};

/// How many elements are the extreme.
const TIES: Program<'static> =
    Program { instrs: &[Input(0), Input(1), binary(Binary::Equal, 0, 1)], outputs: &[2] };

/// `dy / count` where `x` is the extreme.
const SHARE: Program<'static> = Program {
    instrs: &[
        Input(0),
        Input(1),
        Input(2),
        Input(3),
        binary(Binary::Equal, 0, 1),
        binary(Binary::Div, 2, 3),
        Const(0.0),
        Select(4, 5, 6),
    ],
    outputs: &[7],
};

/// How many elements are zero.
const ZEROS: Program<'static> =
    Program { instrs: &[Input(0), Const(0.0), binary(Binary::Equal, 0, 1)], outputs: &[2] };

/// `x`, with ones for zeros.
const NOT_ZERO: Program<'static> =
    Program { instrs: &[Input(0), Const(1.0), Select(0, 0, 1)], outputs: &[2] };

/// From `x`, the number of zeros, the product of what is not zero, and `dy`.
const OTHERS: Program<'static> = Program {
    instrs: &[
        Input(0),
        Input(1),
        Input(2),
        Input(3),
        Const(0.0),
        Const(1.0),
        binary(Binary::Mul, 2, 3),
        binary(Binary::Div, 6, 0),
        // x is not zero: the others have a zero, or have none.
        Select(1, 4, 7),
        // x is zero: it is the only one, or is not.
        binary(Binary::Equal, 1, 5),
        Select(9, 6, 4),
        Select(0, 8, 10),
    ],
    outputs: &[11],
};

/// `argmax(x, axis)` and `argmin(x, axis)`: an integer, to which no gradient flows.
#[derive(Clone, Copy)]
pub struct ArgReduce {
    /// `ArgMax` or `ArgMin`.
    pub kind: Reduce,
    /// The axis.
    pub axis: isize,
}

impl ArgReduce {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let axis = plan_try!(axis_of(&inputs[0], self.axis));
        spec_of(full(&inputs[0]).remove(axis), DType::I32)
    }
}

impl Op for ArgReduce {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        let axis = resolve(inputs[0].shape().rank(), self.axis).expect("planned");
        cx.device.reduce(self.kind, Axes::NONE.with(axis), inputs[0], Grad::write(y));
    }

    fn backward(&self, _: &Context<'_>, _: &Backward<'_>) {}
}
