//! Arrays in chunks, which may be packed: files that h5py or `h5repack` wrote with compression.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::super::array::Stored;
use super::super::bytes::Bytes;
use super::UNDEFINED;
use super::cursor::Cursor;
use super::read::File;
use super::types::elements;

/// Deepest level of a tree of chunks.
const LEVELS: u8 = 16;

/// What was done to a chunk before it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filter {
    /// First bytes of all elements, then second ones, ...
    Shuffle,
    /// Deflate.
    Deflate,
    /// Four bytes of a checksum at the end.
    Fletcher,
}

/// A filter pipeline.
pub(super) fn filters(cursor: &mut Cursor<'_>) -> Result<Vec<Filter>, String> {
    let (version, count) = (cursor.u8()?, cursor.u8()?);
    match version {
        1 => cursor.skip(6)?,
        2 => {}
        other => return Err(format!("a filter pipeline of version {other} is not known")),
    }
    let mut out = Vec::new();
    for _ in 0..count {
        let id = cursor.u16()?;
        let name = if version == 1 || id >= 256 { cursor.u16()? } else { 0 };
        cursor.skip(2)?;
        let values = cursor.u16()?;
        cursor.skip(if version == 1 { name.next_multiple_of(8) } else { name })?;
        cursor.skip(4 * (values + if version == 1 { values % 2 } else { 0 }))?;
        out.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle,
            3 => Filter::Fletcher,
            other => return Err(format!("its data is packed by filter {other}, which is not known")),
        });
    }
    Ok(out)
}

/// The bytes of an array in chunks, all of them paid for before memory is taken.
pub(super) fn read(
    file: &mut File<'_>,
    cursor: &mut Cursor<'_>,
    shape: &[usize],
    stored: Stored,
    size: usize,
    filters: &[Filter],
) -> Result<Bytes, String> {
    let rank = usize::from(cursor.u8()?).checked_sub(1);
    if rank != Some(shape.len()) || shape.is_empty() {
        return Err("its chunks have another rank than it has".into());
    }
    let tree = cursor.u64()?;
    let chunk =
        (0..shape.len()).map(|_| Ok(cursor.u32()? as usize)).collect::<Result<Vec<usize>, String>>()?;
    let bytes = elements(&chunk)?.checked_mul(stored.size()).filter(|b| *b > 0);
    let bytes = bytes.ok_or("its chunks have no size")?;
    unpack(file, size)?;
    let mut out = vec![0; size];
    if tree != UNDEFINED && size > 0 {
        let chunks = Chunks { shape, chunk: &chunk, bytes, element: stored.size(), filters };
        chunks.node(file, tree, None, &mut out)?;
    }
    Ok(out.into())
}

fn unpack(file: &mut File<'_>, bytes: usize) -> Result<(), String> {
    let left = file.unpack.checked_sub(bytes);
    file.unpack =
        left.ok_or_else(|| format!("{bytes} bytes are to be unpacked, more than 64 times the file"))?;
    Ok(())
}

struct Chunks<'a> {
    shape: &'a [usize],
    chunk: &'a [usize],
    /// Bytes of a chunk.
    bytes: usize,
    /// Bytes of an element.
    element: usize,
    filters: &'a [Filter],
}

impl Chunks<'_> {
    fn node(
        &self,
        file: &mut File<'_>,
        address: u64,
        level: Option<u8>,
        out: &mut [u8],
    ) -> Result<(), String> {
        let mut cursor = Cursor::new(file.at(address, 24)?);
        cursor.expect(b"TREE", "a tree of chunks")?;
        let (node, found) = (cursor.u8()?, cursor.u8()?);
        let fits = level.map_or(found <= LEVELS, |level| found == level);
        if node != 1 || !fits {
            return Err("a tree of chunks has a node that does not belong there".into());
        }
        let count = cursor.u16()?;
        let key = 8 + 8 * (self.shape.len() + 1);
        let size = 24 + count * (key + 8);
        file.pay(size)?;
        let mut cursor = Cursor::new(&file.at(address, size)?[24..]);
        for _ in 0..count {
            let (packed, mask) = (cursor.u32()? as usize, cursor.u32()?);
            let at = (0..self.shape.len()).map(|_| cursor.size()).collect::<Result<Vec<usize>, String>>()?;
            cursor.skip(8)?;
            let child = cursor.u64()?;
            match found.checked_sub(1) {
                Some(below) => self.node(file, child, Some(below), out)?,
                None => {
                    unpack(file, self.bytes)?;
                    let chunk = self.unpacked(file.at(child, packed)?, mask)?;
                    self.place(&chunk, &at, out)?;
                }
            }
        }
        Ok(())
    }

    /// A chunk as it was before filters were applied.
    fn unpacked(&self, data: &[u8], mask: u32) -> Result<Vec<u8>, String> {
        let mut data = std::borrow::Cow::Borrowed(data);
        for (at, filter) in self.filters.iter().enumerate().rev() {
            // A filter that failed for a chunk was left out.
            if at < 32 && mask >> at & 1 == 1 {
                continue;
            }
            data = match filter {
                Filter::Deflate => {
                    let mut out = Vec::with_capacity(self.bytes + 4);
                    let mut limited = ZlibDecoder::new(&*data).take(self.bytes as u64 + 4);
                    limited.read_to_end(&mut out).map_err(|e| format!("a chunk cannot be unpacked: {e}"))?;
                    out.into()
                }
                Filter::Fletcher => {
                    let end = data.len().checked_sub(4).ok_or("a chunk lacks its checksum")?;
                    data[..end].to_vec().into()
                }
                Filter::Shuffle => unshuffled(&data, self.element).into(),
            };
        }
        if data.len() != self.bytes {
            return Err(format!("a chunk of {} bytes unpacks to {}", self.bytes, data.len()));
        }
        Ok(data.into_owned())
    }

    /// Copies a chunk to where it belongs, without what reaches beyond the array.
    fn place(&self, chunk: &[u8], at: &[usize], out: &mut [u8]) -> Result<(), String> {
        let last = self.shape.len() - 1;
        let inside = |axis: usize| self.shape[axis].saturating_sub(at[axis]).min(self.chunk[axis]);
        if (0..=last).any(|axis| inside(axis) == 0) {
            return Err("a chunk lies outside its array".into());
        }
        let row = inside(last) * self.element;
        let mut index = vec![0; last];
        loop {
            let offset = |dims: &[usize], first: &dyn Fn(usize) -> usize| {
                (0..=last).fold(0, |n, axis| n * dims[axis] + first(axis)) * self.element
            };
            let within = |axis: usize| if axis < last { index[axis] } else { 0 };
            let from = offset(self.chunk, &within);
            let to = offset(self.shape, &|axis| at[axis] + within(axis));
            out[to..to + row].copy_from_slice(&chunk[from..from + row]);
            let Some(axis) = (0..last).rev().find(|axis| index[*axis] + 1 < inside(*axis)) else {
                return Ok(());
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }
}

fn unshuffled(data: &[u8], element: usize) -> Vec<u8> {
    let count = data.len() / element;
    let mut out = vec![0; data.len()];
    for byte in 0..element {
        for i in 0..count {
            out[i * element + byte] = data[byte * count + i];
        }
    }
    // What is left of an element that is cut off stays where it was.
    out[count * element..].copy_from_slice(&data[count * element..]);
    out
}
