//! Architectures in YAML.

#![no_main]

use keras_fuzz::{file, survives};
use keras_runtime::saving::{Format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Models are made of the same value as from JSON.
    if let Ok(saved) = parse(&file(bytes), Format::Yaml) {
        survives(&saved.config);
    }
});
