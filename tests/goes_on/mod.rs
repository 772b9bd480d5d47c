//! Models of real Keras that go on here where they stopped: cases that `tests/keras/case.py` writes.

use std::path::{Path, PathBuf};

use keras::graph::{LoadedModel, TrainingBatch};
use keras::saving::Array;
use keras::training::Logs;
use keras::{DType, Device, Registry};
use serde_json::Value;

/// A model, and what Keras did with it.
pub struct Case {
    pub name: String,
    pub json: Value,
    pub model: LoadedModel,
    pub x: Vec<Array>,
    pub y: Vec<Array>,
}

pub fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|n| n.as_f64().expect("a number")).collect()
}

/// Equal but for the rounding of 32-bit floats through a few layers and steps.
#[track_caller]
pub fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 + 1e-4 * b.abs(), "{what}: {a} instead of {b}");
    }
}

fn arrays(json: &Value, key: &str) -> Vec<Array> {
    let all = json[key].as_array().expect("a list").iter();
    let shapes = json["shapes"][key].as_array().expect("a list").iter();
    let array = |(values, shape): (&Value, &Value)| {
        let shape = numbers(shape).iter().map(|n| *n as usize).collect();
        Array::of(shape, DType::F32, &numbers(values))
    };
    all.zip(shapes).map(array).collect()
}

impl Case {
    /// The case of this name in a folder.
    pub fn open(folder: &Path, name: &str, registry: &Registry) -> Case {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("a case");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        let path = folder.join(format!("{name}.keras"));
        let model = LoadedModel::open(path, registry, Device::default());
        let model = model.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (x, y) = (arrays(&json, "x"), arrays(&json, "y"));
        Case { name: name.into(), json, model, x, y }
    }

    pub fn predict(&mut self) -> Vec<Vec<f64>> {
        let outputs = self.model.predict(&self.x);
        let outputs = outputs.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        outputs.iter().map(Array::to_f64).collect()
    }

    pub fn step(&mut self) -> Logs {
        let batch = TrainingBatch { x: &self.x, y: &self.y, sample_weight: None, class_weight: &[] };
        self.model.train_on_batch(&batch).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    #[track_caller]
    fn predicts(&mut self, key: &str) {
        let expected = self.json[key].clone();
        for (found, expected) in self.predict().iter().zip(expected.as_array().expect("a list")) {
            near(found, &numbers(expected), &format!("{}: {key}", self.name));
        }
    }

    /// Predictions, losses and metrics of three steps, and the predictions after them are those of Keras.
    pub fn goes_on(&mut self) {
        self.predicts("before");
        for at in 0..3 {
            let logs = self.step();
            let expected = self.json["logs"][at].as_object().expect("numbers").clone();
            for (key, expected) in expected {
                let name = &self.name;
                let found = logs.get(&key).unwrap_or_else(|| panic!("{name}: {key} is not among {logs}"));
                near(&[found], &[expected.as_f64().expect("a number")], &format!("{name}: {key}, step {at}"));
            }
        }
        self.predicts("after");
    }

    /// What is saved goes on with the same bits.
    pub fn survives(&mut self, path: &Path, registry: &Registry) -> PathBuf {
        self.model.save(path).expect("can be saved");
        let model = LoadedModel::open(path, registry, Device::default()).expect("can be opened again");
        let (name, json, x, y) = (self.name.clone(), self.json.clone(), self.x.clone(), self.y.clone());
        let mut again = Case { name, json, model, x, y };
        assert_eq!(again.predict(), self.predict());
        assert_eq!(again.step(), self.step());
        self.model.save(path).expect("can be saved");
        path.to_path_buf()
    }
}
