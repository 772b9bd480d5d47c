//! From a tree to a file, as h5py writes one.

use std::borrow::Cow;

use super::super::array::{Array, Stored};
use super::super::bytes::Bytes;
use super::super::tree::{Attribute, Group};
use super::header::kind;
use super::{SIGNATURE, UNDEFINED};

/// Half of the entries of a leaf of names: HDF5's default.
const LEAF: usize = 4;
/// Half of the children of a node above leaves: HDF5's default.
const NODE: usize = 16;
/// Bytes of the superblock with the entry of the root.
const SUPERBLOCK: usize = 96;
/// Largest message of an object header.
const MESSAGE: usize = 64512;
/// Bytes of a heap collection that is not made for one large text.
const COLLECTION: usize = 4096;

/// A file in memory as the pieces that it consists of: the arrays in it are not copied.
#[derive(Clone, Default)]
pub(in super::super) struct Image {
    pieces: Vec<Bytes>,
    len: usize,
}

impl Image {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| &**piece)
    }

    /// All bytes in one vector.
    #[cfg(test)]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces().flatten().copied().collect()
    }

    /// Adds bytes at the next multiple of 8 and returns where they are.
    fn push(&mut self, bytes: impl Into<Bytes>) -> u64 {
        let gap = self.len.next_multiple_of(8) - self.len;
        if gap > 0 {
            self.pieces.push(vec![0; gap].into());
            self.len += gap;
        }
        let at = self.len;
        let bytes = bytes.into();
        self.len += bytes.len();
        self.pieces.push(bytes);
        at as u64
    }
}

/// Writes a file.
///
/// # Errors
/// A description of what cannot be written.
pub(in super::super) fn write(root: &Group) -> Result<Image, String> {
    let mut writer = Writer { image: Image::default(), heap: Vec::new() };
    writer.image.push(vec![0; SUPERBLOCK]);
    let table = writer.group(root, "/")?;
    writer.finish(&table)
}

/// Where a group is: its object header, its tree of names and its heap.
struct Table {
    header: u64,
    tree: u64,
    heap: u64,
}

/// A heap collection that is still filled: which piece it is to become, and its bytes so far.
struct Collection {
    piece: usize,
    address: u64,
    size: usize,
    count: u16,
    bytes: Vec<u8>,
}

struct Writer {
    image: Image,
    heap: Vec<Collection>,
}

impl Writer {
    fn group(&mut self, group: &Group, path: &str) -> Result<Table, String> {
        // Names in order, with the object headers that they stand for.
        let mut entries: Vec<(&str, u64, Option<Table>)> = Vec::new();
        for (name, inner) in &group.groups {
            if group.arrays.contains_key(name) {
                return Err(format!("`{path}{name}` is both a group and an array"));
            }
            let table = self.group(inner, &format!("{path}{name}/"))?;
            entries.push((name, table.header, Some(table)));
        }
        for (name, array) in &group.arrays {
            entries.push((name, self.array(array)?, None));
        }
        entries.sort_by_key(|(name, ..)| *name);
        if let Some((name, ..)) =
            entries.iter().find(|(name, ..)| name.is_empty() || name.contains(['/', '\0']))
        {
            return Err(format!("`{path}`: `{name}` cannot be the name of an object in HDF5"));
        }

        // The heap starts with an empty name, which stands below all others.
        let mut names = vec![0; 8];
        let offsets: Vec<u64> = entries
            .iter()
            .map(|(name, ..)| {
                let at = names.len() as u64;
                names.extend_from_slice(name.as_bytes());
                names.resize((names.len() + 1).next_multiple_of(8), 0);
                at
            })
            .collect();
        let size = names.len() as u64;
        let names = self.image.push(names);
        let mut head = b"HEAP\0\0\0\0".to_vec();
        // Nothing in it is free.
        [size, 1, names].iter().for_each(|n| head.extend(n.to_le_bytes()));
        let heap = self.image.push(head);

        let tree = self.tree(&entries, &offsets);
        let mut messages = vec![(kind::SYMBOL_TABLE, [tree.to_le_bytes(), heap.to_le_bytes()].concat())];
        for (name, value) in &group.attributes {
            for (name, value) in pieces_of(name, value) {
                messages.push((kind::ATTRIBUTE, self.attribute(&name, &value)?));
            }
        }
        Ok(Table { header: self.header(&messages)?, tree, heap })
    }

    /// The tree of a group's names.
    fn tree(&mut self, entries: &[(&str, u64, Option<Table>)], offsets: &[u64]) -> u64 {
        // Each child with the offset of the largest name in it.
        let mut level: Vec<(u64, u64)> = Vec::new();
        for (entries, offsets) in entries.chunks(2 * LEAF).zip(offsets.chunks(2 * LEAF)) {
            let mut leaf = b"SNOD\x01\0".to_vec();
            leaf.extend((entries.len() as u16).to_le_bytes());
            for ((_, header, table), offset) in entries.iter().zip(offsets) {
                leaf.extend(entry(*offset, *header, table.as_ref()));
            }
            leaf.resize(8 + 40 * 2 * LEAF, 0);
            level.push((self.image.push(leaf), offsets.last().copied().unwrap_or(0)));
        }
        for height in 0u8.. {
            let first_of_level = self.image.len.next_multiple_of(8) as u64;
            let size = 24 + 16 * 2 * NODE + 8;
            let nodes: Vec<&[(u64, u64)]> =
                if level.is_empty() { vec![&[]] } else { level.chunks(2 * NODE).collect() };
            let mut above = Vec::with_capacity(nodes.len());
            let mut before = 0;
            for (at, children) in nodes.iter().enumerate() {
                let beside = |at: usize| first_of_level + (at * size) as u64;
                let left = at.checked_sub(1).map_or(UNDEFINED, beside);
                let right = if at + 1 < nodes.len() { beside(at + 1) } else { UNDEFINED };
                let mut node = b"TREE\0".to_vec();
                node.push(height);
                node.extend((children.len() as u16).to_le_bytes());
                [left, right, before].iter().for_each(|n| node.extend(n.to_le_bytes()));
                for (child, last) in *children {
                    node.extend(child.to_le_bytes());
                    node.extend(last.to_le_bytes());
                    before = *last;
                }
                node.resize(size, 0);
                above.push((self.image.push(node), before));
            }
            if let [(root, _)] = above[..] {
                return root;
            }
            level = above;
        }
        UNDEFINED
    }

    fn array(&mut self, array: &Array) -> Result<u64, String> {
        let mut messages = vec![(kind::DATASPACE, dataspace(&array.shape, true))];
        messages.push((kind::DATATYPE, datatype(array.stored)));
        // Version 2: allocated late, written if set, the default value.
        messages.push((5, vec![2, 2, 2, 1, 0, 0, 0, 0]));
        let size = array.bytes.len() as u64;
        let at = if size == 0 { UNDEFINED } else { self.image.push(array.bytes.clone()) };
        let mut layout = vec![3, 1];
        [at, size].iter().for_each(|n| layout.extend(n.to_le_bytes()));
        messages.push((kind::LAYOUT, layout));
        if array.stored == Stored::BF16 {
            messages.push((kind::ATTRIBUTE, self.attribute("dtype", &Attribute::Text("bfloat16".into()))?));
        }
        self.header(&messages)
    }

    /// An object header.
    fn header(&mut self, messages: &[(u16, Vec<u8>)]) -> Result<u64, String> {
        let mut body = Vec::new();
        for (kind, data) in messages {
            let size = data.len().next_multiple_of(8);
            body.extend(kind.to_le_bytes());
            let size16 = u16::try_from(size).map_err(|_| "an attribute is too large for HDF5".to_string())?;
            body.extend(size16.to_le_bytes());
            body.extend([0; 4]);
            body.extend_from_slice(data);
            body.resize(body.len() + size - data.len(), 0);
        }
        let mut header = vec![1, 0];
        let count =
            u16::try_from(messages.len()).map_err(|_| "an object has too many attributes for HDF5")?;
        header.extend(count.to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend((body.len() as u32).to_le_bytes());
        header.extend([0; 4]);
        header.extend(body);
        Ok(self.image.push(header))
    }

    fn attribute(&mut self, name: &str, value: &Attribute) -> Result<Vec<u8>, String> {
        let (shape, texts) = match value {
            Attribute::Text(text) => (vec![], std::slice::from_ref(text)),
            Attribute::Texts(texts) => (vec![texts.len()], &texts[..]),
        };
        let mut out = vec![1, 0];
        // A list of a length of texts in UTF-8 that end with a zero; their type is bytes.
        let datatype: &[u8] = if texts.is_empty() {
            // As NumPy has it: an empty list is one of floats.
            &datatype(Stored::F64)
        } else {
            b"\x19\x01\x01\0\x10\0\0\0\x10\0\0\0\x01\0\0\0\0\0\x08\0"
        };
        let space = dataspace(&shape, false);
        for size in [name.len() + 1, datatype.len(), space.len()] {
            let size = u16::try_from(size).map_err(|_| format!("`{name}` is too long for an attribute"))?;
            out.extend(size.to_le_bytes());
        }
        for part in [&[name.as_bytes(), b"\0"].concat(), datatype, &space] {
            out.extend_from_slice(part);
            out.resize(out.len().next_multiple_of(8), 0);
        }
        for text in texts {
            let (address, number) = self.text(text)?;
            let length = u32::try_from(text.len()).map_err(|_| "a text is too long for HDF5")?;
            out.extend(length.to_le_bytes());
            out.extend(address.to_le_bytes());
            out.extend(u32::from(number).to_le_bytes());
        }
        Ok(out)
    }

    /// Puts a text into the global heap.
    fn text(&mut self, text: &str) -> Result<(u64, u16), String> {
        // HDF5 reads no text of no length; it has none at all.
        if text.is_empty() {
            return Ok((0, 0));
        }
        let needed = 16 + text.len().next_multiple_of(8);
        // The head of what is free must fit behind.
        let fits = |c: &Collection| c.bytes.len() + needed + 16 <= c.size && c.count < u16::MAX;
        if !self.heap.last().is_some_and(fits) {
            let size = (16 + needed + 16).next_multiple_of(COLLECTION);
            let address = self.image.push(vec![0; size]);
            let mut bytes = b"GCOL\x01\0\0\0".to_vec();
            bytes.extend((size as u64).to_le_bytes());
            let piece = self.image.pieces.len() - 1;
            self.heap.push(Collection { piece, address, size, count: 0, bytes });
        }
        let collection = self.heap.last_mut().ok_or("no heap")?;
        collection.count += 1;
        collection.bytes.extend(collection.count.to_le_bytes());
        // One reference, and padding.
        collection.bytes.extend([1, 0, 0, 0, 0, 0]);
        collection.bytes.extend((text.len() as u64).to_le_bytes());
        collection.bytes.extend_from_slice(text.as_bytes());
        collection.bytes.resize(collection.bytes.len().next_multiple_of(8), 0);
        Ok((collection.address, collection.count))
    }

    /// Fills in what was left open: heaps and the superblock.
    fn finish(mut self, root: &Table) -> Result<Image, String> {
        for mut collection in self.heap {
            let free = collection.size - collection.bytes.len();
            collection.bytes.extend([0; 8]);
            collection.bytes.extend((free as u64).to_le_bytes());
            collection.bytes.resize(collection.size, 0);
            self.image.pieces[collection.piece] = collection.bytes.into();
        }
        let mut head = SIGNATURE.to_vec();
        head.extend([0, 0, 0, 0, 0, 8, 8, 0]);
        head.extend((LEAF as u16).to_le_bytes());
        head.extend((NODE as u16).to_le_bytes());
        head.extend([0; 4]);
        [0, UNDEFINED, self.image.len as u64, UNDEFINED].iter().for_each(|n| head.extend(n.to_le_bytes()));
        head.extend(entry(0, root.header, Some(root)));
        self.image.pieces[0] = head.into();
        Ok(self.image)
    }
}

/// An entry of a symbol table.
fn entry(name: u64, header: u64, table: Option<&Table>) -> Vec<u8> {
    let mut out = [name.to_le_bytes(), header.to_le_bytes()].concat();
    out.extend(u64::from(table.is_some()).to_le_bytes());
    let (tree, heap) = table.map_or((0, 0), |table| (table.tree, table.heap));
    out.extend([tree.to_le_bytes(), heap.to_le_bytes()].concat());
    out
}

/// An attribute, or several that Keras puts together again: `layer_names0`, `layer_names1`, ...
fn pieces_of<'a>(name: &'a str, value: &'a Attribute) -> Vec<(Cow<'a, str>, Cow<'a, Attribute>)> {
    let most = MESSAGE / 16 - 16;
    match value {
        Attribute::Texts(texts) if texts.len() > most => {
            let piece = |(at, texts): (usize, &[String])| {
                (Cow::Owned(format!("{name}{at}")), Cow::Owned(Attribute::Texts(texts.to_vec())))
            };
            texts.chunks(most).enumerate().map(piece).collect()
        }
        _ => vec![(Cow::Borrowed(name), Cow::Borrowed(value))],
    }
}

fn dataspace(shape: &[usize], limits: bool) -> Vec<u8> {
    let limits = limits && !shape.is_empty();
    let mut out = vec![1, shape.len() as u8, u8::from(limits), 0, 0, 0, 0, 0];
    for _ in 0..=usize::from(limits) {
        shape.iter().for_each(|d| out.extend((*d as u64).to_le_bytes()));
    }
    out
}

fn datatype(stored: Stored) -> Vec<u8> {
    let head = |class: u8, bits: [u8; 3], size: usize| {
        let mut out = vec![0x10 | class, bits[0], bits[1], bits[2]];
        out.extend((size as u32).to_le_bytes());
        out
    };
    let size = stored.size();
    // Offset, precision, places and sizes of exponent and mantissa, bias; the mantissa's first bit is implied.
    let float = |exponent: (u8, u8), mantissa: u8, bias: u32| {
        let mut out = head(1, [0x20, (8 * size - 1) as u8, 0], size);
        out.extend([0, 0, (8 * size) as u8, 0, exponent.0, exponent.1, 0, mantissa]);
        out.extend(bias.to_le_bytes());
        out
    };
    let integer = |signed: bool| {
        let mut out = head(0, [u8::from(signed) << 3, 0, 0], size);
        out.extend([0, 0, (8 * size) as u8, 0]);
        out
    };
    match stored {
        Stored::F16 => float((10, 5), 10, 15),
        Stored::F32 => float((23, 8), 23, 127),
        Stored::F64 => float((52, 11), 52, 1023),
        // Opaque bytes; an attribute says what they are.
        Stored::BF16 => [head(5, [0, 0, 0], 2), vec![0; 8]].concat(),
        Stored::I8 | Stored::I16 | Stored::I32 | Stored::I64 => integer(true),
        Stored::U8 | Stored::U16 | Stored::U32 | Stored::U64 => integer(false),
        Stored::Bool => {
            let mut out = head(8, [2, 0, 0], 1);
            out.extend(datatype(Stored::I8));
            out.extend(b"FALSE\0\0\0TRUE\0\0\0\0");
            out.extend([0, 1]);
            out
        }
    }
}
