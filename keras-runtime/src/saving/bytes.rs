//! The bytes of an array: its own, or a stretch of a file that is in memory once.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes that are cheap to clone and to cut. What is read from a file shares the file's bytes, so that loading copies
/// weights once: to the device.
#[derive(Clone)]
pub struct Bytes(Inner);

#[derive(Clone)]
enum Inner {
    Own(Vec<u8>),
    Shared(Arc<Vec<u8>>, Range<usize>),
}

impl Bytes {
    /// A stretch of these bytes, without copying it. `None` if it lies outside.
    pub fn slice(&self, from: usize, len: usize) -> Option<Bytes> {
        let end = from.checked_add(len).filter(|end| *end <= self.len())?;
        Some(match &self.0 {
            Inner::Own(bytes) => Bytes(Inner::Own(bytes[from..end].to_vec())),
            Inner::Shared(all, range) => {
                Bytes(Inner::Shared(Arc::clone(all), range.start + from..range.start + end))
            }
        })
    }

    /// The same bytes, so that clones and stretches share them.
    #[must_use]
    pub fn shared(self) -> Bytes {
        match self.0 {
            Inner::Own(bytes) => {
                let all = 0..bytes.len();
                Bytes(Inner::Shared(Arc::new(bytes), all))
            }
            shared => Bytes(shared),
        }
    }

    /// The bytes as a vector to change; those that are shared are copied first.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Inner::Shared(..) = self.0 {
            self.0 = Inner::Own(self.to_vec());
        }
        match &mut self.0 {
            Inner::Own(bytes) => bytes,
            Inner::Shared(..) => unreachable!("made its own above"),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Own(bytes) => bytes,
            Inner::Shared(all, range) => &all[range.clone()],
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(Inner::Own(bytes))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_share_and_do_not_reach_outside() {
        let whole = Bytes::from(vec![1, 2, 3, 4]).shared();
        let mut part = whole.slice(1, 2).expect("inside");
        assert_eq!(*part, [2, 3]);
        assert_eq!(part.as_ptr(), whole[1..].as_ptr());
        assert_eq!(part.slice(1, 2), None);
        assert_eq!(whole.slice(usize::MAX, 2), None);
        part.to_mut().push(9);
        assert_eq!((&*part, &*whole), (&[2, 3, 9][..], &[1, 2, 3, 4][..]));
    }
}
