//! Kernels of Keras for Rust, and the devices that run them.
//!
//! One folder per op: `mod.rs` says what it computes and declares the op's device trait, `cpu.rs` computes it
//! with rayon and SIMD. [`Device`] is the sum of these traits. Kernels know no layer: they see [`View`]s, which
//! are shaped pieces of memory that somebody else placed.

pub mod activation;
pub mod conv;
pub mod cpu;
mod device;
mod dtype;
pub mod elementwise;
pub mod gather;
pub mod layout;
pub mod matmul;
pub mod norm;
pub mod optimizer;
pub mod pool;
pub mod random;
pub mod recurrent;
pub mod reduce;
mod shape;
pub mod softmax;
#[cfg(test)]
mod testing;
mod view;

pub use cpu::Cpu;
pub use device::{Block, Device, DeviceError, Kernels, Memory};
pub use dtype::{DType, Element, Float};
pub use shape::{MAX_RANK, Shape};
pub use view::{Grad, Mode, View};
