//! Formulas as passes over memory.
//!
//! What a row sums up must be there before an element can use it, so a formula falls into levels: level 0 needs inputs
//! alone, level `n + 1` sums of level `n`. Each level is at most two passes, one over rows and one over elements.

use keras_kernels::elementwise::{Instr, MAX_INSTRS, MAX_OPERANDS, Program, Value};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Device, Grad, View};

use super::gradient::children;
use super::{Expr, Id, Op, Tape};

/// What a pass reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Input of the formula.
    Input(u8),
    /// Scratch with one number a row.
    Row(usize),
    /// Scratch with one number an element.
    Element(usize),
    /// Output of the formula.
    Output(usize),
}

/// How an output is formed from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One number a row.
    Row,
    /// One number an element.
    Element,
}

/// One pass over memory, then maxima of what it wrote.
#[derive(Clone, Debug)]
struct Pass {
    instrs: Vec<Instr>,
    values: Vec<Value>,
    inputs: Vec<Slot>,
    outputs: Vec<Slot>,
    /// Largest of each row: from, to.
    maxima: Vec<(Slot, Slot)>,
}

/// A formula, ready to be placed.
#[derive(Clone, Debug)]
pub struct Passes {
    passes: Vec<Pass>,
    /// How many buffers of one number a row it needs.
    pub row_scratch: usize,
    /// How many buffers of one number an element it needs.
    pub element_scratch: usize,
}

struct Lowering<'t> {
    tape: &'t Tape,
    /// Where a node's value lies, once it was written.
    stored: Vec<Option<Slot>>,
    level: Vec<usize>,
    passes: Vec<Pass>,
    rows: usize,
    elements: usize,
}

impl Passes {
    /// The passes that compute these values. Row outputs may be given a smaller place than all rows: then they are summed.
    pub fn new(outputs: &[(Expr<'_>, Target)]) -> Passes {
        let Some((first, _)) = outputs.first() else {
            return Passes { passes: Vec::new(), row_scratch: 0, element_scratch: 0 };
        };
        let tape = first.tape();
        let count = outputs.iter().map(|(e, _)| usize::from(e.id) + 1).max().unwrap_or(0);
        let mut reachable = vec![false; count];
        outputs.iter().for_each(|(e, _)| reachable[usize::from(e.id)] = true);
        for id in (0..count).rev().filter(|i| reachable[*i]).collect::<Vec<_>>() {
            mark(tape, id as Id, &mut reachable);
        }
        let mut level = vec![0; count];
        for id in 0..count {
            let below = children(tape, id as Id).into_iter().flatten().map(|c| level[usize::from(c)]).max();
            let sums = matches!(tape.node(id as Id).op, Op::Sum(_) | Op::Max(_));
            level[id] = below.unwrap_or(0) + usize::from(sums);
        }
        let mut this =
            Lowering { tape, stored: vec![None; count], level, passes: Vec::new(), rows: 0, elements: 0 };
        let levels = outputs.iter().map(|(e, _)| this.level[usize::from(e.id)]).max().unwrap_or(0);
        for level in 0..=levels {
            this.rows_of(level, &reachable);
            this.elements_of(level, &reachable, outputs);
        }
        this.row_outputs(outputs);
        Passes { passes: this.passes, row_scratch: this.rows, element_scratch: this.elements }
    }

    /// The one pass of a formula without sums, as instructions, values and the inputs it reads.
    pub fn single(outputs: &[Expr<'_>]) -> (Vec<Instr>, Vec<Value>, Vec<u8>) {
        let targets: Vec<_> = outputs.iter().map(|e| (*e, Target::Element)).collect();
        let mut passes = Passes::new(&targets);
        assert_eq!(passes.passes.len(), 1, "an elementwise formula is one pass");
        let pass = passes.passes.remove(0);
        let inputs = pass.inputs.iter().map(|slot| match slot {
            Slot::Input(i) => *i,
            other => unreachable!("an elementwise formula reads {other:?}"),
        });
        (pass.instrs, pass.values, inputs.collect())
    }

    /// Whether every pass is within the limits of the kernels.
    pub fn fit(&self) -> bool {
        self.passes.iter().all(|pass| {
            pass.instrs.len() <= MAX_INSTRS && pass.inputs.len() + pass.outputs.len() <= MAX_OPERANDS
        })
    }

    /// Places the passes: `view` tells where each slot lies, `add` which outputs are added to.
    pub fn place(&self, view: &dyn Fn(Slot) -> View, output: &dyn Fn(usize) -> Grad) -> Placed {
        let place = |pass: &Pass| PlacedPass {
            instrs: pass.instrs.clone(),
            values: pass.values.clone(),
            inputs: pass.inputs.iter().map(|s| view(*s)).collect(),
            outputs: pass
                .outputs
                .iter()
                .map(|s| match s {
                    Slot::Output(i) => output(*i),
                    other => Grad::write(view(*other)),
                })
                .collect(),
            maxima: pass.maxima.iter().map(|(from, to)| (view(*from), view(*to))).collect(),
        };
        Placed { passes: self.passes.iter().map(place).collect() }
    }
}

fn mark(tape: &Tape, id: Id, reachable: &mut [bool]) {
    for child in children(tape, id).into_iter().flatten() {
        if !std::mem::replace(&mut reachable[usize::from(child)], true) {
            mark(tape, child, reachable);
        }
    }
}

impl Lowering<'_> {
    fn leaf(&self, id: usize) -> bool {
        matches!(
            self.tape.node(id as Id).op,
            Op::Input(_) | Op::Scalar(_) | Op::Const(_) | Op::Sum(_) | Op::Max(_)
        )
    }

    /// Values of rows that elements use are computed once a row, not once an element.
    fn rows_of(&mut self, level: usize, reachable: &[bool]) {
        let used_by_element = |id: usize| {
            (0..self.stored.len()).any(|parent| {
                reachable[parent]
                    && !self.tape.node(parent as Id).row
                    && children(self.tape, parent as Id).contains(&Some(id as Id))
            })
        };
        let wanted: Vec<usize> = (0..self.stored.len())
            .filter(|id| reachable[*id] && self.tape.node(*id as Id).row && self.level[*id] == level)
            .filter(|id| !self.leaf(*id) && !self.only_constants(*id) && used_by_element(*id))
            .collect();
        let mut pass = Open::default();
        for id in &wanted {
            let value = pass.lower(self, *id as Id);
            pass.write(value, Slot::Row(self.rows));
            self.rows += 1;
        }
        // Only now, so that within the pass they come from registers.
        let first = self.rows - wanted.len();
        wanted.iter().enumerate().for_each(|(i, id)| self.stored[*id] = Some(Slot::Row(first + i)));
        self.finish(pass, Vec::new());
    }

    /// A pass over rows needs something that has rows.
    fn only_constants(&self, id: usize) -> bool {
        match self.tape.node(id as Id).op {
            Op::Const(_) | Op::Scalar(_) => true,
            Op::Input(_) | Op::Sum(_) | Op::Max(_) | Op::ArgMax(_) => false,
            _ => children(self.tape, id as Id)
                .into_iter()
                .flatten()
                .all(|c| self.only_constants(usize::from(c))),
        }
    }

    fn elements_of(&mut self, level: usize, reachable: &[bool], outputs: &[(Expr<'_>, Target)]) {
        let mut pass = Open::default();
        let mut maxima = Vec::new();
        let mut stored = Vec::new();
        for id in (0..self.stored.len()).filter(|id| reachable[*id]) {
            let to = Slot::Row(self.rows);
            match self.tape.node(id as Id).op {
                Op::Sum(x) if self.level[usize::from(x)] == level => {
                    let value = pass.lower(self, x);
                    pass.write(value, to);
                }
                Op::Max(x) if self.level[usize::from(x)] == level => {
                    let from = match self.tape.node(x).op {
                        Op::Input(i) => Slot::Input(i),
                        _ => {
                            let from = Slot::Element(self.elements);
                            self.elements += 1;
                            let value = pass.lower(self, x);
                            pass.write(value, from);
                            from
                        }
                    };
                    maxima.push((from, to));
                }
                _ => continue,
            }
            self.rows += 1;
            stored.push((id, to));
        }
        for (at, (expr, target)) in outputs.iter().enumerate() {
            if *target == Target::Element && self.level[usize::from(expr.id)] == level {
                let value = pass.lower(self, expr.id);
                pass.write(value, Slot::Output(at));
            }
        }
        stored.into_iter().for_each(|(id, slot)| self.stored[id] = Some(slot));
        self.finish(pass, maxima);
    }

    fn row_outputs(&mut self, outputs: &[(Expr<'_>, Target)]) {
        let mut pass = Open::default();
        for (at, (expr, target)) in outputs.iter().enumerate() {
            if *target == Target::Row {
                let value = pass.lower(self, expr.id);
                pass.write(value, Slot::Output(at));
            }
        }
        self.finish(pass, Vec::new());
    }

    fn finish(&mut self, pass: Open, maxima: Vec<(Slot, Slot)>) {
        if !pass.outputs.is_empty() || !maxima.is_empty() {
            let Open { instrs, values, inputs, outputs, .. } = pass;
            self.passes.push(Pass { instrs, values, inputs, outputs, maxima });
        }
    }
}

/// A pass that is being written.
#[derive(Default)]
struct Open {
    instrs: Vec<Instr>,
    values: Vec<Value>,
    inputs: Vec<Slot>,
    outputs: Vec<Slot>,
    done: Vec<(Id, Value)>,
}

impl Open {
    fn lower(&mut self, cx: &Lowering<'_>, id: Id) -> Value {
        if let Some((_, value)) = self.done.iter().find(|(done, _)| *done == id) {
            return *value;
        }
        let instr = match (cx.stored[usize::from(id)], cx.tape.node(id).op) {
            (Some(slot), _) => self.input(slot),
            (None, Op::Input(i)) => self.input(Slot::Input(i)),
            (None, Op::Scalar(i)) => Instr::Scalar(i),
            (None, Op::Const(value)) => Instr::Const(value),
            (None, Op::Unary(f, x)) => Instr::Unary(f, self.lower(cx, x)),
            (None, Op::Binary(f, a, b)) => {
                let a = self.lower(cx, a);
                Instr::Binary(f, a, self.lower(cx, b))
            }
            (None, Op::Select(c, a, b)) => {
                let c = self.lower(cx, c);
                let a = self.lower(cx, a);
                Instr::Select(c, a, self.lower(cx, b))
            }
            (None, Op::Stop(x)) => {
                let value = self.lower(cx, x);
                self.done.push((id, value));
                return value;
            }
            (None, op @ (Op::Sum(_) | Op::Max(_))) => unreachable!("{op:?} is written before it is used"),
            (None, Op::ArgMax(_)) => unreachable!("only metrics ask where the largest is"),
        };
        self.instrs.push(instr);
        let value = (self.instrs.len() - 1) as Value;
        self.done.push((id, value));
        value
    }

    fn input(&mut self, slot: Slot) -> Instr {
        let at = self.inputs.iter().position(|s| *s == slot).unwrap_or_else(|| {
            self.inputs.push(slot);
            self.inputs.len() - 1
        });
        Instr::Input(at as u8)
    }

    fn write(&mut self, value: Value, to: Slot) {
        self.values.push(value);
        self.outputs.push(to);
    }
}

struct PlacedPass {
    instrs: Vec<Instr>,
    values: Vec<Value>,
    inputs: Vec<View>,
    outputs: Vec<Grad>,
    maxima: Vec<(View, View)>,
}

/// Passes with every buffer placed; running them allocates nothing.
pub struct Placed {
    passes: Vec<PlacedPass>,
}

impl Placed {
    /// Runs all passes. Rows are along axis 1 of elements of shape `[outer, row, inner]`.
    pub fn run(&self, device: &Device, scalars: &[f64]) {
        for pass in &self.passes {
            if !pass.outputs.is_empty() {
                let program = Program { instrs: &pass.instrs, outputs: &pass.values };
                device.map(&program, scalars, &pass.inputs, &pass.outputs);
            }
            for (from, to) in &pass.maxima {
                device.reduce(Reduce::Max, Axes::NONE.with(1), *from, Grad::write(*to));
            }
        }
    }
}
