//! Formulas on the host, row by row: for metrics, and as the plain version that the passes are tested against.

use keras_kernels::elementwise::{Binary, Unary};

use super::{Expr, Id, Node, Op};

/// A formula that yields one number a row, computed in 64 bits.
pub struct Interpreter {
    nodes: Vec<Node>,
    output: Id,
    width: usize,
    /// Values of nodes: one number for those of rows, one for each element otherwise.
    values: Vec<Vec<f64>>,
}

impl Interpreter {
    /// For this value of a row.
    pub fn new(output: Expr<'_>) -> Interpreter {
        let tape = output.tape();
        let width = tape.width();
        let nodes: Vec<Node> = (0..=output.id).map(|id| tape.node(id)).collect();
        let values = nodes.iter().map(|n| vec![0.0; if n.row { 1 } else { width }]).collect();
        Interpreter { nodes, output: output.id, width, values }
    }

    /// The number of a row; `input(n, i)` is element `i` of input `n`. Allocates nothing.
    pub fn row(&mut self, input: &dyn Fn(u8, usize) -> f32) -> f64 {
        for (id, node) in self.nodes.iter().enumerate() {
            let (before, rest) = self.values.split_at_mut(id);
            let get = |id: Id, i: usize| {
                let values = &before[usize::from(id)];
                if values.len() == 1 { values[0] } else { values[i] }
            };
            let all = |id: Id| (0..self.width).map(move |i| get(id, i));
            for (i, value) in rest[0].iter_mut().enumerate() {
                *value = match node.op {
                    Op::Input(n) => f64::from(input(n, i)),
                    Op::Scalar(_) => unreachable!("rows of metrics have no scalars"),
                    Op::Const(c) => c,
                    Op::Unary(f, x) => unary(f, get(x, i)),
                    Op::Binary(f, a, b) => binary(f, get(a, i), get(b, i)),
                    Op::Select(c, a, b) => get(if get(c, i) != 0.0 { a } else { b }, i),
                    Op::Sum(x) => all(x).sum(),
                    Op::Max(x) => all(x).fold(f64::NEG_INFINITY, |a, b| binary(Binary::Max, a, b)),
                    Op::Stop(x) => get(x, i),
                };
            }
        }
        self.values[usize::from(self.output)][0]
    }
}

fn unary(f: Unary, x: f64) -> f64 {
    match f {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sign if x == 0.0 => 0.0,
        Unary::Sign => x.signum(),
        Unary::Square => x * x,
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Log1p => x.ln_1p(),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Relu => x.max(0.0),
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Not => f64::from(x == 0.0),
        Unary::IsNan => f64::from(x.is_nan()),
        Unary::IsFinite => f64::from(x.is_finite()),
        other => unreachable!("{other:?} is not offered by formulas"),
    }
}

fn binary(f: Binary, a: f64, b: f64) -> f64 {
    match f {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Max if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::Max => a.max(b),
        Binary::Min if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::Min => a.min(b),
        Binary::Less => f64::from(a < b),
        Binary::LessEqual => f64::from(a <= b),
        Binary::Greater => f64::from(a > b),
        Binary::GreaterEqual => f64::from(a >= b),
        Binary::Equal => f64::from(a == b),
        Binary::NotEqual => f64::from(a != b),
        other => unreachable!("{other:?} is not offered by formulas"),
    }
}
