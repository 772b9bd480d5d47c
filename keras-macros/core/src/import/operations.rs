//! Operations of `keras.ops` in a graph, as a body writes them: `x * 2.0`, `relu(x)`, `concat(x, y)`.

use serde_json::{Map, Value};

use super::calls::{Arguments, tensor};
use super::model::Form;
use super::stand_ins::StandIn;
use super::{Result, values};

/// The text of an operation's call, with `{0}`, `{1}` for its inputs. `masked` is whether the model has masks.
///
/// # Errors
/// If a body has no such operation.
pub(super) fn form(class: &str, config: &Map<String, Value>, call: &Arguments, masked: bool) -> Result<Form> {
    let operation = Operation { config, call };
    let found =
        operation.arithmetic(class).or_else(|| operation.function(class)).or_else(|| operation.layout(class));
    let found = found.map(|(text, stem)| (text, vec![stem]));
    let found = found.or_else(|| StandIn { config, call, masked }.find(class));
    found.map(|(text, stems)| Form::Operation(text, stems)).ok_or_else(|| {
        "a model in source has no such operation: put a layer in its place, or use `keras::load_model`, which runs it".into()
    })
}

/// Text, and the stem of the layer's name.
type Found = Option<(String, &'static str)>;

struct Operation<'a> {
    config: &'a Map<String, Value>,
    call: &'a Arguments,
}

impl Operation<'_> {
    /// How many tensors; they are the first arguments, and all of them.
    fn tensors(&self) -> usize {
        self.call.tensors().len()
    }

    fn argument(&self, at: usize, name: &str) -> Option<&Value> {
        self.call.args.get(at).or_else(|| self.call.kwargs.get(name))
    }

    /// Two operands: `{0}`, `{1}`, or numbers.
    fn operands(&self) -> Option<[Result<String, f64>; 2]> {
        let mut next = 0;
        let mut one = |at, name| {
            let value = self.argument(at, name)?;
            if tensor(value).is_some() {
                next += 1;
                return Some(Ok(format!("{{{}}}", next - 1)));
            }
            values::number(value).map(Err)
        };
        Some([one(0, "x1")?, one(1, "x2")?])
    }

    fn arithmetic(&self, class: &str) -> Found {
        let (symbol, stem) = match class {
            "Add" => ('+', "add"),
            "Subtract" => ('-', "subtract"),
            "Multiply" => ('*', "multiply"),
            "TrueDivide" | "Divide" => ('/', "rescaling"),
            "Negative" => return self.one("-{0}", "rescaling"),
            "Square" => return self.one("{0} * {0}", "multiply"),
            "Maximum" | "Minimum" => {
                let [Ok(left), Ok(right)] = self.operands()? else { return None };
                let (word, stem) =
                    if class == "Maximum" { ("maximum", "maximum") } else { ("minimum", "minimum") };
                return Some((format!("{word}({left}, {right})"), stem));
            }
            "Power" => {
                return match self.operands()? {
                    [Ok(_), Err(2.0)] => Some(("{0} * {0}".into(), "multiply")),
                    _ => None,
                };
            }
            _ => return None,
        };
        match self.operands()? {
            [Ok(left), Ok(right)] if symbol != '/' => Some((format!("{left} {symbol} {right}"), stem)),
            [Ok(left), Err(n)] => Some((format!("{left} {symbol} {}", signed(n)), "rescaling")),
            [Err(n), Ok(right)] if symbol != '/' => {
                Some((format!("{} {symbol} {right}", signed(n)), "rescaling"))
            }
            _ => None,
        }
    }

    fn one(&self, text: &str, stem: &'static str) -> Found {
        (self.tensors() == 1).then(|| (text.to_string(), stem))
    }

    /// An option of the operation, if it is not the default.
    fn option(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// An activation.
    fn function(&self, class: &str) -> Found {
        let plain = |word: &str| self.one(&format!("{word}({{0}})"), "activation");
        let with = |of: &str, key: &str, usual: f64, word: &str| {
            let n = self.option(key).map_or(Some(usual), values::number)?;
            if n == usual && !word.is_empty() {
                return plain(word);
            }
            let n = values::float(n);
            self.one(
                &format!("Activation(::keras::Activation::{of} {{{{ {key}: {n} }}}})({{0}})"),
                "activation",
            )
        };
        match class {
            "Relu" => plain("relu"),
            "Relu6" => plain("relu6"),
            "Sigmoid" => plain("sigmoid"),
            "Tanh" => plain("tanh"),
            "Softplus" => plain("softplus"),
            "Softsign" => plain("softsign"),
            "SparsePlus" => plain("sparse_plus"),
            "SparseSigmoid" => plain("sparse_sigmoid"),
            "Silu" => plain("silu"),
            "Exp" => plain("exponential"),
            "LogSigmoid" => plain("log_sigmoid"),
            "HardSigmoid" => plain("hard_sigmoid"),
            "HardSilu" => plain("hard_silu"),
            "HardTanh" => plain("hard_tanh"),
            "TanhShrink" => plain("tanh_shrink"),
            "Selu" => plain("selu"),
            "SoftShrink" => with("SoftShrink", "threshold", 0.5, "soft_shrink"),
            "HardShrink" => with("HardShrink", "threshold", 0.5, "hard_shrink"),
            "Squareplus" => with("Squareplus", "b", 4.0, "squareplus"),
            "LeakyRelu" => with("LeakyRelu", "negative_slope", 0.2, "leaky_relu"),
            "Elu" => with("Elu", "alpha", 1.0, "elu"),
            "Celu" => with("Celu", "alpha", 1.0, "celu"),
            "Gelu" if self.option("approximate") == Some(&Value::Bool(false)) => plain("gelu"),
            "Gelu" => {
                self.one("Activation(::keras::Activation::Gelu {{ approximate: true }})({0})", "activation")
            }
            "Softmax" => match self.option("axis").map_or(Some(-1), Value::as_i64)? {
                -1 => plain("softmax"),
                axis => self.one(&format!("softmax({{0}}, axis = {axis})"), "softmax"),
            },
            _ => None,
        }
    }

    /// Operations that move values.
    fn layout(&self, class: &str) -> Found {
        match class {
            "Concatenate" => {
                let axis = self.option("axis").map_or(Some(-1), Value::as_i64)?;
                let axis = if axis == -1 { String::new() } else { format!(", axis = {axis}") };
                let inputs: Vec<String> = (0..self.tensors()).map(|at| format!("{{{at}}}")).collect();
                (inputs.len() > 1).then(|| (format!("concat({}{axis})", inputs.join(", ")), "concatenate"))
            }
            // The batch stays what it is.
            "Reshape" => match &values::numbers(self.option("newshape")?)?[..] {
                [-1, dims @ ..] if !dims.is_empty() && dims.iter().all(|dim| *dim > 0) => {
                    self.one(&format!("reshape({{0}}, {})", values::tuple(dims)), "reshape")
                }
                _ => None,
            },
            "Transpose" => match &values::numbers(self.option("axes")?)?[..] {
                [0, dims @ ..] if dims.iter().all(|dim| *dim > 0) => {
                    self.one(&format!("permute({{0}}, {})", values::tuple(dims)), "permute")
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// A number beside an operator.
fn signed(n: f64) -> String {
    if n.is_sign_negative() { format!("({})", values::float(n)) } else { values::float(n) }
}
