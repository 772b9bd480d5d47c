//! Formulas: arithmetic that is written once in Rust and becomes a few passes over memory on any device.
//!
//! Losses are formulas over labels and predictions, optimizers over weights, gradients and slots. A formula is recorded on
//! a [`Tape`] by ordinary operators, differentiated there (`gradient.rs`), and turned into elementwise passes with sums
//! between them (`passes.rs`). Recording happens when a model is compiled, never in a step.
//!
//! Values are of two kinds: those of each **element**, and those of each **row** (what remains when the class axis is
//! summed away). A row's value meets an element's by broadcasting.

mod gradient;
mod interpreter;
mod passes;

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use keras_kernels::elementwise::{Binary, Unary};

pub use interpreter::Interpreter;
pub use passes::{Passes, Placed, Slot, Target};

/// Number of a node on its tape.
pub(crate) type Id = u16;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Input(u8),
    Scalar(u8),
    Const(f64),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    Select(Id, Id, Id),
    /// Sum over the elements of a row.
    Sum(Id),
    /// Largest element of a row.
    Max(Id),
    /// Where the first largest element of a row is.
    ArgMax(Id),
    /// The same number, but its derivative is taken for zero.
    Stop(Id),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub op: Op,
    /// One value a row rather than one an element.
    pub row: bool,
}

/// Where a formula is recorded.
pub struct Tape {
    nodes: RefCell<Vec<Node>>,
    width: usize,
}

impl Tape {
    /// Whether something asks where the largest of a row is, which passes over memory cannot compute.
    pub(crate) fn asks_where(&self) -> bool {
        self.nodes.borrow().iter().any(|node| matches!(node.op, Op::ArgMax(_)))
    }
}

/// A value of a formula.
///
/// ```
/// use keras_runtime::training::formula::Tape;
/// let tape = Tape::new(3);
/// let (x, y) = (tape.element(0), tape.element(1));
/// let squared_error = (x - y).square().mean();
/// assert_eq!(squared_error, ((x - y) * (x - y)).sum() / 3.0);
/// ```
#[derive(Clone, Copy)]
pub struct Expr<'t> {
    tape: &'t Tape,
    pub(crate) id: Id,
}

impl PartialEq for Expr<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tape, other.tape) && self.id == other.id
    }
}

impl std::fmt::Debug for Expr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expr({}: {:?})", self.id, self.tape.node(self.id).op)
    }
}

impl Tape {
    /// An empty tape for rows of `width` elements.
    pub fn new(width: usize) -> Tape {
        Tape { nodes: RefCell::new(Vec::new()), width }
    }

    /// Elements of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Input `i`, which has a number for each element.
    pub fn element(&self, i: u8) -> Expr<'_> {
        self.push(Op::Input(i), false)
    }

    /// Input `i`, which has a number for each row.
    pub fn row(&self, i: u8) -> Expr<'_> {
        self.push(Op::Input(i), true)
    }

    /// A number that is given with each run.
    pub fn scalar(&self, i: u8) -> Expr<'_> {
        self.push(Op::Scalar(i), true)
    }

    /// A constant.
    pub fn constant(&self, value: f64) -> Expr<'_> {
        self.push(Op::Const(value), true)
    }

    pub(crate) fn node(&self, id: Id) -> Node {
        self.nodes.borrow()[usize::from(id)]
    }

    pub(crate) fn expr(&self, id: Id) -> Expr<'_> {
        Expr { tape: self, id }
    }

    /// Equal values are recorded once.
    fn push(&self, op: Op, row: bool) -> Expr<'_> {
        let mut nodes = self.nodes.borrow_mut();
        let same = |n: &Node| n.row == row && n.op == op;
        let at = nodes.iter().position(same).unwrap_or_else(|| {
            nodes.push(Node { op, row });
            nodes.len() - 1
        });
        assert!(at < usize::from(Id::MAX), "a formula has too many operations");
        Expr { tape: self, id: at as Id }
    }

    fn as_constant(&self, id: Id) -> Option<f64> {
        match self.node(id).op {
            Op::Const(value) => Some(value),
            _ => None,
        }
    }
}

impl<'t> Expr<'t> {
    /// The tape.
    pub fn tape(self) -> &'t Tape {
        self.tape
    }

    /// A constant on the same tape.
    pub fn constant(self, value: f64) -> Expr<'t> {
        self.tape.constant(value)
    }

    /// Whether there is one such for each row, not one for each element.
    pub fn is_row(self) -> bool {
        self.tape.node(self.id).row
    }

    /// A function of this.
    pub fn unary(self, f: Unary) -> Expr<'t> {
        match (f, self.tape.node(self.id).op) {
            (Unary::Neg, Op::Const(c)) => self.constant(-c),
            (Unary::Neg, Op::Unary(Unary::Neg, x)) => self.tape.expr(x),
            (Unary::Square, Op::Const(c)) => self.constant(c * c),
            _ => self.tape.push(Op::Unary(f, self.id), self.is_row()),
        }
    }

    /// A function of this and another.
    pub fn binary(self, f: Binary, other: Expr<'t>) -> Expr<'t> {
        let (a, b) = (self.tape.as_constant(self.id), self.tape.as_constant(other.id));
        match (f, a, b) {
            (Binary::Add, Some(a), Some(b)) => return self.constant(a + b),
            (Binary::Sub, Some(a), Some(b)) => return self.constant(a - b),
            (Binary::Mul, Some(a), Some(b)) => return self.constant(a * b),
            (Binary::Div, Some(a), Some(b)) => return self.constant(a / b),
            (Binary::Add | Binary::Sub, _, Some(0.0)) | (Binary::Mul | Binary::Div, _, Some(1.0)) => {
                return self;
            }
            (Binary::Add, Some(0.0), _) | (Binary::Mul, Some(1.0), _) => return other,
            (Binary::Sub, Some(0.0), _) => return -other,
            (Binary::Mul, Some(-1.0), _) => return -other,
            (Binary::Mul, _, Some(-1.0)) => return -self,
            (Binary::Mul, ..) if self == other => return self.square(),
            _ => {}
        }
        self.tape.push(Op::Binary(f, self.id, other.id), self.is_row() && other.is_row())
    }

    /// `yes` where this is not zero, else `no`.
    #[must_use]
    pub fn select(self, yes: Expr<'t>, no: Expr<'t>) -> Expr<'t> {
        let row = self.is_row() && yes.is_row() && no.is_row();
        self.tape.push(Op::Select(self.id, yes.id, no.id), row)
    }

    /// Sum over the row.
    ///
    /// # Panics
    /// If this is one number a row already.
    #[must_use]
    pub fn sum(self) -> Expr<'t> {
        assert!(!self.is_row(), "a sum over a row needs a value of each element");
        self.tape.push(Op::Sum(self.id), true)
    }

    /// Mean over the row.
    #[must_use]
    pub fn mean(self) -> Expr<'t> {
        self.sum() / self.tape.width as f64
    }

    /// Largest of the row.
    ///
    /// # Panics
    /// If this is one number a row already.
    #[must_use]
    pub fn row_max(self) -> Expr<'t> {
        assert!(!self.is_row(), "a maximum over a row needs a value of each element");
        self.tape.push(Op::Max(self.id), true)
    }

    /// Smallest of the row.
    ///
    /// # Panics
    /// If this is one number a row already.
    #[must_use]
    pub fn row_min(self) -> Expr<'t> {
        -(-self).row_max()
    }

    /// Where the first largest of the row is, for metrics: the interpreter computes it, passes over memory cannot.
    ///
    /// # Panics
    /// If this is one number a row already.
    #[must_use]
    pub fn row_argmax(self) -> Expr<'t> {
        assert!(!self.is_row(), "the largest of a row needs a value of each element");
        self.tape.push(Op::ArgMax(self.id), true)
    }

    /// `log(sum(exp(x)))` over the row, without overflow.
    #[must_use]
    pub fn logsumexp(self) -> Expr<'t> {
        let largest = self.row_max().stop_gradient();
        (self - largest).exp().sum().ln() + largest
    }

    /// `softmax(x)` over the row.
    #[must_use]
    pub fn softmax(self) -> Expr<'t> {
        let powers = (self - self.row_max().stop_gradient()).exp();
        powers / powers.sum()
    }

    /// The same number, taken for a constant by the derivative.
    #[must_use]
    pub fn stop_gradient(self) -> Expr<'t> {
        self.tape.push(Op::Stop(self.id), self.is_row())
    }

    /// `log(softmax(x))` over the row, without overflow.
    #[must_use]
    pub fn log_softmax(self) -> Expr<'t> {
        let shifted = self - self.row_max().stop_gradient();
        shifted - shifted.exp().sum().ln()
    }

    /// Between two bounds.
    #[must_use]
    pub fn clip(self, low: f64, high: f64) -> Expr<'t> {
        self.max(self.constant(low)).min(self.constant(high))
    }
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $op:ident),* $(,)?) => {
        impl<'t> Expr<'t> { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self) -> Expr<'t> {
                self.unary(Unary::$op)
            }
        )* }
    };
}
unary! {
    /// Absolute value.
    abs = Abs,
    /// -1, 0 or 1.
    sign = Sign,
    /// Square.
    square = Square,
    /// Square root.
    sqrt = Sqrt,
    /// `e^x`.
    exp = Exp,
    /// Natural logarithm.
    ln = Log,
    /// `log(1 + x)`.
    ln_1p = Log1p,
    /// `1 / (1 + e^-x)`.
    sigmoid = Sigmoid,
    /// `max(x, 0)`.
    relu = Relu,
    /// `log(1 + e^x)`.
    softplus = Softplus,
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $op:ident),* $(,)?) => {
        impl<'t> Expr<'t> { $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self, other: Expr<'t>) -> Expr<'t> {
                self.binary(Binary::$op, other)
            }
        )* }
    };
}
binary! {
    /// The larger.
    max = Max,
    /// The smaller.
    min = Min,
    /// Power.
    pow = Pow,
    /// 1 where this is less.
    lt = Less,
    /// 1 where this is less or equal.
    le = LessEqual,
    /// 1 where this is greater.
    gt = Greater,
    /// 1 where this is greater or equal.
    ge = GreaterEqual,
    /// 1 where both are equal.
    equal = Equal,
    /// 1 where they are not.
    not_equal = NotEqual,
}

macro_rules! operator {
    ($($trait:ident :: $method:ident),*) => { $(
        impl<'t> $trait for Expr<'t> {
            type Output = Expr<'t>;
            fn $method(self, other: Expr<'t>) -> Expr<'t> {
                self.binary(Binary::$trait, other)
            }
        }
        impl<'t> $trait<f64> for Expr<'t> {
            type Output = Expr<'t>;
            fn $method(self, other: f64) -> Expr<'t> {
                self.binary(Binary::$trait, self.constant(other))
            }
        }
        impl<'t> $trait<Expr<'t>> for f64 {
            type Output = Expr<'t>;
            fn $method(self, other: Expr<'t>) -> Expr<'t> {
                other.constant(self).binary(Binary::$trait, other)
            }
        }
    )* };
}
operator!(Add::add, Sub::sub, Mul::mul, Div::div);

impl<'t> Neg for Expr<'t> {
    type Output = Expr<'t>;
    fn neg(self) -> Expr<'t> {
        self.unary(Unary::Neg)
    }
}
