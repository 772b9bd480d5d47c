//! Functions that are made of others, and the writing of elementwise nodes.

use proc_macro2::Span;

use super::graph::{Graph, Kind};

/// Writes elementwise nodes.
pub(super) struct Builder<'a> {
    pub graph: &'a mut Graph,
    pub what: &'a str,
    pub span: Span,
}

impl Builder<'_> {
    pub(super) fn constant(&mut self, value: f64) -> usize {
        self.graph.push(Kind::Const(value), Vec::new(), self.what, self.span)
    }

    pub(super) fn unary(&mut self, f: &'static str, x: usize) -> usize {
        self.graph.push(Kind::Unary(f), vec![x], self.what, self.span)
    }

    pub(super) fn binary(&mut self, f: &'static str, a: usize, b: usize) -> usize {
        self.graph.push(Kind::Binary(f), vec![a, b], self.what, self.span)
    }

    pub(super) fn select(&mut self, condition: usize, a: usize, b: usize) -> usize {
        self.graph.push(Kind::Select, vec![condition, a, b], self.what, self.span)
    }

    fn with(&mut self, f: &'static str, x: usize, c: f64) -> usize {
        let c = self.constant(c);
        self.binary(f, x, c)
    }

    /// `x` between two numbers.
    fn clipped(&mut self, x: usize, low: f64, high: f64) -> usize {
        let x = self.with("Max", x, low);
        self.with("Min", x, high)
    }

    /// `scale * x` where positive, else `scale * alpha * (exp(x) - 1)`.
    fn elu(&mut self, x: usize, scale: f64, alpha: f64) -> usize {
        let zero = self.constant(0.0);
        let positive = self.binary("Greater", x, zero);
        // Where x is large the exponential is not looked at; it must not be infinite all the same, since 0 * inf is NaN.
        let negative = self.select(positive, zero, x);
        let negative = self.unary("Expm1", negative);
        let negative = self.with("Mul", negative, scale * alpha);
        let x = if scale == 1.0 { x } else { self.with("Mul", x, scale) };
        self.select(positive, x, negative)
    }

    fn hard_sigmoid(&mut self, x: usize) -> usize {
        let x = self.with("Add", x, 3.0);
        let x = self.clipped(x, 0.0, 6.0);
        self.with("Div", x, 6.0)
    }

    /// A composed function, as `keras.activations` defines it.
    pub(super) fn composed(&mut self, x: usize) -> usize {
        match self.what {
            "relu6" => self.clipped(x, 0.0, 6.0),
            "hard_tanh" => self.clipped(x, -1.0, 1.0),
            "leaky_relu" => {
                let zero = self.constant(0.0);
                let positive = self.binary("Greater", x, zero);
                let below = self.with("Mul", x, 0.2);
                self.select(positive, x, below)
            }
            "elu" => self.elu(x, 1.0, 1.0),
            "selu" => self.elu(x, 1.050_700_987_355_480_5, 1.673_263_242_354_377_2),
            "gelu" => {
                let scaled = self.with("Mul", x, std::f64::consts::FRAC_1_SQRT_2);
                let erf = self.unary("Erf", scaled);
                let twice = self.with("Add", erf, 1.0);
                let gate = self.with("Mul", twice, 0.5);
                self.binary("Mul", x, gate)
            }
            "log_sigmoid" => {
                let minus = self.unary("Neg", x);
                let softplus = self.unary("Softplus", minus);
                self.unary("Neg", softplus)
            }
            "hard_sigmoid" => self.hard_sigmoid(x),
            "silu" | "swish" => {
                let gate = self.unary("Sigmoid", x);
                self.binary("Mul", x, gate)
            }
            "hard_silu" => {
                let gate = self.hard_sigmoid(x);
                self.binary("Mul", x, gate)
            }
            "tanh_shrink" => {
                let tanh = self.unary("Tanh", x);
                self.binary("Sub", x, tanh)
            }
            "softsign" => {
                let size = self.unary("Abs", x);
                let below = self.with("Add", size, 1.0);
                self.binary("Div", x, below)
            }
            "mish" => {
                let softplus = self.unary("Softplus", x);
                let gate = self.unary("Tanh", softplus);
                self.binary("Mul", x, gate)
            }
            other => unreachable!("`{other}` is not in the table of composed functions"),
        }
    }
}
