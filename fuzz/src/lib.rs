//! What the targets share: bytes of a format become a model or an `Err`; never a panic, never memory beyond what they declare.
//!
//! Where reading yields something, more must hold: what is written of it is read again as the same.

use keras_macros_core::import;
use keras_runtime::graph::{LoadedModel, parse};
use keras_runtime::layers::Registry;
use keras_runtime::saving::{self, Array, Bytes, Format, Saved};
use keras_runtime::{DType, Device};
use serde_json::Value;

/// Most numbers in the variables, and bytes in the arena, of a model that is made and run.
const NUMBERS: usize = 1 << 18;
const ARENA: usize = 1 << 24;
/// Most operations of a prediction that is run: what takes long would look like a hang.
const OPERATIONS: usize = 1 << 24;
/// Dimensions that a file leaves open.
const OPEN: usize = 8;

/// Bytes as those of a file in memory.
pub fn file(bytes: &[u8]) -> Bytes {
    Bytes::from(bytes.to_vec()).shared()
}

/// A model of a file: made, run on zeros, and printed as source.
pub fn model(saved: Saved) {
    if let Ok(model) = import::read(&saved.config) {
        let _ = model.text("Net", "net.json", &[], None);
    }
    let registry = Registry::new();
    let Ok(blueprint) = parse(&saved.config, &registry) else { return };
    let dims = |slot: &keras_runtime::graph::Slot| {
        slot.dims.iter().map(|dim| dim.unwrap_or(OPEN)).collect::<Vec<usize>>()
    };
    let shapes: Vec<Vec<usize>> = blueprint.inputs.iter().map(dims).collect();
    let specs = blueprint.inputs.iter().zip(&shapes).map(|(slot, dims)| slot.bind(dims));
    let Ok(specs) = specs.collect::<keras_runtime::Result<Vec<_>>>() else { return };
    // A model is as large as its architecture says: that is not the reader's fault.
    let Ok(definition) = blueprint.bind(&specs) else { return };
    let numbers: usize = specs.iter().map(|spec| spec.shape_for(1).size()).fold(0, usize::saturating_add);
    if keras_runtime::engine::Flat::new(&definition).numbers().saturating_add(numbers) > NUMBERS {
        return;
    }
    let Ok(mut model) = LoadedModel::from_saved(saved, &registry, Device::default()) else { return };
    if model.bind(&specs).is_err() {
        return;
    }
    let Some(network) = model.network() else { return };
    if network.arena_bytes(1, false) > ARENA || network.operations(1) > OPERATIONS {
        return;
    }
    let zeros = |dims: &Vec<usize>| {
        let shape: Vec<usize> = std::iter::once(1).chain(dims.iter().copied()).collect();
        let numbers = shape.iter().product();
        Array::of(shape, DType::F32, &vec![0.0; numbers])
    };
    let inputs: Vec<Array> = shapes.iter().map(zeros).collect();
    let _ = model.predict(&inputs);
}

/// An architecture is written and read again.
pub fn survives(config: &Value) {
    for format in [Format::Json, Format::Yaml] {
        let text = if format == Format::Json { saving::to_json(config) } else { saving::to_yaml(config) };
        match saving::parse(&file(text.as_bytes()), format) {
            Ok(read) => assert_eq!(&read.config, config, "{format:?} is read as another model:\n{text}"),
            Err(error) => panic!("{format:?} that was written is not read: {error}\n{text}"),
        }
    }
}
