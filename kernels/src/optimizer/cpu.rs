//! Optimizer passes on the CPU: blocks that fit in the first-level cache, one loop an algorithm.

use super::{Optimizers, Rule, Update, nadam_schedule};
use crate::cpu::threads;
use crate::{Cpu, Element, Float, View, with_float};

/// Elements of a task: large enough to fork, small enough to balance.
const BLOCK: usize = 16 * 1024;
/// About what an element costs, in elementary operations.
const COST: usize = 8;

impl Optimizers for Cpu {
    fn update(&self, update: &Update, weights: View, grads: View, slots: &[View]) {
        assert_eq!(slots.len(), update.rule.slots().len(), "slots of {:?}", update.rule);
        assert!(grads.size() == weights.size() && slots.iter().all(|s| s.size() == weights.size()));
        with_float!(weights.dtype(), T => pass::<T>(update, weights, grads, slots));
    }

    fn sum_of_squares(&self, x: View) -> f64 {
        with_float!(x.dtype(), T => {
            // SAFETY: nobody writes to it during the call.
            let x: &[T] = unsafe { x.slice() };
            // Blocks are summed one after the other: gradients are small beside the step that made them.
            x.chunks(BLOCK).map(squares).sum()
        })
    }

    fn moving_average(&self, momentum: f64, x: View, average: View) {
        with_float!(x.dtype(), T => {
            let (keep, rest) = (<T as Element>::from_f64(momentum), <T as Element>::from_f64(1.0 - momentum));
            // SAFETY: two buffers; nobody else uses them during the call.
            let (x, average): (&[T], &mut [T]) = unsafe { (x.slice(), average.slice_mut()) };
            average.iter_mut().zip(x).for_each(|(a, x)| *a = *a * keep + rest * *x);
        });
    }
}

/// In eight lanes, so that it vectorises in a fixed order.
fn squares<T: Float>(x: &[T]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let chunks = x.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|v| Element::to_f64(*v) * Element::to_f64(*v)).sum();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += Element::to_f64(*v) * Element::to_f64(*v);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The pieces of one block.
struct Block<'a, T> {
    weights: &'a mut [T],
    grads: &'a [T],
    slots: [&'a mut [T]; 3],
}

fn pass<T: Float>(update: &Update, weights: View, grads: View, slots: &[View]) {
    let n = weights.size();
    let at = |view: View| view.address() as usize;
    let addresses = [at(weights), at(grads)];
    let mut slot_addresses = [0; 3];
    slots.iter().enumerate().for_each(|(i, slot)| slot_addresses[i] = at(*slot));
    threads::pieces(n, BLOCK, COST, |from, to| {
        let len = to - from;
        // SAFETY: tasks own disjoint stretches of buffers that do not overlap; an absent slot is an empty slice.
        let (weights, grads, slots) = unsafe {
            (
                std::slice::from_raw_parts_mut((addresses[0] as *mut T).add(from), len),
                std::slice::from_raw_parts((addresses[1] as *const T).add(from), len),
                slot_addresses.map(|slot| match slot {
                    0 => &mut [][..],
                    slot => std::slice::from_raw_parts_mut((slot as *mut T).add(from), len),
                }),
            )
        };
        block(update, Block { weights, grads, slots });
    });
}

/// `f(weight, gradient)` for every element, after decay, scaling and clipping.
#[inline(always)]
fn each<T: Float>(update: &Update, weights: &mut [T], grads: &[T], mut f: impl FnMut(usize, &mut T, T)) {
    let of = <T as Element>::from_f64;
    let (scale, clip) = (of(update.scale), of(update.clip));
    let decay = of(update.weight_decay * update.learning_rate);
    for (i, (w, g)) in weights.iter_mut().zip(grads).enumerate() {
        let scaled = *g * scale;
        // Comparisons, not min and max: a NaN stays one.
        let clipped = if scaled > clip {
            clip
        } else if scaled < -clip {
            -clip
        } else {
            scaled
        };
        *w = *w - *w * decay;
        f(i, w, clipped);
    }
}

fn block<T: Float>(update: &Update, block: Block<'_, T>) {
    let of = <T as Element>::from_f64;
    let lr = of(update.learning_rate);
    let one = T::one();
    let Block { weights, grads, slots: [a, b, c] } = block;
    let n = weights.len();
    match update.rule {
        Rule::Sgd { momentum: 0.0, .. } => each(update, weights, grads, |_, w, g| *w -= g * lr),
        Rule::Sgd { momentum, nesterov } => {
            let (momentum, m) = (of(momentum), &mut a[..n]);
            each(update, weights, grads, |i, w, g| {
                m[i] = m[i] * momentum - g * lr;
                *w += if nesterov { m[i] * momentum - g * lr } else { m[i] };
            });
        }
        Rule::Adam { beta_1, beta_2, epsilon, amsgrad } => {
            let step = update.step as f64;
            let correction = (1.0 - beta_2.powf(step)).sqrt() / (1.0 - beta_1.powf(step));
            let alpha = of(update.learning_rate * correction);
            let (k1, k2, epsilon) = (of(1.0 - beta_1), of(1.0 - beta_2), of(epsilon));
            let (m, v) = (&mut a[..n], &mut b[..n]);
            if amsgrad {
                let largest = &mut c[..n];
                each(update, weights, grads, |i, w, g| {
                    m[i] += (g - m[i]) * k1;
                    v[i] += (g * g - v[i]) * k2;
                    largest[i] = if v[i] > largest[i] { v[i] } else { largest[i] };
                    *w -= m[i] * alpha / (largest[i].sqrt() + epsilon);
                });
            } else {
                each(update, weights, grads, |i, w, g| {
                    m[i] += (g - m[i]) * k1;
                    v[i] += (g * g - v[i]) * k2;
                    *w -= m[i] * alpha / (v[i].sqrt() + epsilon);
                });
            }
        }
        Rule::RmsProp { rho, momentum, epsilon, centered } => {
            let (rho, momentum, epsilon, moves) = (of(rho), of(momentum), of(epsilon), momentum > 0.0);
            let velocity = &mut a[..n];
            let (kept, average) = if moves { (b, c) } else { (c, b) };
            each(update, weights, grads, |i, w, g| {
                velocity[i] = rho * velocity[i] + (one - rho) * (g * g);
                let mut under = velocity[i] + epsilon;
                if centered {
                    average[i] = rho * average[i] + (one - rho) * g;
                    under = velocity[i] - average[i] * average[i] + epsilon;
                }
                let step = lr * g / under.sqrt();
                if moves {
                    kept[i] = momentum * kept[i] + step;
                    *w -= kept[i];
                } else {
                    *w -= step;
                }
            });
        }
        Rule::Adagrad { epsilon } => {
            let (epsilon, accumulator) = (of(epsilon), &mut a[..n]);
            each(update, weights, grads, |i, w, g| {
                accumulator[i] += g * g;
                *w -= lr * g / (accumulator[i] + epsilon).sqrt();
            });
        }
        Rule::Adadelta { rho, epsilon } => {
            let (rho, epsilon) = (of(rho), of(epsilon));
            let (squares, deltas) = (&mut a[..n], &mut b[..n]);
            each(update, weights, grads, |i, w, g| {
                squares[i] = rho * squares[i] + (one - rho) * (g * g);
                let delta = -((deltas[i] + epsilon).sqrt() * g / (squares[i] + epsilon).sqrt());
                deltas[i] = rho * deltas[i] + (one - rho) * (delta * delta);
                *w += lr * delta;
            });
        }
        Rule::Adamax { beta_1, beta_2, epsilon } => {
            let correction = of(1.0 - beta_1.powf(update.step as f64));
            let (k1, beta_2, epsilon) = (of(1.0 - beta_1), of(beta_2), of(epsilon));
            let (m, u) = (&mut a[..n], &mut b[..n]);
            each(update, weights, grads, |i, w, g| {
                m[i] += (g - m[i]) * k1;
                let decayed = beta_2 * u[i];
                u[i] = if g.abs() > decayed { g.abs() } else { decayed };
                *w -= lr * m[i] / (correction * (u[i] + epsilon));
            });
        }
        Rule::Nadam { beta_1, beta_2, epsilon, product } => {
            let (now, next) = (nadam_schedule(beta_1, update.step), nadam_schedule(beta_1, update.step + 1));
            let ahead = of(next / (1.0 - product * next));
            let here = of((1.0 - now) / (1.0 - product));
            let correction = of(1.0 - beta_2.powf(update.step as f64));
            let (k1, k2, epsilon) = (of(1.0 - beta_1), of(1.0 - beta_2), of(epsilon));
            let (m, v) = (&mut a[..n], &mut b[..n]);
            each(update, weights, grads, |i, w, g| {
                m[i] += (g - m[i]) * k1;
                v[i] += (g * g - v[i]) * k2;
                let ahead = ahead * m[i] + here * g;
                *w -= ahead * lr / ((v[i] / correction).sqrt() + epsilon);
            });
        }
        Rule::Lion { beta_1, beta_2 } => {
            let (beta_1, beta_2, m) = (of(beta_1), of(beta_2), &mut a[..n]);
            each(update, weights, grads, |i, w, g| {
                let direction = m[i] * beta_1 + g * (one - beta_1);
                // `signum` gives 1 for zero.
                *w -= if direction == T::zero() { direction } else { lr * direction.signum() };
                m[i] = m[i] * beta_2 + g * (one - beta_2);
            });
        }
        Rule::Ftrl { learning_rate_power, l1, l2, l2_shrinkage, beta } => {
            let power = of(-learning_rate_power);
            let l2 = of(l2 + beta / (2.0 * update.learning_rate));
            let (l1, shrinkage, two) = (of(l1), of(2.0 * l2_shrinkage), of(2.0));
            let (accumulator, linear) = (&mut a[..n], &mut b[..n]);
            each(update, weights, grads, |i, w, g| {
                let new = accumulator[i] + g * g;
                let rate = (new.powf(power) - accumulator[i].powf(power)) / lr;
                linear[i] += g + shrinkage * *w - rate * *w;
                let quadratic = new.powf(power) / lr + two * l2;
                let clipped = if linear[i] > l1 {
                    l1
                } else if linear[i] < -l1 {
                    -l1
                } else {
                    linear[i]
                };
                *w = (clipped - linear[i]) / quadratic;
                accumulator[i] = new;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Shape};

    fn view(data: &mut [f64]) -> View {
        let shape = Shape::of(&[data.len()]);
        // SAFETY: the vector outlives the view in every test.
        unsafe { View::of(data, shape) }
    }

    fn plain(rule: Rule) -> Update {
        Update { rule, learning_rate: 0.1, step: 1, scale: 1.0, clip: f64::INFINITY, weight_decay: 0.0 }
    }

    #[test]
    fn decay_scale_and_clip_come_before_the_step() {
        let mut weights = vec![1.0, 1.0, 1.0];
        let update = Update {
            scale: 0.5,
            clip: 1.0,
            weight_decay: 0.2,
            ..plain(Rule::Sgd { momentum: 0.0, nesterov: false })
        };
        Device::cpu().update(&update, view(&mut weights), view(&mut [1.0, 8.0, f64::NAN]), &[]);
        assert_eq!(weights[..2], [1.0 - 0.02 - 0.05, 1.0 - 0.02 - 0.1]);
        assert!(weights[2].is_nan(), "a NaN must not vanish in clipping");
    }

    /// The first step of Adam is the learning rate, whatever the gradient's size.
    #[test]
    fn first_step_of_adam() {
        let (mut weights, mut m, mut v) = (vec![0.0; 3], vec![0.0; 3], vec![0.0; 3]);
        let rule = Rule::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-12, amsgrad: false };
        let slots = [view(&mut m), view(&mut v)];
        Device::cpu().update(&plain(rule), view(&mut weights), view(&mut [2.0, -0.01, 30.0]), &slots);
        for (w, expected) in weights.iter().zip([-0.1, 0.1, -0.1]) {
            assert!((w - expected).abs() < 1e-9, "{w}");
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let n = 5 * BLOCK + 17;
        let grads: Vec<f64> = (0..n).map(|i| ((i * 7919) % 1013) as f64 / 500.0 - 1.0).collect();
        let run = |threads| {
            let device = Device::cpu_with_threads(threads);
            let (mut weights, mut m, mut v, mut g) =
                (vec![0.5; n], vec![0.1; n], vec![0.2; n], grads.clone());
            let rule = Rule::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
            device.install(&mut || {
                let slots = [view(&mut m), view(&mut v)];
                device.update(&plain(rule), view(&mut weights), view(&mut g), &slots);
            });
            (weights, device.sum_of_squares(view(&mut g)).to_bits())
        };
        assert_eq!(run(1), run(4));
    }
}
