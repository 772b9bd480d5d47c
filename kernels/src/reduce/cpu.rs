use super::engine::{self, Source};
use super::fold::{ArgExtreme, Extreme, Fold, LogSumExp, Product, Sum};
use super::{Axes, Reduce, Reductions};
use crate::cpu::math::Real;
use crate::cpu::raw::{BLOCK, Raw};
use crate::cpu::simd::Level;
use crate::{Cpu, DType, Element, Grad, Shape, View};

/// Floats in memory.
struct Floats<T>(Raw<T>);

impl<T: Real> Source<T> for Floats<T> {
    type State = ();
    fn state(&self) {}
    #[inline(always)]
    fn block<'a, L: Level>(&'a self, (): &'a mut (), start: usize, len: usize) -> &'a [T] {
        // SAFETY: the engine stays inside the view, which nothing writes.
        unsafe { self.0.slice(start, len) }
    }
    fn cost(&self) -> usize {
        2
    }
}

/// Integers in memory, as floats that hold them.
struct Integers(View);

impl Source<f64> for Integers {
    type State = [f64; BLOCK];
    fn state(&self) -> [f64; BLOCK] {
        [0.0; BLOCK]
    }
    #[inline(always)]
    fn block<'a, L: Level>(&'a self, state: &'a mut [f64; BLOCK], start: usize, len: usize) -> &'a [f64] {
        fn widen<E: Element>(view: View, start: usize, to: &mut [f64]) {
            // SAFETY: as above.
            let from = unsafe { Raw::<E>::of(view).slice(start, to.len()) };
            for (to, from) in to.iter_mut().zip(from) {
                *to = from.to_f64();
            }
        }
        let to = &mut state[..len];
        match self.0.dtype() {
            DType::I32 => widen::<i32>(self.0, start, to),
            DType::I64 => widen::<i64>(self.0, start, to),
            _ => widen::<u8>(self.0, start, to),
        }
        to
    }
    fn cost(&self) -> usize {
        2
    }
}

/// Writes or adds a result of any element type.
#[inline]
pub(crate) fn emit(to: Grad, i: usize, value: f64) {
    fn put<E: Element>(to: Grad, i: usize, value: f64) {
        let raw = Raw::<E>::of(to.view);
        // SAFETY: one task alone writes result `i`.
        unsafe {
            let old = if to.adds() { raw.get(i).to_f64() } else { 0.0 };
            raw.set(i, E::from_f64(old + value));
        }
    }
    match to.view.dtype() {
        DType::F32 => put::<f32>(to, i, value),
        DType::F64 => put::<f64>(to, i, value),
        DType::I32 => put::<i32>(to, i, value),
        DType::I64 => put::<i64>(to, i, value),
        DType::U8 => put::<u8>(to, i, value),
        DType::Bool => put::<u8>(to, i, f64::from(u8::from(value != 0.0))),
    }
}

fn reduce<T: Real, S: Source<T>>(kind: Reduce, shape: Shape, axes: Axes, source: &S, y: Grad) {
    fn go<T: Real>(shape: Shape, axes: Axes, source: &impl Source<T>, fold: impl Fold<T>, y: Grad) {
        engine::run(shape, axes, source, fold, |i, value| emit(y, i, value));
    }
    match kind {
        Reduce::Sum => go(shape, axes, source, Sum { mean: false }, y),
        Reduce::Mean => go(shape, axes, source, Sum { mean: true }, y),
        Reduce::Prod => go(shape, axes, source, Product, y),
        Reduce::Max => go(shape, axes, source, Extreme::<true>, y),
        Reduce::Min => go(shape, axes, source, Extreme::<false>, y),
        Reduce::LogSumExp => go(shape, axes, source, LogSumExp, y),
        Reduce::ArgMax => go(shape, axes, source, ArgExtreme::<true>, y),
        Reduce::ArgMin => go(shape, axes, source, ArgExtreme::<false>, y),
    }
}

impl Reductions for Cpu {
    fn reduce(&self, kind: Reduce, axes: Axes, x: View, y: Grad) {
        let shape = x.shape();
        let kept: usize = (0..shape.rank()).filter(|a| !axes.has(*a)).map(|a| shape.dim(a)).product();
        assert!(kept == y.view.size(), "{:?} over {axes:?} does not fit {:?}", x, y.view);
        match x.dtype() {
            DType::F32 => reduce(kind, shape, axes, &Floats(Raw::<f32>::of(x)), y),
            DType::F64 => reduce(kind, shape, axes, &Floats(Raw::<f64>::of(x)), y),
            _ => reduce(kind, shape, axes, &Integers(x), y),
        }
    }
}
