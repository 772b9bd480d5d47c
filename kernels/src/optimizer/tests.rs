use super::*;
use crate::testing::{close, floats, same_on_any_threads, view};
use crate::{Device, View};

const SCALARS: [f64; MAX_SCALARS] = [0.1; MAX_SCALARS];

fn update(rule: impl Into<Rule>, before: Before, weights: &mut [f64], grads: &mut [f64], slots: &[View]) {
    let n = weights.len();
    Device::cpu().update(&rule.into(), &before, &SCALARS, view(weights, &[n]), view(grads, &[n]), slots);
}

#[test]
fn decay_scale_and_clip_come_before_the_step() {
    let mut weights = vec![1.0, 1.0, 1.0];
    let before = Before { scale: 0.5, clip: 1.0, decay: 0.02 };
    update(Sgd { momentum: 0.0, nesterov: false }, before, &mut weights, &mut [1.0, 8.0, f64::NAN], &[]);
    close(&weights[..2], &[1.0 - 0.02 - 0.05, 1.0 - 0.02 - 0.1], 1e-15);
    assert!(weights[2].is_nan(), "a NaN must not vanish in clipping");
}

/// The first step of Adam is the learning rate, whatever the gradient's size: `m = g / 10`, `v = g^2 / 1000`.
#[test]
fn first_step_of_adam() {
    let (mut weights, mut m, mut v) = (vec![0.0; 3], vec![0.0; 3], vec![0.0; 3]);
    let rule = Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-16, amsgrad: false };
    let slots = [view(&mut m, &[3]), view(&mut v, &[3])];
    update(rule, Before::NOTHING, &mut weights, &mut [2.0, -0.01, 30.0], &slots);
    let size = 0.1 * 0.1 / 0.001f64.sqrt();
    close(&weights, &[-size, size, -size], 1e-9);
}

#[test]
fn threads_do_not_change_a_bit() {
    let n = 80_017;
    same_on_any_threads(|device| {
        let (mut weights, mut m, mut v, mut g) = (floats(n, 1), floats(n, 2), vec![0.2f32; n], floats(n, 3));
        let rule = Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }.into();
        let slots = [view(&mut m, &[n]), view(&mut v, &[n])];
        let (weights_view, g) = (view(&mut weights, &[n]), view(&mut g, &[n]));
        device.update(&rule, &Before::NOTHING, &SCALARS, weights_view, g, &slots);
        [weights, m, v].concat()
    });
}
