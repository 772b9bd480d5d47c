//! Architectures as YAML: what `to_yaml` of Keras 2 wrote, and the same for models of today.
//!
//! Files are read as data alone: a tag that names Python code is refused, aliases cannot grow beyond the file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use super::json::{INFINITY, MINUS_INFINITY, NAN, most_values};

/// Deepest nesting: that of JSON here.
const DEPTH: usize = 128;
/// Handle of YAML's own tags.
const CORE: &str = "tag:yaml.org,2002:";

/// Reads one document.
///
/// # Errors
/// A description of what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let mut reader = Reader { left: most_values(bytes.len()), ..Reader::default() };
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|e| e.to_string())?;
        reader.take(event)?;
    }
    reader.document.ok_or_else(|| "it is empty".into())
}

/// A collection that is still open, with its anchor.
struct Open {
    value: Value,
    anchor: usize,
    /// The key whose value comes next.
    key: Option<String>,
    /// Values that were left when it began.
    left: usize,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    document: Option<Value>,
    /// Values with anchors, and how many values each holds.
    anchors: HashMap<usize, (Value, usize)>,
    /// How many values may still come.
    left: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text, style, tag.as_deref())?;
                self.pay(1 + text_size(&value) / 64)?;
                if anchor > 0 {
                    self.anchors.insert(anchor, (value.clone(), 1 + text_size(&value) / 64));
                }
                self.put(value)
            }
            Event::Alias(anchor) => {
                let (value, size) =
                    self.anchors.get(&anchor).ok_or("an alias of something that is not whole")?;
                let (value, size) = (value, *size);
                self.left = self.left.checked_sub(size).ok_or("its aliases grow beyond the file")?;
                let value = value.clone();
                self.put(value)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Value::Array(Vec::new()), anchor, tag),
            Event::MappingStart(anchor, tag) => self.begin(Value::Object(Map::new()), anchor, tag),
            Event::SequenceEnd | Event::MappingEnd => {
                let done = self.open.pop().ok_or("a collection ends that did not begin")?;
                if done.anchor > 0 {
                    let size = done.left - self.left;
                    // A copy is kept for aliases.
                    self.pay(size)?;
                    self.anchors.insert(done.anchor, (done.value.clone(), size));
                }
                self.put(done.value)
            }
            _ => Ok(()),
        }
    }

    fn pay(&mut self, values: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(values).ok_or("it holds more values than its size allows")?;
        Ok(())
    }

    fn begin(&mut self, value: Value, anchor: usize, tag: Option<Cow<'_, Tag>>) -> Result<(), String> {
        if self.open.len() >= DEPTH {
            return Err(format!("it is nested more than {DEPTH} deep"));
        }
        if let Some(tag) = tag {
            let known = matches!(&*tag.suffix, "seq" | "map" | "python/tuple") && tag.handle == CORE;
            if !known {
                return Err(refused(&tag));
            }
        }
        let left = self.left;
        self.pay(1)?;
        self.open.push(Open { value, anchor, key: None, left });
        Ok(())
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            let first = self.document.replace(value).is_none();
            return if first { Ok(()) } else { Err("it holds several documents".into()) };
        };
        match (&mut open.value, open.key.take()) {
            (Value::Array(items), _) => items.push(value),
            (Value::Object(items), Some(key)) if items.contains_key(&key) => {
                return Err(format!("the key `{key}` occurs twice"));
            }
            (Value::Object(items), Some(key)) => drop(items.insert(key, value)),
            (_, None) => {
                let key = match value {
                    Value::String(key) => key,
                    Value::Number(number) => number.to_string(),
                    _ => return Err("a key is not a text".into()),
                };
                open.key = Some(key);
            }
            _ => {}
        }
        Ok(())
    }
}

fn text_size(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

fn refused(tag: &Tag) -> String {
    let name = format!("{}{}", tag.handle.replace(CORE, "!!"), tag.suffix);
    if tag.suffix.starts_with("python/") {
        return format!("`{name}` stands for Python code, which is never run");
    }
    format!("the tag `{name}` is not known")
}

/// What a scalar is: that of YAML 1.1, which Keras wrote.
fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        Some(tag)
            if tag.handle == CORE && matches!(&*tag.suffix, "str" | "python/unicode" | "python/str") =>
        {
            return Ok(Value::String(text.into_owned()));
        }
        Some(tag) if tag.handle == CORE && matches!(&*tag.suffix, "int" | "float" | "bool" | "null") => {}
        Some(tag) => return Err(refused(tag)),
        None if style != ScalarStyle::Plain => return Ok(Value::String(text.into_owned())),
        None => {}
    }
    Ok(match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => INFINITY.into(),
        "-.inf" | "-.Inf" | "-.INF" => MINUS_INFINITY.into(),
        ".nan" | ".NaN" | ".NAN" => NAN.into(),
        other => number(other).map_or_else(|| Value::String(text.into_owned()), Value::Number),
    })
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    Number::from_f64(text.parse().ok()?)
}

/// Prints a document that YAML 1.1 and 1.2 read alike.
pub(super) fn print(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

/// A value after its key or dash: in the same line, or in the lines below.
fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                start_line(out, indent);
                out.push('-');
                inner(out, item, indent + 2);
            }
        }
        Value::Object(items) if !items.is_empty() => {
            for (key, item) in items {
                start_line(out, indent);
                word(out, key);
                out.push(':');
                inner(out, item, indent + 2);
            }
        }
        _ => {
            flat(out, value);
            out.push('\n');
        }
    }
}

fn start_line(out: &mut String, indent: usize) {
    out.push_str(&" ".repeat(indent));
}

fn inner(out: &mut String, value: &Value, indent: usize) {
    let below = match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        _ => false,
    };
    out.push(if below { '\n' } else { ' ' });
    block(out, value, indent);
}

fn flat(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&float(&number.to_string())),
        Value::String(text) if text == NAN => out.push_str(".nan"),
        Value::String(text) if text == INFINITY => out.push_str(".inf"),
        Value::String(text) if text == MINUS_INFINITY => out.push_str("-.inf"),
        Value::String(text) => word(out, text),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// YAML 1.1 knows an exponent only after a point, and with a sign.
fn float(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return text.into() };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// A text: bare if nothing could take it for something else.
fn word(out: &mut String, text: &str) {
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(
            &*text.to_lowercase(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if bare {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            ' '..='~' => write!(out, "{c}"),
            c if u32::from(c) <= 0xffff => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_survive() {
        let value = json!({
            "class_name": "Sequential", "none": null, "list": [], "dict": {}, "yes": "no", "1": "1e-3", "ü": "😀\n\"x",
            "numbers": [0, -1, 1.5, 1e-7, 1e300, 18446744073709551615u64, NAN, INFINITY, MINUS_INFINITY],
            "nested": [[1, [2]], {"a": [{"b": 1}]}], "text": "a: b # c",
        });
        assert_eq!(parse(print(&value).as_bytes()), Ok(value));
    }

    #[test]
    fn what_python_wrote() {
        // yaml.dump of PyYAML, with an anchor and a tuple.
        let text = "a: &id001\n- 1\n- .inf\nb: *id001\nc: !!python/tuple\n- null\n- 4\nd: 1.0e-07\ne: 'yes'\nf: {x: true}\n";
        let value = json!({
            "a": [1, INFINITY], "b": [1, INFINITY], "c": [null, 4], "d": 1e-7, "e": "yes", "f": {"x": true},
        });
        assert_eq!(parse(text.as_bytes()), Ok(value));
    }

    #[test]
    fn code_and_bombs_are_refused() {
        let code = "a: !!python/object/apply:os.system ['true']";
        assert!(parse(code.as_bytes()).is_err_and(|e| e.contains("python/object/apply:os.system")));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..20 {
            let before = format!("*a{}, ", i - 1).repeat(9);
            bomb.push_str(&format!("a{i}: &a{i} [{}]\n", before.trim_end_matches(", ")));
        }
        assert!(parse(bomb.as_bytes()).is_err_and(|e| e.contains("grow")));
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(parse(b"a: &a [*a]").is_err());
    }
}
