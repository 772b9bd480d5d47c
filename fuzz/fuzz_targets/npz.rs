//! Arrays of NumPy.

#![no_main]

use keras_runtime::saving::npz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = npz::from_bytes(bytes);
});
