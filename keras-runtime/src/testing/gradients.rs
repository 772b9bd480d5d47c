//! Gradients against finite differences, and both ways of writing them.

use keras_kernels::Mode;

use super::bench::Bench;
use crate::layer::Layer;
use crate::plan::Plan;

/// Step of the finite differences: balances rounding (`1e-16 / h`) against curvature (`h^2`).
const STEP: f64 = 1e-5;

impl Bench<'_> {
    /// Checks the gradients of all inputs and weights, within `tolerance` of the largest one.
    pub fn check_gradients<L: Layer>(&self, layer: &L, plan: &Plan, tolerance: f64) {
        let names = (0..self.call.inputs.len()).map(|i| format!("input {i}"));
        let names = names.chain(plan.weights.as_slice().iter().map(|w| w.name.to_string()));
        let values = self.call.inputs.iter().chain(&self.call.weights);
        let grads = self.call.input_grads.iter().chain(&self.call.weight_grads);
        let targets: Vec<_> =
            names.zip(values).zip(grads).filter_map(|((n, v), g)| g.map(|g| (n, *v, g.view))).collect();

        self.forward();
        self.backward();
        let written: Vec<Vec<f64>> = targets.iter().map(|t| self.numbers(t.2)).collect();

        // Finite differences.
        for ((name, view, _), computed) in targets.iter().zip(&written) {
            let mut values = self.numbers(*view);
            let mut expected = Vec::with_capacity(values.len());
            for i in 0..values.len() {
                let at = values[i];
                let mut sum_at = |x: f64| {
                    values[i] = x;
                    self.set(*view, &values);
                    self.sum()
                };
                let (above, below) = (sum_at(at + STEP), sum_at(at - STEP));
                expected.push((above - below) / (2.0 * STEP));
                values[i] = at;
            }
            self.set(*view, &values);
            let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
            for (i, (e, c)) in expected.iter().zip(computed).enumerate() {
                assert!(
                    (e - c).abs() <= tolerance * scale,
                    "{}: gradient of {name}[{i}] is {c}, finite differences give {e}",
                    layer.class_name()
                );
            }
        }

        // The same gradients added to ones.
        targets.iter().for_each(|t| self.fill(t.2, 1.0));
        self.forward();
        self.backward_of(self.call_with_mode(Mode::Add));
        for ((name, _, grad), written) in targets.iter().zip(&written) {
            for (added, written) in self.numbers(*grad).iter().zip(written) {
                let scale = written.abs().max(1.0);
                assert!(
                    (added - 1.0 - written).abs() <= 1e-12 * scale,
                    "the gradient of {name} ignores `Mode::Add`"
                );
            }
        }

        // A layer must not compute what nobody asks for.
        let mut without = self.call_with_mode(Mode::Add);
        without.input_grads.iter_mut().chain(&mut without.weight_grads).for_each(|g| *g = None);
        self.forward();
        self.backward_of(without);
    }
}
