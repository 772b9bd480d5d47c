//! HDF5, as far as Keras uses it: groups with attributes, holding arrays.
//!
//! Written are the constructs that h5py writes (superblock 0, groups with symbol tables, contiguous arrays). Read are those,
//! and what comes of files that were rewritten: newer headers and links, chunks that are packed. Everything that a file
//! declares is checked against its size before memory is taken for it, and every structure that is followed is paid from
//! a budget of the file's size, so cycles end. Arrays share the bytes of the file.
//!
//! Format: HDF5 File Format Specification 3.0, <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.

mod chunks;
mod cursor;
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

    #[test]
    fn rubbish_is_refused() {
        assert!(read(&Bytes::from(Vec::new()).shared()).is_err());
        assert!(read(&Bytes::from(vec![0x5a; 4096]).shared()).is_err());
    }
}
