//! What multi-head and group query attention share: projections around [`Heads`].

use keras_kernels::activation::Activation;
use keras_kernels::elementwise::{Binary, Unary};
use keras_kernels::matmul::Gemm;
use keras_kernels::random::Stream;
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use super::band::Band;
use super::heads::Heads;
use crate::engine::copy;
use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;
use crate::plan::{Ints, List, MaskRule, Message, Plan, PlanResult, Spec, WeightSpec, any_poison, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_try};

/// Attention between projected queries, keys and values.
pub(super) struct Projected {
    pub groups: usize,
    pub repeats: usize,
    pub key_dim: usize,
    pub value_dim: usize,
    pub dropout: f64,
    pub use_bias: bool,
    /// Dimensions that take the place of the query's last one.
    pub output_shape: Option<Ints>,
    pub attention_axes: Option<Ints>,
    pub band: Band,
    pub use_gate: bool,
    pub seed: Option<u64>,
    pub attention_mask_input: bool,
    pub return_attention_scores: bool,
    /// Names of the sub-objects of query, key, gate, value and output.
    pub names: [&'static str; 5],
    pub kernel_initializer: Initializer,
    pub bias_initializer: Initializer,
    pub kernel_regularizer: Option<Regularizer>,
    pub bias_regularizer: Option<Regularizer>,
    pub kernel_constraint: Option<Constraint>,
    pub bias_constraint: Option<Constraint>,
}

/// In place of masked scores: exponentials of differences to it are 0 in every float type.
const MASKED: f64 = -1e30;

// Places in the call's lists.
const Q: usize = 0;
const K: usize = 1;
const V: usize = 2;
const SCORES: usize = 3;
const CONTEXT: usize = 4;
const GATE: usize = 5;
/// In backward's scratch, beside the gradients of `Q`, `K`, `V`, `SCORES` and `CONTEXT`.
const GATED: usize = 5;
const DGATE: usize = 6;

impl Projected {
    /// First and last (exclusive) dimension of a sample that attention runs along.
    const fn span(&self, query: &Spec) -> Result<[usize; 2], Message> {
        let rank = query.rank();
        let Some(axes) = &self.attention_axes else {
            return Ok([0, rank - 1]);
        };
        let mut named = [false; MAX_RANK];
        let (mut low, mut high) = (rank, 0);
        let mut i = 0;
        while i < axes.len() {
            let Some(at) = query.axis(axes.get(i)) else {
                return Err(catalogue::axis(axes.get(i), query));
            };
            named[at] = true;
            low = if at < low { at } else { low };
            high = if at + 1 > high { at + 1 } else { high };
            i += 1;
        }
        let mut at = low;
        while at < high {
            if !named[at] {
                return Err(Message::new("`attention_axes` must be next to each other"));
            }
            at += 1;
        }
        if low >= high || high == rank {
            return Err(Message::new("`attention_axes` must name axes between batch and features"));
        }
        Ok([low, high])
    }

    const fn is_plain(&self, rank: usize, span: [usize; 2]) -> bool {
        rank == 2 && span[0] == 0 && span[1] == 1
    }

    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let masks = self.attention_mask_input as usize;
        if inputs.len() < 2 + masks || inputs.len() > 3 + masks {
            let text = if masks == 1 {
                "takes query, value, perhaps key, and the attention mask, found "
            } else {
                "takes query, value and perhaps key, found "
            };
            return Err(Message::new(text).number(inputs.len()).text(" inputs"));
        }
        let (query, value) = (&inputs[0], &inputs[1]);
        let key = if inputs.len() - masks == 3 { &inputs[2] } else { value };
        let all = [query, value, key];
        let mut i = 0;
        while i < 3 {
            if all[i].rank() < 2 {
                return Err(catalogue::rank("[.., steps, features]", all[i]));
            }
            if !all[i].dtype().is_float() {
                return Err(catalogue::float(all[i]));
            }
            if all[i].rank() != query.rank() {
                let message = Message::new("expects inputs of one rank, found ").spec(query);
                return Err(message.text(" and ").spec(all[i]));
            }
            i += 1;
        }
        if self.groups == 0 || self.repeats == 0 || self.key_dim == 0 || self.value_dim == 0 {
            return Err(Message::new("the number of heads and their dimensions must be at least 1"));
        }
        if self.dropout < 0.0 || self.dropout >= 1.0 {
            return Err(Message::new("`dropout` must be at least 0 and below 1"));
        }
        if let Some(0) = self.band.window {
            return Err(catalogue::positive("sliding_window"));
        }
        let span = plan_try!(self.span(query));
        let rank = query.rank();
        let mut at = 0;
        while at + 1 < rank {
            let along = at >= span[0] && at < span[1];
            if value.dim(at) != key.dim(at) || (!along && query.dim(at) != value.dim(at)) {
                let message = Message::new(
                    "expects query, value and key that agree but for the steps of the query and ",
                );
                let message = message.text("the features, found ").spec(query).text(", ").spec(value);
                return Err(message.text(" and ").spec(key));
            }
            at += 1;
        }
        if (self.band.is_some() || masks == 1) && !(span[0] == 0 && span[1] == 1) {
            let message = Message::new("masks of pairs of steps (`use_causal_mask`, `sliding_window`, ");
            return Err(message.text("`attention_mask`) need attention along axis 1 alone"));
        }
        let heads = self.heads(1, &query.shape(), &value.shape(), span);
        if masks == 1 {
            let mask = &inputs[inputs.len() - 1];
            let plain = Shape::of(&[heads.targets, heads.sources]);
            let each = plain.insert(0, heads.heads());
            if !(mask.shape().same(&plain) || rank == 2 && mask.shape().same(&each)) {
                let message = Message::new("expects an attention mask of shape `").dims(&plain);
                return Err(message.text("`, found ").spec(mask));
            }
        }

        let mut output = query.shape().remove(rank - 1);
        let mut features = List::<usize, MAX_RANK>::new(0);
        match &self.output_shape {
            None => features.push(query.last()),
            Some(shape) => {
                let mut i = 0;
                while i < shape.len() {
                    if shape.get(i) < 1 || output.rank() + shape.len() >= MAX_RANK {
                        return Err(Message::new("`output_shape` must be a few positive dimensions"));
                    }
                    features.push(shape.get(i) as usize);
                    i += 1;
                }
            }
        }
        let mut i = 0;
        while i < features.len() {
            output = output.insert(output.rank(), features.as_slice()[i]);
            i += 1;
        }
        let mut plan = Plan::new(Spec::sample(output)).mask(MaskRule::First);
        if self.return_attention_scores {
            if rank != 2 {
                return Err(Message::new("`return_attention_scores` needs samples `[steps, features]`"));
            }
            plan = plan.output(Spec::of(&[heads.heads(), heads.targets, heads.sources]));
        }

        let (h, g) = (heads.heads(), self.groups);
        let (q_rows, k_rows) = (query.size() / query.last(), value.size() / value.last());
        let queries = Spec::of(&[q_rows, h * self.key_dim]);
        let keys = Spec::of(&[k_rows, g * self.key_dim]);
        let values = Spec::of(&[k_rows, g * self.value_dim]);
        let scores = Spec::of(&[heads.outer * heads.inner * h, heads.targets, heads.sources]);
        let context = Spec::of(&[q_rows, h * self.value_dim]);
        plan = plan.save(queries).save(keys).save(values).save(scores).save(context);
        plan = plan.backward_scratch(queries).backward_scratch(keys).backward_scratch(values);
        plan = plan.backward_scratch(scores).backward_scratch(context);
        if self.use_gate {
            plan = plan.save(context).scratch(context).backward_scratch(context).backward_scratch(context);
        }
        if self.band.is_some() {
            let ramp = Shape::of(&[Band::scratch(heads.targets, heads.sources)]);
            plan =
                plan.save(Spec::fixed(Shape::of(&[heads.targets, heads.sources]))).scratch(Spec::fixed(ramp));
        }
        if self.dropout > 0.0 {
            plan = plan.scratch(scores).backward_scratch(scores);
        }

        let projection = [(query, h, self.key_dim), (key, g, self.key_dim), (query, h, self.value_dim)];
        let mut i = 0;
        while i < 4 {
            let (from, heads, dim) = if i == 3 { (value, g, self.value_dim) } else { projection[i] };
            if i != 2 || self.use_gate {
                let kernel = Shape::of(&[from.last(), heads, dim]);
                plan = self.weights(plan, self.names[i], kernel, Shape::of(&[heads, dim]));
            }
            i += 1;
        }
        let (mut kernel, mut bias) = (Shape::of(&[h, self.value_dim]), Shape::SCALAR);
        let mut i = 0;
        while i < features.len() {
            kernel = kernel.insert(2 + i, features.as_slice()[i]);
            bias = bias.insert(i, features.as_slice()[i]);
            i += 1;
        }
        Ok(self.weights(plan, self.names[4], kernel, bias))
    }

    const fn weights(&self, plan: Plan, under: &'static str, kernel: Shape, bias: Shape) -> Plan {
        let kernel = WeightSpec::new("kernel", kernel, self.kernel_initializer).under(under);
        let kernel = kernel.regularizer(self.kernel_regularizer).constraint(self.kernel_constraint);
        let plan = plan.weight(kernel);
        if !self.use_bias {
            return plan;
        }
        let bias = WeightSpec::new("bias", bias, self.bias_initializer).under(under);
        plan.weight(bias.regularizer(self.bias_regularizer).constraint(self.bias_constraint))
    }

    /// How the heads of a batch lie, for shapes of samples.
    const fn heads(&self, batch: usize, query: &Shape, value: &Shape, [low, high]: [usize; 2]) -> Heads {
        Heads {
            outer: batch * query.size_between(0, low),
            targets: query.size_between(low, high),
            sources: value.size_between(low, high),
            inner: query.size_between(high, query.rank() - 1),
            groups: self.groups,
            repeats: self.repeats,
        }
    }

    /// The call under way.
    pub(super) fn on<'a>(&'a self, cx: &'a Context<'a>, call: &'a Call) -> Pass<'a> {
        let (query, value) = (call.inputs[0].shape(), call.inputs[1].shape());
        let batch = query.dim(0);
        let sample = query.remove(0);
        // The plan refused other axes.
        let span = self.span(&Spec::sample(sample)).unwrap_or([0, 1]);
        let heads = self.heads(batch, &sample, &value.remove(0), span);
        let key = if call.inputs.len() - self.attention_mask_input as usize == 3 { 2 } else { 1 };
        // Keras takes two ways: one of them leaves uniform weights where everything is masked, the other none.
        let clears =
            self.dropout > 0.0 || self.return_attention_scores || !self.is_plain(sample.rank(), span);
        Pass { layer: self, cx, call, heads, key, clears, masked: heads.outer == batch }
    }

    fn weight(&self, part: usize) -> usize {
        let part = part - (part > 2 && !self.use_gate) as usize;
        part * (1 + self.use_bias as usize)
    }
}

/// One call under way.
pub(super) struct Pass<'a> {
    layer: &'a Projected,
    cx: &'a Context<'a>,
    call: &'a Call,
    heads: Heads,
    /// Which input is the key.
    key: usize,
    /// Whether weights of masked pairs are zero even where all are masked.
    clears: bool,
    /// Whether masks of steps apply: attention runs along them.
    masked: bool,
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
    fn table(&self, scores: View) -> View {
        let Heads { outer, inner, targets, sources, .. } = self.heads;
        scores.reshape(Shape::of(&[outer, inner * self.heads.heads(), targets, sources]))
    }

    /// The table of pairs that see each other.
    fn band(&self) -> Option<View> {
        self.layer.band.is_some().then(|| self.call.saved[GATE + self.layer.use_gate as usize])
    }

    /// Which pairs count; `None` if all do.
    fn allowed(&self, chain: &mut Chain) -> Option<u16> {
        let Heads { outer, targets, sources, .. } = self.heads;
        let mut all = None;
        let mut also = |chain: &mut Chain, view: View| {
            let value = chain.input(view);
            all = Some(match all {
                None => value,
                Some(all) => chain.binary(Binary::And, all, value),
            });
        };
        let mask_of = |at: usize| self.call.input_masks.get(at).copied().flatten().filter(|_| self.masked);
        if let Some(mask) = mask_of(0) {
            also(chain, mask.reshape(Shape::of(&[outer, 1, targets, 1])));
        }
        for at in 1..=self.key {
            if let Some(mask) = mask_of(at) {
                also(chain, mask.reshape(Shape::of(&[outer, 1, 1, sources])));
            }
        }
        if let Some(band) = self.band() {
            also(chain, band);
        }
        if self.layer.attention_mask_input {
            let mask = self.call.inputs[self.key + 1];
            let heads = mask.size() / (outer * targets * sources);
            also(chain, mask.reshape(Shape::of(&[outer, heads, targets, sources])));
        }
        all
    }

    /// `value` in the scores where pairs count, else `other`.
    fn mask(&self, scores: View, other: f64) {
        let mut chain = Chain::new();
        if let Some(allowed) = self.allowed(&mut chain) {
            let (value, other) = (chain.input(self.table(scores)), chain.scalar(other));
            let value = chain.select(allowed, value, other);
            chain.run(self.cx.device, &[(value, Grad::write(self.table(scores)))]);
        }
    }

    fn project(&self, from: View, part: usize, f: Activation, to: View) {
        let (call, at) = (self.call, self.layer.weight(part));
        let (kernel, features) = (call.weights[at], from.shape().last().max(1));
        let bias = self.layer.use_bias.then(|| call.weights[at + 1]);
        let product = Gemm::new(from.size() / features, kernel.size() / features, features);
        self.cx.device.gemm(&product, from, kernel, bias, f, Grad::write(to));
    }

    pub(super) fn forward(&self) {
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

    pub(super) fn backward(&self) {
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
