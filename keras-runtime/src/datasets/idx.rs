//! The IDX format of MNIST: <https://yann.lecun.org/exdb/mnist/>.

use crate::{Error, Result};

/// Unsigned bytes with the given dimensions; the first is the number of samples.
pub(super) fn parse(data: &[u8], dims: &[usize]) -> Result<Vec<u8>> {
    let wrong = |what: String| Error::Data(format!("an IDX file {what}"));
    let header = 4 + 4 * dims.len();
    if data.len() < header || data[..3] != [0, 0, 8] || usize::from(data[3]) != dims.len() {
        return Err(wrong(format!(
            "of {} bytes does not hold bytes in {} dimensions",
            data.len(),
            dims.len()
        )));
    }
    let (words, _) = data[4..header].as_chunks::<4>();
    let found: Vec<usize> = words.iter().map(|w| u32::from_be_bytes(*w) as usize).collect();
    if found != dims {
        return Err(wrong(format!("has dimensions {found:?}, expected {dims:?}")));
    }
    let expected: usize = dims.iter().product();
    if data.len() - header != expected {
        return Err(wrong(format!(
            "has {} bytes of data, its dimensions say {expected}",
            data.len() - header
        )));
    }
    Ok(data[header..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let good = [&[0, 0, 8, 1, 0, 0, 0, 3][..], &[7, 8, 9]].concat();
        assert_eq!(parse(&good, &[3]).expect("well formed"), [7, 8, 9]);
        for (data, dims, message) in [
            (&good[..10], &[3][..], "2 bytes of data"),
            (&good[..5], &[3][..], "5 bytes does not hold"),
            (&good[..], &[4][..], "dimensions [3], expected [4]"),
            (&good[..], &[3, 1][..], "2 dimensions"),
        ] {
            let error = parse(data, dims).expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
