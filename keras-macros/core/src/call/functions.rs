//! The functions that `call` may use, and what they become.

use proc_macro2::Span;

use super::graph::{Extra, Graph, Kind, OpInfo};

/// Functions of one element that the kernels have.
const UNARY: &[(&str, &str)] = &[
    ("negative", "Neg"),
    ("absolute", "Abs"),
    ("abs", "Abs"),
    ("sign", "Sign"),
    ("square", "Square"),
    ("sqrt", "Sqrt"),
    ("rsqrt", "Rsqrt"),
    ("reciprocal", "Recip"),
    ("exp", "Exp"),
    ("expm1", "Expm1"),
    ("log", "Log"),
    ("log1p", "Log1p"),
    ("log2", "Log2"),
    ("log10", "Log10"),
    ("sin", "Sin"),
    ("cos", "Cos"),
    ("tan", "Tan"),
    ("arcsin", "Asin"),
    ("arccos", "Acos"),
    ("arctan", "Atan"),
    ("sinh", "Sinh"),
    ("cosh", "Cosh"),
    ("tanh", "Tanh"),
    ("arcsinh", "Asinh"),
    ("arccosh", "Acosh"),
    ("arctanh", "Atanh"),
    ("erf", "Erf"),
    ("sigmoid", "Sigmoid"),
    ("relu", "Relu"),
    ("softplus", "Softplus"),
    ("floor", "Floor"),
    ("ceil", "Ceil"),
    ("round", "Round"),
    ("logical_not", "Not"),
    ("isnan", "IsNan"),
    ("isfinite", "IsFinite"),
];

/// Functions of two elements.
const BINARY: &[(&str, &str)] = &[
    ("add", "Add"),
    ("subtract", "Sub"),
    ("multiply", "Mul"),
    ("divide", "Div"),
    ("power", "Pow"),
    ("maximum", "Max"),
    ("minimum", "Min"),
    ("mod_", "Mod"),
    ("floor_divide", "FloorDiv"),
    ("arctan2", "Atan2"),
    ("less", "Less"),
    ("less_equal", "LessEqual"),
    ("greater", "Greater"),
    ("greater_equal", "GreaterEqual"),
    ("equal", "Equal"),
    ("not_equal", "NotEqual"),
    ("logical_and", "And"),
    ("logical_or", "Or"),
];

/// Functions that are made of these.
const COMPOSED: &[&str] = &[
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "log_sigmoid",
    "hard_sigmoid",
    "silu",
    "swish",
    "hard_silu",
    "hard_tanh",
    "tanh_shrink",
    "softsign",
    "mish",
];

/// Reductions: their name in `kernels::reduce::Reduce`, and what their gradient needs.
const REDUCTIONS: &[(&str, &str, OpInfo)] = &[
    ("sum", "Sum", LINEAR),
    ("mean", "Mean", LINEAR),
    ("prod", "Prod", OpInfo { extras: &[Extra::Counts, Extra::Counts, Extra::Input], ..BOTH }),
    ("max", "Max", OpInfo { extras: &[Extra::Counts], ..BOTH }),
    ("min", "Min", OpInfo { extras: &[Extra::Counts], ..BOTH }),
    ("logsumexp", "LogSumExp", BOTH),
];

/// The gradient reads shapes alone.
pub(super) const LINEAR: OpInfo =
    OpInfo { reads_inputs: false, reads_output: false, differentiable: true, extras: &[] };
/// The gradient reads the inputs.
pub(super) const INPUTS: OpInfo = OpInfo { reads_inputs: true, ..LINEAR };
/// The gradient reads the result.
pub(super) const OUTPUT: OpInfo = OpInfo { reads_output: true, ..LINEAR };
const BOTH: OpInfo = OpInfo { reads_inputs: true, reads_output: true, ..LINEAR };
/// There is no gradient.
pub(super) const FLAT: OpInfo = OpInfo { differentiable: false, ..LINEAR };

/// Functions with arguments of their own kinds: `lower` knows them.
const SPECIAL: &[&str] = &[
    "where_",
    "clip",
    "matmul",
    "softmax",
    "log_softmax",
    "argmax",
    "argmin",
    "reshape",
    "transpose",
    "expand_dims",
    "squeeze",
    "concatenate",
    "stack",
    "split",
    "slice",
    "take",
    "cast",
    "stop_gradient",
];

/// What a function is.
pub(super) enum Function {
    Unary(&'static str),
    Binary(&'static str),
    Composed,
    Reduction(&'static str, &'static OpInfo),
    Special,
}

/// Looks a function up.
pub(super) fn find(name: &str) -> Option<Function> {
    let pair =
        |table: &'static [(&str, &'static str)]| table.iter().find(|(n, _)| *n == name).map(|(_, f)| *f);
    if let Some(f) = pair(UNARY) {
        return Some(Function::Unary(f));
    }
    if let Some(f) = pair(BINARY) {
        return Some(Function::Binary(f));
    }
    if let Some((_, f, info)) = REDUCTIONS.iter().find(|(n, ..)| *n == name) {
        return Some(Function::Reduction(f, info));
    }
    if COMPOSED.contains(&name) {
        return Some(Function::Composed);
    }
    SPECIAL.contains(&name).then_some(Function::Special)
}

/// The known name that is most like `name`, if one is.
pub(super) fn similar(name: &str) -> Option<&'static str> {
    // What other libraries call them.
    let known = match name {
        "concat" | "cat" => Some("concatenate"),
        "dot" | "mm" | "bmm" => Some("matmul"),
        "pow" => Some("power"),
        "permute" => Some("transpose"),
        "embedding" | "gather" => Some("take"),
        "detach" => Some("stop_gradient"),
        "select" | "cond" => Some("where_"),
        "neg" => Some("negative"),
        "clamp" => Some("clip"),
        _ => None,
    };
    let names = UNARY.iter().chain(BINARY).map(|(n, _)| *n);
    let names = names.chain(COMPOSED.iter().copied()).chain(SPECIAL.iter().copied());
    let names = names.chain(REDUCTIONS.iter().map(|(n, ..)| *n));
    known.or_else(|| {
        let (distance, best) = names.map(|n| (distance(n, name), n)).min()?;
        (distance <= name.len() / 3 + 1).then_some(best)
    })
}

/// Edits from one word to another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

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
