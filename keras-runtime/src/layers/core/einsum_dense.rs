use keras_kernels::Grad;
use keras_kernels::activation::Activation;
use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::{MAX_RANK, Shape};

use crate::layer::{Call, Context, Layer};
use crate::layers::options::PartialShape;
use crate::layers::support::activated;
use crate::layers::support::contraction::{Contraction, Labels};
use crate::layers::support::equation::{self, name_axis};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, Text, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// A dense layer along any axes: `activation(einsum(equation, x, kernel) + bias)`.
///
/// The equation names the input's axes (batch included), the kernel's, and the output's, as in `"abc,cd->abd"`; an ellipsis
/// stands for any axes: `"...c,cd->...d"`, `"ab...,bc->ac..."`. Axes that the kernel and the input share and the output lacks
/// are summed. One batched matrix product computes it, wherever the axes lie.
///
/// * Input: as the equation says.
/// * Output: `output_shape` (without the batch and the axes of the ellipsis; -1 takes the input's dimension).
/// * Weights: `kernel`, as the equation says; `bias` with the axes that `bias_axes` names, such as `"d"`, if it is given.
///
/// Source: <https://keras.io/api/layers/core_layers/einsum_dense/>.
///
/// ```
/// use keras_runtime::layers::EinsumDense;
/// use keras_runtime::plan::Spec;
///
/// // Heads of attention: [steps, features] to [steps, heads, size].
/// let heads = EinsumDense::new("abc,cde->abde", [-1, 8, 64]).bias_axes("de");
/// let plan = heads.plan(&[Spec::of(&[20, 512])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[20, 8, 64]));
/// assert_eq!(plan.params(), 512 * 8 * 64 + 8 * 64);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(kernel, bias?))]
pub struct EinsumDense {
    /// What is computed.
    pub equation: Text,
    /// Shape of the output without the batch.
    pub output_shape: PartialShape,
    /// Applied to the result (default `linear`).
    #[config(default = Activation::Linear)]
    pub activation: Activation,
    /// Axes of the bias (default: no bias).
    #[config(default = None)]
    pub bias_axes: Option<Text>,
    /// How the kernel starts (default `glorot_uniform`).
    #[config(default = Initializer::GLOROT_UNIFORM)]
    pub kernel_initializer: Initializer,
    /// How the bias starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel (default none).
    #[config(default = None)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default none).
    #[config(default = None)]
    pub bias_regularizer: Option<Regularizer>,
    /// What the kernel is projected onto after each step (default nothing).
    #[config(default = None)]
    pub kernel_constraint: Option<Constraint>,
    /// What the bias is projected onto after each step (default nothing).
    #[config(default = None)]
    pub bias_constraint: Option<Constraint>,
}

/// The equation applied to an input.
struct Parsed {
    contraction: Contraction,
    output: Spec,
    kernel: Shape,
    bias: Option<Shape>,
}

const ADD: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Add, 0, 1)], outputs: &[2] };
const COPY: Program<'static> = Program { instrs: &[Instr::Input(0)], outputs: &[0] };

impl EinsumDense {
    const fn parse(&self, x: &Spec) -> Result<Parsed, Message> {
        let [input, kernel, output] = plan_try!(equation::split(self.equation.as_str()));
        if kernel.elides() || output.ellipsis != input.ellipsis {
            return Err(equation::malformed(self.equation.as_str()));
        }
        let rank = x.rank() + 1;
        let dots = input.elides();
        // An ellipsis in front stands for the batch at least.
        let least = input.letters.len() + (input.ellipsis == 1) as usize;
        if rank < least || !dots && rank != least {
            let message = Message::new("the equation `").text(self.equation.as_str()).text("` names ");
            let message =
                message.number(input.letters.len()).text(" axes of the input (batch included), found ");
            return Err(message.spec(x));
        }
        let elided = rank - input.letters.len();
        if output.letters.len() + elided > MAX_RANK {
            return Err(Message::new("the output would have more than 8 dimensions"));
        }
        let (a, b, c) = (input.labels(elided), kernel.letters, output.labels(elided));
        if c.len() == 0 || c.get(0) != a.get(0) || b.has(a.get(0)) {
            return Err(Message::new(
                "the first axis of input and output must be the batch, and the kernel has none",
            ));
        }
        // Dimensions of the output: from the input where it has the axis, else from `output_shape`.
        let front = if output.ellipsis == 1 { elided } else { 1 };
        let given = output.letters.len() + (output.ellipsis == 1) as usize - 1;
        if self.output_shape.len() != given {
            let message = Message::new("`output_shape` needs ").number(given).text(" dimensions for `");
            let message = message.text(self.equation.as_str()).text("`, found ");
            return Err(message.number(self.output_shape.len()));
        }
        let mut dims = [1; MAX_RANK];
        let mut i = 1;
        while i < c.len() {
            let label = c.get(i);
            let asked = if i >= front && i - front < given { self.output_shape.get(i - front) } else { None };
            dims[i] = match a.find(label) {
                Some(at) => {
                    let found = x.dim(at - 1);
                    if let Some(asked) = asked
                        && asked != found
                    {
                        let message = name_axis(Message::new("`output_shape`: "), label).text("is ");
                        return Err(message.number(found).text(" in the input, found ").number(asked));
                    }
                    found
                }
                None if !b.has(label) => {
                    return Err(name_axis(Message::new("no operand has "), label).text("of the output"));
                }
                None => match asked {
                    Some(asked) if asked > 0 => asked,
                    _ => return Err(name_axis(Message::new("`output_shape` must give "), label)),
                },
            };
            i += 1;
        }
        let mut summed = 0;
        while summed < a.len() {
            let label = a.get(summed);
            if !b.has(label) && !c.has(label) {
                let message = name_axis(Message::new("would sum "), label);
                return Err(message.text("of the input alone: the kernel or the output must have it"));
            }
            summed += 1;
        }
        let mut shape = [1; MAX_RANK];
        i = 0;
        while i < b.len() {
            shape[i] = match (c.find(b.get(i)), a.find(b.get(i))) {
                (Some(at), _) => dims[at],
                (None, Some(at)) => x.dim(at - 1),
                (None, None) => {
                    let message = name_axis(Message::new("neither input nor output has "), b.get(i));
                    return Err(message.text("of the kernel"));
                }
            };
            i += 1;
        }
        let kernel = Shape::of(shape.split_at(b.len()).0);
        let bias = match &self.bias_axes {
            None => None,
            Some(axes) => Some(plan_try!(bias_shape(axes, &output.letters, &c, &dims))),
        };
        let output = Spec::sample(Shape::of(dims.split_at(c.len()).0).remove(0));
        Ok(Parsed { contraction: Contraction { a, b, c }, output, kernel, bias })
    }

    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        let parsed = plan_try!(self.parse(x));
        let kernel = WeightSpec::new("kernel", parsed.kernel, self.kernel_initializer)
            .regularizer(self.kernel_regularizer)
            .constraint(self.kernel_constraint);
        let mut plan = Plan::new(parsed.output).weight(kernel).mask(MaskRule::Drop);
        if let Some(bias) = parsed.bias {
            let bias = WeightSpec::new("bias", bias, self.bias_initializer);
            plan = plan.weight(bias.regularizer(self.bias_regularizer).constraint(self.bias_constraint));
        }
        let specs = [*x, Spec::fixed(parsed.kernel), parsed.output];
        activated::plan(parsed.contraction.plan(plan, specs), self.activation, parsed.output)
    }

    /// The contraction for the inputs of a call, which was planned.
    fn contraction(&self, call: &Call) -> Contraction {
        let sample = Spec::sample(call.inputs[0].shape().remove(0));
        self.parse(&sample).map(|p| p.contraction).expect("the plan was made")
    }
}

/// The bias covers the output from the first of its axes on, with 1 for those it does not name.
const fn bias_shape(
    axes: &Text,
    letters: &Labels,
    output: &Labels,
    dims: &[usize; MAX_RANK],
) -> Result<Shape, Message> {
    let axes = axes.as_str().as_bytes();
    let mut first = output.len();
    let mut named = [false; MAX_RANK];
    let mut i = 0;
    while i < axes.len() {
        match output.find(axes[i]) {
            Some(at) if letters.has(axes[i]) && at > 0 => {
                named[at] = true;
                if at < first {
                    first = at;
                }
            }
            _ => {
                return Err(
                    name_axis(Message::new("`bias_axes`: "), axes[i]).text("is not one of the output")
                );
            }
        }
        i += 1;
    }
    let mut shape = Shape::SCALAR;
    i = first;
    while i < output.len() {
        shape = shape.insert(shape.rank(), if named[i] { dims[i] } else { 1 });
        i += 1;
    }
    Ok(shape)
}

impl Layer for EinsumDense {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (to, f) = activated::target(call, self.activation);
        let contraction = self.contraction(call);
        contraction.forward(cx, &call.scratch, call.inputs[0], call.weights[0], Grad::write(to));
        if let Some(bias) = call.weights.get(1) {
            cx.device.map(&ADD, &[], &[to, *bias], &[Grad::write(to)]);
        }
        if !f.is_linear() {
            cx.device.activation(f, to, to);
        }
        activated::finish(cx, call, self.activation);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let contraction = self.contraction(call);
        let dz = activated::gradient(cx, call, self.activation);
        let (x, kernel) = (call.inputs[0], call.weights[0]);
        if let Some(dkernel) = call.weight_grads[0] {
            contraction.backward_b(cx, &call.backward_scratch, x, dz, dkernel);
        }
        if let Some(Some(dbias)) = call.weight_grads.get(1) {
            cx.device.map(&COPY, &[], &[dz], &[*dbias]);
        }
        if let Some(dx) = call.input_grads[0] {
            contraction.backward_a(cx, &call.backward_scratch, dz, kernel, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer: EinsumDense, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(EinsumDense::new("ab,bc->ac", [4]).bias_axes("c"), &[3]);
        check(EinsumDense::new("abc,cd->abd", [-1, 4]).bias_axes("d").activation(Activation::Tanh), &[5, 3]);
        check(EinsumDense::new("...x,xy->...y", [4]).bias_axes("y"), &[2, 5, 3]);
        check(EinsumDense::new("ab...,bc->ac...", [4]).bias_axes("c"), &[3, 2, 2]);
        // Split heads, merge heads, one kernel a step, an axis that moves.
        check(EinsumDense::new("abc,cde->abde", [-1, 2, 3]).bias_axes("de"), &[4, 3]);
        check(EinsumDense::new("abcd,cde->abe", [-1, 3]).bias_axes("be"), &[4, 2, 3]);
        check(EinsumDense::new("abc,bcd->abd", [4, 2]).bias_axes("b"), &[4, 3]);
        check(EinsumDense::new("abc,cd->adb", [2, 4]), &[4, 3]);
        check(EinsumDense::new("abcd,bde->aceb", [2, 5, 3]).activation(Activation::Silu), &[3, 2, 4]);
    }

    #[test]
    fn refusals() {
        let message = |equation: &'static str, shape: PartialShape, input: &[usize]| {
            let layer = EinsumDense {
                equation: Text::of(equation),
                output_shape: shape,
                ..EinsumDense::new("a,b->c", [1])
            };
            layer.plan(&[Spec::of(input)]).err().map(|m| m.to_string()).unwrap_or_default()
        };
        assert_eq!(
            message("ab,bc", PartialShape::of([4]), &[3]),
            "cannot read the equation `ab,bc`; expected a form such as `abc,cd->abd` or `...c,cd->...d`"
        );
        assert_eq!(
            message("abc,cd->abd", PartialShape::of([2, 4]), &[3]),
            "the equation `abc,cd->abd` names 3 axes of the input (batch included), found `[3]`"
        );
        assert_eq!(
            message("abc,cd->abd", PartialShape::of([7, 4]), &[2, 3]),
            "`output_shape`: axis `b` is 2 in the input, found 7"
        );
        assert_eq!(
            message("abc,cd->ad", PartialShape::of([4]), &[2, 3]),
            "would sum axis `b` of the input alone: the kernel or the output must have it"
        );
        assert_eq!(
            message("abc,cd->abd", PartialShape::of([4]), &[2, 3]),
            "`output_shape` needs 2 dimensions for `abc,cd->abd`, found 1"
        );
    }
}
