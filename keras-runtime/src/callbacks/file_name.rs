//! Names of files with numbers in them, in Python's format: `net-{epoch:02d}-{val_loss:.2f}.keras`.

use crate::training::{Logs, exponent, python};
use crate::{Error, Result};

/// The name for an epoch (counted from 1) and, where files are saved within epochs, a batch (likewise).
pub(super) fn format(pattern: &str, epoch: usize, batch: Option<usize>, logs: &Logs) -> Result<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            // "{{" is a brace.
            out.push_str(brace);
            rest = after;
            continue;
        }
        let unmatched = || Error::Argument(format!("`{pattern}` has a brace without its partner"));
        let end = rest.find('}').filter(|_| brace == "{").ok_or_else(unmatched)?;
        let (name, how) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
        out.push_str(&field(pattern, name, how, epoch, batch, logs)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn field(
    pattern: &str,
    name: &str,
    how: &str,
    epoch: usize,
    batch: Option<usize>,
    logs: &Logs,
) -> Result<String> {
    let whole = match name {
        "epoch" => Some(epoch),
        "batch" => batch,
        _ => None,
    };
    let wrong = || Error::Argument(format!("`{pattern}`: `{{{name}:{how}}}` is not a format of this number"));
    let kind = how.chars().last().filter(char::is_ascii_alphabetic);
    let sizes = how.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (width, precision) = sizes.split_once('.').map_or((sizes, None), |(w, p)| (w, Some(p)));
    let zeros = width.starts_with('0');
    let number =
        |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<usize>().map_err(|_| wrong()) };
    // A name longer than what a file system takes is nobody's wish.
    let width = number(width)?.min(64);
    let precision = precision.map(number).transpose()?.map(|p| p.min(32));
    let text = match (whole, kind) {
        (Some(value), None | Some('d')) if precision.is_none() => value.to_string(),
        (Some(value), Some('f')) => format!("{:.*}", precision.unwrap_or(6), value as f64),
        (Some(_), _) => return Err(wrong()),
        (None, kind) => {
            let value = logs.get(name).ok_or_else(|| {
                let known: Vec<&str> =
                    ["epoch"].into_iter().chain(logs.iter().map(|(name, _)| name)).collect();
                Error::Argument(format!("`{pattern}`: there is no `{name}`, only {}", known.join(", ")))
            })?;
            match (kind, precision) {
                (Some('f'), precision) => format!("{value:.*}", precision.unwrap_or(6)),
                (Some('e'), precision) => exponent(value, precision.unwrap_or(6)),
                (None, None) => python(value),
                _ => return Err(wrong()),
            }
        }
    };
    let missing = width.saturating_sub(text.len());
    Ok(match text.strip_prefix('-') {
        Some(digits) if zeros => format!("-{}{digits}", "0".repeat(missing)),
        _ => format!("{}{text}", if zeros { "0" } else { " " }.repeat(missing)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Logs {
        let mut logs = Logs::new();
        logs.set("loss", 0.5);
        logs.set("val_loss", 0.04567);
        logs
    }

    #[test]
    fn as_python_formats() {
        // "...".format(epoch=7, val_loss=0.04567) in Python 3.12.
        for (pattern, expected) in [
            ("net.keras", "net.keras"),
            ("{epoch:02d}-{val_loss:.2f}.keras", "07-0.05.keras"),
            ("{epoch}", "7"),
            ("{epoch:4d}", "   7"),
            ("{val_loss:08.3f}", "0000.046"),
            ("{val_loss:.1e}", "4.6e-02"),
            ("{{{epoch}}}", "{7}"),
        ] {
            assert_eq!(format(pattern, 7, None, &logs()).expect(pattern), expected);
        }
        assert_eq!(format("{epoch}-{batch:03d}", 1, Some(12), &logs()).expect("has a batch"), "1-012");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |pattern| format(pattern, 1, None, &logs()).expect_err(pattern).to_string();
        assert!(error("{acc:.2f}").contains("no `acc`, only epoch, loss, val_loss"));
        assert!(error("{epoch").contains("brace"));
        assert!(error("{epoch:.2x}").contains("format"));
    }
}
