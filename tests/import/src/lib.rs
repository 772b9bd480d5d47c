//! Files of Keras as source. `build.rs` imports each case; here they are compiled, get the weights of their files, and predict.

use std::path::Path;

use keras::model::{Architecture, Model, Ports};
use keras::saving::{Array, npz};
use keras::{Device, Error, Result};
use serde_json::Value;

mod cases {
    include!(concat!(env!("OUT_DIR"), "/cases.rs"));
}
pub use cases::{CASES, REFUSED};
/// Models of one operation each, from `tests/fixtures/operations.json`.
pub mod operations {
    include!(concat!(env!("OUT_DIR"), "/operations.rs"));
}

/// Predicts, and saves the model under this name.
pub type Run = fn(&[Array], &Path) -> Result<Vec<Array>>;

/// What a model without weights makes of inputs. It is saved at `path`.
///
/// # Errors
/// If it cannot be saved, or the inputs are not those of the model.
pub fn operation<M: Architecture>(inputs: &[Array], path: &Path) -> Result<Vec<Array>> {
    let mut model = Model::<M>::new(Device::default());
    model.save(path)?;
    let network = model.network_mut();
    let program = network.prepare(inputs[0].shape[0], false)?;
    for (input, view) in inputs.iter().zip(&network.program(program).inputs) {
        input.upload(network.device(), *view)?;
    }
    network.forward(program, false, |run| {
        M::forward(run, 0);
    });
    Ok(network.program(program).outputs.iter().map(|view| Array::download(network.device(), *view)).collect())
}

/// A model of Keras with inputs, and what Keras made of them.
#[derive(Clone, Copy)]
pub struct Case {
    /// `group/name`.
    pub name: &'static str,
    /// The module that has its model.
    pub module: &'static str,
    /// Its files.
    pub folder: &'static str,
    /// Names of the inputs, in order.
    pub inputs: &'static [&'static str],
    /// Names of the outputs, in order.
    pub outputs: &'static [&'static str],
    /// Loads the weights and predicts; the outputs in order.
    pub run: fn(&Case) -> Result<Vec<Array>>,
}

/// The case's model with the weights of its file.
///
/// # Errors
/// If they do not fit.
pub fn load<M: Architecture>(case: &Case) -> Result<Model<M>> {
    Model::load(Path::new(case.folder).join("model.keras"), Device::default())
}

/// What a model makes of a case's inputs; its outputs in order.
///
/// # Errors
/// If the inputs are not those of the model.
pub fn predict<M: Architecture>(
    case: &Case,
    model: impl FnOnce(&M::Input) -> Result<M::Output>,
) -> Result<Vec<Array>> {
    let arrays = npz::read(Path::new(case.folder).join("inputs.npz"))?;
    let len = arrays.first().map_or(0, |(_, array)| array.shape.first().copied().unwrap_or(0));
    let mut x = M::Input::room(len);
    for at in 0..M::Input::PORTS {
        let array = named(&arrays, case.inputs, at)
            .ok_or_else(|| Error::Data(format!("input {at} of {} is not among its data", case.name)))?;
        let bytes = array.bytes_as(x.port(at).dtype);
        let room = x.port_mut(at);
        if bytes.len() != room.len() {
            return Err(Error::Data(format!(
                "input {at} has {} bytes, the model takes {}",
                bytes.len(),
                room.len()
            )));
        }
        room.copy_from_slice(&bytes);
    }
    let y = model(&x)?;
    let array = |at: usize| {
        let port = y.port(at);
        let shape = [len].into_iter().chain(port.shape.dims()).collect();
        Array::new(shape, port.dtype.into(), port.bytes.to_vec())
    };
    (0..M::Output::PORTS).map(array).collect()
}

/// The array of the port at a place: by its name, or, where names are others than the model's, by its place.
fn named<'a>(arrays: &'a [(String, Array)], names: &[&str], at: usize) -> Option<&'a Array> {
    let by_name = names.get(at).and_then(|name| arrays.iter().find(|(of, _)| of == name));
    let places_fit = arrays.len() == names.len().max(1);
    by_name.or_else(|| arrays.get(at).filter(|_| places_fit)).map(|(_, array)| array)
}

/// Holds what a model yields against what Keras yields.
///
/// # Errors
/// Where they differ by more than the case allows.
pub fn check(case: &Case, found: &[Array]) -> Result<(), String> {
    let folder = Path::new(case.folder);
    let json = std::fs::read_to_string(folder.join("case.json")).map_err(|e| e.to_string())?;
    let json: Value = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    let bound = |key: &str| json[key].as_f64().ok_or_else(|| format!("case.json lacks `{key}`"));
    let (atol, rtol) = (bound("atol")?, bound("rtol")?);
    let expected = npz::read(folder.join("outputs.npz")).map_err(|e| e.to_string())?;
    for (at, found) in found.iter().enumerate() {
        // A name that several outputs have stands for the last of them.
        let name = case.outputs.get(at).copied().unwrap_or("");
        if case.outputs[at + 1..].contains(&name) {
            continue;
        }
        let expected =
            named(&expected, case.outputs, at).ok_or_else(|| format!("Keras has no output `{name}`"))?;
        if expected.shape != found.shape {
            return Err(format!("output {at}: shape {:?}, Keras has {:?}", found.shape, expected.shape));
        }
        let differs = |(found, expected): &(f64, f64)| {
            let same = found == expected || (found.is_nan() && expected.is_nan());
            !same
                && (found - expected).abs().partial_cmp(&(atol + rtol * expected.abs()))
                    != Some(std::cmp::Ordering::Less)
        };
        let wrong: Vec<(f64, f64)> =
            found.to_f64().into_iter().zip(expected.to_f64()).filter(differs).collect();
        if let Some((found, expected)) = wrong.first() {
            return Err(format!(
                "output {at}: {} values differ, the first is {found}, Keras has {expected}",
                wrong.len()
            ));
        }
    }
    Ok(())
}
