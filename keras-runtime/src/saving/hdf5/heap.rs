//! Heaps: where names and texts lie.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::Cursor;
use super::read::File;

/// The names of a group.
pub(super) struct LocalHeap<'a> {
    names: &'a [u8],
}

impl<'a> LocalHeap<'a> {
    pub fn read(file: &mut File<'a>, address: u64) -> Result<LocalHeap<'a>, String> {
        let mut cursor = Cursor::new(file.at(address, 32)?);
        file.pay(32)?;
        cursor.expect(b"HEAP", "a local heap")?;
        cursor.skip(4)?;
        let size = cursor.size()?;
        cursor.skip(8)?;
        Ok(LocalHeap { names: file.at(cursor.u64()?, size)? })
    }

    /// The name at an offset. It is paid for: entries may share long names.
    pub fn name(&self, file: &mut File<'a>, offset: usize) -> Result<&'a str, String> {
        let rest = self.names.get(offset..).ok_or("a name lies outside its heap")?;
        let name = Cursor::new(rest).text()?;
        file.pay(name.len())?;
        Ok(name)
    }
}

/// Texts of the whole file, by collection and number.
#[derive(Default)]
pub(super) struct GlobalHeap {
    collections: HashMap<u64, HashMap<u16, Range<usize>>>,
}

impl GlobalHeap {
    /// The object `number` of the collection at `address`: where in the file it lies.
    pub fn find(&mut self, file: &mut File<'_>, address: u64, number: u32) -> Result<Range<usize>, String> {
        let collection = match self.collections.get(&address) {
            Some(known) => known,
            None => {
                let read = collection(file, address)?;
                self.collections.entry(address).or_insert(read)
            }
        };
        let found = u16::try_from(number).ok().and_then(|n| collection.get(&n));
        found.cloned().ok_or_else(|| "a text is not in its heap".into())
    }
}

fn collection(file: &mut File<'_>, address: u64) -> Result<HashMap<u16, Range<usize>>, String> {
    let mut head = Cursor::new(file.at(address, 16)?);
    head.expect(b"GCOL", "a global heap")?;
    head.skip(4)?;
    let size = head.size()?;
    let start = address as usize;
    let mut cursor = Cursor::new(file.at(address, size)?);
    file.pay(size)?;
    cursor.skip(16)?;
    let mut objects = HashMap::new();
    while cursor.left() >= 16 {
        let number = cursor.u16()? as u16;
        cursor.skip(6)?;
        let size = cursor.size()?;
        // Number 0 is what is free.
        if number == 0 {
            break;
        }
        let at = start + cursor.at();
        cursor.take_padded(size)?;
        objects.insert(number, at..at + size);
    }
    Ok(objects)
}
