//! What dot-product and additive attention share: from scores to the weighted mean of the values, and back.

use keras_kernels::elementwise::Binary;
use keras_kernels::random::Stream;
use keras_kernels::{Grad, Shape, View};

use super::band::Band;
use super::heads::Heads;
use crate::engine::copy;
use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// Options of the part that both layers share.
pub(super) struct Weighted {
    pub dropout: f64,
    pub seed: Option<u64>,
    pub use_causal_mask: bool,
    pub return_attention_scores: bool,
}

/// Taken from masked scores, as Keras does.
const MASKED: f64 = 1e9;

// Places in the call's lists.
pub(super) const SCORES: usize = 0;
const TABLE: usize = 1;
pub(super) const DSCORES: usize = 0;
const MASKED_GRAD: usize = 1;
const DROPPED: usize = 2;

impl Weighted {
    const fn band(&self) -> Band {
        Band { causal: self.use_causal_mask, window: None }
    }

    /// The plan without weights.
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if inputs.len() != 2 && inputs.len() != 3 {
            let message = Message::new("takes query, value and perhaps key, found ");
            return Err(message.number(inputs.len()).text(" inputs"));
        }
        if let Some(empty) = catalogue::empty(inputs) {
            return Err(empty);
        }
        let mut i = 0;
        while i < inputs.len() {
            if inputs[i].rank() != 2 {
                return Err(catalogue::rank("[steps, features]", &inputs[i]));
            }
            if !inputs[i].dtype().is_float() {
                return Err(catalogue::float(&inputs[i]));
            }
            i += 1;
        }
        let (query, value, key) = (&inputs[0], &inputs[1], &inputs[inputs.len() - 1]);
        if query.last() != key.last() || value.dim(0) != key.dim(0) {
            let message =
                Message::new("expects a query `[steps, d]`, a value `[source steps, e]` and a key ");
            let message = message.text("`[source steps, d]`, found ").spec(query).text(", ").spec(value);
            return Err(message.text(" and ").spec(key));
        }
        if self.dropout < 0.0 || self.dropout >= 1.0 {
            return Err(Message::new("`dropout` must be at least 0 and below 1"));
        }
        let (targets, sources) = (query.dim(0), value.dim(0));
        let scores = Spec::of(&[targets, sources]);
        let output = query.with_last(value.last());
        let mut plan = Plan::new(output).mask(MaskRule::First);
        if self.return_attention_scores {
            plan = plan.output(scores);
        }
        plan = plan.save(scores).backward_scratch(scores).backward_scratch(output).backward_scratch(scores);
        plan = plan.scratch(scores);
        if self.use_causal_mask {
            let ramp = Shape::of(&[Band::scratch(targets, sources)]);
            plan = plan.save(Spec::fixed(Shape::of(&[targets, sources]))).scratch(Spec::fixed(ramp));
        }
        Ok(plan)
    }

    /// How query, key and value lie.
    pub(super) fn heads(&self, call: &Call) -> Heads {
        let (query, value) = (call.inputs[0].shape(), call.inputs[1].shape());
        let (outer, targets, sources) = (query.dim(0), query.dim(1), value.dim(1));
        Heads { outer, targets, sources, inner: 1, groups: 1, repeats: 1 }
    }

    fn stream(&self, cx: &Context<'_>, call: &Call) -> Stream {
        let stream = call.stream(cx, 0);
        Stream { seed: self.seed.unwrap_or(stream.seed), ..stream }
    }

    fn drops(&self, cx: &Context<'_>) -> bool {
        self.dropout > 0.0 && cx.training
    }

    /// From the scores, which lie in their saved buffer, to the outputs.
    pub(super) fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (device, scores) = (cx.device, call.saved[SCORES]);
        let heads = self.heads(call);
        let mut chain = Chain::new();
        let mut allowed = None;
        if let Some(Some(mask)) = call.input_masks.get(1) {
            allowed = Some(chain.input(mask.reshape(Shape::of(&[heads.outer, 1, heads.sources]))));
        }
        if self.use_causal_mask {
            self.band().fill(device, call.scratch[1], call.saved[TABLE]);
            let band = chain.input(call.saved[TABLE]);
            allowed = Some(match allowed {
                Some(mask) => chain.binary(Binary::And, mask, band),
                None => band,
            });
        }
        if let Some(allowed) = allowed {
            let (value, shift) = (chain.input(scores), chain.scalar(MASKED));
            let lower = chain.sub(value, shift);
            let value = chain.select(allowed, value, lower);
            chain.run(device, &[(value, Grad::write(scores))]);
        }
        device.softmax(scores, 2, scores);
        let mut used = scores;
        if self.drops(cx) {
            used = call.scratch[0];
            device.dropout(self.stream(cx, call), self.dropout, scores.shape(), scores, Grad::write(used));
        }
        let (value, y) = (call.inputs[1], call.outputs[0]);
        heads.queries(device, 1.0, value.shape().last(), used, value, Grad::write(y));
        self.mask_output(cx, call, y, y);
        if self.return_attention_scores {
            copy(cx, used, Grad::write(call.outputs[1]));
        }
    }

    /// Zero where the query's mask leaves a step out. Does nothing in place without a mask.
    fn mask_output(&self, cx: &Context<'_>, call: &Call, from: View, to: View) {
        let mut chain = Chain::new();
        let mut value = chain.input(from);
        match call.input_masks.first() {
            Some(Some(mask)) => {
                let steps = Shape::of(&[from.shape().dim(0), from.shape().dim(1), 1]);
                let (mask, zero) = (chain.input(mask.reshape(steps)), chain.scalar(0.0));
                value = chain.select(mask, value, zero);
            }
            _ if from.address() == to.address() => return,
            _ => {}
        }
        chain.run(cx.device, &[(value, Grad::write(to))]);
    }

    /// From the gradients of the outputs to those of the value and of the scores, which it returns.
    pub(super) fn backward(&self, cx: &Context<'_>, call: &Call) -> View {
        let (device, weights, value) = (cx.device, call.saved[SCORES], call.inputs[1]);
        let (dscores, dy) = (call.backward_scratch[DSCORES], call.backward_scratch[MASKED_GRAD]);
        let (heads, dim) = (self.heads(call), value.shape().last());
        self.mask_output(cx, call, call.output_grads[0], dy);
        let (mut used, mut dused) = (weights, dscores);
        if self.drops(cx) {
            used = call.backward_scratch[DROPPED];
            device.dropout(self.stream(cx, call), self.dropout, weights.shape(), weights, Grad::write(used));
        }
        if let Some(dvalue) = call.input_grads[1] {
            heads.keys(device, 1.0, dim, used, dy, dvalue);
        }
        if self.drops(cx) {
            // The dropped weights are not needed any more.
            dused = used;
        }
        heads.scores(device, 1.0, dim, dy, value, Grad::write(dused));
        if self.return_attention_scores {
            copy(cx, call.output_grads[1], Grad::add(dused));
        }
        if self.drops(cx) {
            device.dropout(self.stream(cx, call), self.dropout, weights.shape(), dused, Grad::write(dscores));
        }
        device.softmax_grad(weights, dscores, 2, Grad::write(dscores));
        dscores
    }

    /// Where the gradient of the key goes: to that of the third input, or added to that of the value.
    pub(super) fn key_grad(&self, call: &Call) -> Option<Grad> {
        match call.input_grads.get(2) {
            Some(grad) => *grad,
            None => call.input_grads[1].map(|g| Grad::add(g.view)),
        }
    }
}
