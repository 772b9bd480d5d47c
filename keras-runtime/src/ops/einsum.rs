//! `einsum`: the product of two tensors whose axes have names.

use keras_kernels::{DType, Grad, MAX_RANK, Shape, View};

use super::shapes::{BATCH, check_float, full, spec_of};
use super::{Backward, Op};
use crate::layer::Context;
use crate::layers::support::contraction::{Contraction, Labels};
use crate::layers::support::equation::{self, Term, name_axis};
use crate::plan::{Message, Spec, Text};
use crate::plan_try;

/// `einsum("abc,cd->abd", a, b)`: sums over the axes that both operands have and the result lacks.
#[derive(Clone, Copy)]
pub struct Einsum {
    equation: Text,
}

/// Stops const evaluation if this is no equation.
#[track_caller]
pub const fn assert_equation(equation: &str) {
    if let Err(message) = equation::split(equation) {
        panic!("{}", Message::new("`einsum`: ").text(message.as_str()).as_str());
    }
}

impl Einsum {
    /// By this equation.
    pub const fn new(equation: &str) -> Einsum {
        Einsum::of(Text::of(equation))
    }

    /// By this equation.
    pub(crate) const fn of(equation: Text) -> Einsum {
        Einsum { equation }
    }

    /// The equation for operands of these ranks.
    const fn contraction(&self, ranks: [usize; 2]) -> Result<Contraction, Message> {
        let [a, b, c] = plan_try!(equation::split(self.equation.as_str()));
        let elided = match (plan_try!(self.elided(&a, ranks[0])), plan_try!(self.elided(&b, ranks[1]))) {
            (n, m) if a.elides() && b.elides() && n != m => {
                return Err(Message::new("the ellipsis of `")
                    .text(self.equation.as_str())
                    .text("` stands for unlike ranks"));
            }
            (n, m) => {
                if a.elides() {
                    n
                } else {
                    m
                }
            }
        };
        if c.letters.len() + elided > MAX_RANK {
            return Err(Message::new("the result would have more than 8 dimensions"));
        }
        Ok(Contraction { a: a.labels(elided), b: b.labels(elided), c: c.labels(elided) })
    }

    /// How many axes an operand's ellipsis stands for.
    const fn elided(&self, term: &Term, rank: usize) -> Result<usize, Message> {
        let named = term.letters.len();
        if rank < named || !term.elides() && rank != named {
            let message =
                Message::new("the equation `").text(self.equation.as_str()).text("` names ").number(named);
            return Err(message.text(" axes (batch included) of an operand that has ").number(rank));
        }
        Ok(rank - named)
    }

    const fn on(&self, inputs: &[Spec]) -> Result<Contraction, Message> {
        self.contraction([full(&inputs[0]).rank(), full(&inputs[1]).rank()])
    }

    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        plan_try!(check_float(&inputs[0]));
        plan_try!(check_float(&inputs[1]));
        let Contraction { a, b, c } = plan_try!(self.on(inputs));
        let (x, y) = (full(&inputs[0]), full(&inputs[1]));
        plan_try!(alone(&a, &b, &c, "first"));
        plan_try!(alone(&b, &a, &c, "second"));
        let mut i = 0;
        while i < a.len() {
            if let Some(j) = b.find(a.get(i))
                && x.dim(i) != y.dim(j)
            {
                let message = name_axis(Message::new(""), a.get(i)).text("is ");
                let message = size(message, x.dim(i)).text(" in the first operand and ");
                return Err(size(message, y.dim(j)).text(" in the second"));
            }
            i += 1;
        }
        let mut shape = Shape::SCALAR;
        i = 0;
        while i < c.len() {
            let dim = match (a.find(c.get(i)), b.find(c.get(i))) {
                (Some(at), _) => x.dim(at),
                (None, Some(at)) => y.dim(at),
                (None, None) => {
                    return Err(name_axis(Message::new("no operand has "), c.get(i)).text("of the result"));
                }
            };
            shape = shape.insert(i, dim);
            i += 1;
        }
        spec_of(shape, DType::F32)
    }

    /// Room for the first operand, the second or the result in another order; empty where they are read as they lie.
    pub const fn room(&self, inputs: &[Spec], which: usize) -> Result<Spec, Message> {
        self.room_if(inputs, which, plan_try!(self.on(inputs)).transposed()[which])
    }

    /// The same, for the gradient.
    pub const fn backward_room(&self, inputs: &[Spec], which: usize) -> Result<Spec, Message> {
        self.room_if(inputs, which, plan_try!(self.on(inputs)).transposed_backward()[which])
    }

    const fn room_if(&self, inputs: &[Spec], which: usize, needed: bool) -> Result<Spec, Message> {
        match which {
            _ if !needed => Ok(Spec::fixed(Shape::of(&[0]))),
            2 => self.spec(inputs),
            operand => Ok(inputs[operand]),
        }
    }

    fn planned(&self, a: View, b: View) -> Contraction {
        self.contraction([a.shape().rank(), b.shape().rank()]).expect("the plan was made")
    }
}

/// Refuses an axis that one operand alone has.
const fn alone(of: &Labels, other: &Labels, result: &Labels, which: &str) -> Result<(), Message> {
    let mut i = 0;
    while i < of.len() {
        let label = of.get(i);
        if !other.has(label) && !result.has(label) {
            let message = name_axis(Message::new("would sum "), label).text("of the ").text(which);
            return Err(message.text(" operand alone: use `sum` before"));
        }
        i += 1;
    }
    Ok(())
}

const fn size(message: Message, dim: usize) -> Message {
    if dim == BATCH { message.text("the batch") } else { message.number(dim) }
}

/// The buffers that are needed, side by side, as a contraction takes them.
fn side_by_side(needed: [bool; 3], scratch: &[View]) -> ([View; 3], usize) {
    let (mut out, mut count) = ([scratch[0]; 3], 0);
    for (view, _) in scratch.iter().zip(needed).filter(|(_, needed)| *needed) {
        out[count] = *view;
        count += 1;
    }
    (out, count)
}

impl Op for Einsum {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, scratch: &[View]) {
        let contraction = self.planned(inputs[0], inputs[1]);
        let (room, count) = side_by_side(contraction.transposed(), scratch);
        contraction.forward(cx, &room[..count], inputs[0], inputs[1], Grad::write(y));
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let (a, b) = (pass.inputs[0], pass.inputs[1]);
        let contraction = self.planned(a, b);
        let (room, count) = side_by_side(contraction.transposed_backward(), pass.scratch);
        if let Some(da) = pass.grads[0] {
            contraction.backward_a(cx, &room[..count], pass.dy, b, da);
        }
        if let Some(db) = pass.grads[1] {
            contraction.backward_b(cx, &room[..count], a, pass.dy, db);
        }
    }
}
