//! Operations that work element by element, with numpy's broadcasting.

use keras_kernels::elementwise::{Binary, Instr};
use keras_kernels::{DType, Grad, Shape, View};

use super::Compute;
use super::function::{Function, Result as Yields};
use super::tape::{Dual, Tape};
use crate::layer::{Call, Context};
use crate::ops::shapes::{broadcast, full, spec_of_any};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// Most operands of one function.
pub(super) const MOST: usize = 3;

/// What a function is applied to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// An input of the call.
    Input(usize),
    /// A number; whole numbers do not make floats of integers.
    Number { value: f64, whole: bool },
    /// An array that the file holds.
    Constant { shape: Vec<usize>, values: Vec<f64>, dtype: DType },
}

/// A function of up to three operands, element by element.
pub(super) struct Pointwise {
    pub function: Function,
    pub operands: Vec<Operand>,
    /// The element type that was asked for.
    pub dtype: Option<DType>,
}

impl Pointwise {
    /// The shape of an operand, the batch included.
    fn shape(&self, operand: &Operand, inputs: &[Spec]) -> Result<Shape, Message> {
        match operand {
            Operand::Input(i) => Ok(full(&inputs[*i])),
            Operand::Number { .. } => Ok(Shape::SCALAR),
            Operand::Constant { shape, .. } => {
                Shape::try_of(shape).ok_or(Message::new("a constant has more than 8 dimensions"))
            }
        }
    }

    /// The element type of the result: that of JAX, where numbers without a type take that of the tensors beside them.
    fn result(&self, inputs: &[Spec]) -> DType {
        if let Some(dtype) = self.dtype {
            return dtype;
        }
        match self.function.result() {
            Yields::Float => DType::F32,
            Yields::Bool => DType::Bool,
            Yields::Same => {
                // The condition of `where` is not part of the result.
                let values = &self.operands[usize::from(self.function == Function::Where)..];
                let typed = values.iter().filter_map(|operand| match operand {
                    Operand::Input(i) => Some(inputs[*i].dtype()),
                    Operand::Constant { dtype, .. } => Some(*dtype),
                    Operand::Number { .. } => None,
                });
                let dtype = typed.reduce(promote);
                let whole = values.iter().all(|o| !matches!(o, Operand::Number { whole: false, .. }));
                let numbers = values.iter().any(|o| matches!(o, Operand::Number { .. }));
                match dtype {
                    None => DType::F32,
                    Some(dtype) if dtype.is_float() || !whole => DType::F32,
                    Some(DType::Bool) if numbers => DType::I32,
                    Some(dtype) => dtype,
                }
            }
        }
    }

    /// Records the function of the operands; `asked` is the input by which it is differentiated.
    fn record(&self, tape: &mut Tape, call: &Call, asked: Option<usize>) -> Dual {
        let narrow = call.inputs.iter().any(|x| x.dtype() == DType::F32);
        let mut constants = 0;
        let mut operands = [Dual { value: 0, tangent: None }; MOST];
        for (operand, place) in self.operands.iter().zip(&mut operands) {
            *place = match operand {
                Operand::Input(i) => tape.input(*i, asked == Some(*i)),
                // A number beside 32-bit floats is one of them: comparisons must not see more digits.
                Operand::Number { value, .. } => {
                    tape.number(if narrow { f64::from(*value as f32) } else { *value })
                }
                Operand::Constant { .. } => {
                    constants += 1;
                    tape.input(call.inputs.len() + constants - 1, false)
                }
            };
        }
        self.function.record(tape, &operands[..self.operands.len()])
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
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let mut shape = Shape::SCALAR;
        for operand in &self.operands {
            let next = self.shape(operand, inputs)?;
            let Some(both) = broadcast(shape, next) else {
                let first = &inputs[0];
                let other = inputs.get(1).map_or(Spec::fixed(next), |spec| *spec);
                let message = Message::new("shapes ").spec(first).text(" and ").spec(&other);
                return Err(message.text(" do not broadcast: dimensions must agree or be 1"));
            };
            shape = both;
        }
        let dtype = self.result(inputs);
        let mut plan = Plan::new(spec_of_any(shape, dtype)?).mask(MaskRule::Drop);
        for operand in &self.operands {
            if let Operand::Constant { .. } = operand {
                plan = plan.pack(Spec::fixed(self.shape(operand, inputs)?));
            }
        }
        Ok(plan)
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        let constants = self.operands.iter().filter_map(|operand| match operand {
            Operand::Constant { values, .. } => Some(values),
            _ => None,
        });
        for (values, view) in constants.zip(&call.packed) {
            crate::initializers::upload(cx.device, values, *view);
        }
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let mut tape = Tape::new();
        let y = self.record(&mut tape, call, None);
        let (views, n) = self.views(call, None);
        cx.device.map(&tape.program(&[y.value]), &[], &views[..n], &[Grad::write(call.outputs[0])]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        for (i, dx) in call.input_grads.iter().enumerate() {
            let Some(dx) = *dx else { continue };
            let mut tape = Tape::new();
            let y = self.record(&mut tape, call, Some(i));
            let flat = !call.outputs[0].dtype().is_float();
            let Some(tangent) = y.tangent.filter(|_| !flat) else {
                if !dx.adds() {
                    cx.device.fill(0.0, dx.view);
                }
                continue;
            };
            let (views, n) = self.views(call, Some(call.output_grads[0]));
            let dy = tape.push(Instr::Input(n as u8 - 1));
            let product = tape.push(Instr::Binary(Binary::Mul, dy, tangent));
            cx.device.map(&tape.program(&[product]), &[], &views[..n], &[dx]);
        }
    }
}

/// The type that holds both; floats win.
fn promote(a: DType, b: DType) -> DType {
    let rank = |dtype| match dtype {
        DType::Bool => 0,
        DType::U8 => 1,
        DType::I32 => 2,
        DType::I64 => 3,
        _ => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// `one_hot(ids, num_classes)`: a new axis with 1 at the number's place.
pub(super) struct OneHot {
    pub classes: usize,
    pub axis: isize,
    pub dtype: Option<DType>,
}

impl OneHot {
    fn axis(&self, rank: usize) -> Option<usize> {
        crate::ops::shapes::resolve(rank + 1, self.axis)
    }
}

impl Compute for OneHot {
    fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let ids = full(&inputs[0]);
        if ids.rank() == keras_kernels::MAX_RANK {
            return Err(Message::new("cannot add an axis to ").spec(&inputs[0]).text(": it has 8 already"));
        }
        let axis = self.axis(ids.rank()).ok_or(catalogue::axis(self.axis, &inputs[0]))?;
        let out = spec_of_any(ids.insert(axis, self.classes), self.dtype.unwrap_or(DType::F32))?;
        Ok(Plan::new(out).pack(Spec::fixed(Shape::of(&[self.classes]))).mask(MaskRule::Drop))
    }

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
