//! Formulas on the host, row by row: for metrics, and as the plain version that the passes are tested against.

use keras_kernels::elementwise::Binary;

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
                    Op::Unary(f, x) => f.of(get(x, i)),
                    Op::Binary(f, a, b) => f.of(get(a, i), get(b, i)),
                    Op::Select(c, a, b) => get(if get(c, i) != 0.0 { a } else { b }, i),
                    Op::Sum(x) => all(x).sum(),
                    Op::Max(x) => all(x).fold(f64::NEG_INFINITY, |a, b| Binary::Max.of(a, b)),
                    Op::ArgMax(x) => {
                        // A NaN counts as the largest, as in numpy.
                        let larger = |a: f64, b: f64| b > a || (b.is_nan() && !a.is_nan());
                        let first = (1..self.width)
                            .fold(0, |best, i| if larger(get(x, best), get(x, i)) { i } else { best });
                        first as f64
                    }
                    Op::Stop(x) => get(x, i),
                };
            }
        }
        self.values[usize::from(self.output)][0]
    }
}
