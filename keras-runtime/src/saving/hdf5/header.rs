//! Object headers: the messages that say what an object is.

use super::cursor::Cursor;
use super::read::File;

/// Kinds of messages.
pub(super) mod kind {
    pub const DATASPACE: u16 = 1;
    pub const LINK_INFO: u16 = 2;
    pub const DATATYPE: u16 = 3;
    pub const LINK: u16 = 6;
    pub const EXTERNAL: u16 = 7;
    pub const LAYOUT: u16 = 8;
    pub const FILTERS: u16 = 11;
    pub const ATTRIBUTE: u16 = 12;
    pub const CONTINUATION: u16 = 16;
    pub const SYMBOL_TABLE: u16 = 17;
    pub const ATTRIBUTE_INFO: u16 = 21;
}

/// A message of an object header.
pub(super) struct Message<'a> {
    pub kind: u16,
    /// What it says lies elsewhere in the file.
    pub shared: bool,
    pub data: &'a [u8],
}

/// The messages of the object at an address, continuations included.
pub(super) fn messages<'a>(file: &mut File<'a>, address: u64) -> Result<Vec<Message<'a>>, String> {
    let prefix = file.rest(address)?;
    let mut out = Vec::new();
    // Blocks of messages that are still to be read.
    let mut blocks: Vec<&'a [u8]> = Vec::new();
    let mut cursor = Cursor::new(prefix);
    if prefix.starts_with(b"OHDR") {
        cursor.skip(4)?;
        let (version, flags) = (cursor.u8()?, cursor.u8()?);
        if version != 2 {
            return Err(format!("an object header of version {version} is not known"));
        }
        let times = if flags & 0x20 != 0 { 16 } else { 0 };
        let limits = if flags & 0x10 != 0 { 4 } else { 0 };
        let width = 1usize << (flags & 3);
        let start = 6 + times + limits;
        let whole = file.at(address, start + width)?;
        let size = Cursor::new(&whole[start..]).uint(width)? as usize;
        let block = file.at(address, (start + width).checked_add(size).ok_or("a header has no end")?)?;
        blocks.push(&block[start + width..]);
        while let Some(block) = blocks.pop() {
            file.pay(block.len() + 64)?;
            let mut cursor = Cursor::new(block);
            let order = if flags & 4 != 0 { 2 } else { 0 };
            while cursor.left() >= 4 + order {
                let kind = u16::from(cursor.u8()?);
                let (size, flags) = (cursor.u16()?, cursor.u8()?);
                cursor.skip(order)?;
                let data = cursor.take(size)?;
                if kind == kind::CONTINUATION {
                    let block = continuation(file, data)?;
                    let inner = block.strip_prefix(b"OCHK").ok_or("a continued header is not one")?;
                    blocks.push(&inner[..inner.len().saturating_sub(4)]);
                } else {
                    out.push(Message { kind, shared: flags & 2 != 0, data });
                }
            }
        }
    } else {
        let version = cursor.u8()?;
        if version != 1 {
            return Err(format!("an object header of version {version} is not known"));
        }
        cursor.skip(1)?;
        let mut count = cursor.u16()?;
        cursor.skip(4)?;
        let size = cursor.u32()? as usize;
        blocks.push(&file.at(address, size.checked_add(16).ok_or("a header has no end")?)?[16..]);
        while let Some(block) = blocks.pop() {
            file.pay(block.len() + 64)?;
            let mut cursor = Cursor::new(block);
            while count > 0 && cursor.left() >= 8 {
                count -= 1;
                let (kind, size, flags) = (cursor.u16()? as u16, cursor.u16()?, cursor.u8()?);
                cursor.skip(3)?;
                let data = cursor.take(size)?;
                if kind == kind::CONTINUATION {
                    blocks.push(continuation(file, data)?);
                } else {
                    out.push(Message { kind, shared: flags & 2 != 0, data });
                }
            }
        }
    }
    Ok(out)
}

fn continuation<'a>(file: &File<'a>, data: &[u8]) -> Result<&'a [u8], String> {
    let mut cursor = Cursor::new(data);
    let (address, size) = (cursor.u64()?, cursor.size()?);
    file.at(address, size)
}
