//! JSON as Python writes it: `", "` and `": "` between items, ASCII alone, `NaN` and `Infinity` as bare words.

use std::io;

use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Stands for a bare `NaN`, which JSON does not have.
pub(super) const NAN: &str = "\u{1}NaN";
/// Stands for a bare `Infinity`.
pub(super) const INFINITY: &str = "\u{1}Infinity";
/// Stands for a bare `-Infinity`.
pub(super) const MINUS_INFINITY: &str = "\u{1}-Infinity";

/// How many values a text may hold. Each takes far more memory than the two characters that it can be written with, and
/// configurations have some ten characters a value.
pub(super) fn most_values(bytes: usize) -> usize {
    bytes / 3 + (1 << 16)
}

/// Reads JSON. Bare `NaN`, `Infinity` and `-Infinity` become the strings that [`number`] knows.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    parse_packed(bytes, bytes.len())
}

/// As [`parse`], for a text that took so many bytes in its file.
pub(super) fn parse_packed(bytes: &[u8], packed: usize) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_string())?;
    if bytes.iter().filter(|b| matches!(b, b',' | b'[' | b'{')).count() > most_values(packed) {
        return Err("it holds more values than its size allows".into());
    }
    let wrong = |e: serde_json::Error| match e.is_eof() {
        true => format!("its JSON is cut off: {e}"),
        false => format!("it is not JSON: {e}"),
    };
    if !text.contains("NaN") && !text.contains("Infinity") {
        return serde_json::from_str(text).map_err(wrong);
    }
    serde_json::from_str(&quote_bare_words(text)).map_err(wrong)
}

fn quote_bare_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let (mut rest, mut quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = [
            ("-Infinity", "\"\\u0001-Infinity\""),
            ("Infinity", "\"\\u0001Infinity\""),
            ("NaN", "\"\\u0001NaN\""),
        ]
        .into_iter()
        .find(|(word, _)| !quoted && rest.starts_with(word));
        let taken = match word {
            Some((word, instead)) => {
                out.push_str(instead);
                word.len()
            }
            None if quoted && c == '\\' => {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                out.push_str(&rest[..1 + escaped]);
                1 + escaped
            }
            None => {
                quoted ^= c == '"';
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// A number of a configuration; also one that Python wrote as a bare word.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(s) if s == NAN => Some(f64::NAN),
        Value::String(s) if s == INFINITY => Some(f64::INFINITY),
        Value::String(s) if s == MINUS_INFINITY => Some(f64::NEG_INFINITY),
        other => other.as_f64(),
    }
}

/// A number as [`number`] reads it and [`print`] writes it: also one that JSON does not have.
pub(crate) fn of_number(number: f64) -> Value {
    match number {
        n if n.is_nan() => NAN.into(),
        f64::INFINITY => INFINITY.into(),
        f64::NEG_INFINITY => MINUS_INFINITY.into(),
        n => n.into(),
    }
}

/// Prints JSON as Python's `json.dumps` does.
pub(crate) fn print(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Python);
    // Writing to memory cannot fail, and every `Value` has a text.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    let text: String = out.iter().map(|b| char::from(*b)).collect();
    ["NaN", "Infinity", "-Infinity"]
        .iter()
        .fold(text, |text, word| text.replace(&format!("\"\\u0001{word}\""), word))
}

/// Python's separators and escapes.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => out.write_all(&[byte])?,
                _ => write!(out, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prints_as_python_does() {
        // json.dumps({"a": [1, 2.5, None], "ü": "\U0001f600\n", "e": [], "t": True}) in Python 3.12.
        let value = json!({ "a": [1, 2.5, null], "ü": "😀\n", "e": [], "t": true });
        let expected = r#"{"a": [1, 2.5, null], "\u00fc": "\ud83d\ude00\n", "e": [], "t": true}"#;
        assert_eq!(print(&value), expected);
    }

    #[test]
    fn bare_words_survive() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" Infinity"}"#;
        let value = parse(text.as_bytes()).expect("Python's JSON");
        assert!(number(&value["a"]).is_some_and(f64::is_nan));
        assert_eq!(number(&value["b"][0]), Some(f64::NEG_INFINITY));
        assert_eq!(value["c"], "NaN \" Infinity");
        assert_eq!(print(&value), text);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "[".repeat(100_000);
        assert!(parse(text.as_bytes()).is_err());
    }
}
