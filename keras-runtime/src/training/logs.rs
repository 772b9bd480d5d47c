//! What training reports: names and numbers in order.

use std::fmt;

/// Names and numbers in order, as Keras' `logs`: `loss`, `accuracy`, `val_loss`, ...
///
/// ```
/// use keras_runtime::training::Logs;
/// let mut logs = Logs::new();
/// logs.set("loss", 0.25);
/// assert_eq!(logs.get("loss"), Some(0.25));
/// assert_eq!(logs.to_string(), "loss: 0.2500");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    entries: Vec<(String, f64)>,
}

impl Logs {
    /// No entries.
    pub fn new() -> Logs {
        Logs::default()
    }

    /// The number of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.entries.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    /// Sets a number; a new name goes to the end. Setting a name that is there allocates nothing.
    pub fn set(&mut self, name: &str, value: f64) {
        match self.entries.iter_mut().find(|(n, _)| n == name) {
            Some((_, v)) => *v = value,
            None => self.entries.push((name.into(), value)),
        }
    }

    /// Sets many numbers whose names are `prefix` and parts; new ones go in by the order of their names. Names that are
    /// there cost no allocation.
    pub(crate) fn set_all(&mut self, prefix: &str, numbers: impl FnOnce(&mut dyn FnMut(&[&str], f64))) {
        let matches = |name: &str, parts: &[&str]| {
            let mut rest = name.strip_prefix(prefix);
            for part in parts {
                rest = rest.and_then(|r| r.strip_prefix(part));
            }
            rest == Some("")
        };
        let first = self.entries.len();
        numbers(&mut |parts, value| match self.entries.iter_mut().find(|(n, _)| matches(n, parts)) {
            Some((_, v)) => *v = value,
            None => self.entries.push((format!("{prefix}{}", parts.concat()), value)),
        });
        self.entries[first..].sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Names and numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.entries.iter().map(|(n, v)| (n.as_str(), *v))
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl std::ops::Index<&str> for Logs {
    type Output = f64;

    /// # Panics
    /// If there is no such entry.
    fn index(&self, name: &str) -> &f64 {
        match self.entries.iter().find(|(n, _)| n == name) {
            Some((_, value)) => value,
            None => panic!("there is no `{name}` among the logs: {self}"),
        }
    }
}

/// As Keras' progress bar writes a number: four decimals, or an exponent where they would show little.
pub(crate) struct Number(pub f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() > 1e-3 { write!(f, "{:.4}", self.0) } else { f.write_str(&exponent(self.0, 4)) }
    }
}

/// With an exponent, as Python writes it: `1.5000e-03`, `nan`.
pub(crate) fn exponent(value: f64, precision: usize) -> String {
    if !value.is_finite() {
        return python(value);
    }
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// The shortest text that reads back as the same number, as Python writes it: `0.1`, `1.0`, `1e-05`, `nan`.
pub(crate) fn python(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    let text = format!("{value:?}");
    match text.split_once('e') {
        None if value != 0.0 && value.abs() < 1e-4 => python_exponent(&format!("{value:e}")),
        None => text,
        Some(_) => python_exponent(&text),
    }
}

fn python_exponent(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

impl fmt::Display for Logs {
    /// `accuracy: 0.9000 - loss: 0.3000`, as Keras writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { " - " };
            write!(f, "{separator}{name}: {}", Number(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        // repr(value), and f"{value:.4f}" or f"{value:.4e}" as Progbar chooses, in Python 3.11.
        for (value, repr, short) in [
            (0.0, "0.0", "0.0000e+00"),
            (1.0, "1.0", "1.0000"),
            (-0.25, "-0.25", "-0.2500"),
            (0.1 + 0.2, "0.30000000000000004", "0.3000"),
            (1e-3, "0.001", "1.0000e-03"),
            (1e-4, "0.0001", "1.0000e-04"),
            (1e-5, "1e-05", "1.0000e-05"),
            (1.25e-7, "1.25e-07", "1.2500e-07"),
            (123456789012345.0, "123456789012345.0", "123456789012345.0000"),
            (1e16, "1e+16", "10000000000000000.0000"),
            (1.5e300, "1.5e+300", &format!("{:.4}", 1.5e300)),
            (f64::INFINITY, "inf", "inf"),
            (f64::NAN, "nan", "nan"),
        ] {
            assert_eq!((python(value).as_str(), Number(value).to_string().as_str()), (repr, short));
        }
    }
}
