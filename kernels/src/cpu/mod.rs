//! The CPU as a device.

pub(crate) mod blocks;
pub(crate) mod math;
mod pool;
pub(crate) mod raw;
pub(crate) mod simd;
pub(crate) mod single;
pub mod threads;
pub(crate) mod workspace;

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::sync::Arc;

use self::pool::Pool;
use crate::View;
use crate::device::{Block, DeviceError, Kernels, Memory};

/// The CPU: its kernels are in the `cpu.rs` of each op's folder.
#[derive(Clone, Default)]
pub struct Cpu {
    pool: Option<Arc<Pool>>,
    pub(crate) exact: bool,
}

impl Cpu {
    /// With the pool that devices share, as large as rayon's global one; on a thread of any rayon pool, with that pool.
    pub fn new() -> Cpu {
        Cpu::default()
    }

    /// With a pool of its own.
    ///
    /// # Panics
    /// If the threads cannot be started.
    pub fn with_threads(threads: usize) -> Cpu {
        Cpu { pool: Some(Arc::new(Pool::new(threads))), exact: false }
    }

    /// Computes every function by itself, and every sum by its definition, term by term. Otherwise a model computes
    /// several layers as one where it can, and convolutions of 32-bit floats with 3x3 kernels, and their gradients, are computed by
    /// Winograd's algorithm, whose errors are larger: about 1e-5 of the largest output instead of 1e-6.
    ///
    /// ```
    /// use keras_kernels::{Cpu, Device};
    ///
    /// let device = Device::from(Cpu::new().exact());
    /// assert_eq!(device.name(), "cpu");
    /// ```
    #[must_use]
    pub fn exact(mut self) -> Cpu {
        self.exact = true;
        self
    }
}

impl Kernels for Cpu {}

const ALIGN: usize = 64;

struct HostBlock {
    address: *mut u8,
    len: usize,
}

// SAFETY: plain memory, owned by the block.
unsafe impl Send for HostBlock {}
// SAFETY: as above; access goes through views, whose contract orders it.
unsafe impl Sync for HostBlock {}

impl HostBlock {
    fn layout(len: usize) -> Option<Layout> {
        Layout::from_size_align(len.max(ALIGN), ALIGN).ok()
    }
}

impl Block for HostBlock {
    fn address(&self) -> *mut u8 {
        self.address
    }
    fn len(&self) -> usize {
        self.len
    }
}

impl Drop for HostBlock {
    fn drop(&mut self) {
        if let Some(layout) = HostBlock::layout(self.len) {
            // SAFETY: allocated with this very layout, once.
            unsafe { dealloc(self.address, layout) }
        }
    }
}

impl Memory for Cpu {
    fn fuses(&self) -> bool {
        !self.exact
    }

    fn name(&self) -> String {
        "cpu".into()
    }

    fn allocate(&self, bytes: usize) -> Result<Box<dyn Block>, DeviceError> {
        let layout = HostBlock::layout(bytes).ok_or(DeviceError::OutOfMemory { asked: bytes })?;
        // SAFETY: the layout's size is not zero.
        let address = unsafe { alloc_zeroed(layout) };
        if address.is_null() {
            return Err(DeviceError::OutOfMemory { asked: bytes });
        }
        Ok(Box::new(HostBlock { address, len: bytes }))
    }

    fn upload(&self, from: &[u8], to: View) {
        assert_eq!(from.len(), to.size() * to.dtype().size(), "upload: lengths differ");
        // SAFETY: the view's memory is valid for its size and does not overlap a host slice.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.address(), from.len()) }
    }

    fn download(&self, from: View, to: &mut [u8]) {
        assert_eq!(to.len(), from.size() * from.dtype().size(), "download: lengths differ");
        // SAFETY: as in `upload`.
        unsafe { std::ptr::copy_nonoverlapping(from.address(), to.as_mut_ptr(), to.len()) }
    }

    fn install(&self, operations: usize, work: &mut (dyn FnMut() + Send)) {
        pool::install(self.pool.as_deref(), operations >= threads::FORK, work);
    }
}
