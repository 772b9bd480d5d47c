//! From a file to a tree.

use std::ops::Range;

use super::super::array::{Array, Stored};
use super::super::bytes::Bytes;
use super::super::tree::{Attribute, Group};
use super::chunks::{self, Filter};
use super::cursor::Cursor;
use super::dense::{self, Index};
use super::header::{self, Message, kind};
use super::heap::GlobalHeap;
use super::links::links;
use super::types::{Datatype, dataspace, elements};
use super::{SIGNATURE, UNDEFINED};

/// Deepest nesting of groups.
const DEPTH: usize = 64;
/// How often structures may be read again: an object can have several names.
const AGAIN: usize = 4;
/// How often packed arrays may exceed the file.
const UNPACK: usize = 64;
/// What to do about chunks of the newest versions.
const REWRITE: &str = ": write the file with h5py's default `libver`, or without compression";
/// What small files may exceed their size by.
const FLOOR: usize = 1 << 16;

/// A file, and how much may still be done with it.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    /// Bytes of structures that may still be read. Each is paid for: whoever goes in circles runs out.
    budget: usize,
    /// Bytes that may still be unpacked.
    pub unpack: usize,
}

impl<'a> File<'a> {
    /// The bytes from an address on.
    pub fn rest(&self, address: u64) -> Result<&'a [u8], String> {
        let rest = usize::try_from(address).ok().and_then(|at| self.bytes.get(at..));
        rest.ok_or_else(|| format!("address {address:#x} lies outside the file"))
    }

    /// So many bytes at an address.
    pub fn at(&self, address: u64, count: usize) -> Result<&'a [u8], String> {
        let bytes = self.rest(address)?.get(..count);
        bytes.ok_or_else(|| format!("{count} bytes at {address:#x} reach beyond the file"))
    }

    /// Pays for reading a structure.
    pub fn pay(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.ok_or("its structure is larger than the file (a cycle?)")?;
        Ok(())
    }
}

/// Reads a file; its arrays share the bytes.
///
/// # Errors
/// A description of what is wrong with it.
pub(in super::super) fn read(bytes: &Bytes) -> Result<Group, String> {
    let budget = bytes.len().saturating_mul(AGAIN).saturating_add(FLOOR);
    let unpack = bytes.len().saturating_mul(UNPACK).saturating_add(FLOOR);
    let mut file = File { bytes, budget, unpack };
    let root = root(bytes).map_err(|e| format!("not a readable HDF5 file: {e}"))?;
    let mut reader = Reader { all: bytes, texts: GlobalHeap::default() };
    let messages = header::messages(&mut file, root).map_err(|e| format!("`/`: {e}"))?;
    let links = links(&mut file, &messages).map_err(|e| format!("`/`: {e}"))?;
    let links = links.ok_or("`/`: is not a group")?;
    reader.group(&mut file, &messages, links, "/", DEPTH)
}

/// Address of the root's object header.
fn root(bytes: &[u8]) -> Result<u64, String> {
    let mut cursor = Cursor::new(bytes);
    cursor.expect(SIGNATURE, "its beginning")?;
    let version = cursor.u8()?;
    let sizes = match version {
        0 | 1 => {
            cursor.skip(4)?;
            let sizes = (cursor.u8()?, cursor.u8()?);
            cursor.skip(1 + 4 + 4 + if version == 1 { 4 } else { 0 })?;
            sizes
        }
        2 | 3 => {
            let sizes = (cursor.u8()?, cursor.u8()?);
            cursor.skip(1)?;
            sizes
        }
        other => return Err(format!("version {other} of the format is not known")),
    };
    if sizes != (8, 8) {
        return Err(format!("addresses of {} and lengths of {} bytes are not read", sizes.0, sizes.1));
    }
    if cursor.u64()? != 0 {
        return Err("it does not start at its beginning (a base address)".into());
    }
    cursor.skip(8)?;
    // Objects before a cut could be read, and what is missing be taken for left out.
    let end = cursor.u64()?;
    if end > bytes.len() as u64 {
        return Err(format!("it is cut off: it has {} bytes of {end}", bytes.len()));
    }
    if version < 2 {
        // The driver's block, and the name of the root.
        cursor.skip(16)?;
    }
    cursor.u64()
}

struct Reader<'a> {
    all: &'a Bytes,
    texts: GlobalHeap,
}

impl Reader<'_> {
    fn group<'a>(
        &mut self,
        file: &mut File<'a>,
        messages: &[Message<'a>],
        links: Vec<(&'a str, u64)>,
        path: &str,
        depth: usize,
    ) -> Result<Group, String> {
        if depth == 0 {
            return Err(format!("`{path}`: groups are nested more than {DEPTH} deep"));
        }
        let mut out = Group::default();
        for message in messages {
            let fail = |e: String| format!("`{path}`: an attribute: {e}");
            let attributes = match message.kind {
                kind::ATTRIBUTE if message.shared => {
                    return Err(fail("it is shared, which is not read".into()));
                }
                kind::ATTRIBUTE => vec![message.data],
                kind::ATTRIBUTE_INFO => dense_attributes(file, message.data).map_err(fail)?,
                _ => Vec::new(),
            };
            for data in attributes {
                if let Some((name, value)) = self.attribute(file, data).map_err(fail)? {
                    out.attributes.insert(name, value);
                }
            }
        }
        for (name, address) in links {
            if name.is_empty() || name == "." || name.contains('/') {
                return Err(format!("`{path}`: `{name}` is not the name of an object"));
            }
            // Paths are for errors; long ones would cost more than what they name.
            file.pay(path.len())?;
            let path = format!("{path}{name}");
            let fail = |e: String| format!("`{path}`: {e}");
            if out.groups.contains_key(name) || out.arrays.contains_key(name) {
                return Err(fail("the name occurs twice".into()));
            }
            let messages = header::messages(file, address).map_err(fail)?;
            match self::links(file, &messages).map_err(fail)? {
                Some(links) => {
                    let group = self.group(file, &messages, links, &format!("{path}/"), depth - 1)?;
                    out.groups.insert(name.into(), group);
                }
                None => {
                    let array = self.array(file, &messages).map_err(fail)?;
                    out.arrays.insert(name.into(), array);
                }
            }
        }
        Ok(out)
    }

    fn array<'a>(&self, file: &mut File<'a>, messages: &[Message<'a>]) -> Result<Array, String> {
        let find = |kind: u16| messages.iter().find(|m| m.kind == kind);
        if find(kind::EXTERNAL).is_some() {
            return Err("its data is in another file, which is not opened".into());
        }
        let get = |kind: u16, what: &str| {
            let message = find(kind).ok_or_else(|| format!("lacks {what}"))?;
            if message.shared {
                Err(format!("its {what} is shared, which is not read"))
            } else {
                Ok(message.data)
            }
        };
        let shape = dataspace(&mut Cursor::new(get(kind::DATASPACE, "a shape")?))?;
        let shape = shape.ok_or("it is empty")?;
        let datatype = Datatype::read(&mut Cursor::new(get(kind::DATATYPE, "an element type")?))?;
        let Datatype::Number { stored, big_endian } = datatype else {
            return Err(match datatype {
                Datatype::Other(class) => format!("elements of HDF5's class {class} are not numbers"),
                _ => "its elements are texts, not numbers".into(),
            });
        };
        let size = elements(&shape)?.checked_mul(stored.size());
        let size = size.ok_or_else(|| format!("shape {shape:?} is beyond all memory"))?;
        let filters = match find(kind::FILTERS) {
            Some(message) => chunks::filters(&mut Cursor::new(message.data))?,
            None => Vec::new(),
        };
        let layout = get(kind::LAYOUT, "a place for its data")?;
        let mut bytes = self.data(file, layout, &shape, stored, size, &filters)?;
        if big_endian {
            file.pay(size)?;
            bytes.to_mut().chunks_exact_mut(stored.size()).for_each(<[u8]>::reverse);
        }
        Array::new(shape, stored, bytes).map_err(|e| e.to_string())
    }

    /// The bytes of an array of `size` bytes.
    fn data<'a>(
        &self,
        file: &mut File<'a>,
        layout: &'a [u8],
        shape: &[usize],
        stored: Stored,
        size: usize,
        filters: &[Filter],
    ) -> Result<Bytes, String> {
        let mut cursor = Cursor::new(layout);
        let (version, class) = (cursor.u8()?, cursor.u8()?);
        if !(3..=4).contains(&version) {
            return Err(format!("version {version} of its data's layout is not read{REWRITE}"));
        }
        let too_short = |found: usize| format!("shape {shape:?} needs {size} bytes, there are {found}");
        match class {
            0 => {
                let found = cursor.u16()?;
                let data = cursor.take(found)?;
                file.pay(size)?;
                Ok(data.get(..size).ok_or_else(|| too_short(found))?.to_vec().into())
            }
            1 => {
                let (address, found) = (cursor.u64()?, cursor.size()?);
                if size == 0 {
                    return Ok(Vec::new().into());
                }
                if address == UNDEFINED {
                    return Err("its numbers were never written".into());
                }
                if found < size {
                    return Err(too_short(found));
                }
                file.at(address, size)?;
                self.all.slice(address as usize, size).ok_or_else(|| too_short(self.all.len()))
            }
            2 if version == 3 => chunks::read(file, &mut cursor, shape, stored, size, filters),
            2 => Err(format!("its chunks are indexed in a way that is not read{REWRITE}")),
            other => Err(format!("class {other} of its data's layout is not read")),
        }
    }

    /// An attribute that is a text or a list of texts; others are left out.
    fn attribute(
        &mut self,
        file: &mut File<'_>,
        message: &[u8],
    ) -> Result<Option<(String, Attribute)>, String> {
        let mut cursor = Cursor::new(message);
        let version = cursor.u8()?;
        let flags = cursor.u8()?;
        let (name, datatype, space) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
        if version == 3 {
            cursor.skip(1)?;
        }
        let mut part = |size| match version {
            1 => cursor.take_padded(size),
            2 | 3 => cursor.take(size),
            other => Err(format!("version {other} of it is not known")),
        };
        let name = Cursor::new(part(name)?).text()?;
        let (datatype, space) = (part(datatype)?, part(space)?);
        // What else there may be about an object is not Keras'.
        if version > 1 && flags & 3 != 0 {
            return Ok(None);
        }
        let datatype = Datatype::read(&mut Cursor::new(datatype))?;
        let Some(shape) = dataspace(&mut Cursor::new(space))? else { return Ok(None) };
        let count = elements(&shape)?;
        let empty = count == 0 && shape.len() == 1;
        if !matches!(datatype, Datatype::Text | Datatype::FixedText(_)) {
            // NumPy makes an empty list one of floats.
            return Ok(empty.then(|| (name.into(), Attribute::Texts(Vec::new()))));
        }
        let size = count.checked_mul(datatype.size()).ok_or("it is beyond all memory")?;
        let data = cursor.take(size)?;
        if datatype.size() == 0 {
            return Err("texts of no length".into());
        }
        let mut texts = Vec::with_capacity(count);
        for element in data.chunks_exact(datatype.size()) {
            texts.push(self.text(file, datatype, element)?);
        }
        let value = match (shape.len(), texts.len()) {
            (0, 1) => Attribute::Text(texts.remove(0)),
            _ => Attribute::Texts(texts),
        };
        Ok(Some((name.into(), value)))
    }

    /// A text. It is paid for: several may be the same one in the heap.
    fn text(&mut self, file: &mut File<'_>, datatype: Datatype, element: &[u8]) -> Result<String, String> {
        let bytes = match datatype {
            Datatype::Text => {
                let mut cursor = Cursor::new(element);
                let (length, address, number) = (cursor.u32()? as usize, cursor.u64()?, cursor.u32()?);
                if address == 0 || address == UNDEFINED {
                    return Ok(String::new());
                }
                let Range { start, end } = self.texts.find(file, address, number)?;
                let text = file.at(start as u64, end - start)?;
                text.get(..length).ok_or("a text is longer than its place")?
            }
            _ => element,
        };
        file.pay(bytes.len() + 24)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        String::from_utf8(bytes[..end].to_vec()).map_err(|_| "a text is not UTF-8".into())
    }
}

/// Attributes that lie in a heap.
fn dense_attributes<'a>(file: &mut File<'a>, message: &[u8]) -> Result<Vec<&'a [u8]>, String> {
    let mut cursor = Cursor::new(message);
    cursor.skip(1)?;
    let flags = cursor.u8()?;
    cursor.skip(if flags & 1 != 0 { 2 } else { 0 })?;
    dense::place(&mut cursor)?.map_or(Ok(Vec::new()), |place| dense::messages(file, place, Index::Attributes))
}
