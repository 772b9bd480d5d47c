//! Optimizer passes on the CPU: one loop for each rule and number of slots.

use super::number::Lane;
use super::rules::Visitor;
use super::{At, Before, MAX_SCALARS, MAX_SLOTS, Number, Optimizers, Rule, Update};
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::{Cpu, View, with_float};

/// Elements of a task: large enough to fork, small enough to balance.
const PIECE: usize = 16 * 1024;
/// About what an element costs, in elementary operations.
const COST: usize = 8;

impl Optimizers for Cpu {
    fn update(
        &self,
        rule: &Rule,
        before: &Before,
        scalars: &[f64; MAX_SCALARS],
        weights: View,
        grads: View,
        slots: &[View],
    ) {
        assert_eq!(slots.len(), rule.slots(), "slots of {rule:?}");
        assert!(grads.size() == weights.size() && slots.iter().all(|s| s.size() == weights.size()));
        with_float!(weights.dtype(), T => rule.visit(Pass::<T> {
            before: *before,
            scalars: scalars.map(|s| Lane(T::lit(s))),
            weights: Raw::of(weights),
            grads: Raw::of(grads),
            // Places that the rule does not have are never touched.
            slots: std::array::from_fn(|i| Raw::of(slots.get(i).copied().unwrap_or(weights))),
            len: weights.size(),
        }));
    }
}

/// Operands of a pass, by address.
#[derive(Clone, Copy)]
struct Pass<T> {
    before: Before,
    scalars: [Lane<T>; MAX_SCALARS],
    weights: Raw<T>,
    grads: Raw<T>,
    slots: [Raw<T>; MAX_SLOTS],
    len: usize,
}

impl<T: Real> Visitor for Pass<T> {
    fn visit<U: Update>(self, rule: &U) {
        threads::pieces(self.len, PIECE, COST, |start, end| {
            let piece = Piece { pass: &self, rule: *rule, start, end };
            match rule.slots() {
                0 => T::dispatch(Slots::<_, _, 0>(piece)),
                1 => T::dispatch(Slots::<_, _, 1>(piece)),
                2 => T::dispatch(Slots::<_, _, 2>(piece)),
                _ => T::dispatch(Slots::<_, _, 3>(piece)),
            }
        });
    }
}

struct Piece<'a, T, U> {
    pass: &'a Pass<T>,
    rule: U,
    start: usize,
    end: usize,
}

/// A piece with its number of slots, so that the loop has no others.
struct Slots<'a, T, U, const S: usize>(Piece<'a, T, U>);

impl<T: Real, U: Update, const S: usize> Kernel for Slots<'_, T, U, S> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Slots(Piece { pass, rule, start, end }) = self;
        let Pass { before, scalars, .. } = *pass;
        let (scale, decay, n) = (T::lit(before.scale), T::lit(before.decay), end - start);
        // SAFETY: pieces do not overlap, and neither do the buffers.
        let (weights, grads, slots) = unsafe {
            let slots: [&mut [T]; S] = std::array::from_fn(|s| pass.slots[s].slice_mut(start, n));
            (pass.weights.slice_mut(start, n), pass.grads.slice(start, n), slots)
        };
        for i in 0..n {
            let gradient = Lane(grads[i] * scale).between(-before.clip, before.clip);
            let weight = Lane(weights[i] - weights[i] * decay);
            let slot = |s: usize| if s < S { Lane(slots[s][i]) } else { Lane(T::zero()) };
            let next = rule.update(&At { weight, gradient, slots: [slot(0), slot(1), slot(2)], scalars });
            weights[i] = next.weight.0;
            for s in 0..S {
                slots[s][i] = next.slots[s].0;
            }
        }
    }
}
