//! `.keras` archives.

#![no_main]

use keras_fuzz::{file, model};
use keras_runtime::saving::{Format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(saved) = parse(&file(bytes), Format::Keras) {
        model(saved);
    }
});
