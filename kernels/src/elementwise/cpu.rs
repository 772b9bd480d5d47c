//! Outputs that are sums go first, one pass each; then all others in one pass, block by block.

use super::broadcast::{Broadcast, Operand, float_of};
use super::interpreter::{Chain, Registers};
use super::{Elementwise, MAX_OPERANDS, Program, Value};
use crate::cpu::math::Real;
use crate::cpu::raw::{BLOCK, Raw, store};
use crate::cpu::simd::Level;
use crate::cpu::threads;
use crate::reduce::Axes;
use crate::reduce::cpu::emit;
use crate::reduce::engine::{self, Source};
use crate::reduce::fold::Sum;
use crate::{Cpu, DType, Element, Grad, Shape, View, with_float};

/// Elements of one task.
const PIECE: usize = 16_384;

/// Elements `start..end` of all outputs that have the full shape.
fn pass<T: Real>(chain: &Chain<'_>, outputs: &[Option<(Value, Grad)>], start: usize, end: usize) {
    let mut registers = Registers::<T>::new();
    let mut at = start;
    while at < end {
        let n = BLOCK.min(end - at);
        chain.run(&mut registers, at, n);
        // All results are put aside before the first is stored: an output may lie in an input's memory, which
        // another result may still be read from.
        for (value, _) in outputs.iter().flatten() {
            registers.settle(*value, n);
        }
        for (value, to) in outputs.iter().flatten() {
            // SAFETY: just computed, and put aside.
            write(unsafe { registers.value(*value, n) }, *to, at);
        }
        at += n;
    }
}

/// Stores a block of results as the output's element type.
fn write<T: Real>(from: &[T], to: Grad, at: usize) {
    fn integers<T: Real, E: Element>(from: &[T], to: Grad, at: usize, convert: impl Fn(T) -> E) {
        assert!(!to.adds(), "only floats are added to");
        // SAFETY: the block of this task.
        let to = unsafe { Raw::<E>::of(to.view).slice_mut(at, from.len()) };
        for (to, from) in to.iter_mut().zip(from) {
            *to = convert(*from);
        }
    }
    fn floats<T: Real, E: Real>(from: &[T], to: Grad, at: usize) {
        if E::DTYPE == T::DTYPE {
            // SAFETY: `E` is `T`, as their tags are the same; the block of this task.
            let (from, to_block) = unsafe {
                (
                    std::slice::from_raw_parts(from.as_ptr().cast::<E>(), from.len()),
                    Raw::<E>::of(to.view).slice_mut(at, from.len()),
                )
            };
            return store(from, to_block, to.mode);
        }
        let mut out = [E::default(); BLOCK];
        for (to, from) in out.iter_mut().zip(from) {
            *to = E::lit(from.wide());
        }
        // SAFETY: the block of this task.
        store(&out[..from.len()], unsafe { Raw::<E>::of(to.view).slice_mut(at, from.len()) }, to.mode);
    }
    match to.view.dtype() {
        DType::F32 => floats::<T, f32>(from, to, at),
        DType::F64 => floats::<T, f64>(from, to, at),
        DType::I32 => integers(from, to, at, |x: T| x.wide() as i32),
        DType::I64 => integers(from, to, at, |x: T| x.wide() as i64),
        DType::U8 => integers(from, to, at, |x: T| x.wide() as u8),
        DType::Bool => integers(from, to, at, |x: T| u8::from(x != T::zero())),
    }
}

/// One value of a chain as elements to reduce.
struct Computed<'a> {
    chain: Chain<'a>,
    value: Value,
}

impl<T: Real> Source<T> for Computed<'_> {
    type State = Registers<T>;
    #[inline(always)]
    fn state(&self) -> Registers<T> {
        Registers::new()
    }
    #[inline(always)]
    fn block<'a, L: Level>(&'a self, state: &'a mut Registers<T>, start: usize, len: usize) -> &'a [T] {
        self.chain.run::<T>(state, start, len);
        // SAFETY: just computed; inputs are not written while an output is summed.
        unsafe { state.value(self.value, len) }
    }
    fn cost(&self) -> usize {
        self.chain.cost() + 1
    }
}

fn map<T: Real>(program: &Program<'_>, scalars: &[f64], inputs: &[View], outputs: &[Grad]) {
    let count = inputs.len() + outputs.len();
    assert!(count <= MAX_OPERANDS, "a program with {count} inputs and outputs");
    assert!(outputs.len() == program.outputs.len(), "a program's outputs");
    let views = inputs.iter().copied().chain(outputs.iter().map(|g| g.view));
    let broadcast = Broadcast::of(views);
    if broadcast.size == 0 {
        return;
    }
    let mut operands: [Option<Operand>; MAX_OPERANDS] = [None; MAX_OPERANDS];
    for (i, view) in inputs.iter().enumerate() {
        operands[i] = Some(broadcast.operand(i, *view));
    }
    let chain = |results: &[Option<(Value, Grad)>]| {
        Chain::of(program, scalars, operands, broadcast, results.iter().flatten().map(|(v, _)| *v))
    };

    let mut full = [None; MAX_OPERANDS];
    let mut full_count = 0;
    for (k, (value, to)) in program.outputs.iter().zip(outputs).enumerate() {
        let operand = broadcast.operand(inputs.len() + k, to.view);
        if operand.full {
            full[full_count] = Some((*value, *to));
            full_count += 1;
            continue;
        }
        let axes = (0..broadcast.rank).filter(|i| operand.steps[*i] == 0).fold(Axes::NONE, Axes::with);
        let shape = Shape::of(&broadcast.dims[..broadcast.rank]);
        let source = Computed { chain: chain(&[Some((*value, *to))]), value: *value };
        engine::run::<T, _, _>(shape, axes, &source, Sum { mean: false }, |i, sum| emit(*to, i, sum));
    }
    let outputs = &full[..full_count];
    if outputs.is_empty() {
        return;
    }
    let chain = &chain(outputs);
    threads::pieces(broadcast.size, PIECE, chain.cost(), |start, end| {
        pass::<T>(chain, outputs, start, end);
    });
}

impl Elementwise for Cpu {
    fn map(&self, program: &Program<'_>, scalars: &[f64], inputs: &[View], outputs: &[Grad]) {
        let float = float_of(inputs, outputs.iter().map(|g| g.view));
        with_float!(float, T => map::<T>(program, scalars, inputs, outputs));
    }
}
