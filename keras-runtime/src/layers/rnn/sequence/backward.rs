//! The way back.

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, Strides};
use keras_kernels::recurrent::{Backward, Cell};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Grad, Shape, View};

use super::{BACK, BIAS, DROPPED, GRADIENTS, KERNEL, LOCAL, RECURRENT, Run, SUMS, Sequence};
use crate::engine::copy;
use crate::layer::{Call, Context};

/// Columns of a kernel, what is multiplied with them forward, and where the gradients of that product are.
struct Part {
    /// Rows of all steps of all samples.
    from: View,
    /// From one of them to the next, and their length.
    stride: usize,
    width: usize,
    /// First column of the kernel, how many, and where their gradients start in a row of gradients.
    column: usize,
    columns: usize,
    gradient: usize,
}

impl Sequence {
    /// Computes the gradients that the call asks for.
    pub(in super::super) fn backward(&self, cx: &Context<'_>, call: &Call) {
        let run = self.on(cx, call);
        let state = |at: usize| (self.return_state && at < self.states()).then(|| call.output_grads[1 + at]);
        let backward = Backward {
            kept: run.kept(),
            kernel: run.kernel(BACK),
            sequence: self.return_sequences.then(|| call.output_grads[0]),
            last: (!self.return_sequences).then(|| call.output_grads[0]),
            end: [state(0), state(1)],
            gradients: call.backward_scratch[GRADIENTS],
            start: [1, 2].map(|at| call.input_grads.get(at).copied().flatten()),
            local: call.backward_scratch[LOCAL],
        };
        cx.device.recur_back(&run.of, &backward);
        if let Some(to) = call.weight_grads[RECURRENT] {
            run.recurrent_grad(to);
        }
        if let Some(Some(to)) = call.weight_grads.get(BIAS) {
            run.bias_grad(*to);
        }
        if let Some(to) = call.weight_grads[KERNEL] {
            let columns = self.wide() / run.draws();
            for draw in 0..run.draws() {
                let (from, column) = (run.input(draw), draw * columns);
                let (stride, width) = (run.features, run.features);
                run.kernel_grad(&Part { from, stride, width, column, columns, gradient: column }, to);
            }
        }
        if let Some(to) = call.input_grads[0] {
            run.input_grad(to);
        }
    }
}

impl Run<'_> {
    /// The gradient of some columns of a kernel.
    fn kernel_grad(&self, part: &Part, to: Grad) {
        let product = Gemm {
            a: Strides::transposed(part.stride),
            b: Strides::rows(self.sequence.row()),
            c: Strides::rows(self.sequence.wide()),
            ..Gemm::new(part.width, part.columns, self.rows())
        };
        let gradients = self.since(self.call.backward_scratch[GRADIENTS], part.gradient);
        let to = Grad { view: self.since(to.view, part.column), mode: to.mode };
        self.cx.device.gemm(&product, part.from, gradients, None, Activation::Linear, to);
    }

    fn recurrent_grad(&self, to: Grad) {
        let Sequence { cell, units, .. } = *self.sequence;
        let kept = self.kept();
        // The columns from gate `first` on, whose products' gradients start at piece `gradient`.
        let part = |first: usize, count: usize, gradient: usize| {
            let (column, columns, gradient) = (first * units, count * units, gradient * units);
            let (from, stride) = match kept.seen {
                Some(seen) => (self.since(seen, column), cell.gates() * units),
                None => (kept.states, units),
            };
            Part { from, stride, width: units, column, columns, gradient }
        };
        let each = |first: usize, count: usize, gradient: usize| {
            let together = if kept.seen.is_some() { 1 } else { count };
            for gate in (first..first + count).step_by(together) {
                self.kernel_grad(&part(gate, together, gradient + gate - first), to);
            }
        };
        match (cell, kept.inner) {
            (Cell::Gru { reset_after: false }, Some(inner)) => {
                each(0, 2, 0);
                self.kernel_grad(&Part { from: inner, stride: units, ..part(2, 1, 2) }, to);
            }
            (Cell::Gru { .. }, _) => {
                each(0, 2, 0);
                each(2, 1, 3);
            }
            _ => each(0, cell.gates(), 0),
        }
    }

    /// Sums the gradients over all steps and samples.
    fn bias_grad(&self, to: Grad) {
        let (device, row, units) = (self.cx.device, self.sequence.row(), self.sequence.units);
        let all = self.call.backward_scratch[GRADIENTS].reshape(Shape::of(&[self.rows(), row]));
        let to = to.reshape(Shape::of(&[to.view.size()]));
        if row == self.sequence.wide() {
            device.reduce(Reduce::Sum, Axes::NONE.with(0), all, to);
            return;
        }
        // The bias has two rows, which share the sums of the first two gates.
        let sums = self.call.backward_scratch[SUMS];
        device.reduce(Reduce::Sum, Axes::NONE.with(0), all, Grad::write(sums));
        for (from, at, count) in [(0, 0, 3), (0, 3, 2), (3, 5, 1)] {
            let shape = Shape::of(&[count * units]);
            let to = Grad { view: to.view.cut(at * units, shape), mode: to.mode };
            copy(self.cx, sums.cut(from * units, shape), to);
        }
    }

    fn input_grad(&self, to: Grad) {
        let (call, wide, row) = (self.call, self.sequence.wide(), self.sequence.row());
        let shape = Shape::of(&[self.rows(), self.features]);
        let columns = wide / self.draws();
        let product = Gemm {
            a: Strides::rows(row),
            b: Strides::transposed(wide),
            ..Gemm::new(self.rows(), self.features, columns)
        };
        for draw in 0..self.draws() {
            let gradients = self.since(call.backward_scratch[GRADIENTS], draw * columns);
            let kernel = self.since(call.weights[KERNEL], draw * columns);
            let to = if draw == 0 { to.reshape(shape) } else { Grad::add(to.view.reshape(shape)) };
            let drops = self.drops_input();
            let product_to =
                if drops { Grad::write(call.backward_scratch[DROPPED].reshape(shape)) } else { to };
            self.cx.device.gemm(&product, gradients, kernel, None, Activation::Linear, product_to);
            if drops {
                self.drop_input(draw, product_to.view, to);
            }
        }
    }
}
