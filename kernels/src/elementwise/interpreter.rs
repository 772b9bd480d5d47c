//! Runs a program block by block: every instruction is a vector loop over one register of [`BLOCK`] elements.

use std::mem::MaybeUninit;

use super::broadcast::{Broadcast, Operand};
use super::{Instr, MAX_INSTRS, MAX_OPERANDS, Program, Value, ops};
use crate::cpu::math::Real;
use crate::cpu::raw::{BLOCK, Raw};
use crate::cpu::simd::{Kernel, Level};
use crate::{DType, Element};

/// A program with its operands, and which of its instructions are needed.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub instrs: &'a [Instr],
    pub scalars: &'a [f64],
    pub inputs: [Option<Operand>; MAX_OPERANDS],
    pub broadcast: Broadcast,
    needed: [bool; MAX_INSTRS],
}

/// The registers of one task.
pub(super) struct Registers<T> {
    cells: [MaybeUninit<[T; BLOCK]>; MAX_INSTRS],
    /// Where each value lies: in its cell, or in an input's memory.
    at: [*const T; MAX_INSTRS],
    /// Whether the values that are the same for all blocks are there.
    ready: bool,
}

impl<'a> Chain<'a> {
    /// The instructions that `results` depend on.
    pub(super) fn of(
        program: &Program<'a>,
        scalars: &'a [f64],
        inputs: [Option<Operand>; MAX_OPERANDS],
        broadcast: Broadcast,
        results: impl Iterator<Item = Value>,
    ) -> Chain<'a> {
        let instrs = program.instrs;
        assert!(instrs.len() <= MAX_INSTRS, "a program of {} instructions", instrs.len());
        let mut needed = [false; MAX_INSTRS];
        for value in results {
            assert!((value as usize) < instrs.len(), "output {value} of {} instructions", instrs.len());
            needed[value as usize] = true;
        }
        for (i, instr) in instrs.iter().enumerate().rev() {
            if needed[i] {
                instr.for_each_operand(|v| {
                    assert!((v as usize) < i, "instruction {i} refers to value {v}");
                    needed[v as usize] = true;
                });
            }
        }
        Chain { instrs, scalars, inputs, broadcast, needed }
    }

    /// Operations an element.
    pub(super) fn cost(&self) -> usize {
        let needed = self.instrs.iter().zip(self.needed).filter(|(_, needed)| *needed);
        needed.map(|(instr, _)| ops::cost(instr)).sum()
    }

    fn input(&self, i: u8) -> &Operand {
        self.inputs[i as usize].as_ref().expect("an instruction reads an input that is not there")
    }

    /// Whether a value is the same in all blocks.
    fn is_constant(&self, instr: &Instr) -> bool {
        match instr {
            Instr::Scalar(_) | Instr::Const(_) => true,
            Instr::Input(i) => self.input(*i).single,
            _ => false,
        }
    }

    /// Computes elements `start..start + len` of all needed values.
    pub(super) fn run<T: Real>(&self, registers: &mut Registers<T>, start: usize, len: usize) {
        T::dispatch(Block { chain: self, registers, start, len });
    }
}

/// One block of a chain.
struct Block<'a, T> {
    chain: &'a Chain<'a>,
    registers: &'a mut Registers<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Kernel for Block<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Block { chain, registers: Registers { cells, at, ready }, start, len } = self;
        for (i, instr) in chain.instrs.iter().enumerate() {
            if !chain.needed[i] || (*ready && chain.is_constant(instr)) {
                continue;
            }
            let n = if chain.is_constant(instr) { BLOCK } else { len };
            let cell = cells[i].as_mut_ptr().cast::<T>();
            if !*ready {
                // SAFETY: the cell has room for a block; its elements become zeros.
                unsafe { std::ptr::write_bytes(cell, 0, BLOCK) };
            }
            // SAFETY: the cell holds `BLOCK` initialised elements and is no other value's.
            let out = unsafe { std::slice::from_raw_parts_mut(cell, n) };
            // SAFETY: an earlier instruction's value, of which `len` elements are there.
            let value = |v: Value| unsafe { std::slice::from_raw_parts(at[v as usize], len) };
            let mut place = cell.cast_const();
            match *instr {
                Instr::Input(k) => {
                    if let Some(there) = load::<T>(&chain.broadcast, chain.input(k), start, out) {
                        place = there;
                    }
                }
                Instr::Scalar(k) => out.fill(T::lit(chain.scalars[k as usize])),
                Instr::Const(c) => out.fill(T::lit(c)),
                Instr::Unary(op, a) => ops::unary::<T, L>(op, value(a), out),
                Instr::Binary(op, a, b) => ops::binary::<T, L>(op, value(a), value(b), out),
                Instr::Select(c, a, b) => ops::select(value(c), value(a), value(b), out),
            }
            at[i] = place;
        }
        *ready = true;
    }
}

impl<T: Real> Registers<T> {
    /// Registers without values.
    pub(super) fn new() -> Registers<T> {
        Registers {
            cells: [const { MaybeUninit::uninit() }; MAX_INSTRS],
            at: [std::ptr::null(); MAX_INSTRS],
            ready: false,
        }
    }

    /// Puts a value that lies in an input's memory into its cell.
    #[inline(always)]
    pub(super) fn settle(&mut self, v: Value, len: usize) {
        let cell = self.cells[v as usize].as_mut_ptr().cast::<T>();
        if !std::ptr::eq(self.at[v as usize], cell) {
            // SAFETY: `len` elements lie there, of the last run, and a cell has room for them.
            unsafe { std::ptr::copy_nonoverlapping(self.at[v as usize], cell, len) };
            self.at[v as usize] = cell;
        }
    }

    /// The first `len` elements of a value of the last run.
    ///
    /// # Safety
    /// The value was needed, the run was at least `len` long, and inputs have not been written since.
    pub(super) unsafe fn value(&self, v: Value, len: usize) -> &[T] {
        // SAFETY: by the contract.
        unsafe { std::slice::from_raw_parts(self.at[v as usize], len) }
    }
}

/// Loads a block of an input into `out`, or says where it lies already.
#[inline(always)]
fn load<T: Real>(broadcast: &Broadcast, input: &Operand, start: usize, out: &mut [T]) -> Option<*const T> {
    match input.view.dtype() {
        DType::F32 => load_as::<f32, T>(broadcast, input, start, out),
        DType::F64 => load_as::<f64, T>(broadcast, input, start, out),
        DType::I32 => load_as::<i32, T>(broadcast, input, start, out),
        DType::I64 => load_as::<i64, T>(broadcast, input, start, out),
        DType::U8 | DType::Bool => load_as::<u8, T>(broadcast, input, start, out),
    }
}

#[inline(always)]
fn load_as<E: Element, T: Real>(
    broadcast: &Broadcast,
    input: &Operand,
    start: usize,
    out: &mut [T],
) -> Option<*const T> {
    let raw = Raw::<E>::of(input.view);
    let convert = |x: E| T::lit(x.to_f64());
    if input.single {
        // SAFETY: its one element; nothing writes it before the first block has been computed.
        out.fill(convert(unsafe { raw.get(0) }));
        return None;
    }
    // Runs along the innermost dimension; a full input is one run.
    let (rank, dims) = (broadcast.rank, &broadcast.dims);
    let (mut index, mut place) = ([0; crate::MAX_RANK], start);
    let mut run = out.len();
    if !input.full {
        place = 0;
        let mut rest = start;
        for i in (0..rank).rev() {
            index[i] = rest % dims[i];
            place += index[i] * input.steps[i];
            rest /= dims[i];
        }
        run = dims[rank - 1] - index[rank - 1];
    }
    let (mut done, len) = (0, out.len());
    while done < len {
        let n = run.min(len - done);
        let to = &mut out[done..done + n];
        if input.full || input.steps[rank - 1] != 0 {
            // SAFETY: a run of the input, which is not written before this block has been computed.
            let from = unsafe { raw.slice(place, n) };
            if E::DTYPE == T::DTYPE && n == len {
                return Some(from.as_ptr().cast());
            }
            for (to, from) in to.iter_mut().zip(from) {
                *to = convert(*from);
            }
        } else {
            // SAFETY: an element of the input, as above.
            to.fill(convert(unsafe { raw.get(place) }));
        }
        done += n;
        if done < len {
            // On to the next run: the innermost index is at its end.
            place -= index[rank - 1] * input.steps[rank - 1];
            index[rank - 1] = 0;
            for i in (0..rank - 1).rev() {
                index[i] += 1;
                place += input.steps[i];
                if index[i] < dims[i] {
                    break;
                }
                place -= dims[i] * input.steps[i];
                index[i] = 0;
            }
            run = dims[rank - 1];
        }
    }
    None
}

impl Instr {
    /// The values that it refers to.
    fn for_each_operand(&self, mut f: impl FnMut(Value)) {
        match *self {
            Instr::Input(_) | Instr::Scalar(_) | Instr::Const(_) => {}
            Instr::Unary(_, a) => f(a),
            Instr::Binary(_, a, b) => {
                f(a);
                f(b);
            }
            Instr::Select(a, b, c) => {
                f(a);
                f(b);
                f(c);
            }
        }
    }
}
