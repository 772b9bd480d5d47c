//! HDF5: the only module that knows the crate that reads and writes it.
//!
//! A file is untrusted: depth, number of objects and every declared size are bounded by the size of the file before
//! anything is taken from it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hdf5_pure::{AttrValue, DType as FileType, Datatype, File, FileBuilder, FinishedGroup, GroupBuilder};

use super::array::{Array, Stored};
use super::tree::Group;

/// Deepest nesting of groups.
const DEPTH: usize = 64;
/// Fewest bytes that an object takes in a file (its header alone takes more); bounds what cycles can do.
const OBJECT: usize = 32;
/// How often packed data may exceed the file, which is about what deflate reaches at best.
const UNPACK: usize = 1032;

/// Reads a file.
///
/// # Errors
/// A description of what is wrong with it.
pub(super) fn read(bytes: Vec<u8>) -> Result<Group, String> {
    if let Some(end) = end_of(&bytes).filter(|end| *end > bytes.len() as u64) {
        return Err(format!("it is cut off: it has {} bytes of {end}", bytes.len()));
    }
    // The crate is young and the bytes may be anybody's: a slip of its shall not take the program down.
    catch_unwind(AssertUnwindSafe(move || {
        let size = bytes.len();
        let file = File::from_bytes(bytes).map_err(|e| format!("not a readable HDF5 file: {e}"))?;
        let mut reader =
            Reader { objects: size / OBJECT + 16, bytes: size, unpacked: size.saturating_mul(UNPACK) };
        reader.group(&file.root(), "/", DEPTH)
    }))
    .unwrap_or_else(|_| Err("not a readable HDF5 file: its structure is broken".into()))
}

/// Where a file says that it ends (HDF5 File Format Specification, section II.A). Objects before a cut could be read, and what
/// is missing be taken for left out.
fn end_of(bytes: &[u8]) -> Option<u64> {
    // The superblock of Keras' files is at their beginning, with addresses of eight bytes.
    let (at, width) = match bytes.get(8)? {
        0 => (40, 13),
        1 => (44, 13),
        2 | 3 => (28, 9),
        _ => return None,
    };
    let end = bytes.get(at..at + 8).filter(|_| bytes.get(width) == Some(&8))?;
    Some(u64::from_le_bytes(end.try_into().ok()?))
}

struct Reader {
    /// How many objects may still be visited.
    objects: usize,
    /// Size of the file.
    bytes: usize,
    /// How many bytes packed arrays may still unpack to.
    unpacked: usize,
}

impl Reader {
    fn visit(&mut self, path: &str) -> Result<(), String> {
        let left = self.objects.checked_sub(1);
        self.objects =
            left.ok_or_else(|| format!("`{path}`: more objects than the file can hold (a cycle?)"))?;
        Ok(())
    }

    fn group(&mut self, group: &hdf5_pure::Group, path: &str, depth: usize) -> Result<Group, String> {
        let fail = |e: hdf5_pure::Error| format!("`{path}`: {e}");
        self.visit(path)?;
        if depth == 0 {
            return Err(format!("`{path}`: groups are nested more than {DEPTH} deep"));
        }
        let mut out = Group::default();
        if let Some(
            AttrValue::VarLenString(name) | AttrValue::String(name) | AttrValue::VarLenAsciiString(name),
        ) = group.attrs().map_err(fail)?.remove("name")
        {
            out.name = Some(name);
        }
        for name in group.groups().map_err(fail)? {
            let path = format!("{path}{name}/");
            let inner = group.group(&name).map_err(fail)?;
            out.groups.insert(name, self.group(&inner, &path, depth - 1)?);
        }
        for name in group.datasets().map_err(fail)? {
            let path = format!("{path}{name}");
            self.visit(&path)?;
            let set = group.dataset(&name).map_err(fail)?;
            out.arrays.insert(name, self.array(&set, &path)?);
        }
        Ok(out)
    }

    fn array(&mut self, set: &hdf5_pure::Dataset, path: &str) -> Result<Array, String> {
        let fail = |e: hdf5_pure::Error| format!("`{path}`: {e}");
        let stored =
            stored_type(set).ok_or_else(|| format!("`{path}`: its element type is not supported"))?;
        let shape: Vec<usize> = set.shape().map_err(fail)?.into_iter().map(|d| d as usize).collect();
        let size = shape.iter().try_fold(stored.size(), |n, d| n.checked_mul(*d));
        let size = size.ok_or_else(|| format!("`{path}`: shape {shape:?} is beyond all memory"))?;
        let (limit, packed) = if set.is_chunked() { (self.unpacked, true) } else { (self.bytes, false) };
        if size > limit {
            return Err(format!(
                "`{path}`: shape {shape:?} declares {size} bytes, more than the file can hold"
            ));
        }
        if packed {
            self.unpacked -= size;
        }
        if size == 0 {
            return Ok(Array { shape, stored, bytes: Vec::new() });
        }
        let mut bytes = set.read_raw().map_err(fail)?;
        if big_endian(set) {
            bytes.chunks_exact_mut(stored.size()).for_each(<[u8]>::reverse);
        }
        Array::new(shape, stored, bytes).map_err(|e| format!("`{path}`: {e}"))
    }
}

fn stored_type(set: &hdf5_pure::Dataset) -> Option<Stored> {
    let size = set.element_size().ok()?;
    Some(match set.dtype().ok()? {
        FileType::F32 => Stored::F32,
        FileType::F64 => Stored::F64,
        FileType::I8 => Stored::I8,
        FileType::I16 => Stored::I16,
        FileType::I32 => Stored::I32,
        FileType::I64 => Stored::I64,
        FileType::U8 => Stored::U8,
        FileType::U16 => Stored::U16,
        FileType::U32 => Stored::U32,
        FileType::U64 => Stored::U64,
        // h5py's bool.
        FileType::Enum(names) if size == 1 && names.len() == 2 => Stored::Bool,
        FileType::Other(datatype) => match *datatype {
            Datatype::FloatingPoint { size: 2, layout, .. } if layout.exponent_size == 5 => Stored::F16,
            Datatype::FloatingPoint { size: 2, layout, .. } if layout.exponent_size == 8 => Stored::BF16,
            // Keras writes bfloat16 as opaque bytes, and nothing else.
            Datatype::Opaque { size: 2, .. } => Stored::BF16,
            _ => return None,
        },
        _ => return None,
    })
}

fn big_endian(set: &hdf5_pure::Dataset) -> bool {
    use hdf5_pure::DatatypeByteOrder::BigEndian;
    matches!(
        set.datatype(),
        Ok(Datatype::FixedPoint { byte_order: BigEndian, .. }
            | Datatype::FloatingPoint { byte_order: BigEndian, .. })
    )
}

/// Writes a file.
///
/// # Errors
/// A description of what cannot be written.
pub(super) fn write(root: &Group) -> Result<Vec<u8>, String> {
    let mut builder = FileBuilder::new();
    for (name, group) in &root.groups {
        let child = finish(builder.create_group(name), group)?;
        builder.add_group(child);
    }
    for (name, array) in &root.arrays {
        put(builder.create_dataset(name), array)?;
    }
    if let Some(name) = &root.name {
        builder.set_attr("name", AttrValue::VarLenString(name.clone()));
    }
    builder.finish().map_err(|e| e.to_string())
}

fn finish(mut builder: GroupBuilder, group: &Group) -> Result<FinishedGroup, String> {
    for (name, inner) in &group.groups {
        let child = finish(builder.create_group(name), inner)?;
        builder.add_group(child);
    }
    for (name, array) in &group.arrays {
        put(builder.create_dataset(name), array)?;
    }
    if let Some(name) = &group.name {
        builder.set_attr("name", AttrValue::VarLenString(name.clone()));
    }
    Ok(builder.finish())
}

fn put(set: &mut hdf5_pure::DatasetBuilder, array: &Array) -> Result<(), String> {
    use hdf5_pure as h;
    let datatype = match array.stored {
        Stored::F16 => half_type(),
        Stored::BF16 => {
            set.set_attr("dtype", AttrValue::VarLenString("bfloat16".into()));
            Datatype::Opaque { size: 2, tag: Vec::new() }
        }
        Stored::F32 => h::make_f32_type(),
        Stored::F64 => h::make_f64_type(),
        Stored::I8 => h::make_i8_type(),
        Stored::I16 => h::make_i16_type(),
        Stored::I32 => h::make_i32_type(),
        Stored::I64 => h::make_i64_type(),
        Stored::U8 => h::make_u8_type(),
        Stored::U16 => h::make_u16_type(),
        Stored::U32 => h::make_u32_type(),
        Stored::U64 => h::make_u64_type(),
        Stored::Bool => h::EnumTypeBuilder::with_base(h::make_i8_type())
            .value("FALSE", 0)
            .value("TRUE", 1)
            .build()
            .map_err(|e| e.to_string())?,
    };
    let shape: Vec<u64> = array.shape.iter().map(|d| *d as u64).collect();
    set.with_raw_data(datatype, array.bytes.clone(), array.len() as u64).with_shape(&shape);
    Ok(())
}

fn half_type() -> Datatype {
    Datatype::FloatingPoint {
        size: 2,
        byte_order: hdf5_pure::DatatypeByteOrder::LittleEndian,
        layout: hdf5_pure::FloatingPointLayout {
            bit_offset: 0,
            bit_precision: 16,
            exponent_location: 10,
            exponent_size: 5,
            mantissa_location: 0,
            mantissa_size: 10,
            exponent_bias: 15,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_survives() {
        let mut root = Group::default();
        let dense = root.make(["layers", "dense", "vars"]);
        dense.name = Some("Dichte ü".into());
        let stored = [
            Stored::F16,
            Stored::BF16,
            Stored::F32,
            Stored::F64,
            Stored::I8,
            Stored::I16,
            Stored::I32,
            Stored::I64,
            Stored::U8,
            Stored::U16,
            Stored::U32,
            Stored::U64,
            Stored::Bool,
        ];
        for (i, stored) in stored.into_iter().enumerate() {
            let bytes =
                (0..6 * stored.size()).map(|b| if stored == Stored::Bool { b as u8 % 2 } else { b as u8 });
            let array = Array::new(vec![2, 3], stored, bytes.collect()).expect("sizes agree");
            dense.arrays.insert(i.to_string(), array);
        }
        dense.arrays.insert("scalar".into(), Array::scalar(Stored::I32, 7.0));
        dense.arrays.insert("empty".into(), Array::of(vec![0, 4], keras_kernels::DType::F32, &[]));
        root.make(["vars"]).name = Some("model".into());
        let bytes = write(&root).expect("can be written");
        assert_eq!(read(bytes).expect("can be read"), root);
    }

    #[test]
    fn many_arrays_in_one_group() {
        let mut root = Group::default();
        let arrays = (0..600).map(|i| Array::scalar(Stored::F32, f64::from(i)));
        root.make(["optimizer", "vars"]).set_numbered(arrays);
        let read = read(write(&root).expect("can be written")).expect("can be read");
        let found = read.find(["optimizer", "vars"]).expect("is there").numbered();
        assert_eq!(found.len(), 600);
        assert!(found.iter().enumerate().all(|(i, a)| a.to_f64() == [i as f64]));
    }

    #[test]
    fn rubbish_is_refused() {
        assert!(read(Vec::new()).is_err());
        assert!(read(vec![0x5a; 4096]).is_err());
    }
}
