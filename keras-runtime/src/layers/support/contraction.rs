//! Contractions of two tensors, as `einsum` writes them, by one batched matrix product.
//!
//! Every label is of one of four kinds: in both operands and the result (batch), in the first and the result (rows), in the
//! second and the result (columns), in both operands alone (summed). Where the labels of a kind lie side by side in every
//! tensor, the product reads and writes them where they are; a tensor in which they do not is transposed first.

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, Strides};
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use super::walks;
use crate::layer::Context;
use crate::plan::{Plan, Spec};

/// Labels of a tensor's dimensions.
#[derive(Clone, Copy)]
pub(crate) struct Labels {
    items: [u8; MAX_RANK],
    len: usize,
}

impl Labels {
    /// None.
    pub(crate) const NONE: Labels = Labels { items: [0; MAX_RANK], len: 0 };

    /// One more.
    pub(crate) const fn with(mut self, label: u8) -> Labels {
        self.items[self.len] = label;
        self.len += 1;
        self
    }

    /// All of the other list after these.
    pub(crate) const fn and(mut self, more: &Labels) -> Labels {
        let mut i = 0;
        while i < more.len {
            self = self.with(more.items[i]);
            i += 1;
        }
        self
    }

    /// How many.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The label of a dimension.
    pub(crate) const fn get(&self, i: usize) -> u8 {
        self.items[i]
    }

    /// The dimension of a label.
    pub(crate) const fn find(&self, label: u8) -> Option<usize> {
        let mut i = 0;
        while i < self.len {
            if self.items[i] == label {
                return Some(i);
            }
            i += 1;
        }
        None
    }

    /// Whether a dimension has this label.
    pub(crate) const fn has(&self, label: u8) -> bool {
        self.find(label).is_some()
    }

    /// Those that `a` has (or lacks) and `b` has (or lacks).
    const fn filter(&self, a: &Labels, in_a: bool, b: &Labels, in_b: bool) -> Labels {
        let mut out = Labels::NONE;
        let mut i = 0;
        while i < self.len {
            let label = self.items[i];
            if a.has(label) == in_a && b.has(label) == in_b {
                out = out.with(label);
            }
            i += 1;
        }
        out
    }

    /// Whether the labels of `group` lie side by side here, in its order.
    const fn holds_together(&self, group: &Labels) -> bool {
        let mut i = 1;
        while i < group.len {
            match (self.find(group.items[i - 1]), self.find(group.items[i])) {
                (Some(a), Some(b)) if a + 1 == b => i += 1,
                _ => return false,
            }
        }
        true
    }

    /// Numbers of a tensor of this shape under the labels of `group`.
    fn size(&self, shape: Shape, group: &Labels) -> usize {
        let dims = group.items[..group.len].iter().filter_map(|label| self.find(*label));
        dims.map(|i| shape.dim(i)).product()
    }

    /// Distance between neighbours along a group that holds together.
    fn step(&self, shape: Shape, group: &Labels) -> usize {
        match group.len {
            0 => 1,
            n => self.find(group.items[n - 1]).map_or(1, |i| shape.strides()[i]),
        }
    }
}

/// `c = sum(a * b)` over the labels that `c` lacks.
#[derive(Clone, Copy)]
pub(crate) struct Contraction {
    /// Labels of the first operand.
    pub(crate) a: Labels,
    /// Labels of the second.
    pub(crate) b: Labels,
    /// Labels of the result.
    pub(crate) c: Labels,
}

/// The four kinds of labels.
struct Groups {
    batch: Labels,
    rows: Labels,
    cols: Labels,
    summed: Labels,
}

impl Contraction {
    const fn groups(&self) -> Groups {
        Groups {
            batch: self.c.filter(&self.a, true, &self.b, true),
            rows: self.c.filter(&self.a, true, &self.b, false),
            cols: self.c.filter(&self.a, false, &self.b, true),
            summed: self.a.filter(&self.b, true, &self.c, false),
        }
    }

    /// Which of `a`, `b`, `c` must be transposed.
    pub(crate) const fn transposed(&self) -> [bool; 3] {
        let Groups { batch, rows, cols, summed } = self.groups();
        const fn apart(of: &Labels, x: &Labels, y: &Labels, z: &Labels) -> bool {
            !(of.holds_together(x) && of.holds_together(y) && of.holds_together(z))
        }
        [
            apart(&self.a, &batch, &rows, &summed),
            apart(&self.b, &batch, &summed, &cols),
            apart(&self.c, &batch, &rows, &cols),
        ]
    }

    /// The contraction that gives the gradient of `a`: from that of `c`, and `b`.
    const fn for_a(&self) -> Contraction {
        Contraction { a: self.c, b: self.b, c: self.a }
    }

    /// The contraction that gives the gradient of `b`: from `a`, and that of `c`.
    const fn for_b(&self) -> Contraction {
        Contraction { a: self.a, b: self.c, c: self.b }
    }

    /// Which of `a`, `b`, `c` backward needs room for.
    pub(crate) const fn transposed_backward(&self) -> [bool; 3] {
        let (x, y) = (self.for_a().transposed(), self.for_b().transposed());
        [x[2] || y[0], x[1] || y[2], x[0] || y[1]]
    }

    /// Adds the scratch that it needs, as the first buffers of the lists. `specs` are those of `a`, `b` and `c`.
    pub(crate) const fn plan(&self, mut plan: Plan, specs: [Spec; 3]) -> Plan {
        let (forward, backward) = (self.transposed(), self.transposed_backward());
        let mut i = 0;
        while i < 3 {
            if forward[i] {
                plan = plan.scratch(specs[i]);
            }
            if backward[i] {
                plan = plan.backward_scratch(specs[i]);
            }
            i += 1;
        }
        plan
    }

    /// Computes `c`.
    pub(crate) fn forward(&self, cx: &Context<'_>, scratch: &[View], a: View, b: View, c: Grad) {
        self.run(cx, place(self.transposed(), scratch), a, b, c);
    }

    /// Computes the gradient of `a`.
    pub(crate) fn backward_a(&self, cx: &Context<'_>, scratch: &[View], dc: View, b: View, da: Grad) {
        let [room_a, room_b, room_c] = place(self.transposed_backward(), scratch);
        self.for_a().run(cx, [room_c, room_b, room_a], dc, b, da);
    }

    /// Computes the gradient of `b`.
    pub(crate) fn backward_b(&self, cx: &Context<'_>, scratch: &[View], a: View, dc: View, db: Grad) {
        let [room_a, room_b, room_c] = place(self.transposed_backward(), scratch);
        self.for_b().run(cx, [room_a, room_c, room_b], a, dc, db);
    }

    fn run(&self, cx: &Context<'_>, room: [Option<View>; 3], a: View, b: View, c: Grad) {
        let Groups { batch, rows, cols, summed } = self.groups();
        let apart = self.transposed();
        let (b0, m) = (self.a.size(a.shape(), &batch), self.a.size(a.shape(), &rows));
        let (n, k) = (self.b.size(b.shape(), &cols), self.a.size(a.shape(), &summed));
        // Operand by operand: where it is read, and its strides there.
        let lay = |i: usize, labels: &Labels, view: View, rows: &Labels, cols: &Labels| {
            if apart[i] {
                let (height, width) = (labels.size(view.shape(), rows), labels.size(view.shape(), cols));
                let held = labels.size(view.shape(), &batch) > 1;
                Strides::rows(width).batched(if held { height * width } else { 0 }, 0)
            } else {
                let step = |group: &Labels| labels.step(view.shape(), group);
                let outer = if batch.len == 0 { 0 } else { step(&batch) };
                Strides { batch: [outer, 0], row: step(rows), col: step(cols) }
            }
        };
        let order = |labels: &Labels, shape: Shape, rows: &Labels, cols: &Labels| {
            let mut axes = [0; MAX_RANK];
            for (i, label) in batch.and(rows).and(cols).items[..labels.len].iter().enumerate() {
                axes[i] = labels.find(*label).expect("a label of this tensor");
            }
            walks::transpose(shape, &axes[..labels.len])
        };
        let gather = |i: usize, labels: &Labels, view: View, rows: &Labels, cols: &Labels| {
            if !apart[i] {
                return view;
            }
            let to = room[i].expect("room for a transpose was planned").reshape(view.shape());
            cx.device.walk(&order(labels, view.shape(), rows, cols), view, Grad::write(to));
            to
        };
        let gemm = Gemm {
            batch: [b0, 1],
            a: lay(0, &self.a, a, &rows, &summed),
            b: lay(1, &self.b, b, &summed, &cols),
            c: lay(2, &self.c, c.view, &rows, &cols),
            ..Gemm::new(m, n, k)
        };
        let a = gather(0, &self.a, a, &rows, &summed);
        let b = gather(1, &self.b, b, &summed, &cols);
        if !apart[2] {
            cx.device.gemm(&gemm, a, b, None, Activation::Linear, c);
            return;
        }
        let product = room[2].expect("room for a transpose was planned").reshape(c.view.shape());
        cx.device.gemm(&gemm, a, b, None, Activation::Linear, Grad::write(product));
        let back = walks::reverse(order(&self.c, c.view.shape(), &rows, &cols));
        cx.device.walk(&back, product, c);
    }
}

/// Gives each tensor that needs room the next buffer.
fn place(needed: [bool; 3], scratch: &[View]) -> [Option<View>; 3] {
    let mut next = 0;
    needed.map(|needed| {
        needed.then(|| {
            next += 1;
            scratch[next - 1]
        })
    })
}
