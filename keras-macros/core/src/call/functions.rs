//! The functions that `call` may use, and what they become.

use super::graph::{Extra, OpInfo};

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
pub(super) const LINEAR: OpInfo = OpInfo {
    reads_inputs: false,
    reads_output: false,
    differentiable: true,
    forward_extras: &[],
    extras: &[],
};
/// The gradient reads the inputs.
pub(super) const INPUTS: OpInfo = OpInfo { reads_inputs: true, ..LINEAR };
/// The gradient reads the result.
pub(super) const OUTPUT: OpInfo = OpInfo { reads_output: true, ..LINEAR };
/// The gradient reads the inputs, and both directions may need the operands in another order.
pub(super) const EINSUM: OpInfo = OpInfo {
    forward_extras: &[Extra::Room(0), Extra::Room(1), Extra::Room(2)],
    extras: &[Extra::BackwardRoom(0), Extra::BackwardRoom(1), Extra::BackwardRoom(2)],
    ..INPUTS
};
const BOTH: OpInfo = OpInfo { reads_inputs: true, reads_output: true, ..LINEAR };
/// There is no gradient.
pub(super) const FLAT: OpInfo = OpInfo { differentiable: false, ..LINEAR };

/// Functions with arguments of their own kinds: `lower` knows them.
const SPECIAL: &[&str] = &[
    "where_",
    "clip",
    "matmul",
    "einsum",
    "one_hot",
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
    known.or_else(|| crate::similar::similar(name, names))
}
