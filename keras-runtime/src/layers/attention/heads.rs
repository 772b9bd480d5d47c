//! Products of many heads, without moving an element: every operand is read where its projection left it.

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, Strides};
use keras_kernels::{Device, Grad, Mode, Shape, View};

/// How queries, keys, values and scores lie.
///
/// Queries are `[outer, targets, inner, groups, repeats, dim]`, keys and values `[outer, sources, inner, groups, dim]`, scores
/// `[outer, inner, groups, repeats, targets, sources]`: attention runs along targets and sources, each group of keys serves
/// `repeats` heads of queries.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub outer: usize,
    pub targets: usize,
    pub sources: usize,
    pub inner: usize,
    pub groups: usize,
    pub repeats: usize,
}

/// What a product reads or writes.
#[derive(Clone, Copy)]
enum Operand {
    /// Of this width.
    Queries(usize),
    /// Of this width.
    Keys(usize),
    Scores,
}

impl Heads {
    /// Heads of queries.
    pub(super) const fn heads(&self) -> usize {
        self.groups * self.repeats
    }

    /// `scores = alpha * queries keys'`.
    pub(super) fn scores(&self, device: &Device, alpha: f64, dim: usize, q: View, k: View, to: Grad) {
        let (q, k) = ((Operand::Queries(dim), q, false), (Operand::Keys(dim), k, true));
        self.product(device, alpha, [self.targets, self.sources, dim], q, k, (Operand::Scores, to));
    }

    /// `queries = alpha * scores keys`.
    pub(super) fn queries(&self, device: &Device, alpha: f64, dim: usize, scores: View, k: View, to: Grad) {
        let (scores, k) = ((Operand::Scores, scores, false), (Operand::Keys(dim), k, false));
        self.product(
            device,
            alpha,
            [self.targets, dim, self.sources],
            scores,
            k,
            (Operand::Queries(dim), to),
        );
    }

    /// `keys = alpha * scores' queries`, summed over the heads that share a key.
    pub(super) fn keys(&self, device: &Device, alpha: f64, dim: usize, scores: View, q: View, to: Grad) {
        let (scores, q) = ((Operand::Scores, scores, true), (Operand::Queries(dim), q, false));
        self.product(device, alpha, [self.sources, dim, self.targets], scores, q, (Operand::Keys(dim), to));
    }

    /// Strides of an operand, and where the heads of one inner position and one repeat start.
    fn strides(&self, operand: Operand, inner: usize, repeat: usize, transposed: bool) -> (Strides, usize) {
        let Heads { targets, sources, inner: inners, groups, repeats, .. } = *self;
        let (batch, row, start) = match operand {
            Operand::Queries(dim) => {
                let row = inners * groups * repeats * dim;
                ([targets * row, repeats * dim], row, (inner * groups * repeats + repeat) * dim)
            }
            Operand::Keys(dim) => {
                let row = inners * groups * dim;
                ([sources * row, dim], row, inner * groups * dim)
            }
            Operand::Scores => {
                let table = targets * sources;
                let head = inner * groups * repeats + repeat;
                ([inners * groups * repeats * table, repeats * table], sources, head * table)
            }
        };
        let (row, col) = if transposed { (1, row) } else { (row, 1) };
        (Strides { batch, row, col }, start)
    }

    fn product(
        &self,
        device: &Device,
        alpha: f64,
        [m, n, k]: [usize; 3],
        (a, a_view, a_transposed): (Operand, View, bool),
        (b, b_view, b_transposed): (Operand, View, bool),
        (c, to): (Operand, Grad),
    ) {
        for inner in 0..self.inner {
            for repeat in 0..self.repeats {
                let (a, a_start) = self.strides(a, inner, repeat, a_transposed);
                let (b, b_start) = self.strides(b, inner, repeat, b_transposed);
                let sums = repeat > 0 && matches!(c, Operand::Keys(_));
                let (c, c_start) = self.strides(c, inner, repeat, false);
                let gemm = Gemm { batch: [self.outer, self.groups], alpha, a, b, c, ..Gemm::new(m, n, k) };
                let mode = if sums { Mode::Add } else { to.mode };
                let to = Grad { view: from(to.view, c_start), mode };
                let (a, b) = (from(a_view, a_start), from(b_view, b_start));
                device.gemm(&gemm, a, b, None, Activation::Linear, to);
            }
        }
    }
}

/// A view's elements from `start` on; none if the batch is empty.
fn from(view: View, start: usize) -> View {
    let flat = view.reshape(Shape::of(&[view.size()]));
    let start = start.min(view.size());
    flat.cut(start, Shape::of(&[view.size() - start]))
}
