//! Values of real Keras: losses, metrics, schedules, steps of training. The cases lie in a folder that the environment
//! variable `KERAS_CASES` names; without it these tests only say that nothing was checked.

use std::path::{Path, PathBuf};

use keras_kernels::{Device, Shape, View};
use serde_json::Value;

use super::objective::Objective;
use crate::graph::{LoadedModel, TrainingBatch};
use crate::layers::Registry;
use crate::losses::{self, Reduction};
use crate::metrics::{self, Values};
use crate::optimizers::schedules;
use crate::saving::{Array, npz};
use crate::training::Logs;

/// Folders of cases of a group, or none where the variable is not set.
pub(super) fn cases(group: &str) -> Vec<PathBuf> {
    let Some(root) = std::env::var_os("KERAS_CASES") else {
        eprintln!("KERAS_CASES is not set: values of real Keras for `{group}` are not checked");
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = std::fs::read_dir(Path::new(&root).join(group))
        .map(|d| d.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_dir()).collect())
        .unwrap_or_default();
    all.sort();
    assert!(!all.is_empty(), "KERAS_CASES has no group `{group}`");
    all
}

pub(super) fn case(path: &Path) -> Value {
    let text = std::fs::read(path.join("case.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

pub(super) fn arrays(path: &Path, file: &str) -> Vec<(String, Array)> {
    npz::read(path.join(file)).unwrap()
}

fn find<'a>(arrays: &'a [(String, Array)], name: &str) -> Option<&'a Array> {
    arrays.iter().find(|(n, _)| n == name).map(|(_, a)| a)
}

fn floats(array: &Array) -> Vec<f32> {
    array.to_f64().into_iter().map(|v| v as f32).collect()
}

pub(super) fn close(found: f64, expected: f64, case: &Value) -> bool {
    let bound = |key: &str| case[key].as_f64().unwrap();
    (found.is_nan() && expected.is_nan())
        || (found - expected).abs() <= bound("atol") + bound("rtol") * expected.abs()
}

/// The config of a case with its arguments, which some objects do not save.
fn object(case: &Value) -> Value {
    let mut object = case["object"].clone();
    if let Some(arguments) = case["arguments"].as_object() {
        for (key, value) in arguments {
            object["config"][key] = value.clone();
        }
    }
    object
}

/// Classes that are refused by name here.
const NOT_HERE: &[&str] = &["CTC", "Circle", "CategoricalGeneralizedCrossEntropy"];

#[test]
fn losses_are_those_of_keras() {
    let device = Device::cpu();
    let mut wrong = Vec::new();
    for path in cases("loss_values") {
        let case = case(&path);
        let class = case["object"]["class_name"].as_str().unwrap();
        if NOT_HERE.contains(&class) {
            assert!(losses::from_config(&case["object"], &Registry::new()).is_err());
            continue;
        }
        let loss = losses::from_config(&object(&case), &Registry::new()).unwrap();
        let data = arrays(&path, "values.npz");
        let array = |name: &str| find(&data, name);
        let (t, p) = (floats(array("y_true").unwrap()), array("y_pred").unwrap());
        let shape = Shape::of(&p.shape);
        let mut predictions = floats(p);
        for reduction in ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"] {
            for (suffix, weights) in [("", None), ("_weighted", array("sample_weight"))] {
                let Some(expected) = array(&format!("expected_{reduction}{suffix}")) else { continue };
                // SAFETY: the view is used while the vector lives and nothing else does.
                let view = unsafe { View::of(&mut predictions, shape) };
                let objective = Objective::new(&device, &*loss, view, None).unwrap();
                let rows = objective.geometry.rows();
                let weights = weights.map(floats);
                let mut shares: Vec<f32> =
                    (0..rows).map(|row| weights.as_ref().map_or(1.0, |w| w[row * w.len() / rows])).collect();
                let ignored = loss.ignored_class();
                let mask: Option<Vec<u8>> =
                    ignored.map(|c| t.iter().map(|t| u8::from(f64::from(*t) != c)).collect());
                Reduction::from_name(reduction).unwrap().shares(&mut shares, mask.as_deref());
                let mut converted = t.clone();
                loss.convert_labels(&t, &mut converted);
                device.upload(super::objective::bytes_of(&converted), objective.labels);
                device.upload(super::objective::bytes_of(&shares), objective.shares);
                let found = objective.run(&device, 1.0);
                let expected = expected.to_f64()[0];
                if !close(found, expected, &case) {
                    wrong.push(format!("{} {reduction}{suffix}: {found} for {expected}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Metrics, and options of metrics, that are refused here.
const METRICS_NOT_HERE: &[&str] = &[
    "accuracy",
    "auc_multi_label",
    "auc_multi_label_weights",
    "binary_iou",
    "concordance_correlation",
    "f1_score",
    "false_positives",
    "iou",
    "mean_iou",
    "mean_iou_ignore",
    "one_hot_iou",
    "one_hot_mean_iou",
    "pearson_correlation",
    "precision_at_recall",
    "precision_thresholds",
    "r2_score_adjusted",
    "r2_score_none",
    "r2_score_variance",
    "recall_at_precision",
    "recall_thresholds",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "sum",
];

#[test]
fn metrics_are_those_of_keras() {
    let mut wrong = Vec::new();
    let mut done = 0;
    for path in cases("metrics") {
        let case = case(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let refused = METRICS_NOT_HERE.iter().any(|n| name.trim_end_matches("_weighted") == *n);
        let mut metric = match metrics::from_config(&object(&case), &Registry::new()) {
            Ok(metric) if !refused => metric,
            Err(_) if refused => continue,
            Ok(_) => panic!("{name} is said not to be here"),
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        done += 1;
        let data = arrays(&path, "values.npz");
        for (batch, expected) in case["results"].as_array().unwrap().iter().enumerate() {
            let array = |name: &str| find(&data, &format!("{name}_{batch}"));
            let t = array("y_true").unwrap();
            // A mean has its values where others have labels.
            let p = array("y_pred").unwrap_or(t);
            let (labels, predictions) = (floats(t), floats(p));
            let weights = array("sample_weight").map(floats);
            metric.update(
                Values::new(&labels, Shape::of(&t.shape)),
                Values::new(&predictions, Shape::of(&p.shape)),
                weights.as_deref(),
            );
            let found = metric.result();
            let Some(expected) = expected.as_f64() else {
                wrong.push(format!("{}: expects {expected}", path.display()));
                continue;
            };
            if !close(found, expected, &case) {
                wrong.push(format!("{} batch {batch}: {found} for {expected}", path.display()));
            }
        }
        metric.reset();
    }
    eprintln!("{done} metrics checked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn schedules_are_those_of_keras() {
    for path in cases("schedules") {
        let case = case(&path);
        let schedule = schedules::from_json(&case["object"], &Registry::new()).unwrap();
        let data = arrays(&path, "values.npz");
        let (steps, expected) = (find(&data, "steps").unwrap(), find(&data, "expected").unwrap());
        for (step, expected) in steps.to_f64().into_iter().zip(expected.to_f64()) {
            let found = schedule.at(step as u64);
            assert!(close(found, expected, &case), "{} step {step}: {found} for {expected}", path.display());
        }
        // What we write is what Keras wrote.
        let again = schedules::to_json(&*schedule);
        for (key, value) in again["config"].as_object().unwrap() {
            let theirs = &case["object"]["config"][key];
            assert!(value == theirs || value.as_f64() == theirs.as_f64(), "{key}: {value} for {theirs}");
        }
    }
}

/// Steps of training on a saved model: losses and metrics are those of Keras.
fn train(path: &Path) -> std::result::Result<(), String> {
    let case = case(path);
    let mut model = LoadedModel::open(path.join("model.keras"), &Registry::new(), Device::cpu())
        .map_err(|e| e.to_string())?;
    let data = arrays(path, "train.npz");
    for (step, expected) in case["train"]["metrics"].as_array().unwrap().iter().enumerate() {
        let of = |prefix: &str| -> Vec<Array> {
            let all = data.iter().filter(|(name, _)| name.starts_with(prefix));
            all.map(|(_, array)| at_step(array, step)).collect()
        };
        let (inputs, labels, weights) = (of("x_"), of("y_"), of("sw_"));
        let weights: Option<Vec<f32>> = weights.first().map(floats);
        let class_weights: Vec<(usize, f32)> =
            case["train"]["class_weight"].as_object().map_or(vec![], |map| {
                map.iter().map(|(k, v)| (k.parse().unwrap(), v.as_f64().unwrap() as f32)).collect()
            });
        let batch = TrainingBatch {
            x: &inputs,
            y: &labels,
            sample_weight: weights.as_deref(),
            class_weight: &class_weights,
        };
        let logs = model.train_on_batch(&batch).map_err(|e| e.to_string())?;
        for (name, expected) in expected.as_object().unwrap() {
            let (expected, found) = (expected.as_f64().unwrap(), logs.get(name).unwrap_or(f64::NAN));
            if !close(found, expected, &case["train"]) {
                return Err(format!("step {step}: {name} is {found} for {expected} ({logs})"));
            }
        }
    }
    Ok(())
}

/// The part of an array that belongs to a step: its first dimension counts steps.
fn at_step(array: &Array, step: usize) -> Array {
    let size = array.bytes.len() / array.shape[0];
    let bytes = array.bytes[step * size..(step + 1) * size].to_vec().into();
    Array { shape: array.shape[1..].to_vec(), stored: array.stored, bytes }
}

/// Optimizers and losses that are refused by name here.
const OPTIMIZERS_NOT_HERE: &[&str] =
    &["adafactor", "lamb", "muon", "schedule_free", "loss_scale", "everything"];

#[test]
fn training_is_that_of_keras() {
    let mut wrong = Vec::new();
    for group in ["losses", "optimizers"] {
        for path in cases(group) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if let Err(message) = train(&path) {
                // A layer that cannot be loaded says nothing about training.
                if message.contains("model.keras: layer") {
                    continue;
                }
                let refused = message.contains("there is no");
                let known = OPTIMIZERS_NOT_HERE.iter().any(|n| name.starts_with(n))
                    || ["ctc", "circle", "categorical_generalized"].contains(&name.as_str());
                if !(refused && known) {
                    wrong.push(format!("{group}/{name}: {message}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn logs_read_as_keras_writes_them() {
    let mut logs = Logs::new();
    [("accuracy", 0.9), ("loss", 0.000123), ("lr", 0.0)].iter().for_each(|(n, v)| logs.set(n, *v));
    assert_eq!(logs.to_string(), "accuracy: 0.9000 - loss: 1.2300e-04 - lr: 0.0000e+00");
}
