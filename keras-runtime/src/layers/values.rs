//! Layers compute what Keras' layers compute: values from `tests/fixtures/layers.json`, which `layers.py` beside it wrote.

use std::sync::Arc;

use keras_kernels::Shape;
use serde_json::{Value, json};

use crate::layer::Layer;
use crate::layers::Registry;
use crate::layers::calls::whole_config;
use crate::plan::Spec;
use crate::testing::{LayerCheck, run_layer};
use crate::{Config, DType};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/layers.json");

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn sample(tensor: &Value) -> Shape {
    let dims: Vec<usize> = numbers(&tensor["shape"]).iter().map(|n| *n as usize).collect();
    Shape::of(&dims).remove(0)
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(FILE).expect("the fixtures");
    let file: Value = serde_json::from_str(&text).expect("valid JSON");
    file["cases"].as_array().expect("cases").clone()
}

/// The layer of a case, and what it is called on.
fn made(case: &Value) -> (Arc<dyn Layer>, Vec<Spec>) {
    let class = case["class"].as_str().expect("a class");
    let config = case["config"].as_object().expect("a configuration");
    let layer = Registry::new().make(class, "keras.layers", config).expect("a layer");
    let spec = |tensor: &Value| {
        let dtype = if tensor["dtype"] == "int32" { DType::I32 } else { DType::F32 };
        Spec::sample(sample(tensor)).with_dtype(dtype)
    };
    (layer, case["inputs"].as_array().expect("inputs").iter().map(spec).collect())
}

fn check(case: &Value) -> Result<(), String> {
    let class = case["class"].as_str().expect("a class");
    let config: Config = case["config"].as_object().expect("a configuration").clone();
    let make = |config: &Config| {
        Registry::new().make(class, "keras.layers", config).map_err(|error| error.to_string())
    };
    let layer = make(&config)?;
    // What is written is what was read.
    let written = whole_config(&*layer);
    let again = whole_config(&*make(&written)?);
    if again != written {
        return Err(format!("its configuration changes from {written:?} to {again:?}"));
    }
    let input = |tensor: &Value| {
        let dtype = if tensor["dtype"] == "int32" { DType::I32 } else { DType::F32 };
        (Spec::sample(sample(tensor)).with_dtype(dtype), numbers(&tensor["values"]))
    };
    let inputs: Vec<_> = case["inputs"].as_array().expect("inputs").iter().map(input).collect();
    let weights: Vec<_> = case["weights"].as_array().expect("weights").iter().map(numbers).collect();
    let specs: Vec<Spec> = inputs.iter().map(|(spec, _)| *spec).collect();
    let plan = layer.plan_for(&specs).map_err(|message| message.to_string())?;
    let outputs = run_layer(&*layer, &inputs, &weights, DType::F32, false)?;
    let expected = case["outputs"].as_array().expect("outputs");
    if outputs.len() != expected.len() {
        return Err(format!("{} outputs, Keras has {}", outputs.len(), expected.len()));
    }
    for ((found, expected), spec) in outputs.iter().zip(expected).zip(plan.outputs.as_slice()) {
        if spec.shape() != sample(expected) {
            return Err(format!("an output of shape {}, Keras has {}", spec.shape(), sample(expected)));
        }
        for (i, (f, e)) in found.iter().zip(numbers(&expected["values"])).enumerate() {
            // 32-bit floats: 24 bits of mantissa, and sums of a few dozen terms.
            let close = (f - e).abs() <= 1e-6 + 1e-5 * e.abs();
            if !close {
                return Err(format!("element {i} is {f}, Keras has {e}"));
            }
        }
    }
    Ok(())
}

#[test]
fn values_are_those_of_keras() {
    let cases = cases();
    assert!(cases.len() > 150);
    let check = |case: &Value| {
        let name = format!("{} {}", case["class"], case["config"]);
        check(case).err().map(|error| format!("{name}: {error}"))
    };
    let failures: Vec<String> = cases.iter().filter_map(check).collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Every layer that a file can name is here with values of Keras; the tests below then run it in every way.
#[test]
fn every_registered_layer_has_a_case() {
    let cases = cases();
    let has = |class: &str| cases.iter().any(|case| case["class"] == class);
    let registry = Registry::new();
    let without: Vec<&str> = registry.classes().filter(|class| !has(class)).collect();
    assert!(without.is_empty(), "add cases to tests/fixtures/layers.py for {without:?}");
}

/// The harness on every fourth case from `first` on: four tests, so that they share the processors.
fn every_fourth_case_passes_the_checks(first: usize) {
    for case in cases().iter().skip(first).step_by(4) {
        println!("{} {}", case["class"], case["config"]);
        let (layer, inputs) = made(case);
        inputs.into_iter().fold(LayerCheck::new(layer), LayerCheck::input).run();
    }
}

#[test]
fn cases_pass_the_checks_0() {
    every_fourth_case_passes_the_checks(0);
}

#[test]
fn cases_pass_the_checks_1() {
    every_fourth_case_passes_the_checks(1);
}

#[test]
fn cases_pass_the_checks_2() {
    every_fourth_case_passes_the_checks(2);
}

#[test]
fn cases_pass_the_checks_3() {
    every_fourth_case_passes_the_checks(3);
}

/// Configurations come from files: every number in them replaced by odd ones is refused, or planned, but never a panic.
#[test]
fn odd_numbers_in_configurations_do_not_panic() {
    let odd = [json!(0), json!(-1), json!(-9), json!(1u64 << 33), json!(u64::MAX), json!(1e300), json!(null)];
    for case in cases() {
        let (class, config) = (case["class"].as_str().expect("a class"), &case["config"]);
        let (_, inputs) = made(&case);
        for key in config.as_object().expect("a configuration").keys() {
            let places = config[key].as_array().map_or(1, Vec::len);
            for (value, place) in odd.iter().flat_map(|value| (0..places).map(move |place| (value, place))) {
                let mut config = config.clone();
                match &mut config[key] {
                    Value::Array(list) => list[place] = value.clone(),
                    other => *other = value.clone(),
                }
                println!("{class} {key} = {}", config[key]);
                let made =
                    Registry::new().make(class, "keras.layers", config.as_object().expect("as before"));
                if let Ok(plan) = made.map(|layer| layer.plan_for(&inputs)) {
                    let _ = plan.map(|plan| plan.check_sizes());
                }
            }
        }
    }
}
