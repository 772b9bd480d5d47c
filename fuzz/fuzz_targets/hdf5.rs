//! HDF5: weights, and whole models in the legacy format.

#![no_main]

use keras_fuzz::{file, model};
use keras_runtime::saving::{Format, parse, parse_weights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bytes = file(bytes);
    if parse_weights(&bytes, Format::WeightsH5).is_ok()
        && let Ok(saved) = parse(&bytes, Format::LegacyH5)
    {
        model(saved);
    }
});
