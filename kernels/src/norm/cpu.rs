//! Sums over statistics and over weights by the engine of reductions, and one pass over the elements each way.

use super::block::{masked, minus_statistic, plus_weight, times_statistic, times_weight};
use super::operands::Operands;
use super::{Affine, Kind, Moments, Moving, Norm, NormGrads, Normalizations, Statistics, rows};
use crate::cpu::math::Real;
use crate::cpu::raw::{BLOCK, Raw, store};
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::reduce::Axes;
use crate::reduce::cpu::emit;
use crate::reduce::engine::{self, Source};
use crate::reduce::fold::Sum;
use crate::{Cpu, Grad, Mode, Shape, View, with_float};

/// Elements of one task.
const PIECE: usize = 16_384;
/// Operations an element.
const COST: usize = 4;
/// What Keras adds to the number of places that a mask leaves: 32-bit floats feel it only where there are none.
const NO_PLACES: f64 = 1e-7;

/// The dimensions of a normalization, and the axes that its statistics and its weights are summed over.
fn shape(norm: &Norm) -> Shape {
    Shape::of(&[norm.samples, norm.spatial, norm.groups, norm.channels])
}
const STATISTICS: Axes = Axes::NONE.with(1).with(3);
const WEIGHTS: Axes = Axes::NONE.with(0).with(1);

/// What is summed.
#[derive(Clone, Copy)]
enum Term<T> {
    /// `x`.
    X,
    /// `(x - mean)^2`.
    Square,
    /// `dy * gamma`.
    Dy(Raw<T>),
    /// `dy * gamma * normalized`.
    DyNormalized(Raw<T>),
}

struct Terms<T> {
    operands: Operands<T>,
    term: Term<T>,
}

impl<T: Real> Source<T> for Terms<T> {
    type State = [T; BLOCK];
    #[inline(always)]
    fn state(&self) -> [T; BLOCK] {
        [T::default(); BLOCK]
    }
    #[inline(always)]
    fn block<'a, L: Level>(&'a self, state: &'a mut [T; BLOCK], start: usize, len: usize) -> &'a [T] {
        let Operands { norm, x, mean, gamma, mask, .. } = &self.operands;
        let out = &mut state[..len];
        match self.term {
            Term::X | Term::Square => {
                // SAFETY: elements that nothing writes while they are summed.
                out.copy_from_slice(unsafe { x.slice(start, len) });
                if matches!(self.term, Term::Square) {
                    minus_statistic(norm, *mean, start, out);
                    out.iter_mut().for_each(|x| *x *= *x);
                }
                masked(norm, *mask, start, out);
            }
            Term::Dy(dy) => {
                // SAFETY: as above.
                out.copy_from_slice(unsafe { dy.slice(start, len) });
                times_weight(norm, *gamma, start, out);
            }
            Term::DyNormalized(dy) => {
                self.operands.normalized(start, out);
                // SAFETY: as above.
                let dy = unsafe { dy.slice(start, len) };
                out.iter_mut().zip(dy).for_each(|(x, dy)| *x *= *dy);
                times_weight(norm, *gamma, start, out);
            }
        }
        out
    }
    fn cost(&self) -> usize {
        COST
    }
}

fn sum<T: Real>(operands: Operands<T>, term: Term<T>, axes: Axes, to: impl Fn(usize, f64) + Sync + Send) {
    engine::run(shape(&operands.norm), axes, &Terms { operands, term }, Sum { mean: false }, to);
}

/// How many elements a statistic is the mean of.
fn count(norm: &Norm, mask: Option<View>) -> f64 {
    match mask {
        None => (norm.spatial * norm.channels) as f64,
        Some(mask) => {
            assert!(norm.samples == 1 && norm.channels == 1, "masks are for batch normalization");
            // SAFETY: nothing writes the mask.
            let mask = unsafe { Raw::<u8>::of(mask).slice(0, norm.spatial) };
            (mask.iter().filter(|m| **m != 0).count() as f64).max(NO_PLACES)
        }
    }
}

/// Computes the statistics of `x`, and moves the moving ones.
fn statistics<T: Real>(operands: Operands<T>, mask: Option<View>, moving: Option<Moving>) {
    let Operands { norm, mean, inverse, .. } = operands;
    let n = count(&norm, mask);
    let shift = |slot: View, i: usize, momentum: f64, new: T| {
        let slot = Raw::<T>::of(slot);
        // SAFETY: the task that computes statistic `i` alone touches it.
        unsafe { slot.set(i, slot.get(i) * T::lit(momentum) + new * T::lit(1.0 - momentum)) };
    };
    let set_mean = |i: usize, sum: f64| {
        let value = T::lit(sum / n);
        // SAFETY: as above.
        unsafe { mean.set(i, value) };
        if let Some(moving) = moving {
            shift(moving.mean, i, moving.momentum, value);
        }
    };
    if norm.kind == Kind::RootMeanSquare {
        (0..norm.statistics()).for_each(|i| set_mean(i, 0.0));
    } else {
        sum(operands, Term::X, STATISTICS, set_mean);
    }
    sum(operands, Term::Square, STATISTICS, |i, sum| {
        let variance = T::lit(sum / n);
        // SAFETY: as above.
        unsafe { inverse.set(i, (variance + T::lit(norm.epsilon)).sqrt().recip()) };
        if let Some(moving) = moving {
            shift(moving.variance, i, moving.momentum, variance);
        }
    });
}

/// Elements `start..end` of the result.
struct Forward<T> {
    operands: Operands<T>,
    beta: Option<Raw<T>>,
    y: Raw<T>,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Forward { operands, beta, y, start, end } = self;
        let mut out = [T::default(); BLOCK];
        for at in (start..end).step_by(BLOCK) {
            let out = &mut out[..BLOCK.min(end - at)];
            operands.normalized(at, out);
            times_weight(&operands.norm, operands.gamma, at, out);
            plus_weight(&operands.norm, beta, at, out);
            // SAFETY: the block of this task; the input's is not used any more.
            unsafe { y.slice_mut(at, out.len()) }.copy_from_slice(out);
        }
    }
}

fn apply<T: Real>(operands: Operands<T>, beta: Option<View>, y: View) {
    assert!(y.size() == operands.norm.size(), "the result of a normalization");
    let (beta, y) = (beta.map(Raw::of), Raw::of(y));
    threads::pieces(operands.norm.size(), PIECE, COST, |start, end| {
        T::dispatch(Forward { operands, beta, y, start, end });
    });
}

/// Elements `start..end` of the input's gradient.
struct Backward<T> {
    operands: Operands<T>,
    dy: Raw<T>,
    /// Means of `dy * gamma` and of `dy * gamma * normalized`; none if the statistics are constants.
    means: Option<[Raw<T>; 2]>,
    dx: Raw<T>,
    mode: Mode,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Backward { operands, dy, means, dx, mode, start, end } = self;
        let norm = &operands.norm;
        let (mut out, mut through) = ([T::default(); BLOCK], [T::default(); BLOCK]);
        for at in (start..end).step_by(BLOCK) {
            let n = BLOCK.min(end - at);
            let (out, through) = (&mut out[..n], &mut through[..n]);
            // SAFETY: elements of this task, read before they may be overwritten.
            out.copy_from_slice(unsafe { dy.slice(at, n) });
            times_weight(norm, operands.gamma, at, out);
            if let Some([plain, normalized]) = means {
                // SAFETY: elements of the input, which nothing writes.
                through.copy_from_slice(unsafe { operands.x.slice(at, n) });
                minus_statistic(norm, operands.mean, at, through);
                times_statistic(norm, operands.inverse, at, through);
                times_statistic(norm, normalized, at, through);
                if norm.kind == Kind::Standard {
                    through.iter_mut().for_each(|t| *t = -*t);
                    minus_statistic(norm, plain, at, through);
                    through.iter_mut().for_each(|t| *t = -*t);
                }
                masked(norm, operands.mask, at, through);
                out.iter_mut().zip(&*through).for_each(|(o, t)| *o -= *t);
            }
            times_statistic(norm, operands.inverse, at, out);
            // SAFETY: the block of this task.
            store(out, unsafe { dx.slice_mut(at, n) }, mode);
        }
    }
}

fn gradients<T: Real>(
    norm: &Norm,
    statistics: Statistics,
    x: View,
    gamma: Option<View>,
    moments: Moments,
    dy: View,
    sums: [View; 2],
    grads: NormGrads,
) {
    assert!(dy.size() == norm.size(), "the gradient of the result of {norm:?}");
    assert!(sums.iter().all(|s| s.size() == norm.statistics()), "scratch of {norm:?}");
    let mask = if let Statistics::OfInput(mask) = statistics { mask } else { None };
    let operands = Operands::<T>::of(norm, x, moments, gamma, mask);
    let unscaled = Operands { gamma: None, ..operands };
    let d = Raw::<T>::of(dy);
    let fixed = matches!(statistics, Statistics::Fixed);

    // The weights first: the input's gradient may overwrite `dy`.
    if let Some(to) = grads.beta {
        sum(unscaled, Term::Dy(d), WEIGHTS, |i, sum| emit(to, i, sum));
    }
    if let Some(to) = grads.gamma {
        sum(unscaled, Term::DyNormalized(d), WEIGHTS, |i, sum| emit(to, i, sum));
    }
    let Some(dx) = grads.x else { return };
    assert!(dx.view.size() == norm.size(), "the gradient of {norm:?}");
    if !fixed && rows::fits(norm) {
        rows::backward(operands, d, dx);
        return;
    }
    let means = if fixed {
        None
    } else {
        let [plain, normalized] = sums;
        let count = count(norm, mask);
        let mean = |to: View| move |i: usize, sum: f64| emit(Grad::write(to), i, sum / count);
        if norm.kind == Kind::Standard {
            sum(operands, Term::Dy(d), STATISTICS, mean(plain));
        }
        sum(operands, Term::DyNormalized(d), STATISTICS, mean(normalized));
        Some([Raw::of(plain), Raw::of(normalized)])
    };
    let (to, mode) = (Raw::of(dx.view), dx.mode);
    threads::pieces(norm.size(), PIECE, 2 * COST, |start, end| {
        T::dispatch(Backward { operands, dy: d, means, dx: to, mode, start, end });
    });
}

impl Normalizations for Cpu {
    fn norm(
        &self,
        norm: &Norm,
        x: View,
        mask: Option<View>,
        affine: Affine,
        moments: Moments,
        moving: Option<Moving>,
        y: View,
    ) {
        with_float!(x.dtype(), T => {
            let operands = Operands::<T>::of(norm, x, moments, affine.gamma, mask);
            if rows::fits(norm) && moving.is_none() && mask.is_none() {
                rows::forward(operands, affine.beta, y);
            } else {
                statistics(operands, mask, moving);
                apply(operands, affine.beta, y);
            }
        });
    }

    fn norm_fixed(&self, norm: &Norm, x: View, affine: Affine, variance: View, moments: Moments, y: View) {
        with_float!(x.dtype(), T => {
            let operands = Operands::<T>::of(norm, x, moments, affine.gamma, None);
            let variance = Raw::<T>::of(variance);
            for i in 0..norm.statistics() {
                // SAFETY: one element a statistic; nothing else touches them.
                unsafe {
                    operands.inverse.set(i, (variance.get(i) + T::lit(norm.epsilon)).sqrt().recip());
                }
            }
            apply(operands, affine.beta, y);
        });
    }

    fn norm_grad(
        &self,
        norm: &Norm,
        statistics: Statistics,
        x: View,
        gamma: Option<View>,
        moments: Moments,
        dy: View,
        sums: [View; 2],
        grads: NormGrads,
    ) {
        with_float!(x.dtype(), T => {
            gradients::<T>(norm, statistics, x, gamma, moments, dy, sums, grads);
        });
    }
}
