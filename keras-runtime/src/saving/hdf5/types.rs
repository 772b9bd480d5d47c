//! Messages that say what an array is: dataspaces and datatypes.

use super::super::array::Stored;
use super::cursor::Cursor;

/// Deepest nesting of datatypes: an enum of integers, a list of texts.
const DEPTH: usize = 4;

/// The type of elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Datatype {
    /// Numbers.
    Number { stored: Stored, big_endian: bool },
    /// Texts of a fixed size.
    FixedText(usize),
    /// Texts in the global heap.
    Text,
    /// What no array of Keras holds: its class.
    Other(u8),
}

impl Datatype {
    /// Bytes of an element where it stands.
    pub fn size(self) -> usize {
        match self {
            Datatype::Number { stored, .. } => stored.size(),
            Datatype::FixedText(size) => size,
            Datatype::Text => 16,
            Datatype::Other(_) => 0,
        }
    }

    pub fn read(cursor: &mut Cursor<'_>) -> Result<Datatype, String> {
        datatype(cursor, DEPTH)
    }
}

fn datatype(cursor: &mut Cursor<'_>, depth: usize) -> Result<Datatype, String> {
    let depth = depth.checked_sub(1).ok_or("a datatype is nested too deep")?;
    let kind = cursor.u8()?;
    let bits = cursor.take(3)?;
    let size = cursor.u32()? as usize;
    let big_endian = bits[0] & 1 == 1;
    let stored = match kind & 15 {
        0 => {
            let (offset, precision) = (cursor.u16()?, cursor.u16()?);
            if offset != 0 || precision != 8 * size {
                return Ok(Datatype::Other(0));
            }
            match (bits[0] & 8 != 0, size) {
                (true, 1) => Stored::I8,
                (true, 2) => Stored::I16,
                (true, 4) => Stored::I32,
                (true, 8) => Stored::I64,
                (false, 1) => Stored::U8,
                (false, 2) => Stored::U16,
                (false, 4) => Stored::U32,
                (false, 8) => Stored::U64,
                _ => return Ok(Datatype::Other(0)),
            }
        }
        1 => {
            let (offset, precision) = (cursor.u16()?, cursor.u16()?);
            let exponent = (cursor.u8()?, cursor.u8()?);
            let mantissa = (cursor.u8()?, cursor.u8()?);
            cursor.skip(4)?;
            if offset != 0 || precision != 8 * size {
                return Ok(Datatype::Other(1));
            }
            match (size, exponent, mantissa) {
                (2, (10, 5), (0, 10)) => Stored::F16,
                (2, (7, 8), (0, 7)) => Stored::BF16,
                (4, (23, 8), (0, 23)) => Stored::F32,
                (8, (52, 11), (0, 52)) => Stored::F64,
                _ => return Ok(Datatype::Other(1)),
            }
        }
        3 => return Ok(Datatype::FixedText(size)),
        // Keras writes bfloat16 as opaque bytes, and nothing else.
        5 if size == 2 => Stored::BF16,
        // h5py's bool.
        8 if size == 1 && u16::from_le_bytes([bits[0], bits[1]]) == 2 => {
            return match datatype(cursor, depth)? {
                Datatype::Number { stored: Stored::I8 | Stored::U8, .. } => {
                    Ok(Datatype::Number { stored: Stored::Bool, big_endian: false })
                }
                _ => Ok(Datatype::Other(8)),
            };
        }
        9 if bits[0] & 15 == 1 && size == 16 => return Ok(Datatype::Text),
        class => return Ok(Datatype::Other(class)),
    };
    Ok(Datatype::Number { stored, big_endian })
}

/// Dimensions of a dataspace; none for a single element. `None` for one without elements.
pub(super) fn dataspace(cursor: &mut Cursor<'_>) -> Result<Option<Vec<usize>>, String> {
    let version = cursor.u8()?;
    let rank = usize::from(cursor.u8()?);
    let _flags = cursor.u8()?;
    match version {
        1 => cursor.skip(5)?,
        2 => {
            if cursor.u8()? == 2 {
                return Ok(None);
            }
        }
        other => return Err(format!("a dataspace of version {other} is not known")),
    }
    (0..rank).map(|_| cursor.size()).collect::<Result<Vec<usize>, String>>().map(Some)
}

/// Elements of a shape.
pub(super) fn elements(shape: &[usize]) -> Result<usize, String> {
    let count = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    count.ok_or_else(|| format!("shape {shape:?} is beyond all memory"))
}
