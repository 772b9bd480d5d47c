//! Reductions: sums, means, extremes, spreads.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary};
use keras_kernels::reduce::Reduce;
use keras_kernels::{DType, Grad};

use super::Compute;
use super::wrapped::pass;
use crate::layer::{Call, Context};
use crate::ops::Op;
use crate::ops::generated::{ArgReduce, Reduction};
use crate::plan::{Ints, MaskRule, Message, Plan, PlanResult, Spec};
use crate::plan_try;

/// Refuses what would mix the samples of a batch.
pub(super) const fn check(inputs: &[Spec], axes: &Ints) -> Result<(), Message> {
    let (mut batch, mut i) = (axes.is_empty(), 0);
    while i < axes.len() {
        batch |= axes.get(i) == 0 || axes.get(i) == -(inputs[0].rank() as isize + 1);
        i += 1;
    }
    if inputs[0].batched() && batch {
        return Err(Message::new("reduces over the batch (axis 0): give it the axes of a sample"));
    }
    Ok(())
}

/// `sum`, `mean`, `prod`, `max`, `min`, `logsumexp`.
#[derive(Clone, Copy)]
pub(super) struct Fold(pub Reduction);

impl Fold {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        plan_try!(check(inputs, &self.0.axes));
        let mut plan = Plan::new(plan_try!(self.0.spec(inputs))).mask(MaskRule::Drop);
        let counts = plan_try!(self.0.counts(inputs));
        match self.0.kind {
            Reduce::Max | Reduce::Min => plan = plan.backward_scratch(counts),
            Reduce::Prod => {
                plan = plan.backward_scratch(counts).backward_scratch(counts).backward_scratch(inputs[0]);
            }
            _ => {}
        }
        Ok(plan)
    }
}

impl Compute for Fold {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.0.forward(cx, &call.inputs, call.outputs[0], &[]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.0.backward(cx, &pass(call));
    }
}

/// `argmax` and `argmin`.
#[derive(Clone, Copy)]
pub(super) struct ArgFold {
    pub op: ArgReduce,
    pub keepdims: bool,
}

impl ArgFold {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        plan_try!(check(inputs, &Ints::of([self.op.axis])));
        let spec = plan_try!(self.op.spec(inputs));
        let spec = match inputs[0].axis(self.op.axis) {
            Some(axis) if self.keepdims => spec.with_shape(spec.shape().insert(axis, 1)),
            _ => spec,
        };
        Ok(Plan::new(spec).mask(MaskRule::Drop))
    }
}

impl Compute for ArgFold {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.op.forward(cx, &call.inputs, call.outputs[0], &[]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        super::zero(cx, call.input_grads[0]);
    }
}

/// `any` and `all`: whether elements differ from zero.
#[derive(Clone, Copy)]
pub(super) struct Truth {
    /// Over which axes.
    pub over: Reduction,
    /// Whether all of them must.
    pub all: bool,
}

/// 1 where the element is not zero, summed by the output.
const TRUE: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Const(0.0), Instr::Binary(Binary::NotEqual, 0, 1)],
    outputs: &[2],
};
/// 1 where the element is zero.
const FALSE: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Const(0.0), Instr::Binary(Binary::Equal, 0, 1)],
    outputs: &[2],
};

impl Truth {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        plan_try!(check(inputs, &self.over.axes));
        let plan = Plan::new(plan_try!(self.over.spec_as(inputs, DType::Bool))).mask(MaskRule::Drop);
        Ok(plan.scratch(plan_try!(self.over.counts(inputs))))
    }
}

impl Compute for Truth {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        // There is one that is true, or none that is false.
        let (x, counts, y) =
            (call.inputs[0], call.scratch[0], call.outputs[0].reshape(call.scratch[0].shape()));
        let looked_for = if self.all { &FALSE } else { &TRUE };
        cx.device.map(looked_for, &[], &[x], &[Grad::write(counts)]);
        cx.device.map(looked_for, &[], &[counts], &[Grad::write(y)]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        super::zero(cx, call.input_grads[0]);
    }
}

/// `var` and `std`: the mean of the squared distances from the mean, and its root.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    /// The mean over the same axes.
    pub mean: Reduction,
    pub root: bool,
}

/// `(x - mean)^2 / n`, summed by the output.
const SQUARES: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Scalar(0),
        Instr::Binary(Binary::Sub, 0, 1),
        Instr::Unary(Unary::Square, 3),
        Instr::Binary(Binary::Mul, 4, 2),
    ],
    outputs: &[5],
};
const ROOT: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Unary(Unary::Sqrt, 0)], outputs: &[1] };
/// `dy * 2 / n * (x - mean)`.
const OF_VARIANCE: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Scalar(0),
        Instr::Binary(Binary::Sub, 0, 1),
        Instr::Binary(Binary::Mul, 2, 3),
        Instr::Binary(Binary::Mul, 4, 5),
    ],
    outputs: &[6],
};
/// `dy / n * (x - mean) / std`.
const OF_DEVIATION: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Scalar(0),
        Instr::Input(3),
        Instr::Binary(Binary::Sub, 0, 1),
        Instr::Binary(Binary::Mul, 2, 3),
        Instr::Binary(Binary::Mul, 5, 6),
        Instr::Binary(Binary::Div, 7, 4),
    ],
    outputs: &[8],
};

impl Spread {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        plan_try!(check(inputs, &self.mean.axes));
        let plan = Plan::new(plan_try!(self.mean.spec(inputs)));
        Ok(plan.save(plan_try!(self.mean.counts(inputs))).mask(MaskRule::Drop))
    }
}

impl Compute for Spread {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y, mean) = (call.inputs[0], call.outputs[0], call.saved[0]);
        self.mean.forward(cx, &call.inputs, mean, &[]);
        // The mean keeps its axes, as 1.
        let kept = mean.shape();
        let y = y.reshape(kept);
        let share = kept.size() as f64 / x.size().max(1) as f64;
        cx.device.map(&SQUARES, &[share], &[x, mean], &[Grad::write(y)]);
        if self.root {
            cx.device.map(&ROOT, &[], &[y], &[Grad::write(y)]);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        let x = call.inputs[0];
        let mean = call.saved[0];
        let kept = mean.shape();
        let [y, dy] = [call.outputs[0], call.output_grads[0]].map(|v| v.reshape(kept));
        let share = kept.size() as f64 / x.size().max(1) as f64;
        if self.root {
            cx.device.map(&OF_DEVIATION, &[share], &[x, mean, dy, y], &[dx]);
        } else {
            cx.device.map(&OF_VARIANCE, &[2.0 * share], &[x, mean, dy], &[dx]);
        }
    }
}
