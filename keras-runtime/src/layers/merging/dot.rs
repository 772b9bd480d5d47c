use keras_kernels::elementwise::{Binary, Instr, Program, Unary};
use keras_kernels::{Grad, Shape, View};

use crate::layer::{Call, Context, Layer};
use crate::layers::options::Axes;
use crate::layers::support::contraction::{Contraction, Labels};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, catalogue};
use crate::plan_inputs;

/// The dot product of two inputs along an axis of each, sample by sample.
///
/// * Inputs: two, of at least one dimension a sample and of the same size along the axis.
/// * Output: the first input's other dimensions, then the second's; `[1]` if there are none. It has no mask.
///
/// Source: <https://keras.io/api/layers/merging_layers/dot/>.
///
/// ```
/// use keras_runtime::layers::Dot;
/// use keras_runtime::plan::Spec;
///
/// let plan = Dot::new([2, 1]).plan(&[Spec::of(&[10, 3]), Spec::of(&[3, 5])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 5]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Dot {
    /// The axis of both inputs, or of each.
    pub axes: Axes,
    /// Whether samples are scaled to length 1 along the axis first: the result is the cosine of their angle (default false).
    #[config(default = false)]
    pub normalize: bool,
}

const BATCH: u8 = 1;
const SUMMED: u8 = 2;
/// Largest factor that scales to length 1: what Keras divides by is at least its epsilon.
const LIMIT: f64 = 1e7;

/// `x^2`, summed into an output of size 1 along the axis.
const SQUARES: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Unary(Unary::Square, 0)], outputs: &[1] };
/// `x * min(rsqrt(squares), limit)`.
const SCALE: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Unary(Unary::Rsqrt, 1),
        Instr::Const(LIMIT),
        Instr::Binary(Binary::Min, 2, 3),
        Instr::Binary(Binary::Mul, 0, 4),
    ],
    outputs: &[5],
};
/// `a * b`, summed likewise.
const PRODUCTS: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Mul, 0, 1)], outputs: &[2] };
/// `(d - unit * sum(d * unit)) * min(rsqrt(squares), limit)`, without the second term at the limit.
/// Inputs: d, unit, products, squares.
const SCALE_GRAD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Input(3),
        Instr::Unary(Unary::Rsqrt, 3),
        Instr::Const(LIMIT),
        Instr::Binary(Binary::Min, 4, 5),
        Instr::Binary(Binary::Mul, 1, 2),
        Instr::Binary(Binary::Sub, 0, 7),
        Instr::Binary(Binary::Less, 4, 5),
        Instr::Select(9, 8, 0),
        Instr::Binary(Binary::Mul, 10, 6),
    ],
    outputs: &[11],
};

impl Dot {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 2);
        let (a, b) = (&inputs[0], &inputs[1]);
        if !a.dtype().is_float() {
            return Err(catalogue::float(a));
        }
        if !b.dtype().is_float() {
            return Err(catalogue::float(b));
        }
        if self.axes.is_empty() || self.axes.len() > 2 {
            return Err(Message::new("`axes` is one axis, or one for each input"));
        }
        let (of_a, of_b) = self.axes();
        let Some(at) = a.axis(of_a) else { return Err(catalogue::axis(of_a, a)) };
        let Some(bt) = b.axis(of_b) else { return Err(catalogue::axis(of_b, b)) };
        if a.dim(at) != b.dim(bt) {
            let message = Message::new("needs the same size along the axes, found ").number(a.dim(at));
            let message =
                message.text(" (axis ").signed(of_a).text(" of ").spec(a).text(") and ").number(b.dim(bt));
            return Err(message.text(" (axis ").signed(of_b).text(" of ").spec(b).text(")"));
        }
        if a.rank() + b.rank() > keras_kernels::MAX_RANK {
            return Err(Message::new("the output would have more than 7 dimensions"));
        }
        let (left, right) = (a.shape().remove(at), b.shape().remove(bt));
        let mut shape = left;
        let mut i = 0;
        while i < right.rank() {
            shape = shape.insert(shape.rank(), right.dim(i));
            i += 1;
        }
        // The output as the contraction sees it: without the 1.
        let inner = Spec::sample(shape);
        let output = if shape.rank() == 0 { Spec::of(&[1]) } else { inner };
        let mut plan = self
            .contraction(a.rank(), b.rank())
            .plan(Plan::new(output).mask(MaskRule::Drop), [*a, *b, inner]);
        if self.normalize {
            // Unit vectors and squares of both inputs; then room for a gradient and its products.
            let squares = [Spec::sample(a.shape().with_dim(at, 1)), Spec::sample(b.shape().with_dim(bt, 1))];
            plan = plan.save(*a).save(*b).save(squares[0]).save(squares[1]);
            plan = plan.backward_scratch(*a).backward_scratch(*b);
            plan = plan.backward_scratch(squares[0]).backward_scratch(squares[1]);
        }
        Ok(plan)
    }

    const fn axes(&self) -> (isize, isize) {
        (self.axes.get(0), self.axes.get(self.axes.len() - 1))
    }

    /// The contraction for samples of these ranks. Axes were checked.
    const fn contraction(&self, a_rank: usize, b_rank: usize) -> Contraction {
        let (of_a, of_b) = self.axes();
        let (mut a, mut b) = (Labels::NONE.with(BATCH), Labels::NONE.with(BATCH));
        let mut c = Labels::NONE.with(BATCH);
        let mut i = 1;
        while i <= a_rank {
            let summed = i as isize == of_a || i as isize == of_a + a_rank as isize + 1;
            let label = if summed { SUMMED } else { 16 + i as u8 };
            a = a.with(label);
            if !summed {
                c = c.with(label);
            }
            i += 1;
        }
        i = 1;
        while i <= b_rank {
            let summed = i as isize == of_b || i as isize == of_b + b_rank as isize + 1;
            let label = if summed { SUMMED } else { 32 + i as u8 };
            b = b.with(label);
            if !summed {
                c = c.with(label);
            }
            i += 1;
        }
        Contraction { a, b, c }
    }

    fn contraction_for(&self, call: &Call) -> Contraction {
        let [a, b] = [0, 1].map(|i| call.inputs[i].shape().rank() - 1);
        self.contraction(a, b)
    }

    /// An output without the dimension of 1 that stands for no dimension.
    fn inner(call: &Call, y: View) -> View {
        let single = call.inputs.iter().all(|x| x.shape().rank() == 2);
        if single { y.reshape(Shape::of(&[y.size()])) } else { y }
    }

    /// The operands: unit vectors if it normalizes.
    fn operands(&self, call: &Call) -> [View; 2] {
        if self.normalize { [call.saved[0], call.saved[1]] } else { [call.inputs[0], call.inputs[1]] }
    }
}

impl Layer for Dot {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        if self.normalize {
            for i in 0..2 {
                let (x, unit, squares) = (call.inputs[i], call.saved[i], call.saved[2 + i]);
                cx.device.map(&SQUARES, &[], &[x], &[Grad::write(squares)]);
                cx.device.map(&SCALE, &[], &[x, squares], &[Grad::write(unit)]);
            }
        }
        let [a, b] = self.operands(call);
        let y = Grad::write(Dot::inner(call, call.outputs[0]));
        self.contraction_for(call).forward(cx, &call.scratch, a, b, y);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let contraction = self.contraction_for(call);
        let [a, b] = self.operands(call);
        let (dy, scratch) = (Dot::inner(call, call.output_grads[0]), &call.backward_scratch);
        for i in 0..2 {
            let Some(dx) = call.input_grads[i] else { continue };
            let unit = |to: Grad| match i {
                0 => contraction.backward_a(cx, scratch, dy, b, to),
                _ => contraction.backward_b(cx, scratch, a, dy, to),
            };
            if !self.normalize {
                unit(dx);
                continue;
            }
            let own = &scratch[scratch.len() - 4..];
            let (d, products) = (own[i], own[2 + i]);
            unit(Grad::write(d));
            cx.device.map(&PRODUCTS, &[], &[d, call.saved[i]], &[Grad::write(products)]);
            cx.device.map(&SCALE_GRAD, &[], &[d, call.saved[i], products, call.saved[2 + i]], &[dx]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer: Dot, a: &[usize], b: &[usize]| {
            LayerCheck::new(layer).input(Spec::of(a)).input(Spec::of(b)).run();
        };
        for normalize in [false, true] {
            check(Dot::new(1).normalize(normalize), &[4], &[4]);
            check(Dot::new(-1).normalize(normalize), &[2, 4], &[3, 4]);
            check(Dot::new([1, 2]).normalize(normalize), &[4, 2], &[3, 4]);
            check(Dot::new([2, 1]).normalize(normalize), &[2, 4, 3], &[4]);
            check(Dot::new([2, 2]).normalize(normalize), &[2, 4, 3], &[2, 4, 2]);
        }
    }

    #[test]
    fn refusals() {
        let message = |layer: Dot, a: &[usize], b: &[usize]| {
            layer.plan(&[Spec::of(a), Spec::of(b)]).unwrap_err().to_string()
        };
        assert_eq!(
            message(Dot::new([2, 1]), &[10, 3], &[4, 5]),
            "needs the same size along the axes, found 3 (axis 2 of `[10, 3]`) and 4 (axis 1 of `[4, 5]`)"
        );
        assert_eq!(
            message(Dot::new(0), &[3], &[3]),
            "axis 0 is out of range for `[3]` (axis 0 is the batch)"
        );
        assert_eq!(message(Dot::new([1, 1, 1]), &[3], &[3]), "`axes` is one axis, or one for each input");
    }
}
