//! A tensor is seen as `[outer, n, inner]`: rows if `inner` is 1, otherwise blocks of columns side by side.

use super::Softmax;
use super::columns::{self, COLUMNS};
use super::rows;
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::shape::{AxisSplit, axis_split};
use crate::{Cpu, Grad, View, with_float};

/// Operations an element.
const COST: usize = 8;
/// Elements of one task, about.
const PIECE: usize = 8_192;

fn forward<T: Real>(split: AxisSplit, x: View, y: View, log: bool) {
    assert!(x.size() == split.size() && y.size() == split.size(), "sizes of a softmax");
    let (x, y) = (Raw::<T>::of(x), Raw::<T>::of(y));
    let AxisSplit { outer, n, inner } = split;
    if inner == 1 {
        threads::pieces(outer, PIECE / n.max(1), n * COST, |start, end| {
            T::dispatch(rows::Forward { x, y, n, start, end, log });
        });
    } else {
        let blocks = inner.div_ceil(COLUMNS);
        threads::tasks(outer * blocks, split.size() * COST, |i| {
            let base = i / blocks * n * inner;
            let column = i % blocks * COLUMNS;
            let width = COLUMNS.min(inner - column);
            T::dispatch(columns::Forward { x, y, base: base + column, step: inner, n, width, log });
        });
    }
}

fn backward<T: Real>(split: AxisSplit, y: View, dy: View, dx: Grad, log: bool) {
    let sizes = [y.size(), dy.size(), dx.view.size()];
    assert!(sizes == [split.size(); 3], "sizes of a softmax's gradient");
    let (y, dy, mode, dx) = (Raw::<T>::of(y), Raw::<T>::of(dy), dx.mode, Raw::<T>::of(dx.view));
    let AxisSplit { outer, n, inner } = split;
    if inner == 1 {
        threads::pieces(outer, PIECE / n.max(1), n * COST, |start, end| {
            T::dispatch(rows::Backward { y, dy, dx, mode, n, start, end, log });
        });
    } else {
        let blocks = inner.div_ceil(COLUMNS);
        threads::tasks(outer * blocks, split.size() * COST, |i| {
            let base = i / blocks * n * inner;
            let column = i % blocks * COLUMNS;
            let width = COLUMNS.min(inner - column);
            T::dispatch(columns::Backward {
                y,
                dy,
                dx,
                mode,
                base: base + column,
                step: inner,
                n,
                width,
                log,
            });
        });
    }
}

impl Softmax for Cpu {
    fn softmax(&self, x: View, axis: usize, y: View) {
        with_float!(x.dtype(), T => forward::<T>(axis_split(x.shape(), axis), x, y, false));
    }

    fn softmax_grad(&self, y: View, dy: View, axis: usize, dx: Grad) {
        with_float!(y.dtype(), T => backward::<T>(axis_split(y.shape(), axis), y, dy, dx, false));
    }

    fn log_softmax(&self, x: View, axis: usize, y: View) {
        with_float!(x.dtype(), T => forward::<T>(axis_split(x.shape(), axis), x, y, true));
    }

    fn log_softmax_grad(&self, y: View, dy: View, axis: usize, dx: Grad) {
        with_float!(y.dtype(), T => backward::<T>(axis_split(y.shape(), axis), y, dy, dx, true));
    }
}
