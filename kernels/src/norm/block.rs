//! Steps over one block of a tensor: what varies by statistic, by weight and by place.

use super::Norm;
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;

/// Calls `f(at, len, statistic)` for the runs of a block in which the statistic stays (`channels > 1`) or goes on
/// by one an element (`channels == 1`).
#[inline(always)]
fn runs(norm: &Norm, start: usize, len: usize, mut f: impl FnMut(usize, usize, usize)) {
    let (row, run) =
        if norm.channels == 1 { (norm.groups, norm.groups) } else { (norm.weights(), norm.channels) };
    let mut at = 0;
    while at < len {
        let place = start + at;
        let n = (run - place % run).min(len - at);
        let sample = place / row / norm.spatial;
        let within = if norm.channels == 1 { place % row } else { place % row / norm.channels };
        f(at, n, sample * norm.groups + within);
        at += n;
    }
}

/// `block -= statistic`.
#[inline(always)]
pub(super) fn minus_statistic<T: Real>(norm: &Norm, statistic: Raw<T>, start: usize, block: &mut [T]) {
    runs(norm, start, block.len(), |at, n, index| {
        let one = norm.channels != 1;
        // SAFETY: statistics that nothing writes during the pass.
        let values = unsafe { statistic.slice(index, if one { 1 } else { n }) };
        let block = &mut block[at..at + n];
        if one {
            block.iter_mut().for_each(|x| *x -= values[0]);
        } else {
            block.iter_mut().zip(values).for_each(|(x, s)| *x -= *s);
        }
    });
}

/// `block *= statistic`.
#[inline(always)]
pub(super) fn times_statistic<T: Real>(norm: &Norm, statistic: Raw<T>, start: usize, block: &mut [T]) {
    runs(norm, start, block.len(), |at, n, index| {
        let one = norm.channels != 1;
        // SAFETY: as above.
        let values = unsafe { statistic.slice(index, if one { 1 } else { n }) };
        let block = &mut block[at..at + n];
        if one {
            block.iter_mut().for_each(|x| *x *= values[0]);
        } else {
            block.iter_mut().zip(values).for_each(|(x, s)| *x *= *s);
        }
    });
}

/// Calls `f(at, weights)` for the runs of a block that lie in one row of weights.
#[inline(always)]
fn weight_runs<T: Real>(
    weights: Raw<T>,
    row: usize,
    start: usize,
    len: usize,
    mut f: impl FnMut(usize, &[T]),
) {
    let mut at = 0;
    while at < len {
        let column = (start + at) % row;
        let n = (row - column).min(len - at);
        // SAFETY: weights, which nothing writes during the pass.
        f(at, unsafe { weights.slice(column, n) });
        at += n;
    }
}

/// `block *= gamma`, if there is one.
#[inline(always)]
pub(super) fn times_weight<T: Real>(norm: &Norm, gamma: Option<Raw<T>>, start: usize, block: &mut [T]) {
    let Some(gamma) = gamma else { return };
    weight_runs(gamma, norm.weights(), start, block.len(), |at, gamma| {
        block[at..].iter_mut().zip(gamma).for_each(|(x, g)| *x *= *g);
    });
}

/// `block += beta`, if there is one.
#[inline(always)]
pub(super) fn plus_weight<T: Real>(norm: &Norm, beta: Option<Raw<T>>, start: usize, block: &mut [T]) {
    let Some(beta) = beta else { return };
    weight_runs(beta, norm.weights(), start, block.len(), |at, beta| {
        block[at..].iter_mut().zip(beta).for_each(|(x, b)| *x += *b);
    });
}

/// Zero where the mask is.
#[inline(always)]
pub(super) fn masked<T: Real>(norm: &Norm, mask: Option<Raw<u8>>, start: usize, block: &mut [T]) {
    let Some(mask) = mask else { return };
    let row = norm.weights();
    let mut at = 0;
    while at < block.len() {
        let place = start + at;
        let n = (row - place % row).min(block.len() - at);
        // SAFETY: one element a place, which nothing writes.
        if unsafe { mask.get(place / row) } == 0 {
            block[at..at + n].fill(T::zero());
        }
        at += n;
    }
}
