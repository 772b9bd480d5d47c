//! Forward and backward of projected attention.

use keras_kernels::activation::Activation;
use keras_kernels::elementwise::Unary;
use keras_kernels::matmul::Gemm;
use keras_kernels::random::Stream;
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Grad, Shape, View};

use super::masks::MASKED;
use super::{CONTEXT, DGATE, GATE, GATED, Heads, K, Projected, Q, SCORES, V};
use crate::engine::copy;
use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;

/// One call under way.
pub(in super::super) struct Pass<'a> {
    pub(super) layer: &'a Projected,
    pub(super) cx: &'a Context<'a>,
    pub(super) call: &'a Call,
    pub(super) heads: Heads,
    /// Which input is the key.
    pub(super) key: usize,
    /// Whether weights of masked pairs are zero even where all are masked.
    pub(super) clears: bool,
}

impl Pass<'_> {
    fn scale(&self) -> f64 {
        1.0 / (self.layer.key_dim as f64).sqrt()
    }

    fn stream(&self) -> Stream {
        let stream = self.call.stream(self.cx, 0);
        Stream { seed: self.layer.seed.unwrap_or(stream.seed), ..stream }
    }

    fn drops(&self) -> bool {
        self.layer.dropout > 0.0 && self.cx.training
    }

    /// Scores by batch, head, target and source.
    pub(super) fn table(&self, scores: View) -> View {
        let Heads { outer, inner, targets, sources, .. } = self.heads;
        scores.reshape(Shape::of(&[outer, inner * self.heads.heads(), targets, sources]))
    }

    fn project(&self, from: View, part: usize, f: Activation, to: View) {
        let (call, at) = (self.call, self.layer.weight(part));
        let (kernel, features) = (call.weights[at], from.shape().last().max(1));
        let bias = self.layer.use_bias.then(|| call.weights[at + 1]);
        let product = Gemm::new(from.size() / features, kernel.size() / features, features);
        self.cx.device.gemm(&product, from, kernel, bias, f, Grad::write(to));
    }

    pub(in super::super) fn forward(&self) {
        let (device, call) = (self.cx.device, self.call);
        let Projected { key_dim, value_dim, use_gate, band, .. } = *self.layer;
        self.project(call.inputs[0], 0, Activation::Linear, call.saved[Q]);
        self.project(call.inputs[self.key], 1, Activation::Linear, call.saved[K]);
        self.project(call.inputs[1], 3, Activation::Linear, call.saved[V]);
        let (scores, context) = (call.saved[SCORES], call.saved[CONTEXT]);
        if let Some(table) = self.band() {
            band.fill(device, call.scratch[use_gate as usize], table);
        }
        let to = Grad::write(scores);
        self.heads.scores(device, self.scale(), key_dim, call.saved[Q], call.saved[K], to);
        self.mask(scores, MASKED);
        let rows = self.weights_table(scores);
        let axis = rows.shape().rank() - 1;
        device.softmax(rows, axis, rows);
        if self.clears {
            self.mask(scores, 0.0);
        }
        let mut used = scores;
        if self.drops() {
            used = call.scratch[use_gate as usize + band.is_some() as usize];
            device.dropout(self.stream(), self.layer.dropout, scores.shape(), scores, Grad::write(used));
        }
        self.heads.queries(device, 1.0, value_dim, used, call.saved[V], Grad::write(context));
        let mut result = context;
        if use_gate {
            self.project(call.inputs[0], 2, Activation::Sigmoid, call.saved[GATE]);
            result = call.scratch[0];
            self.gate(result);
        }
        self.project(self.by_row(result), 4, Activation::Linear, call.outputs[0]);
        if self.layer.return_attention_scores {
            copy(self.cx, scores.reshape(call.outputs[1].shape()), Grad::write(call.outputs[1]));
        }
    }

    /// One row a target, all its sources in it.
    fn weights_table(&self, scores: View) -> View {
        let sources = self.heads.sources;
        scores.reshape(Shape::of(&[scores.size() / sources.max(1), sources]))
    }

    /// One row a target, all its heads in it.
    fn by_row(&self, context: View) -> View {
        let width = self.heads.heads() * self.layer.value_dim;
        context.reshape(Shape::of(&[context.size() / width, width]))
    }

    /// `to = context * gate`.
    fn gate(&self, to: View) {
        let mut chain = Chain::new();
        let context = chain.input(self.call.saved[CONTEXT]);
        let gate = chain.input(self.call.saved[GATE]);
        let product = chain.mul(context, gate);
        chain.run(self.cx.device, &[(product, Grad::write(to))]);
    }

    /// Gradients of a projection: of its weights, and of its input if that is wanted.
    fn project_back(&self, from: View, part: usize, gradient: View, to: Option<Grad>) {
        let (device, call, at) = (self.cx.device, self.call, self.layer.weight(part));
        let kernel = call.weights[at];
        let width = from.shape().last().max(1);
        let (rows, out) = (from.size() / width, kernel.size() / width);
        if let Some(dkernel) = call.weight_grads[at] {
            let product = Gemm::new(width, out, rows).a_transposed();
            device.gemm(&product, from, gradient, None, Activation::Linear, dkernel);
        }
        if self.layer.use_bias
            && let Some(dbias) = call.weight_grads[at + 1]
        {
            let by_row = gradient.reshape(Shape::of(&[rows, out]));
            let dbias = dbias.reshape(Shape::of(&[out]));
            device.reduce(Reduce::Sum, Axes::NONE.with(0), by_row, dbias);
        }
        if let Some(to) = to {
            let product = Gemm::new(rows, width, out).b_transposed();
            device.gemm(&product, gradient, kernel, None, Activation::Linear, to);
        }
    }

    pub(in super::super) fn backward(&self) {
        let (device, call) = (self.cx.device, self.call);
        let Projected { key_dim, value_dim, use_gate, dropout, .. } = *self.layer;
        let scratch = &call.backward_scratch;
        let (scores, dcontext, dscores) = (call.saved[SCORES], scratch[CONTEXT], scratch[SCORES]);
        let mut result = call.saved[CONTEXT];
        if use_gate {
            result = scratch[GATED];
            self.gate(result);
        }
        self.project_back(self.by_row(result), 4, call.output_grads[0], Some(Grad::write(dcontext)));
        if use_gate {
            let mut chain = Chain::new();
            let (dresult, gate) = (chain.input(dcontext), chain.input(call.saved[GATE]));
            let context = chain.input(call.saved[CONTEXT]);
            let dx = chain.mul(dresult, gate);
            // The gate is a sigmoid: gate * (1 - gate) = gate - gate^2.
            let square = chain.unary(Unary::Square, gate);
            let slope = chain.sub(gate, square);
            let dgate = chain.mul(dresult, context);
            let dgate = chain.mul(dgate, slope);
            chain.run(device, &[(dx, Grad::write(dcontext)), (dgate, Grad::write(scratch[DGATE]))]);
        }
        let mut used = scores;
        let dropped = self.drops().then(|| scratch[GATED + 2 * use_gate as usize]);
        if let Some(dropped) = dropped {
            device.dropout(self.stream(), dropout, scores.shape(), scores, Grad::write(dropped));
            used = dropped;
        }
        self.heads.keys(device, 1.0, value_dim, used, dcontext, Grad::write(scratch[V]));
        self.heads.scores(device, 1.0, value_dim, dcontext, call.saved[V], Grad::write(dscores));
        if let Some(dropped) = dropped {
            // The dropped weights are not needed any more.
            copy(self.cx, dscores, Grad::write(dropped));
            device.dropout(self.stream(), dropout, scores.shape(), dropped, Grad::write(dscores));
        }
        if self.layer.return_attention_scores {
            copy(self.cx, call.output_grads[1].reshape(dscores.shape()), Grad::add(dscores));
        }
        let (rows, drows) = (self.weights_table(scores), self.weights_table(dscores));
        device.softmax_grad(rows, drows, rows.shape().rank() - 1, Grad::write(drows));
        if !self.clears {
            self.mask(dscores, 0.0);
        }
        let scale = self.scale();
        self.heads.queries(device, scale, key_dim, dscores, call.saved[K], Grad::write(scratch[Q]));
        self.heads.keys(device, scale, key_dim, dscores, call.saved[Q], Grad::write(scratch[K]));

        // A value's second contribution adds to its first.
        let added = |grad: Option<Grad>| grad.map(|g| Grad::add(g.view));
        let dinput = |at: usize| call.input_grads[at];
        self.project_back(call.inputs[0], 0, scratch[Q], dinput(0));
        if use_gate {
            self.project_back(call.inputs[0], 2, scratch[DGATE], added(dinput(0)));
        }
        self.project_back(call.inputs[1], 3, scratch[V], dinput(1));
        let dkey = if self.key == 1 { added(dinput(1)) } else { dinput(2) };
        self.project_back(call.inputs[self.key], 1, scratch[K], dkey);
    }
}
