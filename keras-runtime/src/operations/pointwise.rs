//! Operations that work element by element, with numpy's broadcasting.

use keras_kernels::elementwise::{Binary, Instr};
use keras_kernels::{DType, Grad, Shape, View};

use super::Compute;
use super::function::{Function, Result as Yields};
use super::setting::{Argument, Options};
use super::tape::{Dual, Tape};
use crate::engine::{Fuses, Role};
use crate::layer::{Call, Context, Recorded};
use crate::ops::shapes::{broadcast, full, resolve, spec_of_any};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};
use crate::plan_try;

/// Most operands of one function.
pub(super) const MOST: usize = 3;

/// A function of up to three operands, element by element: tensors, numbers, arrays.
#[derive(Clone, Copy)]
pub(super) struct Pointwise {
    function: Function,
    operands: [Argument; MOST],
    len: usize,
    /// The element type that was asked for.
    dtype: Option<DType>,
}

impl Pointwise {
    /// A function of the arguments of these names.
    pub(super) const fn of(
        function: Function,
        dtype: Option<DType>,
        names: &[&str],
        options: &Options<'_>,
    ) -> Result<Pointwise, Message> {
        let (mut operands, mut tensors) = ([Argument::Absent; MOST], 0);
        let mut i = 0;
        while i < names.len() {
            operands[i] = options.argument(i);
            match operands[i] {
                Argument::Tensor(_) => tensors += 1,
                Argument::Number { .. } | Argument::Constant { .. } => {}
                Argument::Absent => return Err(options.wrong(names[i], "a tensor or a number")),
                _ => return Err(options.wrong(names[i], "a tensor, a number or an array")),
            }
            i += 1;
        }
        if tensors == 0 {
            return Err(options.wrong(names[0], "a tensor"));
        }
        Ok(Pointwise { function, operands, len: names.len(), dtype })
    }

    fn operands(&self) -> &[Argument] {
        &self.operands[..self.len]
    }

    /// The shape of an operand, the batch included.
    const fn shape(operand: &Argument, inputs: &[Spec]) -> Shape {
        match operand {
            Argument::Tensor(i) => full(&inputs[*i]),
            Argument::Constant { shape, .. } => *shape,
            _ => Shape::SCALAR,
        }
    }

    /// The element type of the result: that of JAX, where numbers without a type take that of the tensors beside them.
    const fn result(&self, inputs: &[Spec]) -> DType {
        if let Some(dtype) = self.dtype {
            return dtype;
        }
        match self.function.result() {
            Yields::Float => DType::F32,
            Yields::Bool => DType::Bool,
            Yields::Same => {
                let (mut dtype, mut whole, mut numbers) = (None, true, false);
                // The condition of `where` is not part of the result.
                let mut i = matches!(self.function, Function::Where) as usize;
                while i < self.len {
                    let next = match self.operands[i] {
                        Argument::Tensor(i) => Some(inputs[i].dtype()),
                        Argument::Constant { dtype, .. } => Some(dtype),
                        Argument::Number { whole: is_whole, .. } => {
                            whole &= is_whole;
                            numbers = true;
                            None
                        }
                        _ => None,
                    };
                    dtype = match (dtype, next) {
                        (Some(a), Some(b)) => Some(promote(a, b)),
                        (None, next) => next,
                        (dtype, None) => dtype,
                    };
                    i += 1;
                }
                match dtype {
                    None => DType::F32,
                    Some(dtype) if dtype.is_float() || !whole => DType::F32,
                    Some(DType::Bool) if numbers => DType::I32,
                    Some(dtype) => dtype,
                }
            }
        }
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let mut shape = Shape::SCALAR;
        let mut i = 0;
        while i < self.len {
            let next = Pointwise::shape(&self.operands[i], inputs);
            shape = match broadcast(shape, next) {
                Some(both) => both,
                None => {
                    let message = Message::new("shapes ").spec(&inputs[0]).text(" and ");
                    let other = match self.operands[i] {
                        Argument::Tensor(at) => inputs[at],
                        _ => Spec::fixed(next),
                    };
                    let message =
                        message.spec(&other).text(" do not broadcast: dimensions must agree or be 1");
                    // The batch is in front of each sample: samples of other ranks are not aligned as numpy aligns arrays.
                    return Err(if other.batched() && other.rank() != inputs[0].rank() {
                        message.text(" (the batch is axis 0 of both; insert `expand_dims`?)")
                    } else {
                        message
                    });
                }
            };
            i += 1;
        }
        let mut plan = Plan::new(plan_try!(spec_of_any(shape, self.result(inputs)))).mask(MaskRule::Drop);
        i = 0;
        while i < self.len {
            if let Argument::Constant { shape, .. } = self.operands[i] {
                plan = plan.pack(Spec::fixed(shape));
            }
            i += 1;
        }
        Ok(plan)
    }

    /// Records the function of the operands; `asked` is the input by which it is differentiated.
    fn record(&self, tape: &mut Tape, call: &Call, asked: Option<usize>) -> Dual {
        let narrow = call.inputs.iter().any(|x| x.dtype() == DType::F32);
        let mut constants = 0;
        let mut operands = [Dual { value: 0, tangent: None }; MOST];
        for (operand, place) in self.operands().iter().zip(&mut operands) {
            *place = match operand {
                Argument::Tensor(i) => tape.input(*i, asked == Some(*i)),
                // A number beside 32-bit floats is one of them: comparisons must not see more digits.
                Argument::Number { value, .. } => {
                    tape.number(if narrow { f64::from(*value as f32) } else { *value })
                }
                _ => {
                    constants += 1;
                    tape.input(call.inputs.len() + constants - 1, false)
                }
            };
        }
        self.function.record(tape, &operands[..self.len])
    }

    /// Inputs, then constants, then `last`; the number of them.
    fn views(&self, call: &Call, last: Option<View>) -> ([View; 2 * MOST + 1], usize) {
        let mut views = [call.outputs[0]; 2 * MOST + 1];
        let mut n = 0;
        for view in call.inputs.iter().chain(&call.packed).chain(last.as_ref()) {
            views[n] = *view;
            n += 1;
        }
        (views, n)
    }
}

impl Compute for Pointwise {
    fn role(&self) -> Role {
        let tensors = self.operands().iter().all(|operand| matches!(operand, Argument::Tensor(_)));
        let sums = self.function == Function::Binary(Binary::Add) && self.dtype.is_none();
        if sums && tensors { Role::Sum } else { Role::Alone }
    }

    fn takes(&self, inputs: &[Spec]) -> Fuses {
        let alike = |input: &Spec| *input == inputs[0] && input.dtype().is_float();
        let rectifier = self.role() == Role::Sum && inputs.iter().all(alike);
        Fuses { rectifier, ..Fuses::default() }
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        let constants = self.operands().iter().filter_map(|operand| match operand {
            Argument::Constant { values, .. } => Some(values),
            _ => None,
        });
        for (values, view) in constants.zip(&call.packed) {
            crate::initializers::upload(cx.device, values, *view);
        }
    }

    /// The function, then its gradients by the inputs.
    fn programs(&self, call: &Call) -> Vec<Option<Recorded>> {
        let mut tape = Tape::new();
        let y = self.record(&mut tape, call, None);
        let y = tape.rectified(y.value, call.ending.activation);
        let forward = Some(tape.recorded(y));
        let flat = !call.outputs[0].dtype().is_float();
        let gradients = call.input_grads.iter().enumerate().map(|(i, dx)| {
            dx.filter(|_| !flat)?;
            let mut tape = Tape::new();
            let tangent = self.record(&mut tape, call, Some(i)).tangent?;
            let dy = tape.push(Instr::Input((call.inputs.len() + call.packed.len()) as u8));
            let product = tape.push(Instr::Binary(Binary::Mul, dy, tangent));
            Some(tape.recorded(product))
        });
        std::iter::once(forward).chain(gradients).collect()
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (views, n) = self.views(call, None);
        let recorded = call.programs[0].as_ref().expect("the function is recorded");
        cx.device.map(&recorded.program(), &[], &views[..n], &[Grad::write(call.outputs[0])]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let (y, dy, f) = (call.outputs[0], call.output_grads[0], call.ending.activation);
        if !f.is_linear() {
            // The sum of two values of one shape.
            let wanted = call.input_grads.iter().flatten();
            return wanted.for_each(|dx| cx.device.activation_grad(f, None, y, dy, *dx));
        }
        let (views, n) = self.views(call, Some(dy));
        for (dx, recorded) in call.input_grads.iter().zip(&call.programs[1..]) {
            match (dx, recorded) {
                (Some(dx), Some(recorded)) => {
                    cx.device.map(&recorded.program(), &[], &views[..n], &[*dx]);
                }
                (dx, _) => super::zero(cx, *dx),
            }
        }
    }
}

/// The type that holds both; floats win.
const fn promote(a: DType, b: DType) -> DType {
    const fn rank(dtype: DType) -> u8 {
        match dtype {
            DType::Bool => 0,
            DType::U8 => 1,
            DType::I32 => 2,
            DType::I64 => 3,
            _ => 4,
        }
    }
    if rank(a) >= rank(b) { a } else { b }
}

/// `one_hot(ids, num_classes)`: a new axis with 1 at the number's place.
#[derive(Clone, Copy)]
pub(super) struct OneHot {
    pub classes: usize,
    pub axis: isize,
    pub dtype: Option<DType>,
}

impl OneHot {
    const fn axis(&self, rank: usize) -> Option<usize> {
        resolve(rank + 1, self.axis)
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let ids = full(&inputs[0]);
        if ids.rank() == keras_kernels::MAX_RANK {
            return Err(Message::new("cannot add an axis to ").spec(&inputs[0]).text(": it has 8 already"));
        }
        let Some(axis) = self.axis(ids.rank()) else { return Err(catalogue::axis(self.axis, &inputs[0])) };
        let dtype = match self.dtype {
            Some(dtype) => dtype,
            None => DType::F32,
        };
        let out = plan_try!(spec_of_any(ids.insert(axis, self.classes), dtype));
        Ok(Plan::new(out).pack(Spec::fixed(Shape::of(&[self.classes]))).mask(MaskRule::Drop))
    }
}

impl Compute for OneHot {
    fn pack(&self, cx: &Context<'_>, call: &Call) {
        let numbers: Vec<f64> = (0..self.classes).map(|i| i as f64).collect();
        crate::initializers::upload(cx.device, &numbers, call.packed[0]);
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        const EQUAL: &[Instr] = &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Equal, 0, 1)];
        let (ids, y) = (call.inputs[0], call.outputs[0]);
        let shape = ids.shape();
        let axis = self.axis(shape.rank()).expect("planned");
        let mut classes = Shape::of(&[self.classes]);
        while classes.rank() < shape.rank() + 1 - axis {
            classes = classes.insert(classes.rank(), 1);
        }
        let program = keras_kernels::elementwise::Program { instrs: EQUAL, outputs: &[2] };
        let views = [ids.reshape(shape.insert(axis, 1)), call.packed[0].reshape(classes)];
        cx.device.map(&program, &[], &views, &[Grad::write(y)]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        super::zero(cx, call.input_grads[0]);
    }
}
