//! The way forward.

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, Strides};
use keras_kernels::recurrent::Forward;
use keras_kernels::{Grad, Shape};

use super::{BIAS, FORWARD, KERNEL, LOCAL, ONES, Run, STATE_DRAW, Sequence};
use crate::layer::{Call, Context};

impl Sequence {
    /// Computes the outputs.
    pub(in super::super) fn forward(&self, cx: &Context<'_>, call: &Call) {
        let run = self.on(cx, call);
        run.multiply_input();
        run.draw_factors();
        let state = |at: usize| (self.return_state && at < self.states()).then(|| call.outputs[1 + at]);
        let forward = Forward {
            kept: run.kept(),
            kernel: run.kernel(FORWARD),
            // Of a bias with two rows the second goes with the state.
            bias: call
                .weights
                .get(BIAS)
                .filter(|b| b.size() > self.wide())
                .map(|b| run.since(*b, self.wide())),
            start: [1, 2].map(|at| call.inputs.get(at).copied()),
            sequence: self.return_sequences.then(|| call.outputs[0]),
            last: (!self.return_sequences).then(|| call.outputs[0]),
            end: [state(0), state(1)],
            local: call.scratch[LOCAL],
        };
        cx.device.recur(&run.of, &forward);
    }
}

impl Run<'_> {
    /// The product of all steps' inputs with the kernel, into what the gates get.
    fn multiply_input(&self) {
        let (call, sequence, wide) = (self.call, self.sequence, self.sequence.wide());
        let kept = self.kept();
        let to = kept.inputs.unwrap_or(kept.gates);
        let columns = wide / self.draws();
        for draw in 0..self.draws() {
            if self.drops_input() {
                self.drop_input(draw, call.inputs[0], Grad::write(self.input(draw)));
            }
            let product = Gemm {
                b: Strides::rows(wide),
                c: Strides::rows(wide),
                ..Gemm::new(self.rows(), columns, self.features)
            };
            let first = draw * columns;
            let kernel = self.since(call.weights[KERNEL], first);
            let bias = call.weights.get(BIAS).map(|bias| {
                let of_input = bias.cut(0, Shape::of(&[sequence.wide()]));
                of_input.cut(first, Shape::of(&[columns]))
            });
            let to = Grad::write(self.since(to, first));
            self.cx.device.gemm(&product, self.input(draw), kernel, bias, Activation::Linear, to);
        }
    }

    /// Draws the factors of the state that each gate sees.
    fn draw_factors(&self) {
        let Some(factors) = self.kept().factors else { return };
        let Sequence { units, recurrent_dropout, .. } = *self.sequence;
        let (device, gates) = (self.cx.device, self.sequence.cell.gates());
        let (ones, shape) = (self.call.scratch[ONES], Shape::of(&[self.of.batch, units]));
        device.fill(1.0, ones);
        for gate in 0..gates {
            let stream = self.stream(STATE_DRAW + gate as u32);
            let to = factors.cut(gate * shape.size(), shape);
            device.dropout(stream, recurrent_dropout, shape, ones, Grad::write(to));
        }
    }
}
