//! NumPy's `.npy` and `.npz` files.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::array::{Array, Stored};
use super::atomic;
use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";
/// How often a packed member may exceed the file; deflate reaches about 1032.
const UNPACK: u64 = 1032;

/// The arrays of an `.npz` file with their names, in the file's order. An `.npy` file is one array without a name.
///
/// # Errors
/// If the file cannot be read, or holds an array of a type that is not a number.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<(String, Array)>> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|e| Error::io(path, e))?;
    from_bytes(&bytes).map_err(|message| Error::file(path, message))
}

/// As [`read`], from memory.
///
/// # Errors
/// What is wrong with the bytes.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<(String, Array)>, String> {
    if bytes.starts_with(MAGIC) {
        parse_npy(bytes).map(|array| vec![(String::new(), array)])
    } else {
        parse_npz(bytes)
    }
}

fn parse_npz(bytes: &[u8]) -> Result<Vec<(String, Array)>, String> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("not an `.npz` file: {e}"))?;
    let mut left = (bytes.len() as u64).saturating_mul(UNPACK);
    let mut arrays = Vec::with_capacity(zip.len());
    for at in 0..zip.len() {
        let member = zip.by_index(at).map_err(|e| e.to_string())?;
        let name = member.name().map_err(|e| e.to_string())?.into_owned();
        let size = member.size();
        left = left.checked_sub(size).ok_or_else(|| format!("`{name}` declares {size} bytes: too many"))?;
        let mut content = Vec::new();
        member.take(size).read_to_end(&mut content).map_err(|e| format!("`{name}`: {e}"))?;
        let array = parse_npy(&content).map_err(|e| format!("`{name}`: {e}"))?;
        arrays.push((name.strip_suffix(".npy").unwrap_or(&name).to_string(), array));
    }
    Ok(arrays)
}

/// One array.
fn parse_npy(bytes: &[u8]) -> Result<Array, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("not an `.npy` file")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err("a version of the format that is not known".into()),
    };
    let (header, data) = rest.split_at_checked(length).ok_or("its header is cut off")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    let field = |key: &str| {
        let at = header.find(&format!("'{key}':")).ok_or_else(|| format!("its header lacks `{key}`"))?;
        Ok::<&str, String>(header[at + key.len() + 3..].trim_start())
    };
    let descr = field("descr")?.trim_start_matches('\'').split('\'').next().unwrap_or("");
    let shape = field("shape")?;
    let shape =
        shape.strip_prefix('(').and_then(|s| s.split(')').next()).ok_or("its shape is not a tuple")?;
    let shape = shape.split(',').map(str::trim).filter(|d| !d.is_empty()).map(str::parse);
    let shape: Vec<usize> = shape.collect::<Result<_, _>>().map_err(|_| "its shape is not one of numbers")?;
    let (order, kind) = descr.split_at_checked(1).unwrap_or(("", ""));
    let stored = match kind {
        "b1" => Stored::Bool,
        "i1" => Stored::I8,
        "i2" => Stored::I16,
        "i4" => Stored::I32,
        "i8" => Stored::I64,
        "u1" => Stored::U8,
        "u2" => Stored::U16,
        "u4" => Stored::U32,
        "u8" => Stored::U64,
        "f2" => Stored::F16,
        "f4" => Stored::F32,
        "f8" => Stored::F64,
        _ => return Err(format!("elements of type `{descr}` are not numbers")),
    };
    let mut bytes = data.to_vec();
    if order == ">" {
        bytes.chunks_exact_mut(stored.size()).for_each(<[u8]>::reverse);
    }
    if field("fortran_order")?.starts_with("True") && shape.len() > 1 {
        bytes = to_row_major(&bytes, &shape, stored.size())?;
    }
    Array::new(shape, stored, bytes).map_err(|e| e.to_string())
}

/// From the first index running fastest to the last one.
fn to_row_major(bytes: &[u8], shape: &[usize], size: usize) -> Result<Vec<u8>, String> {
    let total = shape.iter().try_fold(size, |n, d| n.checked_mul(*d));
    if total != Some(bytes.len()) {
        return Err("its size is not that of its shape".into());
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..bytes.len() / size {
        let at = index.iter().zip(shape).rev().fold(0, |at, (i, dim)| at * dim + i) * size;
        out.extend_from_slice(&bytes[at..at + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(out)
}

/// Writes an `.npz` file.
///
/// # Errors
/// If it cannot be written.
pub fn write<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    let path = path.as_ref();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, array) in arrays {
        let bytes = npy(array);
        zip.start_file(format!("{name}.npy"), options.large_file(bytes.len() as u64 >= u64::from(u32::MAX)))
            .map_err(|e| Error::file(path, e.to_string()))?;
        zip.write_all(&bytes).map_err(|e| Error::io(path, e))?;
    }
    let bytes = zip.finish().map_err(|e| Error::file(path, e.to_string()))?.into_inner();
    atomic::write(path, &bytes)
}

/// Writes an array as an `.npy` file.
///
/// # Errors
/// If it cannot be written.
pub fn write_npy(path: impl AsRef<Path>, array: &Array) -> Result<()> {
    atomic::write(path.as_ref(), &npy(array))
}

fn npy(array: &Array) -> Vec<u8> {
    let descr = match array.stored {
        Stored::Bool => "|b1",
        Stored::I8 => "|i1",
        Stored::I16 => "<i2",
        Stored::I32 => "<i4",
        Stored::I64 => "<i8",
        Stored::U8 => "|u1",
        Stored::U16 => "<u2",
        Stored::U32 => "<u4",
        Stored::U64 => "<u8",
        Stored::F16 => "<f2",
        // NumPy has no bfloat16: two raw bytes, as Keras' own arrays of it are written.
        Stored::BF16 => "|V2",
        Stored::F32 => "<f4",
        Stored::F64 => "<f8",
    };
    let dims: String = array.shape.iter().map(|d| format!("{d}, ")).collect();
    let dims = if array.shape.len() == 1 { dims.trim_end() } else { dims.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    // The data starts on a multiple of 64 bytes.
    let padded = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    header.push_str(&" ".repeat(padded - 1 - header.len()));
    header.push('\n');
    let mut out = Vec::with_capacity(MAGIC.len() + 4 + header.len() + array.bytes.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&(header.len() as u16).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&array.bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use keras_kernels::DType;

    #[test]
    fn arrays_survive() {
        for shape in [vec![], vec![6], vec![2, 3], vec![1, 2, 3], vec![0, 3]] {
            let size = shape.iter().product::<usize>();
            let values: Vec<f64> = (0..size).map(|i| i as f64).collect();
            let array = Array::of(shape, DType::F32, &values);
            assert_eq!(parse_npy(&npy(&array)), Ok(array));
        }
    }

    #[test]
    fn columns_first() {
        // np.asfortranarray([[1, 2, 3], [4, 5, 6]]) as uint8.
        let mut bytes =
            npy(&Array::new(vec![2, 3], Stored::U8, vec![1, 4, 2, 5, 3, 6]).expect("sizes agree"));
        let at = bytes.windows(5).position(|w| w == b"False").expect("in the header");
        bytes[at..at + 5].copy_from_slice(b"True ");
        assert_eq!(parse_npy(&bytes).map(|a| a.bytes.to_vec()), Ok(vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn damage_is_an_error() {
        let whole = npy(&Array::of(vec![2, 3], DType::F64, &[0.0; 6]));
        for cut in 0..whole.len() {
            assert!(parse_npy(&whole[..cut]).is_err());
        }
    }
}
