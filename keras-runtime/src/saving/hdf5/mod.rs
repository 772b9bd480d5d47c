//! HDF5, as far as Keras uses it: groups with attributes, holding arrays.
//!
//! Written are the constructs that h5py writes (superblock 0, groups with symbol tables, contiguous arrays). Read are those,
//! and what comes of files that were rewritten: newer headers and links, heaps of them, chunks that are packed. Everything that a file
//! declares is checked against its size before memory is taken for it, and every structure that is followed is paid from
//! a budget of the file's size, so cycles end. Arrays share the bytes of the file.
//!
//! Format: HDF5 File Format Specification 3.0, <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.

mod chunks;
mod cursor;
mod dense;
mod header;
mod heap;
mod links;
mod read;
mod types;
mod write;

pub(super) use read::read;
pub(super) use write::{Image, write};

/// The first bytes of a file.
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
/// An address that stands for none.
const UNDEFINED: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::super::array::{Array, Stored};
    use super::super::bytes::Bytes;
    use super::super::tree::{Attribute, Group};
    use super::*;

    fn round_trip(root: &Group) -> Group {
        let bytes = write(root).expect("can be written").to_vec();
        read(&Bytes::from(bytes).shared()).expect("can be read")
    }

    #[test]
    fn a_tree_survives() {
        let mut root = Group::default();
        let dense = root.make(["layers", "dense", "vars"]);
        dense.set_name("Dichte ü");
        let names = ["kernel", "", "größe"].map(String::from).to_vec();
        dense.attributes.insert("weight_names".into(), Attribute::Texts(names));
        dense.attributes.insert("empty".into(), Attribute::Texts(Vec::new()));
        dense.set_text("long", "x".repeat(100_000));
        for (i, stored) in Stored::ALL.into_iter().enumerate() {
            let bytes =
                (0..6 * stored.size()).map(|b| if stored == Stored::Bool { b as u8 % 2 } else { b as u8 });
            let array = Array::new(vec![2, 3], stored, bytes.collect::<Vec<u8>>()).expect("sizes agree");
            dense.arrays.insert(i.to_string(), array);
        }
        dense.arrays.insert("scalar".into(), Array::scalar(Stored::I32, 7.0));
        dense.arrays.insert("empty".into(), Array::of(vec![0, 4], keras_kernels::DType::F32, &[]));
        root.make(["vars"]).set_name("model");
        assert_eq!(round_trip(&root), root);
    }

    #[test]
    fn many_arrays_in_one_group() {
        // More than fit into one node of a tree, and into one level of it.
        for count in [8, 9, 256, 257, 9000] {
            let mut root = Group::default();
            let arrays = (0..count).map(|i| Array::scalar(Stored::F32, f64::from(i)));
            root.make(["optimizer", "vars"]).set_numbered(arrays);
            let read = round_trip(&root);
            let found = read.find(["optimizer", "vars"]).expect("is there").numbered();
            assert_eq!(found.len(), count as usize);
            assert!(found.iter().enumerate().all(|(i, a)| a.to_f64() == [i as f64]));
        }
    }

    #[test]
    fn arrays_share_the_bytes_of_the_file() {
        let mut root = Group::default();
        root.arrays.insert("a".into(), Array::of(vec![3], keras_kernels::DType::F64, &[1.0, 2.0, 3.0]));
        let file = Bytes::from(write(&root).expect("can be written").to_vec()).shared();
        let array = &read(&file).expect("can be read").arrays["a"];
        assert!(file.as_ptr_range().contains(&array.bytes.as_ptr()));
    }

    /// A file that h5py wrote (see `tests/formats/make.py`).
    fn of_h5py(name: &str) -> Group {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/formats/files");
        let bytes = std::fs::read(folder.join(name)).expect("is there");
        read(&Bytes::from(bytes).shared()).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    #[test]
    fn heaps_of_links_and_attributes() {
        assert_eq!(of_h5py("dense.weights.h5"), of_h5py("plain.weights.h5"));
        let many = of_h5py("many.weights.h5");
        let group = many.find(["layers", "dense", "vars"]).expect("is there");
        let found: Vec<f64> = group.numbered().iter().map(|array| array.to_f64()[0]).collect();
        assert_eq!(found, (0..120).map(|i| f64::from(i % 10)).collect::<Vec<_>>());
        let about = |i: usize| group.text(&format!("about {i}")).map(str::len);
        assert!((0..20).all(|i| about(i) == Some(i)) && group.attributes.len() == 20);
    }

    /// A file of one group with one array, and where its structures are.
    fn small() -> (Vec<u8>, impl Fn(&[u8], &[u8]) -> usize) {
        let mut root = Group::default();
        root.make(["g"])
            .arrays
            .insert("a".into(), Array::of(vec![3], keras_kernels::DType::F32, &[1.0, 2.0, 3.0]));
        let bytes = write(&root).expect("can be written").to_vec();
        let find = |bytes: &[u8], what: &[u8]| {
            bytes.windows(what.len()).rposition(|w| w == what).expect("is in the file")
        };
        (bytes, find)
    }

    fn refused(bytes: Vec<u8>, word: &str) {
        let error = read(&Bytes::from(bytes).shared()).expect_err("is refused");
        assert!(error.contains(word), "{error}");
    }

    #[test]
    fn cycles_end() {
        // The root's header is at the address in the superblock.
        let (mut bytes, find) = small();
        let root: [u8; 8] = bytes[64..72].try_into().expect("eight bytes");
        let entries = find(&bytes, b"SNOD");
        bytes[entries + 16..entries + 24].copy_from_slice(&root);
        refused(bytes, "nested");
        // A tree of names that is its own child.
        let (mut bytes, find) = small();
        let tree = find(&bytes, b"TREE");
        bytes[tree + 5] = 1;
        bytes[tree + 32..tree + 40].copy_from_slice(&(tree as u64).to_le_bytes());
        refused(bytes, "does not belong");
    }

    #[test]
    fn sizes_are_not_believed() {
        let dims = |n: u64| [&3u64.to_le_bytes()[..], &n.to_le_bytes()].concat();
        for n in [1 << 20, 1 << 40, u64::MAX] {
            let (mut bytes, find) = small();
            // The shape and its limit.
            let at = find(&bytes, &dims(3));
            bytes[at..at + 8].copy_from_slice(&n.to_le_bytes());
            assert!(read(&Bytes::from(bytes).shared()).is_err(), "{n}");
        }
        let (bytes, _) = small();
        refused(bytes[..bytes.len() - 1].to_vec(), "cut off");
    }

    #[test]
    fn links_elsewhere_are_not_followed() {
        let (mut bytes, find) = small();
        let entries = find(&bytes, b"SNOD");
        bytes[entries + 24] = 2;
        refused(bytes, "soft link");
    }

    #[test]
    fn rubbish_is_refused() {
        assert!(read(&Bytes::from(Vec::new()).shared()).is_err());
        assert!(read(&Bytes::from(vec![0x5a; 4096]).shared()).is_err());
    }
}
