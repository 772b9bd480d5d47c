//! What a group holds: names with addresses, from a symbol table or from link messages, which may lie in a heap.

use super::cursor::Cursor;
use super::dense::{self, Index};
use super::header::{Message, kind};
use super::heap::LocalHeap;
use super::read::File;

/// Deepest level of a tree of names.
const LEVELS: u8 = 16;

/// The objects of a group, or `None` if the object is none.
pub(super) fn links<'a>(
    file: &mut File<'a>,
    messages: &[Message<'a>],
) -> Result<Option<Vec<(&'a str, u64)>>, String> {
    let mut out = Vec::new();
    let mut group = false;
    for message in messages {
        let mut cursor = Cursor::new(message.data);
        match message.kind {
            kind::SYMBOL_TABLE => {
                group = true;
                let (tree, heap) = (cursor.u64()?, cursor.u64()?);
                let heap = LocalHeap::read(file, heap)?;
                symbols(file, tree, &heap, None, &mut out)?;
            }
            kind::LINK_INFO => {
                group = true;
                cursor.skip(1)?;
                if cursor.u8()? & 1 != 0 {
                    cursor.skip(8)?;
                }
                if let Some(place) = dense::place(&mut cursor)? {
                    for message in dense::messages(file, place, Index::Links)? {
                        out.push(link(file, &mut Cursor::new(message))?);
                    }
                }
            }
            kind::LINK => {
                group = true;
                out.push(link(file, &mut cursor)?);
            }
            _ => {}
        }
    }
    Ok(group.then_some(out))
}

/// A node of the tree of a symbol table, and those below it.
fn symbols<'a>(
    file: &mut File<'a>,
    address: u64,
    heap: &LocalHeap<'a>,
    level: Option<u8>,
    out: &mut Vec<(&'a str, u64)>,
) -> Result<(), String> {
    let mut cursor = Cursor::new(file.at(address, 24)?);
    cursor.expect(b"TREE", "a tree of names")?;
    let (node, found) = (cursor.u8()?, cursor.u8()?);
    let fits = level.map_or(found <= LEVELS, |level| found == level);
    if node != 0 || !fits {
        return Err("a tree of names has a node that does not belong there".into());
    }
    let count = cursor.u16()?;
    let size = 24 + 16 * count + 8;
    file.pay(size)?;
    let mut cursor = Cursor::new(&file.at(address, size)?[24..]);
    for _ in 0..count {
        let _key = cursor.u64()?;
        let child = cursor.u64()?;
        match found.checked_sub(1) {
            Some(below) => symbols(file, child, heap, Some(below), out)?,
            None => leaf(file, child, heap, out)?,
        }
    }
    Ok(())
}

/// The entries of a leaf.
fn leaf<'a>(
    file: &mut File<'a>,
    address: u64,
    heap: &LocalHeap<'a>,
    out: &mut Vec<(&'a str, u64)>,
) -> Result<(), String> {
    let mut cursor = Cursor::new(file.at(address, 8)?);
    cursor.expect(b"SNOD", "a node of symbols")?;
    cursor.skip(2)?;
    let count = cursor.u16()?;
    file.pay(8 + 40 * count)?;
    let mut cursor = Cursor::new(&file.at(address, 8 + 40 * count)?[8..]);
    for _ in 0..count {
        let (offset, header) = (cursor.size()?, cursor.u64()?);
        let cache = cursor.u32()?;
        cursor.skip(20)?;
        let name = heap.name(file, offset)?;
        if cache == 2 {
            return Err(format!("`{name}` is a soft link, which is not followed"));
        }
        out.push((name, header));
    }
    Ok(())
}

/// A link message.
fn link<'a>(file: &mut File<'a>, cursor: &mut Cursor<'a>) -> Result<(&'a str, u64), String> {
    cursor.skip(1)?;
    let flags = cursor.u8()?;
    let target = if flags & 8 != 0 { cursor.u8()? } else { 0 };
    cursor.skip(if flags & 4 != 0 { 8 } else { 0 } + usize::from(flags & 16 != 0))?;
    let length = cursor.uint(1 << (flags & 3))?;
    let name = cursor.take(usize::try_from(length).map_err(|_| "a name is beyond all memory")?)?;
    let name = std::str::from_utf8(name).map_err(|_| "a name is not UTF-8")?;
    file.pay(name.len())?;
    match target {
        0 => Ok((name, cursor.u64()?)),
        _ => Err(format!("`{name}` is a soft or external link, which is not followed")),
    }
}
