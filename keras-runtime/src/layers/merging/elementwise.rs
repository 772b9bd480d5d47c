//! What the layers that merge element by element share: shapes, masks, and the programs that compute them.

use keras_kernels::elementwise::{Binary, Instr, Program, Value};
use keras_kernels::{Grad, Shape, View};

use crate::engine::Fuses;
use crate::layer::{Call, Context};
use crate::operations::tape::{Dual, Tape};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec};

/// What is computed of the inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    Add,
    Subtract,
    Multiply,
    Average,
    Maximum,
    Minimum,
}

/// Most inputs of a product or an extreme, whose gradient's program grows with them.
const MOST: usize = 6;
/// Inputs that one pass over memory sums.
const CHUNK: usize = 16;

impl Merge {
    /// The plan: shapes broadcast as numpy's do, samples aligned at their ends.
    pub(super) const fn plan(self, inputs: &[Spec]) -> PlanResult {
        if crate::plan::any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if inputs.is_empty() {
            return Err(Message::new("takes at least 1 input, found 0"));
        }
        if let Some(empty) = crate::plan::catalogue::empty(inputs) {
            return Err(empty);
        }
        if matches!(self, Merge::Subtract) && inputs.len() != 2 {
            return Err(crate::plan::catalogue::arity(2, inputs));
        }
        if !self.is_linear() && inputs.len() > MOST {
            let message = Message::new("takes at most ").number(MOST).text(" inputs at once, found ");
            return Err(message.number(inputs.len()).text("; merge them in groups"));
        }
        let mut shape = inputs[0].shape();
        let mut i = 0;
        while i < inputs.len() {
            if !inputs[i].dtype().is_float() {
                return Err(crate::plan::catalogue::float(&inputs[i]));
            }
            shape = match broadcast(shape, inputs[i].shape()) {
                Some(shape) => shape,
                None => {
                    let message = Message::new("cannot merge inputs of shapes ").spec(&Spec::sample(shape));
                    return Err(message
                        .text(" and ")
                        .spec(&inputs[i])
                        .text(": dimensions must be equal or 1"));
                }
            };
            i += 1;
        }
        Ok(Plan::new(Spec::sample(shape)).mask(MaskRule::All))
    }

    const fn is_linear(self) -> bool {
        matches!(self, Merge::Add | Merge::Subtract | Merge::Average)
    }

    /// What the sum of inputs can do for the calls around it.
    pub(super) fn takes(inputs: &[Spec]) -> Fuses {
        let rectifier = inputs.len() <= CHUNK && inputs.iter().all(|input| *input == inputs[0]);
        Fuses { rectifier, ..Fuses::default() }
    }

    pub(super) fn forward(self, cx: &Context<'_>, call: &Call) {
        let y = call.outputs[0];
        if self.is_linear() {
            for (at, chunk) in call.inputs.chunks(CHUNK).enumerate() {
                self.sum(cx, chunk, at * CHUNK, call);
            }
        } else {
            let mut tape = Tape::new();
            let result = self.program(&mut tape, call, None);
            let views = Views::of(call, None);
            cx.device.map(&tape.program(&[result.value]), &[], views.as_slice(), &[Grad::write(y)]);
        }
        if let Some(mask) = call.output_mask {
            any(cx, call, mask);
        }
    }

    pub(super) fn backward(self, cx: &Context<'_>, call: &Call) {
        let dy = call.output_grads[0];
        for (i, dx) in call.input_grads.iter().enumerate() {
            let Some(dx) = dx else { continue };
            if !call.ending.activation.is_linear() {
                cx.device.activation_grad(call.ending.activation, None, call.outputs[0], dy, *dx);
                continue;
            }
            let dx = dx.reshape(aligned(dx.view.shape(), dy.shape().rank()));
            if self.is_linear() {
                const SCALE: Program<'static> = Program {
                    instrs: &[Instr::Input(0), Instr::Scalar(0), Instr::Binary(Binary::Mul, 0, 1)],
                    outputs: &[2],
                };
                cx.device.map(&SCALE, &[self.factor(i, call.inputs.len())], &[dy], &[dx]);
                continue;
            }
            let mut tape = Tape::new();
            let result = self.program(&mut tape, call, Some(i));
            let views = Views::of(call, Some(dy));
            let dy = tape.push(Instr::Input(views.len as u8 - 1));
            let tangent = result.tangent.unwrap_or(dy);
            let product = tape.push(Instr::Binary(Binary::Mul, dy, tangent));
            cx.device.map(&tape.program(&[product]), &[], views.as_slice(), &[dx]);
        }
    }

    /// What input `i` counts in a sum of `n`.
    fn factor(self, i: usize, n: usize) -> f64 {
        match self {
            Merge::Average => 1.0 / n as f64,
            Merge::Subtract if i == 1 => -1.0,
            _ => 1.0,
        }
    }

    /// Writes the sum of inputs `first..`, or adds it if there were others before.
    fn sum(self, cx: &Context<'_>, inputs: &[View], first: usize, call: &Call) {
        let (n, y) = (call.inputs.len(), call.outputs[0]);
        let mut tape = Tape::new();
        let mut views = Views::none(y);
        let mut total: Option<Value> = None;
        for x in inputs {
            let x = tape.push(Instr::Input(views.push(aligned(x.shape(), y.shape().rank()), *x)));
            let join = if self == Merge::Subtract { Binary::Sub } else { Binary::Add };
            total = Some(total.map_or(x, |total| tape.push(Instr::Binary(join, total, x))));
        }
        let mut total = total.expect("a chunk is not empty");
        if self == Merge::Average {
            let n = tape.push(Instr::Const(n as f64));
            total = tape.push(Instr::Binary(Binary::Div, total, n));
        }
        // Only a sum of one chunk has one.
        total = tape.rectified(total, call.ending.activation);
        let to = if first == 0 { Grad::write(y) } else { Grad::add(y) };
        cx.device.map(&tape.program(&[total]), &[], views.as_slice(), &[to]);
    }

    /// The product or extreme of the inputs, and its derivative by input `asked`. Steps that a mask leaves out do not count, as
    /// long as another input has them.
    fn program(self, tape: &mut Tape, call: &Call, asked: Option<usize>) -> Dual {
        let n = call.inputs.len();
        let all_masked = call.output_mask.is_some();
        let mut next_mask = n;
        let (mut result, mut result_mask): (Option<Dual>, Option<Value>) = (None, None);
        for i in 0..n {
            let mut x = tape.input(i, asked == Some(i));
            let mask = mask_of(call, i).map(|_| {
                next_mask += 1;
                tape.push(Instr::Input(next_mask as u8 - 1))
            });
            if self == Merge::Multiply {
                if let Some(mask) = mask {
                    let one = tape.number(1.0);
                    x = tape.select(mask, x, one);
                }
                result = Some(result.map_or(x, |result| tape.join(Binary::Mul, result, x)));
                result_mask = join(tape, result_mask, mask, i == 0);
                continue;
            }
            let Some(before) = result else {
                (result, result_mask) = (Some(x), mask);
                continue;
            };
            let mut before = before;
            if let Some(mask) = mask {
                x = tape.select(mask, x, before);
            }
            if let Some(mask) = result_mask {
                before = tape.select(mask, before, x);
            }
            result_mask = join(tape, result_mask, mask, false);
            let op = if self == Merge::Maximum { Binary::Max } else { Binary::Min };
            result = Some(tape.join(op, before, x));
        }
        let result = result.expect("at least one input was planned");
        match result_mask {
            Some(mask) if self == Merge::Multiply && all_masked => {
                let zero = tape.number(0.0);
                tape.select(mask, result, zero)
            }
            _ => result,
        }
    }
}

/// Either mask; none if one of the two is none.
fn join(tape: &mut Tape, a: Option<Value>, b: Option<Value>, first: bool) -> Option<Value> {
    match (a, b) {
        (Some(a), Some(b)) => Some(tape.push(Instr::Binary(Binary::Or, a, b))),
        _ if first => b,
        _ => None,
    }
}

/// The mask of an input, beside its features. It counts for sequences of vectors alone, as in Keras.
fn mask_of(call: &Call, i: usize) -> Option<View> {
    let mask = call.input_masks.get(i).copied().flatten()?;
    let (shape, x) = (mask.shape(), call.inputs[i].shape());
    (x.rank() == shape.rank() + 1).then(|| mask.reshape(shape.insert(shape.rank(), 1)))
}

/// A step of the output is there if one of the inputs has it.
fn any(cx: &Context<'_>, call: &Call, to: View) {
    let mut tape = Tape::new();
    let mut views = Views::none(to);
    let mut result: Option<Value> = None;
    for mask in call.input_masks.iter().flatten() {
        let mask = tape.push(Instr::Input(views.push(mask.shape(), *mask)));
        result = Some(result.map_or(mask, |result| tape.push(Instr::Binary(Binary::Or, result, mask))));
        if views.len == CHUNK {
            break;
        }
    }
    let result = result.expect("every input has a mask");
    cx.device.map(&tape.program(&[result]), &[], views.as_slice(), &[Grad::write(to)]);
}

/// Operands of a program, on the stack.
struct Views {
    items: [View; 2 * CHUNK],
    len: usize,
}

impl Views {
    /// None yet; `blank` fills the unused places.
    fn none(blank: View) -> Views {
        Views { items: [blank; 2 * CHUNK], len: 0 }
    }

    fn as_slice(&self) -> &[View] {
        &self.items[..self.len]
    }

    /// The inputs, then their masks, then `last`.
    fn of(call: &Call, last: Option<View>) -> Views {
        let rank = call.outputs[0].shape().rank();
        let mut views = Views::none(call.outputs[0]);
        for x in &call.inputs {
            views.push(aligned(x.shape(), rank), *x);
        }
        for mask in (0..call.inputs.len()).filter_map(|i| mask_of(call, i)) {
            views.push(mask.shape(), mask);
        }
        if let Some(last) = last {
            views.push(last.shape(), last);
        }
        views
    }

    fn push(&mut self, shape: Shape, view: View) -> u8 {
        self.items[self.len] = view.reshape(shape);
        self.len += 1;
        self.len as u8 - 1
    }
}

/// A full shape with dimensions of 1 after the batch, up to `rank`: samples are aligned at their ends.
fn aligned(mut shape: Shape, rank: usize) -> Shape {
    while shape.rank() < rank {
        shape = shape.insert(1, 1);
    }
    shape
}

/// The shape of a sample that both broadcast to.
const fn broadcast(a: Shape, b: Shape) -> Option<Shape> {
    let (mut long, short) = if a.rank() >= b.rank() { (a, b) } else { (b, a) };
    let shift = long.rank() - short.rank();
    let mut i = 0;
    while i < short.rank() {
        let (x, y) = (long.dim(i + shift), short.dim(i));
        if x == 1 {
            long = long.with_dim(i + shift, y);
        } else if y != 1 && x != y {
            return None;
        }
        i += 1;
    }
    Some(long)
}
