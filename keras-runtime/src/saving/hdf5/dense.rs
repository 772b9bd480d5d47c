//! Dense storage: the links or attributes of an object that has many of them, in a fractal heap that a B-tree (version 2) lists.
//! h5py writes them with `libver="latest"` or `track_order=True`.

use super::UNDEFINED;
use super::cursor::Cursor;
use super::read::File;

/// Deepest level of a tree, and of blocks inside blocks.
const LEVELS: usize = 16;
/// Signature, version and kind before a node's records, and its checksum after them.
const FRAME: usize = 10;

/// What a tree lists.
#[derive(Clone, Copy)]
pub(super) enum Index {
    /// Links by the hashes of their names.
    Links,
    /// Attributes by the hashes of their names.
    Attributes,
}

impl Index {
    /// The number of the kind, the size of a record, and where in it the place in the heap stands.
    fn record(self, id: usize) -> (u8, usize, usize) {
        match self {
            Index::Links => (5, 4 + id, 4),
            Index::Attributes => (8, id + 9, 0),
        }
    }
}

/// The addresses of a heap and of the tree that lists what is in it, from a message that was read as far as there; `None` if the
/// object has no such storage.
pub(super) fn place(cursor: &mut Cursor<'_>) -> Result<Option<(u64, u64)>, String> {
    let (heap, tree) = (cursor.u64()?, cursor.u64()?);
    Ok((heap != UNDEFINED).then_some((heap, tree)))
}

/// The messages in a heap, in the order of the tree.
pub(super) fn messages<'a>(
    file: &mut File<'a>,
    (heap, tree): (u64, u64),
    index: Index,
) -> Result<Vec<&'a [u8]>, String> {
    let heap = Heap::read(file, heap)?;
    let (kind, size, at) = index.record(heap.id);
    let mut out = Vec::new();
    let tree = Tree::read(file, tree, kind, size)?;
    tree.visit(file, &mut |file, record| {
        out.push(heap.object(file, &record[at..])?);
        Ok(())
    })?;
    Ok(out)
}

/// A fractal heap: blocks of doubling sizes that make one space of addresses.
struct Heap {
    /// Bytes of what names an object.
    id: usize,
    /// Bytes of an offset in the heap, and of a length.
    offset: usize,
    length: usize,
    /// Blocks in a row, bytes of the first, and of the largest that holds objects itself.
    width: usize,
    first: u64,
    largest: u64,
    root: u64,
    /// Rows of the root; none if it holds objects itself.
    rows: usize,
}

impl Heap {
    fn read(file: &mut File<'_>, address: u64) -> Result<Heap, String> {
        const SIZE: usize = 142;
        file.pay(SIZE)?;
        let mut cursor = Cursor::new(file.at(address, SIZE)?);
        cursor.expect(b"FRHP\0", "a fractal heap")?;
        let id = cursor.u16()?;
        if cursor.u16()? != 0 {
            return Err("a fractal heap is packed, which is not read".into());
        }
        cursor.skip(1)?;
        let most = u64::from(cursor.u32()?);
        cursor.skip(12 * 8)?;
        let width = cursor.u16()?;
        let (first, largest, bits) = (cursor.u64()?, cursor.u64()?, cursor.u16()?);
        cursor.skip(2)?;
        let (root, rows) = (cursor.u64()?, cursor.u16()?);
        let (offset, length) = (bits.div_ceil(8), bytes_for(most.min(largest)));
        let sizes = first.is_power_of_two() && largest.is_power_of_two() && first <= largest;
        if !sizes || !width.is_power_of_two() || bits > 64 || id != 1 + offset + length {
            return Err("a fractal heap has sizes that do not fit together".into());
        }
        Ok(Heap { id, offset, length, width, first, largest, root, rows })
    }

    /// What an id stands for.
    fn object<'a>(&self, file: &mut File<'a>, id: &[u8]) -> Result<&'a [u8], String> {
        let mut cursor = Cursor::new(id);
        if cursor.u8()? != 0 {
            return Err("an object of a fractal heap lies elsewhere, which is not read".into());
        }
        let (offset, length) = (cursor.uint(self.offset)?, cursor.uint(self.length)?);
        let length = usize::try_from(length).map_err(|_| "a size is beyond all memory")?;
        file.pay(length)?;
        let (block, inside, size) = match self.rows {
            0 => (self.root, offset, self.first),
            rows => self.find(file, self.root, rows, offset, LEVELS)?,
        };
        if inside.saturating_add(length as u64) > size || block == UNDEFINED {
            return Err("an object lies outside its heap".into());
        }
        file.at(block.checked_add(inside).ok_or("an object lies outside its heap")?, length)
    }

    /// The block that an offset lies in, how far inside, and the block's size.
    fn find(
        &self,
        file: &mut File<'_>,
        block: u64,
        rows: usize,
        mut offset: u64,
        levels: usize,
    ) -> Result<(u64, u64, u64), String> {
        let levels = levels.checked_sub(1).ok_or("blocks of a heap are nested too deep")?;
        let outside = "an object lies outside its heap";
        for row in 0..rows {
            // 1, 1, 2, 4, 8, ... times the first.
            let size = u32::try_from(row.saturating_sub(1))
                .ok()
                .and_then(|n| self.first.checked_mul(1u64.checked_shl(n)?));
            let size = size.ok_or(outside)?;
            let whole = size.checked_mul(self.width as u64).ok_or(outside)?;
            if offset >= whole {
                offset -= whole;
                continue;
            }
            let column = (offset / size) as usize;
            let entry = 5 + 8 + self.offset + (row * self.width + column) * 8;
            file.pay(entry + 8)?;
            let mut cursor = Cursor::new(file.at(block, entry + 8)?);
            cursor.expect(b"FHIB\0", "a block of blocks")?;
            cursor.skip(entry - 5)?;
            let child = cursor.u64()?;
            if size <= self.largest {
                return Ok((child, offset % size, size));
            }
            let rows = (size / self.first / self.width as u64).checked_ilog2().ok_or(outside)? as usize + 1;
            return self.find(file, child, rows, offset % size, levels);
        }
        Err(outside.into())
    }
}

/// Bytes that numbers up to `most` are written with.
fn bytes_for(most: u64) -> usize {
    most.checked_ilog2().unwrap_or(0) as usize / 8 + 1
}

/// A B-tree of version 2.
struct Tree {
    kind: u8,
    record: usize,
    root: u64,
    records: usize,
    depth: usize,
    /// Bytes of the number of records in a node.
    count: usize,
    /// Bytes of the number of records below a node of each depth.
    below: Vec<usize>,
}

impl Tree {
    fn read(file: &mut File<'_>, address: u64, kind: u8, record: usize) -> Result<Tree, String> {
        const SIZE: usize = 38;
        file.pay(SIZE)?;
        let mut cursor = Cursor::new(file.at(address, SIZE)?);
        cursor.expect(b"BTHD\0", "a tree of records")?;
        let found = cursor.u8()?;
        let (node, size, depth) = (cursor.u32()? as usize, cursor.u16()?, cursor.u16()?);
        cursor.skip(2)?;
        let (root, records) = (cursor.u64()?, cursor.u16()?);
        if found != kind || size != record || depth > LEVELS || node <= FRAME + record {
            return Err("a tree of records is not of the kind that belongs there".into());
        }
        let most = (node - FRAME) / record;
        let count = bytes_for(most as u64);
        let (mut below, mut all) = (vec![0], most as u64);
        for _ in 0..depth {
            let pointer = 8 + count + below.last().copied().unwrap_or(0);
            let most = node.saturating_sub(FRAME + pointer) / (record + pointer);
            all = all.saturating_mul(most as u64 + 1).saturating_add(most as u64);
            below.push(bytes_for(all));
        }
        Ok(Tree { kind, record, root, records, depth, count, below })
    }

    fn visit<'a>(&self, file: &mut File<'a>, each: Each<'_, 'a>) -> Result<(), String> {
        if self.root == UNDEFINED {
            return Ok(());
        }
        self.node(file, (self.root, self.records), self.depth, each)
    }

    fn node<'a>(
        &self,
        file: &mut File<'a>,
        (address, records): (u64, usize),
        depth: usize,
        each: Each<'_, 'a>,
    ) -> Result<(), String> {
        let below = depth.checked_sub(1).map(|depth| (depth, self.below[depth]));
        let pointers = below.map_or(0, |(_, all)| (records + 1) * (8 + self.count + all));
        let size = 6 + records * self.record + pointers;
        file.pay(size)?;
        let mut cursor = Cursor::new(file.at(address, size)?);
        cursor.expect(if depth == 0 { b"BTLF\0" } else { b"BTIN\0" }, "a node of records")?;
        if cursor.u8()? != self.kind {
            return Err("a tree of records has a node that does not belong there".into());
        }
        for _ in 0..records {
            each(file, cursor.take(self.record)?)?;
        }
        let Some((depth, all)) = below else { return Ok(()) };
        for _ in 0..=records {
            let child = (cursor.u64()?, cursor.uint(self.count)? as usize);
            cursor.skip(all)?;
            self.node(file, child, depth, each)?;
        }
        Ok(())
    }
}

/// What is done with each record.
type Each<'e, 'a> = &'e mut dyn FnMut(&mut File<'a>, &'a [u8]) -> Result<(), String>;
