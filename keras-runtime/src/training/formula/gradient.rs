//! Derivatives of formulas: reverse mode on the tape.

use keras_kernels::elementwise::{Binary, Unary};

use super::{Expr, Id, Op, Tape};
use crate::operations::slope::{self, Record};

impl<'t> Expr<'t> {
    /// The derivative of `seed * self`, summed over everything, with respect to the element input `with_respect_to`.
    ///
    /// Where a function has a kink, the derivative is the one that JAX takes; equal ones that are the largest of a row share it.
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
                    let mut on = tape;
                    let share = slope::of_unary(&mut on, f, at(x), at(id), grad);
                    share.into_iter().for_each(|share| give(x, share));
                }
                Op::Binary(f, a, b) => {
                    let (mut on, y, needs) = (tape, at(id), |id: Id| depends[usize::from(id)]);
                    let left = needs(a).then(|| slope::of_left(&mut on, f, at(a), at(b), grad)).flatten();
                    let right =
                        needs(b).then(|| slope::of_right(&mut on, f, at(a), at(b), y, grad)).flatten();
                    left.into_iter().for_each(|share| give(a, share));
                    right.into_iter().for_each(|share| give(b, share));
                }
            }
        }
        adjoint[usize::from(with_respect_to.id)].unwrap_or_else(|| self.constant(0.0))
    }
}

impl<'t> Record for &'t Tape {
    type Value = Expr<'t>;

    fn constant(&mut self, value: f64) -> Expr<'t> {
        Tape::constant(self, value)
    }

    fn unary(&mut self, f: Unary, x: Expr<'t>) -> Expr<'t> {
        x.unary(f)
    }

    fn binary(&mut self, f: Binary, a: Expr<'t>, b: Expr<'t>) -> Expr<'t> {
        a.binary(f, b)
    }

    fn choose(&mut self, c: Expr<'t>, yes: Expr<'t>, no: Expr<'t>) -> Expr<'t> {
        c.select(yes, no)
    }
}

pub(super) fn children(tape: &Tape, id: Id) -> [Option<Id>; 3] {
    match tape.node(id).op {
        Op::Input(_) | Op::Scalar(_) | Op::Const(_) => [None; 3],
        Op::Unary(_, x) | Op::Sum(x) | Op::Max(x) | Op::ArgMax(x) | Op::Stop(x) => [Some(x), None, None],
        Op::Binary(_, a, b) => [Some(a), Some(b), None],
        Op::Select(c, a, b) => [Some(c), Some(a), Some(b)],
    }
}
