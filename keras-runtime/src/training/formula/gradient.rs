//! Derivatives of formulas: reverse mode on the tape.

use keras_kernels::elementwise::{Binary, Unary};

use super::{Expr, Id, Op, Tape};

impl<'t> Expr<'t> {
    /// The derivative of `seed * self`, summed over everything, with respect to the element input `with_respect_to`.
    ///
    /// Where a function has a kink, the derivative is the one that JAX takes: 0 for `abs` at 0, one half of each side for
    /// `max` and `min` of equal numbers, equal shares for the largest of a row.
    ///
    /// Functions that are flat wherever they have a slope, such as comparisons, count as constants.
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
                // Equal ones share it.
                Op::Max(x) => {
                    let largest = at(x).equal(at(id));
                    give(x, grad * largest / largest.sum());
                }
                Op::Select(c, yes, no) => {
                    let zero = grad.constant(0.0);
                    give(yes, at(c).select(grad, zero));
                    give(no, at(c).select(zero, grad));
                }
                // Where an element is is flat in what it is.
                Op::ArgMax(_) => {}
                Op::Unary(f, x) => {
                    if let Some(slope) = slope(f, at(x), at(id)) {
                        give(x, grad * slope);
                    }
                }
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
                            // x^0 is constant, at 0 too; and so is 0^y.
                            let (zero, one) = (x.constant(0.0), x.constant(1.0));
                            give(a, grad * y.select(y * x.pow(y - 1.0), zero));
                            give(b, grad * at(id) * x.select(x, one).ln());
                        }
                        Binary::Max | Binary::Min => {
                            let first = if f == Binary::Max { x.gt(y) } else { x.lt(y) };
                            let share = first + x.equal(y) * 0.5;
                            give(a, grad * share);
                            give(b, grad * (1.0 - share));
                        }
                        Binary::Mod => {
                            give(a, grad);
                            give(b, -(grad * x.binary(Binary::FloorDiv, y)));
                        }
                        Binary::Atan2 => {
                            let norm = x.square() + y.square();
                            give(a, grad * y / norm);
                            give(b, -(grad * x / norm));
                        }
                        // Comparisons and whole quotients are flat.
                        _ => {}
                    }
                }
            }
        }
        adjoint[usize::from(with_respect_to.id)].unwrap_or_else(|| self.constant(0.0))
    }
}

/// Derivative of `y = f(x)`; `None` where it is zero wherever it exists.
fn slope<'t>(f: Unary, x: Expr<'t>, y: Expr<'t>) -> Option<Expr<'t>> {
    use std::f64::consts::{FRAC_2_SQRT_PI, LOG2_E, LOG10_E};
    Some(match f {
        Unary::Neg => x.constant(-1.0),
        Unary::Abs => x.sign(),
        Unary::Square => x * 2.0,
        Unary::Sqrt => 0.5 / y,
        Unary::Rsqrt => y.square() * y * -0.5,
        Unary::Recip => -y.square(),
        Unary::Exp => y,
        Unary::Expm1 => y + 1.0,
        Unary::Log => 1.0 / x,
        Unary::Log1p => 1.0 / (x + 1.0),
        Unary::Log2 => LOG2_E / x,
        Unary::Log10 => LOG10_E / x,
        Unary::Sin => x.unary(Unary::Cos),
        Unary::Cos => -x.unary(Unary::Sin),
        Unary::Tan => y.square() + 1.0,
        Unary::Asin => (1.0 - x.square()).unary(Unary::Rsqrt),
        Unary::Acos => -(1.0 - x.square()).unary(Unary::Rsqrt),
        Unary::Atan => 1.0 / (x.square() + 1.0),
        Unary::Sinh => x.unary(Unary::Cosh),
        Unary::Cosh => x.unary(Unary::Sinh),
        Unary::Tanh => 1.0 - y.square(),
        Unary::Asinh => (x.square() + 1.0).unary(Unary::Rsqrt),
        Unary::Acosh => (x.square() - 1.0).unary(Unary::Rsqrt),
        Unary::Atanh => 1.0 / (1.0 - x.square()),
        Unary::Erf => (-x.square()).exp() * FRAC_2_SQRT_PI,
        Unary::Sigmoid => y * (1.0 - y),
        Unary::Relu => x.gt(x.constant(0.0)),
        Unary::Softplus => x.sigmoid(),
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => return None,
        Unary::Not | Unary::IsNan | Unary::IsFinite => return None,
        other => unreachable!("{other:?} is not a function of formulas"),
    })
}

pub(super) fn children(tape: &Tape, id: Id) -> [Option<Id>; 3] {
    match tape.node(id).op {
        Op::Input(_) | Op::Scalar(_) | Op::Const(_) => [None; 3],
        Op::Unary(_, x) | Op::Sum(x) | Op::Max(x) | Op::ArgMax(x) | Op::Stop(x) => [Some(x), None, None],
        Op::Binary(_, a, b) => [Some(a), Some(b), None],
        Op::Select(c, a, b) => [Some(c), Some(a), Some(b)],
    }
}
