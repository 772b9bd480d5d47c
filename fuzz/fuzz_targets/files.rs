//! Files of all formats from bytes: the first one says which. A model, or an `Err`; never a panic.
//!
//! `fuzz/seeds` makes a corpus of the files that Keras wrote; then, with a nightly compiler,
//! `cargo fuzz run files -- -rss_limit_mb=2048 -malloc_limit_mb=512 -max_total_time=300`.

#![no_main]

use keras_runtime::Device;
use keras_runtime::graph::LoadedModel;
use keras_runtime::layers::Registry;
use keras_runtime::saving::{Bytes, Format, parse, parse_weights};
use libfuzzer_sys::fuzz_target;

const FORMATS: [Format; 6] =
    [Format::Keras, Format::WeightsH5, Format::LegacyH5, Format::Json, Format::Yaml, Format::Safetensors];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let Some(format) = FORMATS.get(usize::from(*first)) else { return };
    let bytes = Bytes::from(bytes.to_vec()).shared();
    if !format.has_architecture() {
        let _ = parse_weights(&bytes, *format);
        return;
    }
    if let Ok(saved) = parse(&bytes, *format) {
        let _ = LoadedModel::from_saved(saved, &Registry::new(), Device::default());
    }
    if format.has_weights() {
        let _ = parse_weights(&bytes, *format);
    }
});
