//! Additive scores: `sum(outer * tanh(inner * (query + key)))` over the features.

use keras_kernels::elementwise::Unary;
use keras_kernels::{Grad, Shape, View};

use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;

/// Which weights scale the sums.
pub(super) struct Sums {
    /// Factor of the tangents: one number, or one a feature.
    pub outer: Option<usize>,
    /// Factor within: one number.
    pub inner: Option<usize>,
}

/// Values of a chain under construction.
struct Terms {
    sum: u16,
    tangent: u16,
    outer: Option<u16>,
    inner: Option<u16>,
}

impl Sums {
    fn shapes(&self, call: &Call) -> [View; 2] {
        let (query, key) = (call.inputs[0], call.inputs[call.inputs.len() - 1]);
        let (q, k) = (query.shape(), key.shape());
        [query.reshape(q.insert(2, 1)), key.reshape(k.insert(1, 1))]
    }

    /// A weight as one row of features, or one number for all.
    fn weight(call: &Call, at: usize) -> View {
        let weight = call.weights[at];
        weight.reshape(Shape::of(&[weight.size()]))
    }

    fn terms(&self, chain: &mut Chain, call: &Call) -> Terms {
        let [query, key] = self.shapes(call);
        let (query, key) = (chain.input(query), chain.input(key));
        let sum = chain.add(query, key);
        let inner = self.inner.map(|at| chain.input(Sums::weight(call, at)));
        let within = inner.map_or(sum, |inner| chain.mul(sum, inner));
        let tangent = chain.unary(Unary::Tanh, within);
        let outer = self.outer.map(|at| chain.input(Sums::weight(call, at)));
        Terms { sum, tangent, outer, inner }
    }

    /// Scores `[batch, targets, sources]`.
    pub(super) fn forward(&self, cx: &Context<'_>, call: &Call, to: View) {
        let mut chain = Chain::new();
        let Terms { tangent, outer, .. } = self.terms(&mut chain, call);
        let term = outer.map_or(tangent, |outer| chain.mul(tangent, outer));
        chain.run(cx.device, &[(term, Grad::write(to.reshape(to.shape().insert(3, 1))))]);
    }

    /// Gradients of query, key and weights. `dkey` says where the key's goes.
    pub(super) fn backward(&self, cx: &Context<'_>, call: &Call, dscores: View, dkey: Option<Grad>) {
        let dscores = dscores.reshape(dscores.shape().insert(3, 1));
        // Gradient of what is within the tangent.
        let within = |chain: &mut Chain| {
            let terms = self.terms(chain, call);
            let (gradient, one) = (chain.input(dscores), chain.scalar(1.0));
            let square = chain.unary(Unary::Square, terms.tangent);
            let slope = chain.sub(one, square);
            let mut value = chain.mul(gradient, slope);
            if let Some(outer) = terms.outer {
                value = chain.mul(value, outer);
            }
            (value, terms)
        };
        let [query, key] = self.shapes(call);
        for (grad, like) in [(call.input_grads[0], query), (dkey, key)] {
            if let Some(grad) = grad {
                let mut chain = Chain::new();
                let (mut value, terms) = within(&mut chain);
                if let Some(inner) = terms.inner {
                    value = chain.mul(value, inner);
                }
                chain.run(cx.device, &[(value, grad.reshape(like.shape()))]);
            }
        }
        let wanted = |which: Option<usize>| which.and_then(|at| call.weight_grads[at]);
        if let Some(douter) = wanted(self.outer) {
            let mut chain = Chain::new();
            let terms = self.terms(&mut chain, call);
            let gradient = chain.input(dscores);
            let value = chain.mul(gradient, terms.tangent);
            chain.run(cx.device, &[(value, douter.reshape(Shape::of(&[douter.view.size()])))]);
        }
        if let Some(dinner) = wanted(self.inner) {
            let mut chain = Chain::new();
            let (value, terms) = within(&mut chain);
            let value = chain.mul(value, terms.sum);
            chain.run(cx.device, &[(value, dinner.reshape(Shape::of(&[1])))]);
        }
    }
}
