//! Memory between canaries, and deterministic numbers to fill it with.

use keras_kernels::{DType, Device, Shape, View};

use crate::initializers::upload;

/// A view with memory of its own, between canaries.
pub(super) struct Room {
    memory: Vec<u64>,
    pub view: View,
}

const CANARY: u64 = 0x5afe_5afe_5afe_5afe;
/// Words on each side.
const GUARD: usize = 8;

impl Room {
    /// Room for a tensor; floats start as `fill`.
    pub fn new(shape: Shape, dtype: DType, fill: f64) -> Room {
        let words = (shape.size() * dtype.size()).div_ceil(8);
        let mut memory = vec![CANARY; words + 2 * GUARD];
        let address = memory[GUARD..].as_mut_ptr().cast::<u8>();
        // SAFETY: `words` words follow, which live as long as the room; rooms do not overlap.
        let view = unsafe { View::new(address, shape, dtype) };
        if dtype.is_float() {
            upload(&Device::cpu(), &vec![fill; shape.size()], view);
        }
        Room { memory, view }
    }

    /// Its numbers, byte for byte.
    pub fn bytes(&self) -> &[u8] {
        let len = self.view.size() * self.view.dtype().size();
        &self.all()[GUARD * 8..GUARD * 8 + len]
    }

    fn all(&self) -> &[u8] {
        // SAFETY: the memory is ours and initialised.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast::<u8>(), self.memory.len() * 8) }
    }

    /// Panics if something was written beside it.
    pub fn check(&self, what: &str) {
        let bytes = self.view.size() * self.view.dtype().size();
        let memory = self.all();
        let canary = CANARY.to_ne_bytes();
        let guarded = (0..GUARD * 8).chain(GUARD * 8 + bytes..memory.len());
        for at in guarded {
            assert_eq!(memory[at], canary[at % 8], "{what}: a kernel wrote outside its buffer");
        }
    }
}

/// Deterministic numbers in -1..1.
pub(super) fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

/// Writes whole numbers to a view that is not of floats.
pub(super) fn upload_integers(device: &Device, values: impl Iterator<Item = i64>, view: View) {
    let bytes: Vec<u8> = values
        .flat_map(|v| match view.dtype() {
            DType::I32 => (v as i32).to_ne_bytes().to_vec(),
            DType::I64 => v.to_ne_bytes().to_vec(),
            DType::Bool => vec![u8::from(v > 0)],
            _ => vec![v as u8],
        })
        .collect();
    device.upload(&bytes, view);
}

/// Whole numbers from 0 to below a bound.
pub(super) fn integers(n: usize, below: usize) -> impl Iterator<Item = i64> {
    let number = move |v: f64| (((v + 1.0) / 2.0 * below as f64) as usize).min(below - 1) as i64;
    numbers(n, 3).into_iter().map(number)
}
