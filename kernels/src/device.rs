//! A device: something that owns memory and runs kernels on it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::activation::Activations;
use crate::conv::Convolution;
use crate::elementwise::Elementwise;
use crate::gather::Gather;
use crate::layout::Layout;
use crate::matmul::Matmul;
use crate::norm::Normalizations;
use crate::optimizer::Optimizers;
use crate::pool::Pooling;
use crate::random::Random;
use crate::recurrent::Recurrence;
use crate::reduce::Reductions;
use crate::softmax::Softmax;
use crate::{Cpu, View};

/// Everything that layers ask of a device: its memory, and one trait for each folder of kernels.
pub trait Kernels:
    Memory
    + Activations
    + Convolution
    + Elementwise
    + Gather
    + Layout
    + Matmul
    + Normalizations
    + Optimizers
    + Pooling
    + Random
    + Recurrence
    + Reductions
    + Softmax
    + Send
    + Sync
    + 'static
{
}

/// What went wrong on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// Memory was asked for that is not there.
    OutOfMemory {
        /// Bytes asked for.
        asked: usize,
    },
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceError::OutOfMemory { asked } => {
                write!(f, "out of memory: {asked} bytes were asked for; try a smaller batch")
            }
        }
    }
}

impl std::error::Error for DeviceError {}

/// A block of a device's memory, aligned to 64 bytes and zeroed; freed on drop.
pub trait Block: Send + Sync {
    /// Where it starts.
    fn address(&self) -> *mut u8;
    /// Its length in bytes.
    fn len(&self) -> usize;
    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Memory and transfers.
pub trait Memory {
    /// A name for people: `cpu`.
    fn name(&self) -> String;
    /// A zeroed block of memory.
    fn allocate(&self, bytes: usize) -> Result<Box<dyn Block>, DeviceError>;
    /// Copies bytes from the host; lengths must agree.
    fn upload(&self, from: &[u8], to: View);
    /// Copies bytes to the host; lengths must agree.
    fn download(&self, from: View, to: &mut [u8]);
    /// Whether several functions may be computed as one: results then differ in their roundings from those one after the other.
    fn fuses(&self) -> bool;
    /// Runs `work` of about so many elementary operations where this device's kernels start fastest: on the CPU inside its
    /// thread pool, unless that would take longer than the work. Allocates nothing.
    fn install(&self, operations: usize, work: &mut (dyn FnMut() + Send));
}

/// A device to run on: a cheap handle, shared by the models that use it.
///
/// ```
/// use keras_kernels::Device;
/// assert_eq!(Device::cpu().name(), "cpu");
/// ```
#[derive(Clone)]
pub struct Device(Arc<dyn Kernels>);

impl Device {
    /// The CPU, with as many threads as rayon's global pool has; on a thread of a rayon pool, with the threads of that.
    pub fn cpu() -> Device {
        Cpu::new().into()
    }

    /// The CPU, with a pool of this many threads of its own. Results do not depend on the number.
    ///
    /// # Panics
    /// If the threads cannot be started.
    pub fn cpu_with_threads(threads: usize) -> Device {
        Cpu::with_threads(threads).into()
    }
}

impl From<Cpu> for Device {
    fn from(cpu: Cpu) -> Device {
        Device(Arc::new(cpu))
    }
}

impl Default for Device {
    /// The CPU.
    fn default() -> Self {
        Device::cpu()
    }
}

impl Deref for Device {
    type Target = dyn Kernels;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.name())
    }
}
