//! What multi-head and group query attention share: projections around [`Heads`].

mod masks;
mod pass;

use keras_kernels::{MAX_RANK, Shape};

use self::pass::Pass;
use super::band::Band;
use super::heads::Heads;
use crate::layer::{Call, Context};
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
        if let Some(empty) = catalogue::empty(inputs) {
            return Err(empty);
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
        Pass { layer: self, cx, call, heads, key, clears }
    }

    fn weight(&self, part: usize) -> usize {
        let part = part - (part > 2 && !self.use_gate) as usize;
        part * (1 + self.use_bias as usize)
    }
}
