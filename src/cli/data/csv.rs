//! Tables of numbers as text.

use std::fs;
use std::path::Path;

use keras::saving::Array;
use keras::{DType, Error, Result};

use super::super::common::extension;

/// The numbers of a `.csv` or `.tsv` file, a row each line. A first line without numbers is a header.
pub fn read(path: &Path) -> Result<Array> {
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    let separator = if extension(path) == "tsv" { '\t' } else { ',' };
    parse(&text, separator).map_err(|message| Error::file(path, message))
}

fn parse(text: &str, separator: char) -> Result<Array, String> {
    let mut values: Vec<f64> = Vec::new();
    let (mut rows, mut width, mut whole) = (0, None, true);
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(separator).map(|cell| cell.trim().trim_matches('"')).collect();
        if rows == 0 && width.is_none() && cells.iter().all(|cell| cell.parse::<f64>().is_err()) {
            width = Some(cells.len());
            continue;
        }
        if *width.get_or_insert(cells.len()) != cells.len() {
            let (expected, found) = (width.unwrap_or(0), cells.len());
            return Err(format!("line {} has {found} columns, the lines before it have {expected}", at + 1));
        }
        for (column, cell) in cells.iter().enumerate() {
            let value = cell.parse::<f64>();
            let wrong = || format!("line {}, column {}: `{cell}` is not a number", at + 1, column + 1);
            values.push(value.map_err(|_| wrong())?);
            whole &= cell.parse::<i64>().is_ok();
        }
        rows += 1;
    }
    if rows == 0 {
        return Err("has no rows of numbers".into());
    }
    let dtype = if whole { DType::I64 } else { DType::F32 };
    Ok(Array::of(vec![rows, width.unwrap_or(0)], dtype, &values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_headers() {
        let read = |text: &str| parse(text, ',').map(|array| (array.shape.clone(), array.to_f64()));
        assert_eq!(read("a,b\n1,2\n\n3,4\r\n"), Ok((vec![2, 2], vec![1.0, 2.0, 3.0, 4.0])));
        assert_eq!(read("1.5, \"-2e1\""), Ok((vec![1, 2], vec![1.5, -20.0])));
        assert_eq!(parse("1,2\n3", ','), Err("line 2 has 1 columns, the lines before it have 2".into()));
        assert_eq!(parse("x\n1\ny", ','), Err("line 3, column 1: `y` is not a number".into()));
        assert!(parse("a,b\n", ',').is_err());
        assert_eq!(parse("1\n2", ',').map(|a| a.stored.exact()), Ok(Some(DType::I64)));
    }
}
