//! Operations of `keras.ops` in a graph, as a body writes them: `x * 2.0`, `ops::mean(x, axis = 1)`, `x[.., 1..]`.

use serde_json::{Map, Value};

use super::calls::{Arguments, tensor};
use super::model::Form;
use super::{Result, values};
use crate::model::operations::{self, Function, Kind};
use crate::naming::snake;

/// Operators by class.
const OPERATORS: &[(&str, &str)] = &[
    ("Add", "+"),
    ("Subtract", "-"),
    ("Multiply", "*"),
    ("TrueDivide", "/"),
    ("Mod", "%"),
    ("Less", "<"),
    ("LessEqual", "<="),
    ("Greater", ">"),
    ("GreaterEqual", ">="),
    ("Equal", "=="),
    ("NotEqual", "!="),
    ("LogicalAnd", "&"),
    ("LogicalOr", "|"),
    ("LogicalXor", "^"),
];

/// The text of an operation's call, with `{0}`, `{1}` for its inputs, and how many values it yields.
///
/// # Errors
/// If a body has no such operation, or an argument is not understood.
pub(super) fn form(class: &str, config: &Map<String, Value>, call: &Arguments) -> Result<(Form, usize)> {
    let operation = Operation { config, call, next: 0 };
    let text = operation.text(class)?;
    Ok((Form::Operation(text, snake(class)), outputs(class, config, call)))
}

/// How many values a call yields.
fn outputs(class: &str, config: &Map<String, Value>, call: &Arguments) -> usize {
    let parts = match (class, config.get("indices_or_sections")) {
        ("Split", Some(Value::Array(places))) => Some(places.len() + 1),
        ("Split", Some(n)) => n.as_u64().map(|n| n as usize),
        ("Unstack", _) => unstacked(config, call),
        _ => None,
    };
    parts.unwrap_or(1)
}

/// The size of the axis that is taken apart.
fn unstacked(config: &Map<String, Value>, call: &Arguments) -> Option<usize> {
    let shape = call.args.first()?.get("config")?.get("shape")?.as_array()?;
    let axis = config.get("axis").and_then(Value::as_i64).unwrap_or(0);
    let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
    usize::try_from(shape.get(usize::try_from(axis).ok()?)?.as_u64()?).ok()
}

struct Operation<'a> {
    config: &'a Map<String, Value>,
    call: &'a Arguments,
    /// Number of the next tensor.
    next: usize,
}

impl Operation<'_> {
    fn text(mut self, class: &str) -> Result<String> {
        if let Some((_, symbol)) = OPERATORS.iter().find(|(of, _)| *of == class) {
            let (left, right) = (self.operand(0, "x1")?, self.operand(1, "x2")?);
            return Ok(format!("{left} {symbol} {right}"));
        }
        match class {
            "Negative" => return Ok(format!("-{}", self.operand(0, "x")?)),
            "LogicalNot" => return Ok(format!("!{}", self.operand(0, "x")?)),
            "GetItem" => {
                let x = self.operand(0, "x")?;
                let key = self.argument(1, "key").ok_or("its call lacks `key`")?;
                let parts = match key {
                    Value::Array(parts) => parts.iter().map(part).collect::<Option<Vec<_>>>(),
                    one => part(one).map(|one| vec![one]),
                };
                let parts = parts.ok_or("`key`: expected numbers, slices, `None` and `...`")?;
                return Ok(format!("{x}[{}]", parts.join(", ")));
            }
            _ => {}
        }
        let function =
            operations::of_class(class).ok_or_else(|| match operations::refused(&snake(class)) {
                Some(reason) => reason.to_string(),
                None => "neither files nor source have this operation".into(),
            })?;
        let mut arguments = Vec::new();
        match function.arguments {
            operations::Arguments::Named(names) => {
                for (at, name) in names.iter().enumerate() {
                    arguments.push(self.operand(at, name)?);
                }
            }
            operations::Arguments::List => {
                let count = self.call.tensors().len();
                let list: Vec<String> = (0..count).map(|at| format!("{{{at}}}")).collect();
                arguments.push(format!("[{}]", list.join(", ")));
            }
            operations::Arguments::Operands => {
                let count = self.call.tensors().len();
                arguments.extend((0..count).map(|at| format!("{{{at}}}")));
            }
        }
        let options = self.options(&function)?;
        if function.arguments == operations::Arguments::Operands {
            arguments.splice(0..0, options);
        } else {
            arguments.extend(options);
        }
        Ok(format!("ops::{}({})", function.name, arguments.join(", ")))
    }

    fn argument(&self, at: usize, name: &str) -> Option<&Value> {
        self.call.args.get(at).or_else(|| self.call.kwargs.get(name)).filter(|value| !value.is_null())
    }

    /// A tensor (`{0}`), a number or an array.
    fn operand(&mut self, at: usize, name: &str) -> Result<String> {
        let value = self.argument(at, name).ok_or_else(|| format!("its call lacks `{name}`"))?;
        if tensor(value).is_some() {
            self.next += 1;
            return Ok(format!("{{{}}}", self.next - 1));
        }
        constant(value).ok_or_else(|| format!("`{name}`: expected a tensor, a number or an array of floats"))
    }

    /// `name = value` of what is not None.
    fn options(&self, function: &Function) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for option in function.options {
            let found = match option.kind.is_argument() {
                true => self.argument(1, option.name),
                false => self.config.get(option.name),
            };
            let Some(json) = found.filter(|json| !json.is_null()) else { continue };
            let text = value(option.kind, json).ok_or_else(|| {
                let found: String = json.to_string().chars().take(80).collect();
                format!("`{}`: {found} is not supported here", option.name)
            })?;
            // What need not be said is left out.
            if option.name == "keepdims" && text == "false" {
                continue;
            }
            out.push(if option.required { text } else { format!("{} = {text}", option.name) });
        }
        let known = |key: &str| key == "name" || function.option(key).is_some();
        // What a body cannot say must have its default.
        for (key, json) in self.config.iter().filter(|(key, _)| !known(key)) {
            if !json.is_null() && *json != Value::Bool(false) {
                return Err(format!("`{key}` is not supported here"));
            }
        }
        Ok(out)
    }
}

/// The value of an option.
fn value(kind: Kind, json: &Value) -> Option<String> {
    let list = |json: &Value| values::numbers(json).map(|list| values::tuple(&list));
    match kind {
        Kind::Axes | Kind::Parts if json.is_array() => list(json),
        Kind::Axes | Kind::Parts | Kind::Int => json.as_i64().map(|n| n.to_string()),
        Kind::Ints => list(json),
        Kind::Float => values::number(json).map(values::float),
        Kind::Flag => json.as_bool().map(|flag| flag.to_string()),
        Kind::Pairs => {
            let pair =
                |json: &Value| values::numbers(json).filter(|l| l.len() == 2).map(|l| values::tuple(&l));
            let pairs = json.as_array()?.iter().map(pair).collect::<Option<Vec<String>>>()?;
            Some(format!("[{}]", pairs.join(", ")))
        }
        Kind::Text | Kind::DType => json.as_str().map(|text| proc_macro2::Literal::string(text).to_string()),
        Kind::Number => constant(json),
        Kind::Places => {
            let plain = json.get("config").and_then(|array| array.get("value")).unwrap_or(json);
            if plain.is_array() { list(plain) } else { plain.as_i64().map(|n| n.to_string()) }
        }
    }
}

/// A number, or an array as nested lists.
fn constant(json: &Value) -> Option<String> {
    match json {
        Value::Bool(truth) => Some(i32::from(*truth).to_string()),
        Value::Number(n) if n.is_f64() => Some(signed(&values::float(n.as_f64()?))),
        Value::Number(n) => i32::try_from(n.as_i64()?).ok().map(|n| signed(&n.to_string())),
        Value::Array(_) => array(json),
        Value::Object(object) => {
            let config = object.get("config")?;
            let floats =
                matches!(config.get("dtype")?.as_str()?, "float32" | "float64" | "float16" | "bfloat16");
            let known = matches!(object.get("class_name")?.as_str()?, "__numpy__" | "__tensor__");
            array(config.get("value")?).filter(|_| floats && known)
        }
        _ => None,
    }
}

fn array(json: &Value) -> Option<String> {
    match json {
        Value::Array(items) => {
            let items = items.iter().map(array).collect::<Option<Vec<_>>>()?;
            Some(format!("[{}]", items.join(", ")))
        }
        json => values::number(json).map(values::float),
    }
}

/// A number beside an operator.
fn signed(n: &str) -> String {
    if n.starts_with('-') { format!("({n})") } else { n.to_string() }
}

/// One part of an index.
fn part(json: &Value) -> Option<String> {
    if json.is_null() {
        return Some("None".into());
    }
    if let Some(at) = json.as_i64() {
        return Some(at.to_string());
    }
    match json.get("class_name")?.as_str()? {
        "__ellipsis__" => Some("Ellipsis".into()),
        "__slice__" => {
            let config = json.get("config")?;
            let bound = |key: &str| match config.get(key) {
                None | Some(Value::Null) => Some(String::new()),
                Some(bound) => bound.as_i64().map(|n| n.to_string()),
            };
            let range = format!("{}..{}", bound("start")?, bound("stop")?);
            let step = bound("step")?;
            Some(if step.is_empty() || step == "1" { range } else { format!("({range}).step_by({step})") })
        }
        _ => None,
    }
}
