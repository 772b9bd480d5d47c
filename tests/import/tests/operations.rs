//! Every operation of the fixture in source: it compiles, predicts what Keras predicts, and its file is opened by this library and by
//! real Keras with the same predictions.

use std::path::Path;
use std::process::Command;

use keras::graph::LoadedModel;
use keras::layers::Registry;
use keras::saving::{Array, npz};
use keras::{DType, Device};
use keras_import_tests::operations::{CASES, REFUSED};
use serde_json::Value;

const FIXTURE: &str = include_str!("../../fixtures/operations.json");

fn array(json: &Value) -> Array {
    let list = |json: &Value| {
        json.as_array().expect("a list").iter().map(|n| n.as_f64().expect("a number")).collect()
    };
    let (shape, values): (Vec<f64>, Vec<f64>) = (list(&json["shape"]), list(&json["values"]));
    let dtype = match json["dtype"].as_str().expect("a type") {
        "float32" => DType::F32,
        "int32" => DType::I32,
        "bool" => DType::Bool,
        other => panic!("{other} is not in the fixture"),
    };
    Array::of(shape.into_iter().map(|n| n as usize).collect(), dtype, &values)
}

/// Where two arrays differ by more than 32-bit floats do: functions are within a few units of the last of 24 bits.
fn difference(found: &Array, expected: &Array) -> Option<String> {
    if found.shape != expected.shape || found.stored != expected.stored {
        return Some(format!(
            "{:?} of {:?}, Keras has {:?} of {:?}",
            found.shape, found.stored, expected.shape, expected.stored
        ));
    }
    let differ =
        |(f, e): &(f64, f64)| f != e && ((f - e).abs() > 1e-6 + 1e-5 * e.abs() || f.is_nan() || e.is_nan());
    let (f, e) = found.to_f64().into_iter().zip(expected.to_f64()).find(differ)?;
    Some(format!("{f}, Keras has {e}"))
}

#[test]
fn operations_in_source_are_those_of_keras() {
    let json: Value = serde_json::from_str(FIXTURE).expect("valid JSON");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("operations");
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let listed = json["cases"].as_array().expect("cases");
    let mut failures: Vec<String> = REFUSED.iter().map(|(name, e)| format!("{name}: refused: {e}")).collect();
    for (name, run) in CASES {
        let case = listed.iter().find(|case| case["name"] == *name).expect("it comes from the fixture");
        let arrays = |key: &str| case[key].as_array().expect("arrays").iter().map(array).collect::<Vec<_>>();
        let (inputs, expected) = (arrays("inputs"), arrays("outputs"));
        let path = folder.join(format!("{name}.keras"));
        let found = match run(&inputs, &path) {
            Ok(found) => found,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let wrong = found.iter().zip(&expected).find_map(|(found, expected)| difference(found, expected));
        failures.extend(wrong.map(|wrong| format!("{name}: {wrong}")));
        assert_eq!(found.len(), expected.len(), "{name}");
        let loaded = LoadedModel::open(&path, &Registry::new(), Device::default());
        let again = loaded.and_then(|mut loaded| loaded.predict(&inputs));
        match again {
            Ok(again) if again == found => {}
            Ok(_) => failures.push(format!("{name}: the saved model predicts other numbers")),
            Err(error) => failures.push(format!("{name}: the saved model: {error}")),
        }
        for (kind, arrays) in [("inputs", &inputs), ("outputs", &found)] {
            let names: Vec<String> = (0..arrays.len()).map(|i| format!("{i:03}")).collect();
            let path = folder.join(format!("{name}.{kind}.npz"));
            npz::write(path, names.iter().map(String::as_str).zip(arrays.iter())).expect("can be written");
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), listed.len(), failures.join("\n"));
    let Some(python) = std::env::var_os("KERAS_PYTHON") else {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("open_all.py");
    let done = Command::new(python).arg(script).arg(&folder).output().expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
