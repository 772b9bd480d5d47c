//! Values of options as `model!` writes them.

use proc_macro2::Literal;
use serde_json::{Map, Value};

use super::Result;

/// What the values of an option are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An activation.
    Activation,
    /// One axis or several.
    Axes,
    /// True or false.
    Bool,
    /// How much at both sides of each dimension.
    Borders,
    /// Bounds of renormalization.
    Clipping,
    /// A constraint.
    Constraint,
    /// A number.
    Float,
    /// An initializer.
    Initializer,
    /// A whole number.
    Int,
    /// A list of whole numbers.
    Ints,
    /// How two directions are merged.
    MergeMode,
    /// A shape in which `None` is the input's dimension.
    PartialShape,
    /// A regularizer.
    Regularizer,
    /// How attention scores are computed.
    ScoreMode,
    /// A seed.
    Seed,
    /// A number, or one for each dimension.
    Size,
    /// A text.
    Text,
    /// One of a few words.
    Word,
    /// A kind that does not exist.
    Unknown,
}

/// What stands for an option that is not set: it has no text in `model!`.
pub(super) const NONE: &str = "none";

impl Kind {
    /// The kind of this name in the table of layers.
    pub(super) fn named(name: &str) -> Kind {
        match name {
            "activation" => Kind::Activation,
            "axes" => Kind::Axes,
            "bool" => Kind::Bool,
            "borders" => Kind::Borders,
            "clipping" => Kind::Clipping,
            "constraint" => Kind::Constraint,
            "float" => Kind::Float,
            "initializer" => Kind::Initializer,
            "int" => Kind::Int,
            "ints" => Kind::Ints,
            "merge_mode" => Kind::MergeMode,
            "partial_shape" => Kind::PartialShape,
            "regularizer" => Kind::Regularizer,
            "score_mode" => Kind::ScoreMode,
            "seed" => Kind::Seed,
            "size" => Kind::Size,
            "text" => Kind::Text,
            "word" => Kind::Word,
            _ => Kind::Unknown,
        }
    }

    /// A value of this kind as it is written; [`NONE`] for none.
    ///
    /// # Errors
    /// What was expected.
    pub fn print(self, json: &Value) -> Result<String> {
        let text = match self {
            Kind::Activation => return activation(json).ok_or_else(|| "an activation of Keras".into()),
            Kind::Initializer => return initializer(json).ok_or_else(|| "an initializer of Keras".into()),
            Kind::MergeMode if json.is_null() => Some("::keras::layers::MergeMode::None".into()),
            // The place of channels, if it was not given.
            Kind::Word if json.is_null() => Some("channels_last".into()),
            _ if json.is_null() => return Ok(NONE.into()),
            Kind::Regularizer => return regularizer(json).ok_or_else(|| "a regularizer of Keras".into()),
            Kind::Constraint => return constraint(json).ok_or_else(|| "a constraint of Keras".into()),
            Kind::Axes | Kind::Size => numbers(json).map(|list| match &list[..] {
                [first, rest @ ..]
                    if (self == Kind::Size || rest.is_empty()) && rest.iter().all(|n| n == first) =>
                {
                    first.to_string()
                }
                list => tuple(list),
            }),
            Kind::Bool => json.as_bool().map(|b| b.to_string()),
            Kind::Borders => borders(json),
            Kind::Clipping => clipping(json),
            Kind::Float => number(json).map(float),
            Kind::Int => json.as_i64().map(|n| n.to_string()),
            Kind::Ints | Kind::PartialShape => numbers(json).map(|list| tuple(&list)),
            Kind::MergeMode | Kind::Word => json.as_str().filter(|word| is_word(word)).map(String::from),
            Kind::ScoreMode => match json.as_str() {
                Some("dot") => Some("::keras::layers::ScoreMode::Dot".into()),
                Some("concat") => Some("::keras::layers::ScoreMode::Concat".into()),
                _ => None,
            },
            Kind::Seed => match json {
                // A generator: the seed that it started from.
                Value::Object(object) => {
                    let seed = object.get("config").and_then(|c| c.get("seed")).and_then(Value::as_u64);
                    Some(seed.map_or_else(|| NONE.into(), |n| n.to_string()))
                }
                json => json.as_u64().map(|n| n.to_string()),
            },
            Kind::Text => json.as_str().map(|text| Literal::string(text).to_string()),
            Kind::Unknown => None,
        };
        text.ok_or_else(|| self.expected().into())
    }

    fn expected(self) -> &'static str {
        match self {
            Kind::Axes => "an axis or a list of axes",
            Kind::Bool => "true or false",
            Kind::Borders => "a number, numbers or pairs",
            Kind::Clipping => "numbers at `rmax`, `rmin` and `dmax`",
            Kind::Float => "a number",
            Kind::Int | Kind::Seed => "a whole number",
            Kind::Text => "a text",
            Kind::Word | Kind::MergeMode | Kind::ScoreMode => "a word that Keras has here",
            _ => "whole numbers",
        }
    }
}

/// A word that can stand in source.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A number, also one that is whole.
pub(super) fn number(json: &Value) -> Option<f64> {
    json.as_f64().filter(|n| n.is_finite())
}

/// A float as source, always with a point or an exponent.
pub(super) fn float(n: f64) -> String {
    format!("{n:?}")
}

/// One whole number, or a list of at most 8; null is -1.
pub(super) fn numbers(json: &Value) -> Option<Vec<i64>> {
    let one = |json: &Value| if json.is_null() { Some(-1) } else { json.as_i64() };
    match json {
        Value::Array(items) if items.len() <= 8 => items.iter().map(one).collect(),
        Value::Number(_) => Some(vec![json.as_i64()?]),
        _ => None,
    }
}

/// `(1, 2)`; `[3]` for one number, which in parentheses would be that number.
pub(super) fn tuple(list: &[i64]) -> String {
    let items: Vec<String> = list.iter().map(i64::to_string).collect();
    match items.len() {
        0 | 1 => format!("[{}]", items.join(", ")),
        _ => format!("({})", items.join(", ")),
    }
}

fn borders(json: &Value) -> Option<String> {
    let Value::Array(items) = json else { return json.as_u64().map(|n| n.to_string()) };
    let pair = |json: &Value| match json {
        Value::Array(pair) => match &pair[..] {
            [a, b] => Some([a.as_u64()?, b.as_u64()?]),
            _ => None,
        },
        one => one.as_u64().map(|n| [n; 2]),
    };
    // One dimension: its pair may stand alone.
    if let ([a, b], true) = (&items[..], items.iter().all(Value::is_u64))
        && a != b
    {
        return Some(format!("({a}, {b})"));
    }
    let pairs: Vec<[u64; 2]> = items.iter().map(pair).collect::<Option<_>>()?;
    let first = *pairs.first()?;
    if first[0] == first[1] && pairs.iter().all(|pair| *pair == first) {
        return Some(first[0].to_string());
    }
    let text = |pair: &[u64; 2]| format!("({}, {})", pair[0], pair[1]);
    let texts: Vec<String> = pairs.iter().map(text).collect();
    if let [one] = &texts[..] { Some(one.clone()) } else { Some(format!("({})", texts.join(", "))) }
}

fn clipping(json: &Value) -> Option<String> {
    let object = json.as_object()?;
    let bound = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Some("None".to_string()),
        Some(value) => Some(format!("Some({})", float(number(value)?))),
    };
    let (rmax, rmin, dmax) = (bound("rmax")?, bound("rmin")?, bound("dmax")?);
    Some(format!(
        "::keras::layers::normalization::RenormClipping {{ rmax: {rmax}, rmin: {rmin}, dmax: {dmax} }}"
    ))
}

/// Class and configuration of an object: an envelope, or a plain name in either of Keras' spellings.
fn object(json: &Value) -> Option<(String, Map<String, Value>)> {
    match json {
        Value::String(name) => Some((name.clone(), Map::new())),
        Value::Object(object) => {
            let class = object.get("class_name")?.as_str()?.to_string();
            // Functions: {"class_name": "function", "config": "relu"}.
            if class == "function" {
                return Some((object.get("config")?.as_str()?.to_string(), Map::new()));
            }
            Some((class, object.get("config").and_then(Value::as_object).cloned().unwrap_or_default()))
        }
        _ => None,
    }
}

/// Letters and digits in lower case: `GlorotUniform` and `glorot_uniform` are the same name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// A number of an object as source, or its default.
fn at(config: &Map<String, Value>, key: &str, default: f64) -> Option<String> {
    match config.get(key) {
        None | Some(Value::Null) => Some(float(default)),
        Some(value) => number(value).map(float),
    }
}

/// Activations by their plain names.
const ACTIVATIONS: &[(&str, &str)] = &[
    ("celu", "celu"),
    ("elu", "elu"),
    ("exponential", "exponential"),
    ("gelu", "gelu"),
    ("glu", "glu"),
    ("hardshrink", "hard_shrink"),
    ("hardsigmoid", "hard_sigmoid"),
    ("hardsilu", "hard_silu"),
    ("hardswish", "hard_silu"),
    ("hardtanh", "hard_tanh"),
    ("leakyrelu", "leaky_relu"),
    ("linear", "linear"),
    ("logsigmoid", "log_sigmoid"),
    ("logsoftmax", "log_softmax"),
    ("mish", "mish"),
    ("relu", "relu"),
    ("relu6", "relu6"),
    ("selu", "selu"),
    ("sigmoid", "sigmoid"),
    ("silu", "silu"),
    ("softmax", "softmax"),
    ("softplus", "softplus"),
    ("softshrink", "soft_shrink"),
    ("softsign", "softsign"),
    ("sparsemax", "sparsemax"),
    ("sparseplus", "sparse_plus"),
    ("sparsesigmoid", "sparse_sigmoid"),
    ("squareplus", "squareplus"),
    ("swish", "silu"),
    ("tanh", "tanh"),
    ("tanhshrink", "tanh_shrink"),
];

fn activation(json: &Value) -> Option<String> {
    if json.is_null() {
        return Some("linear".into());
    }
    let (name, config) = object(json)?;
    let name = plain(&name);
    let Some((_, word)) = ACTIVATIONS.iter().find(|(key, _)| *key == name) else { return own_function(json) };
    let word = word.to_string();
    let Some((_, variant, fields)) = PARAMETERS.iter().find(|(key, ..)| *key == word) else {
        return Some(word);
    };
    // Only objects have parameters; a name stands for the usual ones.
    if config.is_empty() {
        return Some(word);
    }
    let (mut texts, mut usual) = (Vec::new(), true);
    for (key, default, of_word) in *fields {
        let given = config.get(*key).filter(|value| !value.is_null());
        let text = match (*key, given) {
            (_, None) => default.to_string(),
            ("axis", Some(value)) => value.as_i64()?.to_string(),
            ("approximate", Some(value)) => value.as_bool()?.to_string(),
            (_, Some(value)) => float(number(value)?),
        };
        usual &= text == *of_word;
        texts.push(format!("{key}: {text}"));
    }
    Some(if usual { word } else { format!("::keras::Activation::{variant} {{ {} }}", texts.join(", ")) })
}

/// A function of one's own: the constant of this name that is in scope.
fn own_function(json: &Value) -> Option<String> {
    let is_function = json.get("class_name")?.as_str()? == "function";
    let name = json.get("config")?.as_str()?.rsplit('>').next()?;
    let fine =
        syn::parse_str::<syn::Ident>(name).is_ok() && name.starts_with(|c: char| c.is_ascii_lowercase());
    (is_function && fine).then(|| name.to_string())
}

/// A parameter: its key, its default in an object, and what a plain name stands for.
type Parameter = (&'static str, &'static str, &'static str);

/// Activations with parameters: the word, and the variant.
const PARAMETERS: &[(&str, &str, &[Parameter])] = &[
    ("celu", "Celu", &[("alpha", "1.0", "1.0")]),
    ("elu", "Elu", &[("alpha", "1.0", "1.0")]),
    ("gelu", "Gelu", &[("approximate", "false", "false")]),
    ("glu", "Glu", &[("axis", "-1", "-1")]),
    ("hard_shrink", "HardShrink", &[("threshold", "0.5", "0.5")]),
    // As a layer it has another default than as a function.
    ("leaky_relu", "LeakyRelu", &[("negative_slope", "0.3", "0.2")]),
    ("log_softmax", "LogSoftmax", &[("axis", "-1", "-1")]),
    (
        "relu",
        "Relu",
        &[
            ("max_value", "f64::INFINITY", "f64::INFINITY"),
            ("negative_slope", "0.0", "0.0"),
            ("threshold", "0.0", "0.0"),
        ],
    ),
    ("soft_shrink", "SoftShrink", &[("threshold", "0.5", "0.5")]),
    ("softmax", "Softmax", &[("axis", "-1", "-1")]),
    ("sparsemax", "Sparsemax", &[("axis", "-1", "-1")]),
    ("squareplus", "Squareplus", &[("b", "4.0", "4.0")]),
];

/// Initializers by their plain names: the word, the variant, and its fields with their defaults.
const INITIALIZERS: &[(&str, &str, &str, &[(&str, f64)])] = &[
    ("glorotnormal", "glorot_normal", "GlorotNormal", &[]),
    ("glorotuniform", "glorot_uniform", "GlorotUniform", &[]),
    ("henormal", "he_normal", "HeNormal", &[]),
    ("heuniform", "he_uniform", "HeUniform", &[]),
    ("lecunnormal", "lecun_normal", "LecunNormal", &[]),
    ("lecununiform", "lecun_uniform", "LecunUniform", &[]),
    ("normal", "random_normal", "RandomNormal", &[("mean", 0.0), ("stddev", 0.05)]),
    ("orthogonal", "orthogonal", "Orthogonal", &[("gain", 1.0)]),
    ("orthogonalinitializer", "orthogonal", "Orthogonal", &[("gain", 1.0)]),
    ("randomnormal", "random_normal", "RandomNormal", &[("mean", 0.0), ("stddev", 0.05)]),
    ("randomuniform", "random_uniform", "RandomUniform", &[("minval", -0.05), ("maxval", 0.05)]),
    ("truncatednormal", "truncated_normal", "TruncatedNormal", &[("mean", 0.0), ("stddev", 0.05)]),
    ("uniform", "random_uniform", "RandomUniform", &[("minval", -0.05), ("maxval", 0.05)]),
];

fn initializer(json: &Value) -> Option<String> {
    let (name, config) = object(json)?;
    if ["input_axes", "output_axes"].iter().any(|key| config.get(*key).is_some_and(|v| !v.is_null())) {
        return None;
    }
    let name = plain(&name);
    let seed = match Kind::Seed.print(config.get("seed").unwrap_or(&Value::Null)).ok()? {
        seed if seed == NONE => "None".to_string(),
        seed => format!("Some({seed})"),
    };
    match &name[..] {
        "zeros" | "zero" => return Some("zeros".into()),
        "ones" | "one" => return Some("ones".into()),
        "constant" => return Some(format!("Constant({})", at(&config, "value", 0.0)?)),
        "identity" | "identityinitializer" => {
            let gain = at(&config, "gain", 1.0)?;
            let text = format!("::keras::Initializer::Identity {{ gain: {gain} }}");
            return Some(if gain == "1.0" { "identity".into() } else { text });
        }
        "variancescaling" => return scaling(&config, &seed),
        _ => {}
    }
    let (_, word, variant, fields) = INITIALIZERS.iter().find(|(key, ..)| *key == name)?;
    let mut plain_one = seed == "None";
    let mut texts = Vec::new();
    for (key, default) in *fields {
        let value = at(&config, key, *default)?;
        plain_one &= value == float(*default);
        texts.push(format!("{key}: {value}, "));
    }
    let text = format!("::keras::Initializer::{variant} {{ {}seed: {seed} }}", texts.concat());
    Some(if plain_one { word.to_string() } else { text })
}

fn scaling(config: &Map<String, Value>, seed: &str) -> Option<String> {
    let word = |key: &str, default: &'static str| config.get(key).map_or(Some(default), Value::as_str);
    let mode = match word("mode", "fan_in")? {
        "fan_in" => "FanIn",
        "fan_out" => "FanOut",
        "fan_avg" => "FanAvg",
        _ => return None,
    };
    let distribution = match word("distribution", "truncated_normal")? {
        "truncated_normal" | "normal" => "TruncatedNormal",
        "untruncated_normal" => "UntruncatedNormal",
        "uniform" => "Uniform",
        _ => return None,
    };
    let scale = at(config, "scale", 1.0)?;
    Some(format!(
        "::keras::Initializer::VarianceScaling {{ scale: {scale}, mode: ::keras::initializers::FanMode::{mode}, \
         distribution: ::keras::initializers::Distribution::{distribution}, seed: {seed} }}"
    ))
}

fn regularizer(json: &Value) -> Option<String> {
    let (name, config) = object(json)?;
    Some(match &plain(&name)[..] {
        "l1" => format!("L1({})", at(&config, "l1", 0.01)?),
        "l2" => format!("L2({})", at(&config, "l2", 0.01)?),
        "l1l2" => {
            // By name both factors are 0.01, as in Keras.
            let default = if json.is_string() { 0.01 } else { 0.0 };
            format!("L1L2({}, {})", at(&config, "l1", default)?, at(&config, "l2", default)?)
        }
        "orthogonalregularizer" | "orthogonal" => {
            let columns = match config.get("mode").map_or(Some("rows"), Value::as_str)? {
                "rows" => false,
                "columns" => true,
                _ => return None,
            };
            let factor = at(&config, "factor", 0.01)?;
            format!("::keras::Regularizer::Orthogonal {{ factor: {factor}, columns: {columns} }}")
        }
        _ => return None,
    })
}

fn constraint(json: &Value) -> Option<String> {
    let (name, config) = object(json)?;
    let list = config.get("axis").map_or(Some(vec![0]), numbers)?;
    let list: Vec<String> = list.iter().map(i64::to_string).collect();
    let (usual, axes) = (list == ["0"], format!("::keras::plan::Ints::of([{}])", list.join(", ")));
    let at = |key, default| at(&config, key, default);
    Some(match &plain(&name)[..] {
        "nonneg" => "NonNeg".into(),
        "maxnorm" if usual => format!("MaxNorm({})", at("max_value", 2.0)?),
        "maxnorm" => {
            format!("::keras::Constraint::MaxNorm {{ max_value: {}, axes: {axes} }}", at("max_value", 2.0)?)
        }
        "minmaxnorm" => {
            let (min, max, rate) = (at("min_value", 0.0)?, at("max_value", 1.0)?, at("rate", 1.0)?);
            format!(
                "::keras::Constraint::MinMaxNorm {{ min_value: {min}, max_value: {max}, rate: {rate}, axes: {axes} }}"
            )
        }
        "unitnorm" if usual => "UnitNorm".into(),
        "unitnorm" => format!("::keras::Constraint::UnitNorm {{ axes: {axes} }}"),
        _ => return None,
    })
}
