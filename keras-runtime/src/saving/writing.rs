//! How files are written.

use super::array::{Array, Stored};
use super::tree::Group;

/// Options of writing: `Writing::new().float(Stored::F16).shard(1 << 30)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    pub(super) float: Option<Stored>,
    pub(super) shard: Option<u64>,
}

impl Writing {
    /// As Keras writes unless it is told otherwise.
    pub fn new() -> Writing {
        Writing::default()
    }

    /// Floats of the model's variables are stored in this type: 16 bits halve a file. The architecture stays, so whoever loads
    /// the file computes in the types that it names. The optimizer's numbers stay as they are.
    #[must_use]
    pub fn float(mut self, float: Stored) -> Writing {
        self.float = Some(float);
        self
    }

    /// Shards (`.weights.json`) have at most so many bytes of numbers (Keras' 5 GB).
    #[must_use]
    pub fn shard(mut self, bytes: u64) -> Writing {
        self.shard = Some(bytes);
        self
    }

    /// An array as it is to be stored.
    pub(super) fn array(&self, array: Array) -> Array {
        let floats = matches!(array.stored, Stored::F16 | Stored::BF16 | Stored::F32 | Stored::F64);
        match self.float {
            Some(float) if floats && float != array.stored => array.stored_as(float),
            _ => array,
        }
    }

    /// A tree as it is to be stored.
    pub(super) fn tree(&self, mut root: Group) -> Group {
        if self.float.is_some() {
            let arrays = std::mem::take(&mut root.arrays).into_iter();
            root.arrays = arrays.map(|(name, array)| (name, self.array(array))).collect();
            for (name, group) in &mut root.groups {
                if !matches!(name.as_str(), "optimizer" | "optimizer_weights") {
                    *group = self.tree(std::mem::take(group));
                }
            }
        }
        root
    }
}
