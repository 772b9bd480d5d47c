//! Which computation an operation is, by its class and options. Files and source are read here alike.

use keras_kernels::activation::Activation;
use keras_kernels::reduce::Reduce;

use super::Compute;
use super::function::{FUNCTIONS, Function};
use super::moves::{Move, Reshape};
use super::pointwise::{OneHot, Pointwise};
use super::reductions::{ArgFold, Fold, Spread, Truth};
use super::setting::{Argument, Options, Setting, same};
use super::several::{Chosen, Join, Pad, Parts, Roll, Split};
use super::sums::{Norm, RunningSum};
use super::wrapped::{Activated, Contracted, Normalized, Product};
use crate::layers::normalization::UnitLength;
use crate::ops::generated::{ArgReduce, Einsum, Reduction};
use crate::plan::{Ints, Message, PlanResult, Spec};
use crate::plan_try;

macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// What an operation computes.
        #[derive(Clone, Copy)]
        #[allow(clippy::large_enum_variant, reason = "const evaluation has no boxes")]
        pub(super) enum Kind { $($kind($kind)),* }

        impl Kind {
            /// What it needs for inputs of these specs.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                match self { $(Kind::$kind(kind) => kind.plan(inputs)),* }
            }

            /// The computation.
            pub fn compute(&self) -> &dyn Compute {
                match self { $(Kind::$kind(kind) => kind),* }
            }
        }
    };
}
kinds! {
    Activated, ArgFold, Chosen, Contracted, Fold, Join, Move, Norm, Normalized, OneHot, Pad, Pointwise, Product, Reshape, Roll,
    RunningSum, Split, Spread, Truth,
}

/// What an operation of this class is called with.
pub(super) const fn arguments(class: &str) -> &'static [&'static str] {
    if let Some((names, _)) = function(class) {
        return names;
    }
    match class.as_bytes() {
        b"Concatenate" => &["xs"],
        b"GetItem" => &["x", "key"],
        b"Einsum" | b"Matmul" => &["x1", "x2"],
        b"Pad" => &["x", "constant_values"],
        b"Take" => &["x", "indices"],
        _ => X,
    }
}

/// One tensor.
const X: &[&str] = &["x"];

/// A function of elements that has no options.
const fn function(class: &str) -> Option<(&'static [&'static str], Function)> {
    let mut i = 0;
    while i < FUNCTIONS.len() {
        let (name, names, function) = FUNCTIONS[i];
        if same(name, class) {
            return Some((names, function));
        }
        i += 1;
    }
    None
}

/// What is computed.
///
/// # Errors
/// If the class is not known, or an argument is not what it must be.
pub(super) const fn kind(options: &Options<'_>) -> Result<Kind, Message> {
    if let Some((names, function)) = function(options.class) {
        return Ok(Kind::Pointwise(plan_try!(Pointwise::of(function, None, names, options))));
    }
    if let Some((function, typed)) = plan_try!(function_with_options(options)) {
        let dtype = if typed { plan_try!(options.dtype("dtype")) } else { None };
        return Ok(Kind::Pointwise(plan_try!(Pointwise::of(function, dtype, X, options))));
    }
    if let Some(activation) = plan_try!(activation(options)) {
        plan_try!(options.tensor(0, "x"));
        return Ok(Kind::Activated(Activated(activation)));
    }
    match options.class.as_bytes() {
        b"Matmul" => {
            plan_try!(options.tensor(0, "x1"));
            plan_try!(options.tensor(1, "x2"));
            return Ok(Kind::Product(Product));
        }
        b"Einsum" => {
            plan_try!(options.tensor(0, "x1"));
            plan_try!(options.tensor(1, "x2"));
            return match options.find("subscripts") {
                Some(Setting::Text(equation)) => Ok(Kind::Contracted(Contracted(Einsum::of(equation)))),
                _ => Err(options.wrong("subscripts", "an equation of at most 62 bytes")),
            };
        }
        b"Stack" => {
            plan_try!(options.tensors("x"));
            return Ok(Kind::Join(Join { axis: plan_try!(options.int("axis", 0)), stack: true }));
        }
        b"Concatenate" => {
            plan_try!(options.tensors("xs"));
            return Ok(Kind::Join(Join { axis: plan_try!(options.int("axis", 0)), stack: false }));
        }
        _ => {}
    }
    plan_try!(options.tensor(0, "x"));
    if let Some(found) = plan_try!(reduction(options)) {
        return Ok(found);
    }
    if let Some(found) = plan_try!(reshape(options)) {
        return Ok(Kind::Reshape(found));
    }
    if let Some(found) = plan_try!(moved(options)) {
        return Ok(Kind::Move(found));
    }
    match options.class.as_bytes() {
        b"Roll" => {
            let axis = plan_try!(options.axis("axis", ""));
            Ok(Kind::Roll(Roll { shift: plan_try!(options.int("shift", 0)), axis }))
        }
        b"Split" => {
            let parts = plan_try!(parts(options));
            Ok(Kind::Split(Split { axis: plan_try!(options.int("axis", 0)), parts }))
        }
        b"Unstack" => Ok(Kind::Split(Split { axis: plan_try!(options.int("axis", 0)), parts: Parts::Each })),
        b"OneHot" => {
            if plan_try!(options.flag("sparse", false)) {
                return Err(options.wrong("sparse", "false: sparse tensors are not supported"));
            }
            Ok(Kind::OneHot(OneHot {
                classes: plan_try!(options.count("num_classes")),
                axis: plan_try!(options.int("axis", -1)),
                dtype: plan_try!(options.dtype("dtype")),
            }))
        }
        b"Pad" => pad(options),
        b"Take" => match options.argument(1) {
            Argument::Places { at, list } => {
                Ok(Kind::Chosen(Chosen { axis: plan_try!(options.axis("axis", "")), at, keep: list }))
            }
            _ => Err(options.wrong("indices", "a constant: a whole number, or a list of at most 8 of them")),
        },
        b"Cumsum" => {
            plan_try!(options.refuse(&["dtype"]));
            Ok(Kind::RunningSum(RunningSum { axis: plan_try!(options.axis("axis", "")) }))
        }
        b"Norm" => norm(options),
        b"Normalize" => {
            if plan_try!(options.float("order", 2.0)) != 2.0 {
                return Err(options.wrong("order", "2: the others are not supported"));
            }
            let epsilon = plan_try!(options.float("epsilon", 1e-7));
            if epsilon <= 0.0 {
                return Err(options.wrong("epsilon", "a number above 0"));
            }
            let axis = Ints::of([plan_try!(options.int("axis", -1))]);
            Ok(Kind::Normalized(Normalized(UnitLength { axis, limit: 1.0 / epsilon })))
        }
        _ => Err(Message::new("this operation of Keras is not there yet")),
    }
}

/// A function of one tensor's elements that has options, and whether one of them is the element type of its result.
const fn function_with_options(options: &Options<'_>) -> Result<Option<(Function, bool)>, Message> {
    Ok(Some(match options.class.as_bytes() {
        b"Clip" => {
            let low = plan_try!(options.float("x_min", f64::NEG_INFINITY));
            (Function::Clip(low, plan_try!(options.float("x_max", f64::INFINITY))), false)
        }
        b"Round" => (Function::Round(plan_try!(options.int("decimals", 0)) as i32), false),
        b"NanToNum" => {
            let largest = f32::MAX as f64;
            let nan = plan_try!(options.float("nan", 0.0));
            let above = plan_try!(options.float("posinf", largest));
            (Function::NanToNum(nan, above, plan_try!(options.float("neginf", -largest))), false)
        }
        b"Cast" | b"ConvertToTensor" => (Function::Identity, true),
        b"OnesLike" => (Function::Fill(1.0), true),
        b"ZerosLike" => (Function::Fill(0.0), true),
        _ => return Ok(None),
    }))
}

const fn activation(options: &Options<'_>) -> Result<Option<Activation>, Message> {
    Ok(Some(match options.class.as_bytes() {
        b"Relu" => Activation::RELU,
        b"Relu6" => Activation::Relu6,
        b"Sigmoid" => Activation::Sigmoid,
        b"SparseSigmoid" => Activation::SparseSigmoid,
        b"Softplus" => Activation::Softplus,
        b"Softsign" => Activation::Softsign,
        b"SparsePlus" => Activation::SparsePlus,
        b"Silu" => Activation::Silu,
        b"LogSigmoid" => Activation::LogSigmoid,
        b"HardSigmoid" => Activation::HardSigmoid,
        b"HardSilu" => Activation::HardSilu,
        b"HardTanh" => Activation::HardTanh,
        b"TanhShrink" => Activation::TanhShrink,
        b"Selu" => Activation::Selu,
        b"SoftShrink" => Activation::SoftShrink { threshold: plan_try!(options.float("threshold", 0.5)) },
        b"HardShrink" => Activation::HardShrink { threshold: plan_try!(options.float("threshold", 0.5)) },
        b"Squareplus" => Activation::Squareplus { b: plan_try!(options.float("b", 4.0)) },
        b"LeakyRelu" => {
            Activation::LeakyRelu { negative_slope: plan_try!(options.float("negative_slope", 0.2)) }
        }
        b"Elu" => Activation::Elu { alpha: plan_try!(options.float("alpha", 1.0)) },
        b"Celu" => Activation::Celu { alpha: plan_try!(options.float("alpha", 1.0)) },
        b"Gelu" => Activation::Gelu { approximate: plan_try!(options.flag("approximate", true)) },
        b"Threshold" => Activation::Threshold {
            threshold: plan_try!(options.float("threshold", 0.0)),
            default_value: plan_try!(options.float("default_value", 0.0)),
        },
        b"Glu" => Activation::Glu { axis: plan_try!(options.int("axis", -1)) },
        b"Softmax" => Activation::Softmax { axis: plan_try!(options.int("axis", -1)) },
        b"LogSoftmax" => Activation::LogSoftmax { axis: plan_try!(options.int("axis", -1)) },
        b"Sparsemax" => Activation::Sparsemax { axis: plan_try!(options.int("axis", -1)) },
        _ => return Ok(None),
    }))
}

const fn reduction(options: &Options<'_>) -> Result<Option<Kind>, Message> {
    if let b"Any" | b"All" = options.class.as_bytes() {
        let axes = match plan_try!(options.ints("axis")) {
            Some(axes) => axes,
            None => Ints::from_slice(&[]),
        };
        // The kind is not looked at.
        let keepdims = plan_try!(options.flag("keepdims", false));
        let over = Reduction { kind: Reduce::Sum, axes, keepdims };
        return Ok(Some(Kind::Truth(Truth { over, all: same(options.class, "All") })));
    }
    let fold = match options.class.as_bytes() {
        b"Amax" | b"Max" => Reduce::Max,
        b"Amin" | b"Min" => Reduce::Min,
        b"Logsumexp" => Reduce::LogSumExp,
        b"Mean" | b"Var" | b"Std" => Reduce::Mean,
        b"Prod" => Reduce::Prod,
        b"Sum" => Reduce::Sum,
        b"Argmax" => Reduce::ArgMax,
        b"Argmin" => Reduce::ArgMin,
        _ => return Ok(None),
    };
    plan_try!(options.refuse(&["initial", "dtype"]));
    let keepdims = plan_try!(options.flag("keepdims", false));
    if matches!(fold, Reduce::ArgMax | Reduce::ArgMin) {
        let axis = plan_try!(options.axis("axis", ": without one, the whole batch is searched"));
        return Ok(Some(Kind::ArgFold(ArgFold { op: ArgReduce { kind: fold, axis }, keepdims })));
    }
    let axes = match plan_try!(options.ints("axis")) {
        Some(axes) => axes,
        None => Ints::from_slice(&[]),
    };
    let reduction = Reduction { kind: fold, axes, keepdims };
    Ok(Some(match options.class.as_bytes() {
        b"Var" => Kind::Spread(Spread { mean: reduction, root: false }),
        b"Std" => Kind::Spread(Spread { mean: reduction, root: true }),
        _ => Kind::Fold(Fold(reduction)),
    }))
}

const fn reshape(options: &Options<'_>) -> Result<Option<Reshape>, Message> {
    Ok(Some(match options.class.as_bytes() {
        b"Reshape" => match options.find("newshape") {
            Some(Setting::Ints(dims)) => Reshape::To(dims),
            _ => return Err(options.wrong("newshape", "a list of at most 8 dimensions")),
        },
        b"ExpandDims" => Reshape::ExpandDims(plan_try!(options.axes("axis"))),
        b"Squeeze" => Reshape::Squeeze(plan_try!(options.ints("axis"))),
        _ => return Ok(None),
    }))
}

const fn moved(options: &Options<'_>) -> Result<Option<Move>, Message> {
    Ok(Some(match options.class.as_bytes() {
        b"GetItem" => match options.argument(1) {
            Argument::Key(key) => Move::GetItem(key),
            _ => return Err(options.wrong("key", "numbers, slices, `None` and `...`")),
        },
        b"Transpose" => Move::Transpose(plan_try!(options.ints("axes"))),
        b"Swapaxes" => {
            let first = plan_try!(options.axis("axis1", ""));
            Move::SwapAxes(first, plan_try!(options.axis("axis2", "")))
        }
        b"Moveaxis" => {
            let from = plan_try!(options.axes("source"));
            Move::Shift(from, plan_try!(options.axes("destination")))
        }
        b"Flip" => Move::Flip(plan_try!(options.axes("axis"))),
        b"BroadcastTo" => match options.find("shape") {
            Some(Setting::Ints(dims)) => Move::Broadcast(dims),
            _ => return Err(options.wrong("shape", "a list of at most 8 dimensions")),
        },
        b"Repeat" => {
            let count = plan_try!(options.count("repeats"));
            Move::Repeat(count, plan_try!(options.axis("axis", "")))
        }
        b"Tile" => Move::Tile(plan_try!(options.axes("repeats"))),
        _ => return Ok(None),
    }))
}

/// Norms of vectors, and Frobenius' norm of matrices.
const fn norm(options: &Options<'_>) -> Result<Kind, Message> {
    let axes = plan_try!(options.axes("axis"));
    let squares = match options.find("ord") {
        None => true,
        Some(Setting::Text(word)) if same(word.as_str(), "fro") && axes.len() == 2 => true,
        Some(Setting::Int(2)) if axes.len() == 1 => true,
        Some(Setting::Int(1)) if axes.len() == 1 => false,
        _ => return Err(options.wrong("ord", "none, or 1 or 2 along one axis: the others are not supported")),
    };
    let keepdims = plan_try!(options.flag("keepdims", false));
    Ok(Kind::Norm(Norm { sum: Reduction { kind: Reduce::Sum, axes, keepdims }, squares }))
}

const fn parts(options: &Options<'_>) -> Result<Parts, Message> {
    match options.find("indices_or_sections") {
        Some(Setting::Int(n)) => Ok(Parts::Equal(if n < 0 { 0 } else { n as usize })),
        Some(Setting::Ints(at)) => {
            let mut i = 0;
            while i < at.len() {
                if at.get(i) < 0 {
                    return Err(options.wrong("indices_or_sections", "indices of at least 0"));
                }
                i += 1;
            }
            Ok(Parts::At(at))
        }
        _ => Err(options.wrong("indices_or_sections", "a number of parts, or where they start")),
    }
}

const fn pad(options: &Options<'_>) -> Result<Kind, Message> {
    match options.find("mode") {
        None => {}
        Some(Setting::Text(mode)) if same(mode.as_str(), "constant") => {}
        Some(_) => return Err(options.wrong("mode", "`constant`: the others are not supported")),
    }
    let value = match options.argument(1) {
        Argument::Absent => 0.0,
        Argument::Number { value, .. } => value,
        _ => return Err(options.wrong("constant_values", "a number")),
    };
    match options.find("pad_width") {
        Some(Setting::Pairs(widths)) => Ok(Kind::Pad(Pad { widths, value })),
        _ => Err(options.wrong("pad_width", "a pair of widths for each axis")),
    }
}
