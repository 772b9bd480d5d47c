use keras_kernels::elementwise::{Binary, Unary};
use keras_kernels::norm::{Affine, Moments, Moving, Norm, NormGrads, Rectifier, Statistics};
use keras_kernels::random::Stream;
use keras_kernels::{Device, Grad, Shape, View};
use serde_json::{Value, json};

use crate::config::ConfigValue;
use crate::engine::{Fuses, Role};
use crate::layer::{Call, Context, Layer};
use crate::layers::support::chain::Chain;
use crate::plan::{Message, Plan, PlanResult, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs};

/// Batch normalization: every channel has mean 0 and variance 1 over the batch, then is scaled and shifted.
///
/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`. A training step uses the batch's mean and (biased) variance and moves
/// the moving ones towards them; inference, and a frozen layer always, uses the moving ones. Steps that a mask excludes do not
/// count in the statistics.
///
/// * Input and output: any shape of at least one dimension.
/// * Weights: `gamma [channels]` (if `scale`), `beta [channels]` (if `center`).
/// * State: `moving_mean`, `moving_variance`; with `renorm` also `moving_stddev`, `renorm_mean`, `renorm_stddev`.
///
/// Source: Ioffe and Szegedy, "Batch Normalization", 2015; Ioffe, "Batch Renormalization", 2017;
/// <https://keras.io/api/layers/normalization_layers/batch_normalization/>.
///
/// ```
/// use keras_runtime::layers::BatchNormalization;
/// use keras_runtime::plan::Spec;
///
/// let plan = BatchNormalization::new().plan(&[Spec::of(&[28, 28, 16])]).unwrap();
/// assert_eq!((plan.params(), plan.state_size()), (32, 32));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(gamma?, beta?, moving_mean, moving_variance, moving_stddev?, renorm_mean?, renorm_stddev?))]
pub struct BatchNormalization {
    /// The axis of the channels (default the last).
    #[config(default = -1)]
    pub axis: isize,
    /// How much of the moving statistics a step keeps (default 0.99).
    #[config(default = 0.99)]
    pub momentum: f64,
    /// Added to the variance (default 1e-3).
    #[config(default = 1e-3)]
    pub epsilon: f64,
    /// Whether `beta` is added (default true).
    #[config(default = true)]
    pub center: bool,
    /// Whether the result is multiplied by `gamma` (default true).
    #[config(default = true)]
    pub scale: bool,
    /// How `beta` starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub beta_initializer: Initializer,
    /// How `gamma` starts (default `ones`).
    #[config(default = Initializer::Ones)]
    pub gamma_initializer: Initializer,
    /// How the moving mean starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub moving_mean_initializer: Initializer,
    /// How the moving variance starts (default `ones`).
    #[config(default = Initializer::Ones)]
    pub moving_variance_initializer: Initializer,
    /// Penalty on `beta` (default none).
    #[config(default = None)]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on `gamma` (default none).
    #[config(default = None)]
    pub gamma_regularizer: Option<Regularizer>,
    /// What `beta` is projected onto after each step (default nothing).
    #[config(default = None)]
    pub beta_constraint: Option<Constraint>,
    /// What `gamma` is projected onto after each step (default nothing).
    #[config(default = None)]
    pub gamma_constraint: Option<Constraint>,
    /// Batch renormalization: training uses the moving statistics too, through corrections (default false).
    #[config(default = false)]
    pub renorm: bool,
    /// Bounds of the corrections (default none).
    #[config(default = None)]
    pub renorm_clipping: Option<RenormClipping>,
    /// How much of the renorm statistics a step keeps (default 0.99).
    #[config(default = 0.99)]
    pub renorm_momentum: f64,
    /// Statistics over several devices, which is refused: there is one (default false).
    #[config(default = false)]
    pub synchronized: bool,
}

/// Bounds of the corrections of batch renormalization: `r` between `rmin` and `rmax`, `|d|` at most `dmax`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RenormClipping {
    /// Largest `r`.
    pub rmax: Option<f64>,
    /// Smallest `r`.
    pub rmin: Option<f64>,
    /// Largest `|d|`.
    pub dmax: Option<f64>,
}

impl ConfigValue for RenormClipping {
    fn to_json(&self) -> Value {
        let bounds = [("rmax", self.rmax), ("rmin", self.rmin), ("dmax", self.dmax)];
        bounds.into_iter().filter_map(|(key, v)| Some((key.to_string(), json!(v?)))).collect()
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || "an object with numbers at `rmax`, `rmin` and `dmax`".to_string();
        let object = json.as_object().ok_or_else(expected)?;
        let mut out = RenormClipping::default();
        for (key, value) in object {
            let to = match key.as_str() {
                "rmax" => &mut out.rmax,
                "rmin" => &mut out.rmin,
                "dmax" => &mut out.dmax,
                _ => return Err(expected()),
            };
            *to = Option::from_json(value).map_err(|_| expected())?;
        }
        Ok(out)
    }
}

/// Added to the number of steps that a mask leaves: Keras' epsilon.
const MASK_EPSILON: f64 = 1e-7;

// Places in the call's lists.
const MEAN: usize = 0;
const INVERSE: usize = 1;
const SHARE: usize = 2;
const R: usize = 3;
const D: usize = 4;
const MOVING_MEAN: usize = 0;
const MOVING_VARIANCE: usize = 1;
const MOVING_STDDEV: usize = 2;
const RENORM_MEAN: usize = 3;
const RENORM_STDDEV: usize = 4;

impl BatchNormalization {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        let Some(axis) = x.axis(self.axis) else {
            return Err(catalogue::axis(self.axis, x));
        };
        if self.synchronized {
            return Err(Message::new("`synchronized` statistics need several devices: this is one"));
        }
        let shape = Shape::of(&[x.dim(axis)]);
        // Mean, inverse deviation, one over the number of elements that count; then the corrections.
        let mut plan = Plan::new(*x).save(Spec::fixed(shape)).save(Spec::fixed(shape));
        plan = plan.save(Spec::fixed(shape));
        plan = plan.backward_scratch(Spec::fixed(shape)).backward_scratch(Spec::fixed(shape));
        if self.scale {
            let gamma = WeightSpec::new("gamma", shape, self.gamma_initializer);
            plan = plan.weight(gamma.regularizer(self.gamma_regularizer).constraint(self.gamma_constraint));
        }
        if self.center {
            let beta = WeightSpec::new("beta", shape, self.beta_initializer);
            plan = plan.weight(beta.regularizer(self.beta_regularizer).constraint(self.beta_constraint));
        }
        plan = plan.state(WeightSpec::new("moving_mean", shape, self.moving_mean_initializer));
        plan = plan.state(WeightSpec::new("moving_variance", shape, self.moving_variance_initializer));
        if self.renorm {
            plan = plan.save(Spec::fixed(shape)).save(Spec::fixed(shape));
            // Filled by `initialize`: the root of what the variance starts as.
            plan = plan.state(WeightSpec::new("moving_stddev", shape, self.moving_variance_initializer));
            plan = plan.state(WeightSpec::new("renorm_mean", shape, self.moving_mean_initializer));
            plan = plan.state(WeightSpec::new("renorm_stddev", shape, self.moving_variance_initializer));
        }
        Ok(plan)
    }

    fn parts(&self, call: &Call) -> Parts {
        let shape = call.inputs[0].shape();
        let axis = if self.axis < 0 { self.axis + shape.rank() as isize } else { self.axis } as usize;
        let channels = shape.dim(axis);
        let (before, after) = (shape.size_between(1, axis), shape.size_between(axis + 1, shape.rank()));
        let batch = shape.dim(0);
        // A mask has axes of its own, so that it needs the input's own shape; without one five dimensions always do.
        let mask = call.input_masks.first().copied().flatten();
        let masked = mask.map_or(0, |mask| mask.shape().rank());
        let (full, each) = match mask {
            Some(_) => {
                let mut each = shape;
                (0..shape.rank()).filter(|at| *at != axis).for_each(|at| each = each.with_dim(at, 1));
                (shape, each)
            }
            None => (Shape::of(&[batch * before, channels, after]), Shape::of(&[1, channels, 1])),
        };
        // How many channels lie beyond the mask's axes.
        let inner = if axis >= masked { channels } else { 1 };
        let mut along = full;
        (masked..full.rank()).for_each(|at| along = along.with_dim(at, 1));
        Parts { x: call.inputs[0].reshape(full), mask: mask.map(|m| m.reshape(along)), full, each, inner }
    }

    /// This normalization as the fused kernel sees it, where it can: channels last, and a mask (if any) over all that is before.
    fn fused(&self, parts: &Parts) -> Option<Norm> {
        let (channels, rank) = (parts.each.size(), parts.full.rank());
        let of_last = |at: usize| parts.full.dim(at) == channels && parts.each.dim(at) == channels;
        let last = of_last(rank - 1) || parts.mask.is_none() && parts.full.dim(rank - 1) == 1;
        let rows = parts.full.size() / channels;
        let whole = parts.mask.is_none_or(|mask| mask.size() == rows);
        (last && whole && !self.renorm).then(|| Norm::batch(rows, channels, self.epsilon))
    }

    fn fused_forward(&self, cx: &Context<'_>, call: &Call, parts: &Parts, norm: &Norm) {
        let (x, y) = (call.inputs[0], call.outputs[0]);
        let affine = self.affine(call);
        let (moving_mean, moving_variance) = (call.state[MOVING_MEAN], call.state[MOVING_VARIANCE]);
        if self.learns(cx, call) {
            let moments = Moments { mean: call.saved[MEAN], inverse: call.saved[INVERSE] };
            let moving = Moving { mean: moving_mean, variance: moving_variance, momentum: self.momentum };
            cx.device.norm(norm, x, parts.mask, affine, moments, Some(moving), y);
        } else {
            let moments = Moments { mean: moving_mean, inverse: call.saved[INVERSE] };
            cx.device.norm_fixed(norm, x, affine, moving_variance, moments, y);
        }
    }

    fn fused_backward(&self, cx: &Context<'_>, call: &Call, parts: &Parts, norm: &Norm) {
        let wanted = |at: usize| call.weight_grads.get(at).copied().flatten();
        let grads = NormGrads {
            x: call.input_grads[0],
            gamma: wanted(0).filter(|_| self.scale),
            beta: wanted(self.scale as usize).filter(|_| self.center),
        };
        let learns = self.learns(cx, call);
        let mean = if learns { call.saved[MEAN] } else { call.state[MOVING_MEAN] };
        let moments = Moments { mean, inverse: call.saved[INVERSE] };
        let statistics = if learns { Statistics::OfInput(parts.mask) } else { Statistics::Fixed };
        let (x, dy) = (call.inputs[0], call.output_grads[0]);
        cx.device.norm_grad(norm, statistics, x, self.affine(call), moments, dy, grads);
    }

    fn affine(&self, call: &Call) -> Affine {
        // It takes no other activation.
        let rectifier = Rectifier::of(call.ending.activation).unwrap_or_default();
        Affine { gamma: self.gamma(call), beta: self.beta(call), rectifier }
    }

    fn is_along_last(&self, x: &Spec) -> bool {
        x.axis(self.axis).is_some_and(|axis| axis + 1 == x.rank())
    }

    /// Whether the batch's own statistics are used.
    fn learns(&self, cx: &Context<'_>, call: &Call) -> bool {
        cx.training && call.trainable
    }

    fn gamma(&self, call: &Call) -> Option<View> {
        self.scale.then(|| call.weights[0])
    }

    fn beta(&self, call: &Call) -> Option<View> {
        self.center.then(|| call.weights[self.scale as usize])
    }

    /// Mean and inverse deviation of the batch; moves the moving statistics.
    fn batch_statistics(&self, cx: &Context<'_>, call: &Call, parts: &Parts) {
        let device = cx.device;
        let (mean, inverse) = (call.saved[MEAN].reshape(parts.each), call.saved[INVERSE].reshape(parts.each));
        let share = call.saved[SHARE].reshape(parts.each);
        match parts.mask {
            None => {
                let count = parts.full.size() / parts.each.size().max(1);
                device.fill(1.0 / count as f64, share);
            }
            Some(mask) => {
                let mut chain = Chain::new();
                let mask_value = chain.input(mask);
                let others = parts.full.size() / (mask.size() * parts.inner).max(1);
                let others = chain.scalar(others as f64);
                let count = chain.mul(mask_value, others);
                chain.run(device, &[(count, Grad::write(share))]);
                let mut chain = Chain::new();
                let (count, epsilon) = (chain.input(share), chain.scalar(MASK_EPSILON));
                let count = chain.add(count, epsilon);
                let result = chain.unary(Unary::Recip, count);
                chain.run(device, &[(result, Grad::write(share))]);
            }
        }
        let mut chain = Chain::new();
        let x = chain.input(parts.x);
        let (x, share_value) = (parts.counted(&mut chain, x), chain.input(share));
        let part = chain.mul(x, share_value);
        chain.run(device, &[(part, Grad::write(mean))]);
        let mut chain = Chain::new();
        let (x, mean_value, share_value) = (chain.input(parts.x), chain.input(mean), chain.input(share));
        let difference = chain.sub(x, mean_value);
        let difference = parts.counted(&mut chain, difference);
        let square = chain.unary(Unary::Square, difference);
        let part = chain.mul(square, share_value);
        chain.run(device, &[(part, Grad::write(inverse))]);

        // `inverse` holds the variance.
        let (mean, variance) = (call.saved[MEAN], call.saved[INVERSE]);
        if self.renorm {
            self.correct(device, call, mean, variance);
        } else {
            self.move_towards(device, self.momentum, call.state[MOVING_VARIANCE], variance, false);
        }
        self.move_towards(device, self.momentum, call.state[MOVING_MEAN], mean, false);
        self.invert(device, variance, variance);
    }

    /// `to = 1 / sqrt(variance + epsilon)`.
    fn invert(&self, device: &Device, variance: View, to: View) {
        let mut chain = Chain::new();
        let (variance, epsilon) = (chain.input(variance), chain.scalar(self.epsilon));
        let shifted = chain.add(variance, epsilon);
        let result = chain.unary(Unary::Rsqrt, shifted);
        chain.run(device, &[(result, Grad::write(to))]);
    }

    /// `moving = moving * momentum + value * (1 - momentum)`, of the value's deviation if it is a variance.
    fn move_towards(&self, device: &Device, momentum: f64, moving: View, value: View, deviation: bool) {
        let mut chain = Chain::new();
        let (old, mut new) = (chain.input(moving), chain.input(value));
        if deviation {
            let epsilon = chain.scalar(self.epsilon);
            new = chain.add(new, epsilon);
            new = chain.unary(Unary::Sqrt, new);
        }
        let (keep, take) = (chain.scalar(momentum), chain.scalar(1.0 - momentum));
        let (old, new) = (chain.mul(old, keep), chain.mul(new, take));
        let result = chain.add(old, new);
        chain.run(device, &[(result, Grad::write(moving))]);
    }

    /// The corrections of batch renormalization, and its statistics.
    fn correct(&self, device: &Device, call: &Call, mean: View, variance: View) {
        let clipping = self.renorm_clipping.unwrap_or_default();
        let mut chain = Chain::new();
        let (mean_value, moving_mean) = (chain.input(mean), chain.input(call.state[RENORM_MEAN]));
        let (variance_value, moving) = (chain.input(variance), chain.input(call.state[RENORM_STDDEV]));
        let epsilon = chain.scalar(self.epsilon);
        let least = chain.unary(Unary::Sqrt, epsilon);
        let moving = chain.binary(Binary::Max, moving, least);
        let shifted = chain.add(variance_value, epsilon);
        let deviation = chain.unary(Unary::Sqrt, shifted);
        let mut r = chain.binary(Binary::Div, deviation, moving);
        let distance = chain.sub(mean_value, moving_mean);
        let mut d = chain.binary(Binary::Div, distance, moving);
        let bound = |chain: &mut Chain, f, value, bound: Option<f64>| match bound {
            Some(bound) => {
                let bound = chain.scalar(bound);
                chain.binary(f, value, bound)
            }
            None => value,
        };
        r = bound(&mut chain, Binary::Max, r, clipping.rmin);
        r = bound(&mut chain, Binary::Min, r, clipping.rmax);
        d = bound(&mut chain, Binary::Max, d, clipping.dmax.map(|d| -d));
        d = bound(&mut chain, Binary::Min, d, clipping.dmax);
        chain.run(device, &[(r, Grad::write(call.saved[R])), (d, Grad::write(call.saved[D]))]);

        self.move_towards(device, self.renorm_momentum, call.state[RENORM_MEAN], mean, false);
        self.move_towards(device, self.renorm_momentum, call.state[RENORM_STDDEV], variance, true);
        self.move_towards(device, self.momentum, call.state[MOVING_STDDEV], variance, true);
        // moving_variance = max(moving_stddev^2 - epsilon, 0)
        let mut chain = Chain::new();
        let (deviation, epsilon) = (chain.input(call.state[MOVING_STDDEV]), chain.scalar(self.epsilon));
        let square = chain.unary(Unary::Square, deviation);
        let difference = chain.sub(square, epsilon);
        let result = chain.unary(Unary::Relu, difference);
        chain.run(device, &[(result, Grad::write(call.state[MOVING_VARIANCE]))]);
    }
}

/// Views of a call in a shape in which channels broadcast.
struct Parts {
    x: View,
    mask: Option<View>,
    /// The input's shape.
    full: Shape,
    /// The shape of one number a channel.
    each: Shape,
    /// Channels for each element of a mask.
    inner: usize,
}

impl Parts {
    /// The value where the mask lets it count, else zero.
    fn counted(&self, chain: &mut Chain, value: u16) -> u16 {
        match self.mask {
            Some(mask) => {
                let (mask, zero) = (chain.input(mask), chain.scalar(0.0));
                chain.select(mask, value, zero)
            }
            None => value,
        }
    }

    /// `(x - mean) * inverse`.
    fn unit(&self, chain: &mut Chain, call: &Call) -> (u16, u16) {
        let (x, mean) = (chain.input(self.x), chain.input(call.saved[MEAN].reshape(self.each)));
        let inverse = chain.input(call.saved[INVERSE].reshape(self.each));
        let difference = chain.sub(x, mean);
        (chain.mul(difference, inverse), inverse)
    }
}

impl Layer for BatchNormalization {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        catalogue::masks_of_steps(&inputs[0], masks[0].as_ref())
    }

    fn role(&self, inputs: &[Spec]) -> Role {
        if self.is_along_last(&inputs[0]) { Role::Affine } else { Role::Alone }
    }

    /// What the fused kernel can do.
    fn takes(&self, inputs: &[Spec]) -> Fuses {
        let rectifier = self.is_along_last(&inputs[0]) && !self.renorm;
        Fuses { rectifier, ..Fuses::default() }
    }

    /// `scale' = scale * s` and `shift' = (shift - mean) * s + beta`, where `s = gamma / sqrt(variance + epsilon)`.
    fn compose(&self, cx: &Context<'_>, call: &Call, scale: View, shift: View) {
        let mut chain = Chain::new();
        let (variance, epsilon) = (chain.input(call.state[MOVING_VARIANCE]), chain.scalar(self.epsilon));
        let shifted = chain.add(variance, epsilon);
        let mut factor = chain.unary(Unary::Rsqrt, shifted);
        if let Some(gamma) = self.gamma(call) {
            let gamma = chain.input(gamma);
            factor = chain.mul(factor, gamma);
        }
        let (old, mean) = (chain.input(shift), chain.input(call.state[MOVING_MEAN]));
        let difference = chain.sub(old, mean);
        let mut result = chain.mul(difference, factor);
        if let Some(beta) = self.beta(call) {
            let beta = chain.input(beta);
            result = chain.add(result, beta);
        }
        let old = chain.input(scale);
        let factor = chain.mul(old, factor);
        chain.run(cx.device, &[(factor, Grad::write(scale)), (result, Grad::write(shift))]);
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let parts = self.parts(call);
        if let Some(norm) = self.fused(&parts) {
            return self.fused_forward(cx, call, &parts, &norm);
        }
        let learns = self.learns(cx, call);
        if learns {
            self.batch_statistics(cx, call, &parts);
        } else {
            let mut chain = Chain::new();
            let mean = chain.input(call.state[MOVING_MEAN]);
            chain.run(cx.device, &[(mean, Grad::write(call.saved[MEAN]))]);
            self.invert(cx.device, call.state[MOVING_VARIANCE], call.saved[INVERSE]);
        }
        let mut chain = Chain::new();
        let (mut value, _) = parts.unit(&mut chain, call);
        if learns && self.renorm {
            let (r, d) = (call.saved[R].reshape(parts.each), call.saved[D].reshape(parts.each));
            let (r, d) = (chain.input(r), chain.input(d));
            value = chain.mul(value, r);
            value = chain.add(value, d);
        }
        if let Some(gamma) = self.gamma(call) {
            let gamma = chain.input(gamma.reshape(parts.each));
            value = chain.mul(value, gamma);
        }
        if let Some(beta) = self.beta(call) {
            let beta = chain.input(beta.reshape(parts.each));
            value = chain.add(value, beta);
        }
        chain.run(cx.device, &[(value, Grad::write(call.outputs[0].reshape(parts.full)))]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let parts = self.parts(call);
        if let Some(norm) = self.fused(&parts) {
            return self.fused_backward(cx, call, &parts, &norm);
        }
        let learns = self.learns(cx, call);
        let dy = call.output_grads[0].reshape(parts.full);
        let wanted = |at: usize| call.weight_grads.get(at).copied().flatten();
        if let Some(dgamma) = wanted(0).filter(|_| self.scale) {
            let mut chain = Chain::new();
            let (mut value, _) = parts.unit(&mut chain, call);
            if learns && self.renorm {
                let (r, d) = (call.saved[R].reshape(parts.each), call.saved[D].reshape(parts.each));
                let (r, d) = (chain.input(r), chain.input(d));
                value = chain.mul(value, r);
                value = chain.add(value, d);
            }
            let dy = chain.input(dy);
            let part = chain.mul(value, dy);
            chain.run(cx.device, &[(part, dgamma.reshape(parts.each))]);
        }
        if let Some(dbeta) = wanted(self.scale as usize).filter(|_| self.center) {
            let mut chain = Chain::new();
            let dy = chain.input(dy);
            chain.run(cx.device, &[(dy, dbeta.reshape(parts.each))]);
        }
        let Some(dx) = call.input_grads[0] else { return };
        // g = dy * gamma * r, which both corrections treat as constants.
        let slope = |chain: &mut Chain| {
            let mut g = chain.input(dy);
            if let Some(gamma) = self.gamma(call) {
                let gamma = chain.input(gamma.reshape(parts.each));
                g = chain.mul(g, gamma);
            }
            if learns && self.renorm {
                let r = chain.input(call.saved[R].reshape(parts.each));
                g = chain.mul(g, r);
            }
            g
        };
        let mut chain = Chain::new();
        let (unit, inverse) = parts.unit(&mut chain, call);
        let mut g = slope(&mut chain);
        if learns {
            // dx = inverse * (g - mean(g) - u * mean(g * u)): the means over what counts, and only what counts moves them.
            let share = call.saved[SHARE].reshape(parts.each);
            let level = call.backward_scratch[0].reshape(parts.each);
            let along = call.backward_scratch[1].reshape(parts.each);
            let mut sums = Chain::new();
            let (g_value, share_value) = (slope(&mut sums), sums.input(share));
            let part = sums.mul(g_value, share_value);
            sums.run(cx.device, &[(part, Grad::write(level))]);
            let mut sums = Chain::new();
            let (unit_value, _) = parts.unit(&mut sums, call);
            let (g_value, share_value) = (slope(&mut sums), sums.input(share));
            let product = sums.mul(g_value, unit_value);
            let part = sums.mul(product, share_value);
            sums.run(cx.device, &[(part, Grad::write(along))]);

            let (level, along) = (chain.input(level), chain.input(along));
            let part = chain.mul(unit, along);
            let moved = chain.add(part, level);
            let moved = parts.counted(&mut chain, moved);
            g = chain.sub(g, moved);
        }
        let result = chain.mul(g, inverse);
        chain.run(cx.device, &[(result, dx.reshape(parts.full))]);
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        if !matches!(weight.name, "moving_stddev" | "renorm_stddev") {
            return false;
        }
        // SAFETY: the numbers outlive the call, which nothing else uses meanwhile.
        let view = unsafe { View::of(values, weight.shape) };
        weight.initializer.fill(&Device::cpu(), stream, view);
        values.iter_mut().for_each(|v| *v = v.sqrt());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer, dims: &[usize]| LayerCheck::new(layer).input(Spec::of(dims)).run();
        check(BatchNormalization::new(), &[4]);
        check(BatchNormalization::new().epsilon(0.1), &[3, 2, 4]);
        check(BatchNormalization::new().axis(1), &[3, 4]);
        check(BatchNormalization::new().axis(2).scale(false), &[2, 3, 4]);
        check(BatchNormalization::new().center(false), &[3, 4]);
        check(BatchNormalization::new().center(false).scale(false), &[4]);
        let clipping = RenormClipping { rmax: Some(0.4), rmin: Some(0.3), dmax: Some(0.1) };
        // Without bounds the corrections follow the batch, which the gradient leaves out on purpose.
        let bounds = RenormClipping { rmax: Some(1e-3), rmin: Some(1e-3), dmax: Some(0.0) };
        check(BatchNormalization::new().renorm(true).renorm_clipping(bounds), &[4]);
        assert_eq!(RenormClipping::from_json(&clipping.to_json()), Ok(clipping));
    }

    #[test]
    fn inference_and_frozen_use_the_moving_statistics() {
        LayerCheck::new(BatchNormalization::new()).input(Spec::of(&[3, 4])).inference().run();
        LayerCheck::new(BatchNormalization::new()).input(Spec::of(&[4])).frozen().run();
    }

    #[test]
    fn masked_steps_do_not_count() {
        let mask = [1, 1, 0, 1, 0, 0, 1, 1, 1];
        LayerCheck::new(BatchNormalization::new()).input(Spec::of(&[3, 2])).mask(&mask).run();
    }

    #[test]
    fn refusals() {
        let message = |layer: BatchNormalization| layer.plan(&[Spec::of(&[4])]).unwrap_err().to_string();
        assert_eq!(message(BatchNormalization::new().axis(2)), "axis 2 is out of range for `[4]`");
        assert_eq!(
            message(BatchNormalization::new().synchronized(true)),
            "`synchronized` statistics need several devices: this is one"
        );
    }
}
