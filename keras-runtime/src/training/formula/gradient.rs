//! Derivatives of formulas: reverse mode on the tape.

use keras_kernels::elementwise::{Binary, Unary};

use super::{Expr, Id, Op, Tape};

impl<'t> Expr<'t> {
    /// The derivative of `seed * self`, summed over everything, with respect to the element input `with_respect_to`.
    ///
    /// Where a function has a kink, the derivative is the one that JAX takes: 0 for `abs` at 0, one half of each side for
    /// `max` and `min` of equal numbers.
    ///
    /// # Panics
    /// If the formula uses a function that has no derivative here; losses are written without them.
    #[must_use]
    pub fn gradient(self, seed: Expr<'t>, with_respect_to: Expr<'t>) -> Expr<'t> {
        let tape = self.tape();
        let count = usize::from(self.id.max(with_respect_to.id)) + 1;
        let mut depends = vec![false; count];
        for id in 0..count {
            depends[id] = id == usize::from(with_respect_to.id)
                || (!matches!(tape.node(id as Id).op, Op::Stop(_))
                    && children(tape, id as Id).iter().flatten().any(|c| depends[usize::from(*c)]));
        }
        let mut adjoint: Vec<Option<Expr<'t>>> = vec![None; count];
        adjoint[usize::from(self.id)] = Some(seed);
        for id in (0..=self.id).rev() {
            let Some(grad) = adjoint[usize::from(id)] else { continue };
            if id == with_respect_to.id || !depends[usize::from(id)] {
                continue;
            }
            let mut give = |to: Id, amount: Expr<'t>| {
                if !depends[usize::from(to)] {
                    return;
                }
                // A row's value reaches all elements of the row: their shares add up.
                let spread = tape.node(to).row && !amount.is_row();
                let amount = if spread { amount.sum() } else { amount };
                let place = &mut adjoint[usize::from(to)];
                *place = Some(match *place {
                    Some(before) => before + amount,
                    None => amount,
                });
            };
            let at = |id: Id| tape.expr(id);
            match tape.node(id).op {
                Op::Input(_) | Op::Scalar(_) | Op::Const(_) | Op::Stop(_) => {}
                Op::Sum(x) => give(x, grad),
                Op::Max(x) => give(x, grad * at(x).equal(at(id))),
                Op::Select(c, yes, no) => {
                    let zero = grad.constant(0.0);
                    give(yes, at(c).select(grad, zero));
                    give(no, at(c).select(zero, grad));
                }
                Op::Unary(f, x) => give(x, grad * slope(f, at(x), at(id))),
                Op::Binary(f, a, b) => {
                    let (x, y) = (at(a), at(b));
                    match f {
                        Binary::Add => {
                            give(a, grad);
                            give(b, grad);
                        }
                        Binary::Sub => {
                            give(a, grad);
                            give(b, -grad);
                        }
                        Binary::Mul => {
                            give(a, grad * y);
                            give(b, grad * x);
                        }
                        Binary::Div => {
                            give(a, grad / y);
                            give(b, -(grad * at(id) / y));
                        }
                        Binary::Pow => {
                            give(a, grad * y * x.pow(y - 1.0));
                            give(b, grad * at(id) * x.ln());
                        }
                        Binary::Max | Binary::Min => {
                            let first = if f == Binary::Max { x.gt(y) } else { x.lt(y) };
                            let share = first + x.equal(y) * 0.5;
                            give(a, grad * share);
                            give(b, grad * (1.0 - share));
                        }
                        // Comparisons are flat.
                        _ => {}
                    }
                }
            }
        }
        adjoint[usize::from(with_respect_to.id)].unwrap_or_else(|| self.constant(0.0))
    }
}

/// Derivative of `y = f(x)`.
fn slope<'t>(f: Unary, x: Expr<'t>, y: Expr<'t>) -> Expr<'t> {
    match f {
        Unary::Neg => x.constant(-1.0),
        Unary::Abs => x.sign(),
        Unary::Square => x * 2.0,
        Unary::Sqrt => 0.5 / y,
        Unary::Exp => y,
        Unary::Log => 1.0 / x,
        Unary::Log1p => 1.0 / (x + 1.0),
        Unary::Sigmoid => y * (1.0 - y),
        Unary::Relu => x.gt(x.constant(0.0)),
        Unary::Softplus => x.sigmoid(),
        Unary::Tanh => 1.0 - y.square(),
        Unary::Sin => x.unary(Unary::Cos),
        Unary::Cos => -x.unary(Unary::Sin),
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::Not => x.constant(0.0),
        Unary::IsNan | Unary::IsFinite => x.constant(0.0),
        other => panic!("{other:?} has no derivative in formulas"),
    }
}

pub(super) fn children(tape: &Tape, id: Id) -> [Option<Id>; 3] {
    match tape.node(id).op {
        Op::Input(_) | Op::Scalar(_) | Op::Const(_) => [None; 3],
        Op::Unary(_, x) | Op::Sum(x) | Op::Max(x) | Op::Stop(x) => [Some(x), None, None],
        Op::Binary(_, a, b) => [Some(a), Some(b), None],
        Op::Select(c, a, b) => [Some(c), Some(a), Some(b)],
    }
}
