//! Matrix products of tensors.

use keras_kernels::activation::Activation;
use keras_kernels::matmul::Gemm;
use keras_kernels::{DType, Grad, MAX_RANK, Mode, Shape, View};

use super::shapes::{broadcast, check_float, full, spec_of};
use super::{Backward, Op};
use crate::layer::Context;
use crate::plan::{Message, Spec};
use crate::plan_try;

/// `matmul(a, b)`: the last axis of `a` against the last but one of `b`; leading axes broadcast.
#[derive(Clone, Copy)]
pub struct Matmul;

impl Matmul {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let (a, b) = (full(&inputs[0]), full(&inputs[1]));
        let mut i = 0;
        while i < 2 {
            plan_try!(check_float(&inputs[i]));
            if full(&inputs[i]).rank() < 2 {
                return Err(Message::new("expects matrices, found ").spec(&inputs[i]));
            }
            i += 1;
        }
        let (ra, rb) = (a.rank(), b.rank());
        if a.dim(ra - 1) != b.dim(rb - 2) {
            let message =
                Message::new("the last axis of ").spec(&inputs[0]).text(" and the last but one of ");
            return Err(message.spec(&inputs[1]).text(" must agree"));
        }
        let lead = match broadcast(without_matrix(a), without_matrix(b)) {
            Some(lead) => lead,
            None => {
                let message = Message::new("the leading axes of ").spec(&inputs[0]).text(" and ");
                return Err(message.spec(&inputs[1]).text(" do not broadcast"));
            }
        };
        let rank = lead.rank();
        spec_of(lead.insert(rank, a.dim(ra - 2)).insert(rank + 1, b.dim(rb - 1)), DType::F32)
    }
}

const fn without_matrix(shape: Shape) -> Shape {
    shape.remove(shape.rank() - 1).remove(shape.rank() - 2)
}

/// One leading axis: its size, and steps of the two factors and the result (0 where one is broadcast).
#[derive(Clone, Copy, Default)]
struct Lead {
    size: usize,
    a: usize,
    b: usize,
    c: usize,
}

/// A product over leading axes.
struct Product {
    lead: [Lead; MAX_RANK],
    rank: usize,
    m: usize,
    n: usize,
    k: usize,
}

impl Product {
    fn of(a: Shape, b: Shape) -> Product {
        let (ra, rb) = (a.rank(), b.rank());
        let (m, k, n) = (a.dim(ra - 2), a.dim(ra - 1), b.dim(rb - 1));
        let mut product = Product { lead: [Lead::default(); MAX_RANK], rank: 0, m, n, k };
        // One matrix on the right for all: the rows of the left are one long matrix.
        if rb == 2 {
            product.m = a.size() / k.max(1);
            return product;
        }
        let rank = ra.max(rb) - 2;
        let dim = |shape: Shape, axis: usize| {
            (axis + shape.rank() - 2).checked_sub(rank).map_or(1, |axis| shape.dim(axis))
        };
        let (mut step_a, mut step_b, mut step_c) = (m * k, k * n, m * n);
        // Innermost first.
        for axis in (0..rank).rev() {
            let (na, nb) = (dim(a, axis), dim(b, axis));
            let size = if na == 1 { nb } else { na };
            if size == 1 {
                continue;
            }
            let step = |n: usize, step: usize| if n == 1 { 0 } else { step };
            let lead = Lead { size, a: step(na, step_a), b: step(nb, step_b), c: step_c };
            (step_a, step_b, step_c) = (step_a * na, step_b * nb, step_c * size);
            match product.lead[..product.rank].last_mut() {
                Some(inner)
                    if lead.a == inner.a * inner.size
                        && lead.b == inner.b * inner.size
                        && (lead.a == 0) == (inner.a == 0)
                        && (lead.b == 0) == (inner.b == 0) =>
                {
                    inner.size *= size;
                }
                _ => {
                    product.lead[product.rank] = lead;
                    product.rank += 1;
                }
            }
        }
        product
    }

    /// The same axes for another of the three products.
    fn turned(&self, turn: impl Fn(Lead) -> Lead) -> [Lead; MAX_RANK] {
        self.lead.map(turn)
    }
}

/// Runs `gemm` over leading axes. Two of them are the kernel's own batch; axes along which the result does not move add up.
fn run(cx: &Context<'_>, lead: &[Lead], gemm: Gemm, a: View, b: View, c: Grad) {
    let inner = |l: &&Lead| l.c != 0;
    let mut own = lead.iter().filter(inner).take(2);
    let [first, second] =
        [own.next(), own.next()].map(|l| l.copied().unwrap_or(Lead { size: 1, ..Lead::default() }));
    let gemm = Gemm {
        batch: [second.size, first.size],
        a: gemm.a.batched(second.a, first.a),
        b: gemm.b.batched(second.b, first.b),
        c: gemm.c.batched(second.c, first.c),
        ..gemm
    };
    let mut taken = 0;
    let mut outer = [Lead::default(); MAX_RANK];
    let mut rank = 0;
    for l in lead {
        if l.c != 0 && taken < 2 {
            taken += 1;
        } else {
            outer[rank] = *l;
            rank += 1;
        }
    }
    let outer = &outer[..rank];
    let count: usize = outer.iter().map(|l| l.size).product();
    for task in 0..count {
        let (mut rest, mut at, mut again) = (task, Lead::default(), false);
        for l in outer {
            let i = rest % l.size;
            rest /= l.size;
            at = Lead { size: 0, a: at.a + i * l.a, b: at.b + i * l.b, c: at.c + i * l.c };
            again |= l.c == 0 && i > 0;
        }
        // None is left of an empty batch.
        let tail = |view: View, offset: usize| {
            let offset = offset.min(view.size());
            view.cut(offset, Shape::of(&[view.size() - offset]))
        };
        let mode = if again { Mode::Add } else { c.mode };
        let to = Grad { view: tail(c.view, at.c), mode };
        cx.device.gemm(&gemm, tail(a, at.a), tail(b, at.b), None, Activation::Linear, to);
    }
}

impl Op for Matmul {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        let (a, b) = (inputs[0], inputs[1]);
        let p = Product::of(a.shape(), b.shape());
        run(cx, &p.lead[..p.rank], Gemm::new(p.m, p.n, p.k), a, b, Grad::write(y));
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let (a, b, dy) = (pass.inputs[0], pass.inputs[1], pass.dy);
        let p = Product::of(a.shape(), b.shape());
        if let Some(da) = pass.grads[0] {
            // da = dy b^T
            let lead = p.turned(|l| Lead { a: l.c, b: l.b, c: l.a, ..l });
            run(cx, &lead[..p.rank], Gemm::new(p.m, p.k, p.n).b_transposed(), dy, b, da);
        }
        if let Some(db) = pass.grads[1] {
            // db = a^T dy
            let lead = p.turned(|l| Lead { a: l.a, b: l.c, c: l.b, ..l });
            let gemm = Gemm::new(p.k, p.n, p.m).a_transposed();
            run(cx, &lead[..p.rank], gemm, a, dy, db);
        }
    }
}
