//! Kernels against formulas.

use super::*;
use crate::engine::{Definition, Network, Source};
use crate::layers::Dense;
use crate::plan::Spec;
use crate::{DType, Device};

/// The same optimizer without its kernel.
struct ByFormula(Box<dyn Optimizer>);

impl Optimizer for ByFormula {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }
    fn settings(&self) -> &Settings {
        self.0.settings()
    }
    fn settings_mut(&mut self) -> &mut Settings {
        self.0.settings_mut()
    }
    fn slots(&self) -> Vec<Vec<&'static str>> {
        self.0.slots()
    }
    fn initial(&self, slot: &str) -> f64 {
        self.0.initial(slot)
    }
    fn extras(&self) -> Vec<(&'static str, f64)> {
        self.0.extras()
    }
    fn scalars(&self, step: &StepInfo, extras: &mut [f64], scalars: &mut [f64; MAX_SCALARS]) {
        self.0.scalars(step, extras, scalars);
    }
    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        self.0.update(at)
    }
    fn boxed(&self) -> Box<dyn Optimizer> {
        Box::new(ByFormula(self.0.boxed()))
    }
}

fn network(inputs: usize, units: usize, float: DType) -> Network {
    let mut definition = Definition::new("net");
    let x = definition.input("x", Spec::of(&[inputs]));
    let dense = definition.layer("dense", Dense::new(units));
    let node = definition.call(dense, &[x]).unwrap();
    definition.output("y", Source::Node { node, output: 0 });
    let mut network = Network::with_float(definition.into(), Device::cpu(), 3, float).unwrap();
    network.prepare(1, true).unwrap();
    network
}

/// Weights and slots after five steps on gradients that change size and sign.
fn after_steps(optimizer: Box<dyn Optimizer>, float: DType) -> Vec<f64> {
    let mut network = network(7, 37, float);
    let mut state = OptimizerState::new(optimizer);
    state.build(&network).unwrap();
    for step in 0..5 {
        let n = network.params();
        let grads: Vec<f64> =
            (0..n).map(|i| ((i * 7 + step * 13) as f64).sin() * 10f64.powi(step as i32 - 2)).collect();
        crate::initializers::upload(network.device(), &grads, network.grads(0, n).unwrap());
        state.step(&mut network);
    }
    let variables = state.variables(&network).into_iter().flat_map(|v| v.values);
    let n = network.params();
    let weights = crate::initializers::download(network.device(), network.weights(0, n));
    weights.into_iter().chain(variables).collect()
}

#[test]
fn every_kernel_is_its_formula() {
    let all: Vec<Box<dyn Optimizer>> = vec![
        SGD::new(0.1).into(),
        SGD::new(0.1).momentum(0.9).into(),
        SGD::new(0.1).momentum(0.9).nesterov(true).weight_decay(0.1).into(),
        Adam::default().clipnorm(0.5).into(),
        Adam::default().amsgrad(true).clipvalue(0.25).into(),
        AdamW::default().exclude_from_weight_decay(&["bias"]).into(),
        RMSprop::default().into(),
        RMSprop::default().momentum(0.5).global_clipnorm(1.5).into(),
        RMSprop::default().centered(true).into(),
        RMSprop::default().centered(true).momentum(0.5).into(),
        Adagrad::default().gradient_accumulation_steps(2).loss_scale_factor(8.0).into(),
        Adadelta::default().into(),
        Adamax::default().use_ema(true).ema_overwrite_frequency(2).into(),
        Nadam::default().into(),
        Lion::default().into(),
        Ftrl::default().l1_regularization_strength(0.01).beta(0.1).into(),
        Ftrl::default().learning_rate_power(-0.4).l2_shrinkage_regularization_strength(0.1).into(),
    ];
    for optimizer in all {
        for (float, tolerance) in [(DType::F64, 1e-13), (DType::F32, 2e-5)] {
            let name = optimizer.class_name();
            let kernel = after_steps(optimizer.boxed(), float);
            let formula = after_steps(Box::new(ByFormula(optimizer.boxed())), float);
            assert_eq!(kernel.len(), formula.len());
            for (at, (k, f)) in kernel.iter().zip(&formula).enumerate() {
                let near = (k - f).abs() <= tolerance * f.abs().max(1e-3);
                assert!(near, "{name} {float}: number {at} is {k}, by the formula {f}");
            }
        }
    }
}

#[test]
fn a_gradient_that_is_not_a_number_is_not_clipped_away() {
    for optimizer in
        [SGD::new(0.1).clipnorm(1.0), SGD::new(0.1).global_clipnorm(1.0), SGD::new(0.1).clipvalue(1.0)]
    {
        let mut network = network(1, 1, DType::F32);
        let mut state = OptimizerState::new(optimizer.into());
        state.build(&network).unwrap();
        let n = network.params();
        crate::initializers::upload(network.device(), &vec![f64::NAN; n], network.grads(0, n).unwrap());
        state.step(&mut network);
        let weights = crate::initializers::download(network.device(), network.weights(0, n));
        assert!(weights.iter().all(|w| w.is_nan()), "{weights:?}");
    }
}
