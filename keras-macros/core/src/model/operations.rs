//! The functions of `keras.ops` that a body may call: what they are called with. The runtime knows what they compute.

/// What the values of an option are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One axis or several.
    Axes,
    /// A whole number.
    Int,
    /// A list of whole numbers.
    Ints,
    /// A number of parts, or a list of places.
    Parts,
    /// A number.
    Float,
    /// True or false.
    Flag,
    /// A pair of numbers for each axis.
    Pairs,
    /// A word or an equation.
    Text,
    /// An element type.
    DType,
    /// A number that Keras counts among the arguments of the call.
    Number,
    /// A place along an axis or a list of them, likewise.
    Places,
}

impl Kind {
    /// Whether Keras counts it among the arguments of the call.
    pub fn is_argument(self) -> bool {
        matches!(self, Kind::Number | Kind::Places)
    }
}

/// An option of a function.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
}

/// How values are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// One by one, under these names; numbers and arrays may stand for some.
    Named(&'static [&'static str]),
    /// As a list.
    List,
    /// One after the other, after the first option.
    Operands,
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name, as a body calls it.
    pub name: &'static str,
    /// What it is called on.
    pub arguments: Arguments,
    /// Its options, in the order in which they are given by position.
    pub options: &'static [Opt],
}

impl Function {
    /// The class of the operation in Keras: `LogSoftmax` for `log_softmax`.
    pub fn class(&self) -> String {
        let words = self.name.split('_').filter(|word| !word.is_empty());
        words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
    }

    /// The name and option of this name.
    pub fn option(&self, name: &str) -> Option<&'static Opt> {
        self.options.iter().find(|option| option.name == name)
    }
}

/// The function of this name.
pub fn function(name: &str) -> Option<Function> {
    let plain = |arguments| {
        move |name: &&'static str| Function { name, arguments: Arguments::Named(arguments), options: &[] }
    };
    let find = |list: &[&'static str], arguments| list.iter().find(|n| **n == name).map(plain(arguments));
    find(UNARY, X)
        .or_else(|| find(BINARY, TWO))
        .or_else(|| FUNCTIONS.iter().find(|f| f.name == name).copied())
}

/// The function whose class this is.
pub fn of_class(class: &str) -> Option<Function> {
    names().filter_map(function).find(|function| function.class() == class)
}

/// All names.
pub fn names() -> impl Iterator<Item = &'static str> {
    UNARY.iter().chain(BINARY).copied().chain(FUNCTIONS.iter().map(|f| f.name))
}

/// Why a function of `keras.ops` is not there.
pub fn refused(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(names, _)| names.contains(&name)).map(|(_, reason)| *reason)
}

const X: &[&str] = &["x"];
const TWO: &[&str] = &["x1", "x2"];

/// Functions of one tensor without options.
const UNARY: &[&str] = &[
    "abs",
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "cbrt",
    "ceil",
    "copy",
    "cos",
    "cosh",
    "deg2rad",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "logical_not",
    "negative",
    "rad2deg",
    "reciprocal",
    "relu",
    "relu6",
    "rsqrt",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sqrt",
    "square",
    "stop_gradient",
    "tan",
    "tanh",
    "tanh_shrink",
    "trunc",
];

/// Functions of two tensors without options.
const BINARY: &[&str] = &[
    "add",
    "arctan2",
    "divide",
    "divide_no_nan",
    "equal",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "less",
    "less_equal",
    "logaddexp",
    "logical_and",
    "logical_or",
    "logical_xor",
    "matmul",
    "maximum",
    "minimum",
    "mod_",
    "multiply",
    "not_equal",
    "power",
    "subtract",
    "true_divide",
];

const fn may(name: &'static str, kind: Kind) -> Opt {
    Opt { name, kind, required: false }
}

const fn must(name: &'static str, kind: Kind) -> Opt {
    Opt { name, kind, required: true }
}

const fn of(name: &'static str, options: &'static [Opt]) -> Function {
    Function { name, arguments: Arguments::Named(X), options }
}

const fn join(name: &'static str) -> Function {
    Function { name, arguments: Arguments::List, options: ALONG }
}

/// Options of reductions.
const OVER: &[Opt] = &[may("axis", Kind::Axes), may("keepdims", Kind::Flag)];
/// Options of functions along one axis.
const ALONG: &[Opt] = &[may("axis", Kind::Int)];

/// The others.
const FUNCTIONS: &[Function] = &[
    of("all", OVER),
    of("amax", OVER),
    of("amin", OVER),
    of("any", OVER),
    of("argmax", &[may("axis", Kind::Int), may("keepdims", Kind::Flag)]),
    of("argmin", &[may("axis", Kind::Int), may("keepdims", Kind::Flag)]),
    of("broadcast_to", &[must("shape", Kind::Ints)]),
    of("cast", &[must("dtype", Kind::DType)]),
    of("celu", &[may("alpha", Kind::Float)]),
    of("clip", &[must("x_min", Kind::Float), must("x_max", Kind::Float)]),
    join("concatenate"),
    of("cumsum", ALONG),
    Function { name: "einsum", arguments: Arguments::Operands, options: &[must("subscripts", Kind::Text)] },
    of("elu", &[may("alpha", Kind::Float)]),
    of("expand_dims", &[must("axis", Kind::Axes)]),
    of("flip", &[must("axis", Kind::Axes)]),
    of("gelu", &[may("approximate", Kind::Flag)]),
    of("glu", ALONG),
    of("hard_shrink", &[may("threshold", Kind::Float)]),
    of("leaky_relu", &[may("negative_slope", Kind::Float)]),
    of("log_softmax", ALONG),
    of("logsumexp", OVER),
    of("max", OVER),
    of("mean", OVER),
    of("min", OVER),
    of("moveaxis", &[must("source", Kind::Axes), must("destination", Kind::Axes)]),
    of("nan_to_num", &[may("nan", Kind::Float), may("posinf", Kind::Float), may("neginf", Kind::Float)]),
    of("norm", &[may("ord", Kind::Int), may("axis", Kind::Axes), may("keepdims", Kind::Flag)]),
    of("normalize", &[may("axis", Kind::Int), may("order", Kind::Int), may("epsilon", Kind::Float)]),
    of("one_hot", &[must("num_classes", Kind::Int), may("axis", Kind::Int), may("dtype", Kind::DType)]),
    of("ones_like", &[may("dtype", Kind::DType)]),
    of(
        "pad",
        &[must("pad_width", Kind::Pairs), may("mode", Kind::Text), may("constant_values", Kind::Number)],
    ),
    of("prod", OVER),
    of("repeat", &[must("repeats", Kind::Int), may("axis", Kind::Int)]),
    of("reshape", &[must("newshape", Kind::Ints)]),
    of("roll", &[must("shift", Kind::Int), may("axis", Kind::Int)]),
    of("round", &[may("decimals", Kind::Int)]),
    of("soft_shrink", &[may("threshold", Kind::Float)]),
    of("softmax", ALONG),
    of("sparsemax", ALONG),
    of("split", &[must("indices_or_sections", Kind::Parts), may("axis", Kind::Int)]),
    of("squareplus", &[may("b", Kind::Float)]),
    of("squeeze", &[may("axis", Kind::Axes)]),
    join("stack"),
    of("std", OVER),
    of("sum", OVER),
    of("swapaxes", &[must("axis1", Kind::Int), must("axis2", Kind::Int)]),
    of("take", &[must("indices", Kind::Places), may("axis", Kind::Int)]),
    of("threshold", &[must("threshold", Kind::Float), must("default_value", Kind::Float)]),
    of("tile", &[must("repeats", Kind::Ints)]),
    of("transpose", &[may("axes", Kind::Ints)]),
    of("unstack", &[may("num", Kind::Int), may("axis", Kind::Int)]),
    of("var", OVER),
    Function { name: "where_", arguments: Arguments::Named(&["condition", "x1", "x2"]), options: &[] },
    of("zeros_like", &[may("dtype", Kind::DType)]),
];

/// Functions that are not there, and why.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["dot", "inner", "outer", "tensordot", "vdot"],
        "it multiplies the samples of a batch with one another: use `matmul`",
    ),
    (&["slice"], "write a slice in brackets, as in `x[.., 1..3]`"),
    (
        &[
            "argsort",
            "average",
            "bincount",
            "correlate",
            "count_nonzero",
            "cross",
            "cumprod",
            "diff",
            "digitize",
            "histogram",
            "in_top_k",
            "median",
            "quantile",
            "rot90",
            "searchsorted",
            "segment_sum",
            "sort",
            "take_along_axis",
            "top_k",
            "trace",
            "tril",
            "triu",
            "unravel_index",
        ],
        "neither files nor source have it yet: compute it in a layer of your own, with `#[call]`",
    ),
    (
        &[
            "cholesky",
            "det",
            "eig",
            "eigh",
            "inv",
            "lstsq",
            "lu_factor",
            "qr",
            "solve",
            "solve_triangular",
            "svd",
        ],
        "there is no linear algebra beyond products of matrices",
    ),
    (&["fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"], "there are no complex numbers"),
    (
        &["cond", "custom_gradient", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop"],
        "a model's graph is fixed: write `if` and `for`, which are unrolled",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_functions_once() {
        let mut seen = std::collections::BTreeSet::new();
        for name in names() {
            let function = function(name).expect(name);
            assert!(seen.insert(name), "`{name}` is there twice");
            assert_eq!(of_class(&function.class()).map(|f| f.name), Some(name));
            assert!(refused(name).is_none(), "`{name}` is refused");
        }
    }

    #[test]
    fn classes_are_those_of_keras() {
        let class = |name| function(name).map(|f| f.class()).unwrap_or_default();
        assert_eq!(
            ["log_softmax", "relu6", "mod_", "where_"].map(class),
            ["LogSoftmax", "Relu6", "Mod", "Where"]
        );
        assert_eq!(of_class("NoSuchClass").map(|f| f.name), None);
    }
}
