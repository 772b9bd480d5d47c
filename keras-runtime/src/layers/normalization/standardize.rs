//! What layer, group, RMS and unit normalization share: values divided by a statistic of their own sample.

use keras_kernels::elementwise::{Binary, Unary};
use keras_kernels::norm::{Affine, Kind, Moments, Norm, NormGrads, Rectifier, Statistics};
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;
use crate::plan::{Ints, List, Message, Spec, catalogue};

/// `y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * gamma + beta`, each part if wanted.
///
/// In the call: `saved` are the inverse deviation and the mean, `backward_scratch` two of their kind; a sum that is not averaged
/// needs the first of each alone.
///
/// Axes whose statistics the fused kernel knows (those at the end; groups of channels at the end) run there, all others as chains.
pub(super) struct Standardize {
    /// The input's shape, in as many dimensions as the axes need.
    pub shape: Shape,
    /// The statistics' shape: 1 along the axes.
    pub statistics: Shape,
    /// The weights' shape: 1 along the axes that they do not have.
    pub weights: Shape,
    /// Whether the mean is subtracted.
    pub centered: bool,
    /// Whether squares are averaged, not summed.
    pub averaged: bool,
    /// Added to the mean square.
    pub epsilon: f64,
    /// Most that the inverse deviation can be.
    pub limit: f64,
    /// Which weight is the factor.
    pub gamma: Option<usize>,
    /// Which weight is the offset.
    pub beta: Option<usize>,
}

impl Standardize {
    /// One over the number of elements that share a statistic, or 1 for a sum.
    fn share(&self) -> f64 {
        if self.averaged { self.statistics.size() as f64 / self.shape.size() as f64 } else { 1.0 }
    }

    fn weight(&self, call: &Call, which: Option<usize>) -> Option<View> {
        which.map(|at| call.weights[at].reshape(self.weights))
    }

    fn affine(&self, call: &Call) -> Affine {
        let (gamma, beta) = (self.weight(call, self.gamma), self.weight(call, self.beta));
        Affine { gamma, beta, rectifier: Rectifier::Linear }
    }

    /// This normalization as the fused kernel sees it: `[samples, spatial, groups, channels]`.
    fn fused(&self) -> Option<Norm> {
        if !self.averaged || self.limit.is_finite() {
            return None;
        }
        let rank = self.shape.rank();
        let kind = if self.centered { Kind::Standard } else { Kind::RootMeanSquare };
        // The last axes, which the weights have and the statistics lack.
        let first = (0..rank).rev().take_while(|at| self.statistics.dim(*at) == 1).last().unwrap_or(rank);
        let own = (0..first).all(|at| self.statistics.dim(at) == self.shape.dim(at));
        let weights = self.shape.size_between(first, rank);
        if own && first < rank && self.weights.size() == weights {
            let samples = self.shape.size_between(0, first);
            return Some(Norm::rows(samples, weights, kind, self.epsilon));
        }
        self.groups(kind)
    }

    /// `[samples, spatial, groups, channels, 1]`, statistics over `spatial` and `channels`.
    fn groups(&self, kind: Kind) -> Option<Norm> {
        if self.shape.rank() != 5 || self.shape.dim(4) != 1 {
            return None;
        }
        let [samples, spatial, groups, channels] = [0, 1, 2, 3].map(|at| self.shape.dim(at));
        let statistics = self.statistics.same(&Shape::of(&[samples, 1, groups, 1, 1]));
        let weights = self.weights.same(&Shape::of(&[1, 1, groups, channels, 1]));
        let epsilon = self.epsilon;
        (statistics && weights).then_some(Norm { samples, spatial, groups, channels, kind, epsilon })
    }

    pub(super) fn forward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(norm) = self.fused() {
            let moments = Moments { mean: call.saved[1], inverse: call.saved[0] };
            let (x, y) = (call.inputs[0], call.outputs[0]);
            return cx.device.norm(&norm, x, None, self.affine(call), moments, None, y);
        }
        let (x, y) = (call.inputs[0].reshape(self.shape), call.outputs[0].reshape(self.shape));
        let inverse = call.saved[0].reshape(self.statistics);
        let mean = self.centered.then(|| call.saved[1].reshape(self.statistics));
        if let Some(mean) = mean {
            let mut chain = Chain::new();
            let (x, share) = (chain.input(x), chain.scalar(self.share()));
            let part = chain.mul(x, share);
            chain.run(cx.device, &[(part, Grad::write(mean))]);
        }
        let mut chain = Chain::new();
        let mut value = chain.input(x);
        if let Some(mean) = mean {
            let mean = chain.input(mean);
            value = chain.sub(value, mean);
        }
        let (square, share) = (chain.unary(Unary::Square, value), chain.scalar(self.share()));
        let part = chain.mul(square, share);
        chain.run(cx.device, &[(part, Grad::write(inverse))]);

        let mut chain = Chain::new();
        let (square, epsilon) = (chain.input(inverse), chain.scalar(self.epsilon));
        let shifted = chain.add(square, epsilon);
        let mut result = chain.unary(Unary::Rsqrt, shifted);
        if self.limit.is_finite() {
            let limit = chain.scalar(self.limit);
            result = chain.binary(Binary::Min, result, limit);
        }
        chain.run(cx.device, &[(result, Grad::write(inverse))]);

        let mut chain = Chain::new();
        let mut value = chain.input(x);
        if let Some(mean) = mean {
            let mean = chain.input(mean);
            value = chain.sub(value, mean);
        }
        let inverse = chain.input(inverse);
        value = chain.mul(value, inverse);
        if let Some(gamma) = self.weight(call, self.gamma) {
            let gamma = chain.input(gamma);
            value = chain.mul(value, gamma);
        }
        if let Some(beta) = self.weight(call, self.beta) {
            let beta = chain.input(beta);
            value = chain.add(value, beta);
        }
        chain.run(cx.device, &[(value, Grad::write(y))]);
    }

    pub(super) fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(norm) = self.fused() {
            let wanted = |which: Option<usize>| which.and_then(|at| call.weight_grads[at]);
            let (gamma, beta) = (wanted(self.gamma), wanted(self.beta));
            let grads = NormGrads { x: call.input_grads[0], gamma, beta };
            let moments = Moments { mean: call.saved[1], inverse: call.saved[0] };
            let (x, dy, statistics) = (call.inputs[0], call.output_grads[0], Statistics::OfInput(None));
            return cx.device.norm_grad(&norm, statistics, x, self.affine(call), moments, dy, grads);
        }
        let (x, dy) = (call.inputs[0].reshape(self.shape), call.output_grads[0].reshape(self.shape));
        let inverse = call.saved[0].reshape(self.statistics);
        let mean = self.centered.then(|| call.saved[1].reshape(self.statistics));
        let unit = |chain: &mut Chain| {
            let mut value = chain.input(x);
            if let Some(mean) = mean {
                let mean = chain.input(mean);
                value = chain.sub(value, mean);
            }
            let inverse = chain.input(inverse);
            (chain.mul(value, inverse), inverse)
        };
        let wanted = |which: Option<usize>| which.and_then(|at| call.weight_grads[at]);
        if let Some(dgamma) = wanted(self.gamma) {
            let mut chain = Chain::new();
            let ((unit, _), dy) = (unit(&mut chain), chain.input(dy));
            let part = chain.mul(unit, dy);
            chain.run(cx.device, &[(part, dgamma.reshape(self.weights))]);
        }
        if let Some(dbeta) = wanted(self.beta) {
            let mut chain = Chain::new();
            let dy = chain.input(dy);
            chain.run(cx.device, &[(dy, dbeta.reshape(self.weights))]);
        }
        let Some(dx) = call.input_grads[0] else { return };
        // With u the standardized value and g = dy * gamma: dx = inverse * (g - mean(g) - u * mean(g * u)).
        let along = call.backward_scratch[0].reshape(self.statistics);
        let level = self.centered.then(|| call.backward_scratch[1].reshape(self.statistics));
        let slope = |chain: &mut Chain| {
            let dy = chain.input(dy);
            match self.weight(call, self.gamma) {
                Some(gamma) => {
                    let gamma = chain.input(gamma);
                    chain.mul(dy, gamma)
                }
                None => dy,
            }
        };
        let mut chain = Chain::new();
        let ((u, _), g, share) = (unit(&mut chain), slope(&mut chain), chain.scalar(self.share()));
        let gu = chain.mul(g, u);
        let part = chain.mul(gu, share);
        chain.run(cx.device, &[(part, Grad::write(along))]);
        if let Some(level) = level {
            let mut chain = Chain::new();
            let (g, share) = (slope(&mut chain), chain.scalar(self.share()));
            let part = chain.mul(g, share);
            chain.run(cx.device, &[(part, Grad::write(level))]);
        }
        let mut chain = Chain::new();
        let ((u, inverse), mut g) = (unit(&mut chain), slope(&mut chain));
        if let Some(level) = level {
            let level = chain.input(level);
            g = chain.sub(g, level);
        }
        let along = chain.input(along);
        let part = chain.mul(u, along);
        g = chain.sub(g, part);
        let result = chain.mul(g, inverse);
        chain.run(cx.device, &[(result, dx.reshape(self.shape))]);
    }
}

/// Dimensions of a sample that `axis` means, in ascending order.
pub(super) const fn sample_axes(axis: &Ints, x: &Spec) -> Result<List<usize, MAX_RANK>, Message> {
    if axis.is_empty() {
        return Err(Message::new("`axis` is empty: name at least one axis"));
    }
    let mut wanted = [false; MAX_RANK];
    let mut i = 0;
    while i < axis.len() {
        match x.axis(axis.get(i)) {
            Some(at) if wanted[at] => return Err(Message::new("`axis` names one axis twice")),
            Some(at) => wanted[at] = true,
            None => return Err(catalogue::axis(axis.get(i), x)),
        }
        i += 1;
    }
    let mut axes = List::new(0);
    let mut at = 0;
    while at < MAX_RANK {
        if wanted[at] {
            axes.push(at);
        }
        at += 1;
    }
    Ok(axes)
}

/// The dimensions of `shape` that are (or are not) `axes`, the others replaced by 1.
pub(super) const fn masked_shape(shape: &Shape, axes: &List<usize, MAX_RANK>, keep: bool) -> Shape {
    let mut out = *shape;
    let mut at = 0;
    while at < shape.rank() {
        let mut named = false;
        let mut i = 0;
        while i < axes.len() {
            named = named || axes.as_slice()[i] == at;
            i += 1;
        }
        if named != keep {
            out = out.with_dim(at, 1);
        }
        at += 1;
    }
    out
}

/// The shape of a weight for these axes: their dimensions alone.
pub(super) const fn weight_shape(shape: &Shape, axes: &List<usize, MAX_RANK>) -> Shape {
    let mut out = Shape::SCALAR;
    let mut i = 0;
    while i < axes.len() {
        out = out.insert(i, shape.dim(axes.as_slice()[i]));
        i += 1;
    }
    out
}
