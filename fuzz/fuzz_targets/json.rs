//! Architectures in JSON, of Keras 2 and 3.

#![no_main]

use keras_fuzz::{file, model, survives};
use keras_runtime::saving::{Format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(saved) = parse(&file(bytes), Format::Json) {
        survives(&saved.config);
        model(saved);
    }
});
