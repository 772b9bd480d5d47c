//! Operations compute what `keras.ops` computes: models of `tests/fixtures/operations.json`, which `operations.py` beside it
//! wrote.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::Handle;
use crate::graph::{LoadedModel, parse};
use crate::layer::Layer;
use crate::layers::Registry;
use crate::saving::{Array, Assets, Group, Saved, architecture};
use crate::testing::LayerCheck;
use crate::{DType, Device};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/operations.json");

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn dtype(tensor: &Value) -> DType {
    match tensor["dtype"].as_str().expect("a type") {
        "float32" => DType::F32,
        "int32" => DType::I32,
        "bool" => DType::Bool,
        other => panic!("{other} is not in the fixture"),
    }
}

fn array(tensor: &Value) -> Array {
    let shape: Vec<usize> = numbers(&tensor["shape"]).iter().map(|n| *n as usize).collect();
    let values = numbers(&tensor["values"]);
    Array::of(shape, dtype(tensor), &values)
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(FILE).expect("the fixtures");
    let file: Value = serde_json::from_str(&text).expect("valid JSON");
    let cases = file["cases"].as_array().expect("cases").clone();
    assert!(cases.len() > 150, "the fixture has every operation");
    cases
}

fn model(config: Value) -> Result<LoadedModel, String> {
    let saved = Saved { config, weights: Group::default().into(), assets: Assets::default() };
    LoadedModel::from_saved(saved, &Registry::new(), Device::cpu()).map_err(|e| e.to_string())
}

fn check_values(config: &Value, case: &Value) -> Result<(), String> {
    let inputs: Vec<Array> = case["inputs"].as_array().expect("inputs").iter().map(array).collect();
    let outputs = model(config.clone())?.predict(&inputs).map_err(|e| e.to_string())?;
    let expected = case["outputs"].as_array().expect("outputs");
    if outputs.len() != expected.len() {
        return Err(format!("{} outputs, Keras has {}", outputs.len(), expected.len()));
    }
    for (found, expected) in outputs.iter().zip(expected) {
        let wanted = array(expected);
        if found.shape != wanted.shape || found.stored != wanted.stored {
            let (shape, stored) = (&found.shape, found.stored);
            return Err(format!(
                "{shape:?} of {stored:?}, Keras has {:?} of {:?}",
                wanted.shape, wanted.stored
            ));
        }
        for (i, (f, e)) in found.to_f64().iter().zip(numbers(&expected["values"])).enumerate() {
            // 32-bit floats: 24 bits of mantissa, functions within a few units of the last place.
            let close = (f - e).abs() <= 1e-6 + 1e-5 * e.abs();
            if !close {
                return Err(format!("element {i} is {f}, Keras has {e}"));
            }
        }
    }
    Ok(())
}

fn report(failures: Vec<String>, of: usize) {
    assert!(failures.is_empty(), "{} of {of} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn values_are_those_of_keras() {
    let cases = cases();
    let failures = cases.iter().filter_map(|case| {
        check_values(&case["config"], case).err().map(|error| format!("{}: {error}", case["name"]))
    });
    report(failures.collect(), cases.len());
}

/// What we write is read again, by us, as the same model.
#[test]
fn operations_are_written_as_they_were_read() {
    let cases = cases();
    let written = |case: &Value| -> Result<(), String> {
        let model = model(case["config"].clone())?;
        let network = model.network().ok_or("it is bound")?;
        let again = architecture(network.definition(), DType::F32, json!({})).map_err(|e| e.to_string())?;
        let nodes = |json: &Value| -> Vec<Value> {
            let layers = json["config"]["layers"].as_array().cloned().unwrap_or_default();
            layers
                .iter()
                .map(|l| json!([l["name"], l["class_name"], l["config"], l["module"], l["registered_name"]]))
                .collect()
        };
        if nodes(&again) != nodes(&case["config"]) {
            return Err(format!("{:?} became {:?}", nodes(&case["config"]), nodes(&again)));
        }
        check_values(&again, case)
    };
    let failures =
        cases.iter().filter_map(|case| written(case).err().map(|error| format!("{}: {error}", case["name"])));
    report(failures.collect(), cases.len());
}

#[test]
fn gradients() {
    let mut checked = 0;
    for case in cases() {
        let blueprint = parse(&case["config"], &Registry::new()).expect("known operations");
        let specs = blueprint.specs().expect("known shapes");
        let definition = blueprint.bind(&specs).expect("a model");
        let values: Vec<f64> =
            case["inputs"].as_array().expect("inputs").iter().flat_map(|t| numbers(&t["values"])).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for node in &definition.nodes {
            let Some(Handle::Shared(layer)) = &node.call else { panic!("{} has no operation", case["name"]) };
            // Its gradient is not its derivative.
            if layer.class_name() == "StopGradient" {
                continue;
            }
            let layer: Arc<dyn Layer> = Arc::clone(layer);
            // Operations are made from calls, not from configurations.
            let mut check = LayerCheck::new(layer).range(low, high).unsaved();
            for input in &node.inputs {
                check = check.input(definition.spec_of(*input));
            }
            // Shown if the check fails.
            println!("{}", case["name"]);
            check.run();
            checked += 1;
        }
    }
    assert!(checked > 150);
}

#[test]
fn refusals_say_what_is_expected() {
    let of = |class: &str, config: Value, args: Value| {
        let tensor =
            |name: &str| json!({"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}});
        let args = match args {
            Value::Null => json!([tensor("x")]),
            args => args,
        };
        let mut config = config;
        config["name"] = json!("op");
        let model_config = json!({"class_name": "Functional", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 3, 4]}, "name": "x", "inbound_nodes": []},
            {"class_name": class, "module": "keras.src.ops.numpy", "config": config, "name": "op",
             "inbound_nodes": [{"args": args, "kwargs": {}}]},
        ], "input_layers": ["x", 0, 0], "output_layers": ["op", 0, 0]}});
        model(model_config).err().expect("it is refused")
    };
    let has = |text: String, part: &str| assert!(text.contains(part), "`{text}` lacks `{part}`");
    has(of("Cholesky", json!({}), Value::Null), "not there yet");
    has(of("Mean", json!({"axis": null}), Value::Null), "over the batch");
    has(of("Sum", json!({"axis": 0}), Value::Null), "over the batch");
    has(of("Max", json!({"axis": 1, "initial": 0.0}), Value::Null), "`initial`");
    has(of("Reshape", json!({"newshape": [-1, 7]}), Value::Null), "12 elements");
    has(of("Transpose", json!({"axes": [1, 0, 2]}), Value::Null), "batch");
    has(of("Transpose", json!({"axes": [0, 1]}), Value::Null), "axes once");
    has(of("Split", json!({"indices_or_sections": 3, "axis": 2}), Value::Null), "3 equal parts");
    has(of("Split", json!({"indices_or_sections": 2, "axis": 0}), Value::Null), "batch");
    has(of("Pad", json!({"pad_width": [[1, 0], [0, 0], [0, 0]]}), Value::Null), "batch");
    has(of("Tanh", json!({}), json!([])), "a tensor");
    has(of("Squeeze", json!({"axis": 1}), Value::Null), "is not 1");
    has(of("OneHot", json!({"num_classes": 0}), Value::Null), "`num_classes`");
}
