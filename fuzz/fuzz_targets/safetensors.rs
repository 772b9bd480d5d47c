//! Weights as safetensors.

#![no_main]

use keras_fuzz::file;
use keras_runtime::saving::{Format, parse_weights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_weights(&file(bytes), Format::Safetensors);
});
