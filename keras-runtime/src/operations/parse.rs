//! From a call in a file to the operation.

use keras_kernels::DType;
use keras_kernels::activation::Activation;
use keras_kernels::reduce::Reduce;
use serde_json::Value;

use super::arguments::{self, Arguments};
use super::function::{FUNCTIONS, Function};
use super::moves::{Index, Move, Reshape};
use super::pointwise::{OneHot, Operand, Pointwise};
use super::reductions::{ArgFold, Fold, Spread};
use super::several::{Join, Pad, Parts, Roll, Take};
use super::wrapped::{Activated, Product};
use super::{Compute, Operation};
use crate::layer::Config;
use crate::ops::generated::{ArgReduce, Reduction};
use crate::plan::Ints;
use crate::saving::json::number;
use crate::{Error, Result};

/// The operation that a call of a file is. `config` has the operation's own options.
///
/// # Errors
/// If the class is not known, or an argument is not understood.
pub(crate) fn parse(class: &str, module: &str, config: &Config, arguments: Arguments) -> Result<Operation> {
    let options = Options { class, config, arguments: &arguments };
    let found = options.pointwise().or_else(|| options.other());
    let Some(found) = found else {
        return Err(Error::config(
            format!("operation `{class}` of module `{module}`"),
            "this operation of Keras is not there yet",
        ));
    };
    let (class, compute) = found?;
    let mut config = config.clone();
    config.remove("name");
    let module = MODULES.iter().find(|m| **m == module).copied().unwrap_or(MODULES[0]);
    Ok(Operation { class, module, config, arguments, compute })
}

/// Where Keras' operations are.
const MODULES: &[&str] = &[
    "keras.src.ops.numpy",
    "keras.src.ops.nn",
    "keras.src.ops.core",
    "keras.src.ops.math",
    "keras.src.ops.linalg",
];

type Found = Option<Result<(&'static str, Box<dyn Compute>)>>;
/// Class, names of the tensors, function, element type.
type Pointed = (&'static str, &'static [&'static str], Function, Option<DType>);
/// One tensor.
const X: &[&str] = &["x"];

struct Options<'a> {
    class: &'a str,
    config: &'a Config,
    arguments: &'a Arguments,
}

impl Options<'_> {
    fn wrong(&self, key: &str, expected: &str) -> Error {
        Error::config(format!("operation `{}`: `{key}`", self.class), format!("expected {expected}"))
    }

    fn accepts(&self, names: &[&str]) -> Result<()> {
        match self.arguments.unexpected(names) {
            None => Ok(()),
            Some(found) => Err(Error::config(
                format!("operation `{}`", self.class),
                format!("takes {}, found {found}", names.join(", ")),
            )),
        }
    }

    /// The argument that must be a tensor, and the only one.
    fn one_tensor(&self, name: &str) -> Result<()> {
        self.accepts(&[name])?;
        match self.arguments.get(0, name).and_then(arguments::tensor) {
            Some(_) => Ok(()),
            None => Err(self.wrong(name, "a tensor")),
        }
    }

    fn option(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &str) -> Result<bool> {
        self.option(key).map_or(Ok(false), |v| v.as_bool().ok_or_else(|| self.wrong(key, "true or false")))
    }

    fn float(&self, key: &str, default: f64) -> Result<f64> {
        self.option(key).map_or(Ok(default), |v| number(v).ok_or_else(|| self.wrong(key, "a number")))
    }

    fn int(&self, key: &str, default: isize) -> Result<isize> {
        self.option(key).map_or(Ok(default), |v| whole(v).ok_or_else(|| self.wrong(key, "a whole number")))
    }

    /// One number or a list of them; `None` where there is none.
    fn ints(&self, key: &str) -> Result<Option<Vec<isize>>> {
        let Some(value) = self.option(key) else { return Ok(None) };
        let list = match value {
            Value::Array(items) => items.iter().map(whole).collect::<Option<Vec<isize>>>(),
            one => whole(one).map(|n| vec![n]),
        };
        let list = list.filter(|l| l.len() <= 8);
        list.map(Some).ok_or_else(|| self.wrong(key, "a whole number, or a list of at most 8 of them"))
    }

    fn dtype(&self, key: &str) -> Result<Option<DType>> {
        let Some(value) = self.option(key) else { return Ok(None) };
        let dtype = match value.as_str().unwrap_or("") {
            "float32" => DType::F32,
            "int32" => DType::I32,
            "int64" => DType::I64,
            "uint8" => DType::U8,
            "bool" => DType::Bool,
            _ => return Err(self.wrong(key, "float32, int32, int64, uint8 or bool")),
        };
        Ok(Some(dtype))
    }

    fn operand(&self, at: usize, name: &str) -> Result<Operand> {
        let value = self.arguments.get(at, name).ok_or_else(|| self.wrong(name, "a tensor or a number"))?;
        operand(value).ok_or_else(|| self.wrong(name, "a tensor, a number or an array"))
    }

    /// A function of elements.
    fn pointwise(&self) -> Found {
        let plain = FUNCTIONS.iter().find(|(class, ..)| *class == self.class);
        let found = match plain {
            Some((class, names, function)) => Ok((*class, *names, *function, None)),
            None => self.function_with_options()?,
        };
        Some(found.and_then(|(class, names, function, dtype)| {
            self.accepts(names)?;
            let operand = |(at, name): (usize, &&str)| self.operand(at, name);
            let operands = names.iter().enumerate().map(operand).collect::<Result<_>>()?;
            Ok((class, boxed(Pointwise { function, operands, dtype })))
        }))
    }

    fn function_with_options(&self) -> Option<Result<Pointed>> {
        let largest = f64::from(f32::MAX);
        let one = |class, function: Result<Function>| function.map(|f| (class, X, f, None));
        let typed = |class, function| self.dtype("dtype").map(|dtype| (class, X, function, dtype));
        let clip = || {
            let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
            Ok(Function::Clip(self.float("x_min", low)?, self.float("x_max", high)?))
        };
        let nan_to_num = || {
            let (above, below) = (self.float("posinf", largest)?, self.float("neginf", -largest)?);
            Ok(Function::NanToNum(self.float("nan", 0.0)?, above, below))
        };
        Some(match self.class {
            "Clip" => one("Clip", clip()),
            "Round" => one("Round", self.int("decimals", 0).map(|n| Function::Round(n as i32))),
            "NanToNum" => one("NanToNum", nan_to_num()),
            "Cast" => typed("Cast", Function::Identity),
            "ConvertToTensor" => typed("ConvertToTensor", Function::Identity),
            "OnesLike" => typed("OnesLike", Function::Fill(1.0)),
            "ZerosLike" => typed("ZerosLike", Function::Fill(0.0)),
            _ => return None,
        })
    }

    /// Everything else.
    fn other(&self) -> Found {
        if let Some((class, activation)) = self.activation() {
            return Some(activation.and_then(|f| {
                self.one_tensor("x")?;
                Ok((class, Box::new(Activated(f)) as Box<dyn Compute>))
            }));
        }
        if let Some((class, kind)) = REDUCTIONS.iter().find(|(class, _)| *class == self.class) {
            return Some(self.reduction(class, *kind));
        }
        let x = |class, compute: Result<Box<dyn Compute>>| {
            self.one_tensor("x")?;
            Ok((class, compute?))
        };
        Some(match self.class {
            "Var" => x("Var", self.spread(false)),
            "Std" => x("Std", self.spread(true)),
            "Argmax" => x("Argmax", self.arg_reduction(Reduce::ArgMax)),
            "Argmin" => x("Argmin", self.arg_reduction(Reduce::ArgMin)),
            "Reshape" => x("Reshape", self.reshape()),
            "ExpandDims" => x("ExpandDims", self.axes("axis").map(|a| boxed(Reshape::ExpandDims(a)))),
            "Squeeze" => x("Squeeze", self.ints("axis").map(|a| boxed(Reshape::Squeeze(a)))),
            "Transpose" => x("Transpose", self.ints("axes").map(|a| boxed(Move::Transpose(a)))),
            "Swapaxes" => x("Swapaxes", self.swap_axes()),
            "Moveaxis" => x("Moveaxis", self.move_axis()),
            "Flip" => x("Flip", self.axes("axis").map(|a| boxed(Move::Flip(a)))),
            "BroadcastTo" => x("BroadcastTo", self.broadcast_to()),
            "Repeat" => x("Repeat", self.repeat()),
            "Tile" => x("Tile", self.tile()),
            "Roll" => x("Roll", self.roll()),
            "Split" => x("Split", self.split()),
            "Unstack" => x("Unstack", self.unstack()),
            "OneHot" => x("OneHot", self.one_hot()),
            "Stack" => self.join("Stack", "x", true),
            "Concatenate" => self.join("Concatenate", "xs", false),
            "Pad" => self.pad(),
            "GetItem" => self.get_item(),
            "Matmul" => self.accepts(&["x1", "x2"]).map(|()| ("Matmul", boxed(Product))),
            _ => return None,
        })
    }

    fn activation(&self) -> Option<(&'static str, Result<Activation>)> {
        let float = |key, default| self.float(key, default);
        let axis = || self.int("axis", -1);
        Some(match self.class {
            "Relu" => ("Relu", Ok(Activation::RELU)),
            "Relu6" => ("Relu6", Ok(Activation::Relu6)),
            "Sigmoid" => ("Sigmoid", Ok(Activation::Sigmoid)),
            "SparseSigmoid" => ("SparseSigmoid", Ok(Activation::SparseSigmoid)),
            "Softplus" => ("Softplus", Ok(Activation::Softplus)),
            "Softsign" => ("Softsign", Ok(Activation::Softsign)),
            "SparsePlus" => ("SparsePlus", Ok(Activation::SparsePlus)),
            "Silu" => ("Silu", Ok(Activation::Silu)),
            "LogSigmoid" => ("LogSigmoid", Ok(Activation::LogSigmoid)),
            "HardSigmoid" => ("HardSigmoid", Ok(Activation::HardSigmoid)),
            "HardSilu" => ("HardSilu", Ok(Activation::HardSilu)),
            "HardTanh" => ("HardTanh", Ok(Activation::HardTanh)),
            "TanhShrink" => ("TanhShrink", Ok(Activation::TanhShrink)),
            "Selu" => ("Selu", Ok(Activation::Selu)),
            "SoftShrink" => {
                ("SoftShrink", float("threshold", 0.5).map(|threshold| Activation::SoftShrink { threshold }))
            }
            "HardShrink" => {
                ("HardShrink", float("threshold", 0.5).map(|threshold| Activation::HardShrink { threshold }))
            }
            "Squareplus" => ("Squareplus", float("b", 4.0).map(|b| Activation::Squareplus { b })),
            "LeakyRelu" => (
                "LeakyRelu",
                float("negative_slope", 0.2).map(|negative_slope| Activation::LeakyRelu { negative_slope }),
            ),
            "Elu" => ("Elu", float("alpha", 1.0).map(|alpha| Activation::Elu { alpha })),
            "Celu" => ("Celu", float("alpha", 1.0).map(|alpha| Activation::Celu { alpha })),
            "Gelu" => (
                "Gelu",
                Ok(Activation::Gelu {
                    approximate: self.config.get("approximate") != Some(&Value::Bool(false)),
                }),
            ),
            "Threshold" => (
                "Threshold",
                float("threshold", 0.0).and_then(|threshold| {
                    Ok(Activation::Threshold { threshold, default_value: float("default_value", 0.0)? })
                }),
            ),
            "Glu" => ("Glu", axis().map(|axis| Activation::Glu { axis })),
            "Softmax" => ("Softmax", axis().map(|axis| Activation::Softmax { axis })),
            "LogSoftmax" => ("LogSoftmax", axis().map(|axis| Activation::LogSoftmax { axis })),
            "Sparsemax" => ("Sparsemax", axis().map(|axis| Activation::Sparsemax { axis })),
            _ => return None,
        })
    }

    fn reduced(&self, kind: Reduce) -> Result<Reduction> {
        let axes = self.ints("axis")?.unwrap_or_default();
        Ok(Reduction { kind, axes: Ints::from_slice(&axes), keepdims: self.flag("keepdims")? })
    }

    fn reduction(&self, class: &'static str, kind: Reduce) -> Result<(&'static str, Box<dyn Compute>)> {
        self.one_tensor("x")?;
        for key in ["initial", "dtype"] {
            if self.option(key).is_some() {
                return Err(self.wrong(key, "none: it is not supported"));
            }
        }
        Ok((class, boxed(Fold(self.reduced(kind)?))))
    }

    fn spread(&self, root: bool) -> Result<Box<dyn Compute>> {
        Ok(boxed(Spread { mean: self.reduced(Reduce::Mean)?, root }))
    }

    fn arg_reduction(&self, kind: Reduce) -> Result<Box<dyn Compute>> {
        let axis = self.option("axis").and_then(whole).ok_or_else(|| {
            self.wrong("axis", "an axis of the samples: without one, the whole batch is searched")
        })?;
        Ok(boxed(ArgFold { op: ArgReduce { kind, axis }, keepdims: self.flag("keepdims")? }))
    }

    fn axes(&self, key: &str) -> Result<Vec<isize>> {
        self.ints(key)?.ok_or_else(|| self.wrong(key, "axes of the samples"))
    }

    fn reshape(&self) -> Result<Box<dyn Compute>> {
        let dims = self.option("newshape").and_then(Value::as_array);
        // Keras writes None for a dimension that the data decides.
        let dim = |v: &Value| if v.is_null() { Some(-1) } else { whole(v) };
        let dims = dims.and_then(|d| d.iter().map(dim).collect::<Option<Vec<isize>>>());
        dims.map(|dims| boxed(Reshape::To(dims)))
            .ok_or_else(|| self.wrong("newshape", "a list of dimensions"))
    }

    fn swap_axes(&self) -> Result<Box<dyn Compute>> {
        let axis = |key| self.option(key).and_then(whole).ok_or_else(|| self.wrong(key, "a whole number"));
        Ok(boxed(Move::SwapAxes(axis("axis1")?, axis("axis2")?)))
    }

    fn move_axis(&self) -> Result<Box<dyn Compute>> {
        Ok(boxed(Move::Shift(self.axes("source")?, self.axes("destination")?)))
    }

    fn broadcast_to(&self) -> Result<Box<dyn Compute>> {
        let dims = self.option("shape").and_then(Value::as_array);
        let dims = dims.and_then(|d| d.iter().skip(1).map(|d| Some(d.as_u64()? as usize)).collect());
        dims.map(|dims| boxed(Move::Broadcast(dims)))
            .ok_or_else(|| self.wrong("shape", "a list of dimensions"))
    }

    fn repeat(&self) -> Result<Box<dyn Compute>> {
        let count = self.option("repeats").and_then(Value::as_u64);
        let count =
            count.filter(|n| *n > 0).ok_or_else(|| self.wrong("repeats", "a number of at least 1"))?;
        let axis = self.option("axis").and_then(whole);
        let axis = axis.ok_or_else(|| self.wrong("axis", "an axis of the samples"))?;
        Ok(boxed(Move::Repeat(count as usize, axis)))
    }

    fn tile(&self) -> Result<Box<dyn Compute>> {
        let repeats = self.axes("repeats")?;
        let mut more = repeats.iter().enumerate().filter(|(_, n)| **n != 1);
        let (Some((at, n)), None) = (more.next(), more.next()) else {
            return Err(self.wrong("repeats", "a number above 1 for one axis"));
        };
        // Counted from the end, as numpy aligns them.
        let axis = at as isize - repeats.len() as isize;
        let count = usize::try_from(*n).ok().filter(|n| *n > 0);
        count
            .map(|n| boxed(Move::Tile(n, axis)))
            .ok_or_else(|| self.wrong("repeats", "numbers of at least 1"))
    }

    fn roll(&self) -> Result<Box<dyn Compute>> {
        let axis = self.option("axis").and_then(whole);
        let axis = axis.ok_or_else(|| self.wrong("axis", "an axis of the samples"))?;
        Ok(boxed(Roll { shift: self.int("shift", 0)?, axis }))
    }

    fn split(&self) -> Result<Box<dyn Compute>> {
        let key = "indices_or_sections";
        let parts = match self.option(key) {
            Some(Value::Array(_)) => {
                let at = self.axes(key)?.into_iter().map(usize::try_from).collect::<Result<_, _>>();
                Parts::At(at.map_err(|_| self.wrong(key, "indices of at least 0"))?)
            }
            Some(n) => Parts::Equal(whole(n).map_or(0, |n| n.max(0) as usize)),
            None => return Err(self.wrong(key, "a number of parts, or where they start")),
        };
        Ok(boxed(Take { axis: self.int("axis", 0)?, parts }))
    }

    fn unstack(&self) -> Result<Box<dyn Compute>> {
        Ok(boxed(Take { axis: self.int("axis", 0)?, parts: Parts::Each }))
    }

    fn one_hot(&self) -> Result<Box<dyn Compute>> {
        if self.flag("sparse")? {
            return Err(self.wrong("sparse", "false: sparse tensors are not supported"));
        }
        let classes = self.option("num_classes").and_then(Value::as_u64);
        let classes = classes.filter(|n| *n > 0 && *n <= u64::from(u32::MAX));
        let classes = classes.ok_or_else(|| self.wrong("num_classes", "a number of at least 1"))?;
        Ok(boxed(OneHot {
            classes: classes as usize,
            axis: self.int("axis", -1)?,
            dtype: self.dtype("dtype")?,
        }))
    }

    fn join(&self, class: &'static str, name: &str, stack: bool) -> Result<(&'static str, Box<dyn Compute>)> {
        self.accepts(&[name])?;
        let list = self.arguments.get(0, name).and_then(Value::as_array);
        if !list.is_some_and(|list| !list.is_empty() && list.iter().all(|v| arguments::tensor(v).is_some())) {
            return Err(self.wrong(name, "a list of tensors"));
        }
        Ok((class, boxed(Join { axis: self.int("axis", 0)?, stack })))
    }

    fn pad(&self) -> Result<(&'static str, Box<dyn Compute>)> {
        self.accepts(&["x", "constant_values"])?;
        if self.option("mode").is_some_and(|mode| mode != "constant") {
            return Err(self.wrong("mode", "`constant`: the others are not supported"));
        }
        let value = self.arguments.get(1, "constant_values").map_or(Some(0.0), number);
        let value = value.ok_or_else(|| self.wrong("constant_values", "a number"))?;
        let pair = |v: &Value| {
            let [a, b] = v.as_array()?.as_slice() else { return None };
            Some((usize::try_from(a.as_u64()?).ok()?, usize::try_from(b.as_u64()?).ok()?))
        };
        let widths = self.option("pad_width").and_then(Value::as_array);
        let widths = widths.and_then(|w| w.iter().map(pair).collect::<Option<Vec<_>>>());
        let widths = widths.ok_or_else(|| self.wrong("pad_width", "a pair of widths for each axis"))?;
        Ok(("Pad", boxed(Pad { widths, value })))
    }

    fn get_item(&self) -> Result<(&'static str, Box<dyn Compute>)> {
        self.accepts(&["x", "key"])?;
        let key = self.arguments.get(1, "key").unwrap_or(&Value::Null);
        let parts = match key {
            Value::Array(parts) => parts.iter().map(index).collect::<Option<Vec<_>>>(),
            one => index(one).map(|one| vec![one]),
        };
        let parts = parts.ok_or_else(|| self.wrong("key", "numbers, slices, `None` and `...`"))?;
        Ok(("GetItem", boxed(Move::GetItem(parts))))
    }
}

/// Reductions by class.
const REDUCTIONS: &[(&str, Reduce)] = &[
    ("Amax", Reduce::Max),
    ("Amin", Reduce::Min),
    ("Logsumexp", Reduce::LogSumExp),
    ("Max", Reduce::Max),
    ("Mean", Reduce::Mean),
    ("Min", Reduce::Min),
    ("Prod", Reduce::Prod),
    ("Sum", Reduce::Sum),
];

fn boxed(compute: impl Compute + 'static) -> Box<dyn Compute> {
    Box::new(compute)
}

fn whole(value: &Value) -> Option<isize> {
    value.as_i64().and_then(|n| isize::try_from(n).ok())
}

/// One part of an index.
fn index(value: &Value) -> Option<Index> {
    if value.is_null() {
        return Some(Index::New);
    }
    if let Some(at) = whole(value) {
        return Some(Index::At(at));
    }
    match value.get("class_name")?.as_str()? {
        "__ellipsis__" => Some(Index::Rest),
        "__slice__" => {
            let config = value.get("config")?;
            let bound = |key: &str| match config.get(key) {
                None | Some(Value::Null) => Some(None),
                Some(bound) => whole(bound).map(Some),
            };
            Some(Index::Range {
                start: bound("start")?,
                stop: bound("stop")?,
                step: bound("step")?.unwrap_or(1),
            })
        }
        _ => None,
    }
}

/// What a function is applied to: a tensor, a number, or an array that the file holds.
fn operand(value: &Value) -> Option<Operand> {
    if let Some(at) = arguments::tensor(value) {
        return Some(Operand::Input(at));
    }
    if let Some(truth) = value.as_bool() {
        return Some(Operand::Number { value: f64::from(truth), whole: true });
    }
    if let Some(value_) = number(value) {
        return Some(Operand::Number { value: value_, whole: value.is_i64() || value.is_u64() });
    }
    let (values, dtype) = match value.get("class_name").and_then(Value::as_str) {
        Some("__numpy__" | "__tensor__") => {
            let config = value.get("config")?;
            let dtype = match config.get("dtype")?.as_str()? {
                "float32" | "float64" | "float16" | "bfloat16" => DType::F32,
                "int64" => DType::I64,
                "bool" => DType::Bool,
                "uint8" => DType::U8,
                _ => DType::I32,
            };
            (config.get("value")?, dtype)
        }
        Some(_) => return None,
        None => (value, DType::F32),
    };
    let (mut shape, mut out) = (Vec::new(), Vec::new());
    flatten(values, 0, &mut shape, &mut out)?;
    (out.len() == shape.iter().product::<usize>()).then_some(Operand::Constant { shape, values: out, dtype })
}

/// Numbers of a nested list, and its shape.
fn flatten(value: &Value, depth: usize, shape: &mut Vec<usize>, out: &mut Vec<f64>) -> Option<()> {
    if depth > 8 {
        return None;
    }
    match value {
        Value::Array(items) => {
            if shape.len() == depth {
                shape.push(items.len());
            }
            items.iter().try_for_each(|item| flatten(item, depth + 1, shape, out))
        }
        Value::Bool(truth) => {
            out.push(f64::from(*truth));
            Some(())
        }
        one => {
            out.push(number(one)?);
            Some(())
        }
    }
}
