//! Layers compute what Keras' layers compute: values from `tests/fixtures/layers.json`, which `layers.py` beside it wrote.

use keras_kernels::Shape;
use serde_json::Value;

use crate::layers::Registry;
use crate::plan::Spec;
use crate::testing::run_layer;
use crate::{Config, DType};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/layers.json");

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn sample(tensor: &Value) -> Shape {
    let dims: Vec<usize> = numbers(&tensor["shape"]).iter().map(|n| *n as usize).collect();
    Shape::of(&dims).remove(0)
}

fn check(case: &Value) -> Result<(), String> {
    let class = case["class"].as_str().expect("a class");
    let config: Config = case["config"].as_object().expect("a configuration").clone();
    let make = |config: &Config| {
        Registry::new().make(class, "keras.layers", config).map_err(|error| error.to_string())
    };
    let layer = make(&config)?;
    // What is written is what was read.
    let written = layer.config();
    let again = make(&written)?.config();
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
    let text = std::fs::read_to_string(FILE).expect("the fixtures");
    let file: Value = serde_json::from_str(&text).expect("valid JSON");
    let cases = file["cases"].as_array().expect("cases");
    assert!(cases.len() > 150);
    let check = |case: &Value| {
        let name = format!("{} {}", case["class"], case["config"]);
        check(case).err().map(|error| format!("{name}: {error}"))
    };
    let failures: Vec<String> = cases.iter().filter_map(check).collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
