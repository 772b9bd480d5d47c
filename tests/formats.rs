//! Formats: what real Keras wrote is read, what is written here is opened by real Keras.
//!
//! `tests/formats/files` was written by `tests/formats/make.py`. With `KERAS_PYTHON` set, new files are made and read, too,
//! and real Keras opens ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use keras::DType;
use keras::graph::{LoadedModel, TrainingBatch, load_model, model_from_json, model_from_yaml};
use keras::model::Model;
use keras::prelude::*;
use keras::saving::{self, Array, Format, Group, Loading, Stored, Weights, npz};

model! {
    Plain([3]) -> [2] = [
        Dense(4, activation = relu, kernel_regularizer = L2(0.01), name = "one"),
        BatchNormalization(name = "norm"),
        Dropout(0.5),
        Dense(2, name = "two"),
    ]
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/files")
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formats").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// Inputs and Keras' predictions of a model.
fn arrays(path: &Path) -> (Vec<Array>, Vec<Array>) {
    let all = npz::read(path).expect("the arrays are there");
    let of =
        |letter: char| all.iter().filter(|(n, _)| n.starts_with(letter)).map(|(_, a)| a.clone()).collect();
    (of('x'), of('y'))
}

/// The model predicts what Keras did, within `tolerance` of the largest number.
fn predicts(model: &mut LoadedModel, name: &Path, tolerance: f64) {
    let (inputs, expected) = arrays(name);
    let found = model.predict(&inputs).expect("predicts");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.shape, expected.shape);
        let (found, expected) = (found.to_f64(), expected.to_f64());
        let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= tolerance * scale, "{}: off by {worst:e}", name.display());
    }
}

/// 32-bit floats, sums of some ten products in another order.
const SINGLE: f64 = 1e-5;
/// Keras computes these in 11 bits (8 for bfloat16), here it is 24; some roundings add up.
const HALF: f64 = 4e-3;
const BRAIN: f64 = 3e-2;

/// All that `make.py` wrote with Keras 3.
fn keras_3_is_read(files: &Path) {
    for name in ["plain", "graph"] {
        let arrays = files.join(format!("{name}.npz"));
        for extension in [".keras", ".h5", "_folder"] {
            let path = files.join(format!("{name}{extension}"));
            if extension == "_folder" && name == "graph" {
                continue;
            }
            let mut model = load_model(&path).unwrap_or_else(|e| panic!("{e}"));
            predicts(&mut model, &arrays, SINGLE);
            // Training goes on: the optimizer's state is there.
            let (x, y) = crate::arrays(&arrays);
            let batch = TrainingBatch { x: &x, y: &y, sample_weight: None, class_weight: &[] };
            model.train_on_batch(&batch).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        for extension in [".weights.h5", ".weights.json", ".h5", ".keras"] {
            let path = files.join(format!("{name}{extension}"));
            if extension == ".weights.h5" && name == "graph" {
                continue;
            }
            let json = std::fs::read_to_string(files.join(format!("{name}.json"))).expect("is there");
            let mut model = model_from_json(&json).unwrap_or_else(|e| panic!("{e}"));
            model.load_weights(&path).unwrap_or_else(|e| panic!("{e}"));
            predicts(&mut model, &arrays, SINGLE);
        }
    }
    for (policy, tolerance) in [("float16", HALF), ("bfloat16", BRAIN), ("mixed_float16", HALF)] {
        let mut model = load_model(files.join(format!("{policy}.keras"))).unwrap_or_else(|e| panic!("{e}"));
        predicts(&mut model, &files.join(format!("{policy}.npz")), tolerance);
    }
}

#[test]
fn files_of_keras_3_are_read() {
    keras_3_is_read(&files());
}

#[test]
fn files_that_keras_makes_now_are_read() {
    let Some(python) = python() else { return };
    let folder = folder("made");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/make.py");
    let done = Command::new(python).arg(script).arg(&folder).arg("7").output().expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    keras_3_is_read(&folder);
}

#[test]
fn files_of_keras_2_are_read() {
    for name in ["keras2_plain", "keras2_graph"] {
        let path = |extension: &str| files().join(format!("{name}{extension}"));
        let arrays = path(".npz");
        let mut model = load_model(path(".h5")).unwrap_or_else(|e| panic!("{e}"));
        predicts(&mut model, &arrays, SINGLE);
        let (x, y) = crate::arrays(&arrays);
        let batch = TrainingBatch { x: &x, y: &y, sample_weight: None, class_weight: &[] };
        model.train_on_batch(&batch).unwrap_or_else(|e| panic!("{name}: {e}"));
        for architecture in [".json", ".yaml"] {
            let mut model = load_model(path(architecture)).unwrap_or_else(|e| panic!("{e}"));
            model.load_weights(path("_weights.h5")).unwrap_or_else(|e| panic!("{e}"));
            predicts(&mut model, &arrays, SINGLE);
        }
    }
    let mut model = load_model(files().join("keras2_plain.keras")).unwrap_or_else(|e| panic!("{e}"));
    predicts(&mut model, &files().join("keras2_plain.npz"), SINGLE);
}

fn python() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("KERAS_PYTHON");
    if python.is_none() {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
    }
    python
}

/// Real Keras does these jobs (see `check.py`).
fn check(folder: &Path, jobs: &[serde_json::Value]) {
    let Some(python) = python() else { return };
    let list = folder.join("jobs.json");
    std::fs::write(&list, serde_json::Value::from(jobs.to_vec()).to_string()).expect("can be written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/check.py");
    let done = Command::new(python).arg(script).arg(&list).output().expect("Python runs");
    let (out, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{error}");
}

fn bits(model: &mut LoadedModel, inputs: &[Array]) -> Vec<Array> {
    model.predict(inputs).expect("predicts")
}

/// Whole models: the extensions that `save` takes.
const MODELS: [&str; 3] = [".keras", ".h5", "_folder"];
/// Weights alone: the extensions that `save_weights` takes.
const WEIGHTS: [&str; 4] = [".weights.h5", ".weights.json", ".safetensors", "_weights.h5"];

#[test]
fn every_format_survives_and_opens_in_keras() {
    let folder = folder("written");
    let mut jobs = Vec::new();
    // A typed model is read at run time, and the other way round.
    let sources = ["plain.keras", "graph.keras", "graph.h5", "keras2_graph.h5"];
    for source in sources.into_iter().chain(["float16.keras", "bfloat16.keras", "mixed_float16.keras"]) {
        let name = source.replace('.', "_");
        let path = |extension: &str| folder.join(format!("{name}{extension}"));
        let stem = source.split('.').next().expect("a name");
        let mut model = load_model(files().join(source)).unwrap_or_else(|e| panic!("{e}"));
        let (inputs, _) = arrays(&files().join(format!("{stem}.npz")));
        let outputs = bits(&mut model, &inputs);
        let named = [("x", &inputs), ("y", &outputs)].into_iter();
        let named: Vec<(String, &Array)> = named
            .flat_map(|(letter, arrays)| {
                arrays.iter().enumerate().map(move |(i, a)| (format!("{letter}{i}"), a))
            })
            .collect();
        npz::write(path(".npz"), named.iter().map(|(n, a)| (n.as_str(), *a))).expect("can be written");
        let npz = path(".npz");
        let tolerance = match stem {
            "float16" | "mixed_float16" => HALF,
            "bfloat16" => BRAIN,
            _ => SINGLE,
        };
        let trained = matches!(source, "plain.keras" | "graph.keras" | "graph.h5");
        for extension in MODELS {
            model.save(path(extension)).unwrap_or_else(|e| panic!("{e}"));
            let mut again = load_model(path(extension)).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(bits(&mut again, &inputs), outputs, "{source} as {extension}");
            let mut job = serde_json::json!({"model": path(extension), "npz": npz, "tolerance": tolerance});
            if trained {
                job["train"] = 1.into();
                let several = outputs.len() > 1;
                let loss = if several { serde_json::json!(["mse", "mse"]) } else { "mse".into() };
                job["loss"] = loss;
            }
            jobs.push(job);
        }
        for extension in [".json", ".yaml"] {
            model.save_architecture(path(extension)).unwrap_or_else(|e| panic!("{e}"));
        }
        for (at, extension) in WEIGHTS.into_iter().enumerate() {
            if extension == ".weights.json" {
                model.save_sharded_weights(path(extension), 500).unwrap_or_else(|e| panic!("{e}"));
                model.save_sharded_weights(path(extension), 500).unwrap_or_else(|e| panic!("{e}"));
            } else {
                model.save_weights(path(extension)).unwrap_or_else(|e| panic!("{e}"));
            }
            let architecture = path([".json", ".yaml"][at % 2]);
            let mut again = load_model(&architecture).unwrap_or_else(|e| panic!("{e}"));
            assert_ne!(bits(&mut again, &inputs), outputs, "fresh weights");
            again.load_weights(path(extension)).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(bits(&mut again, &inputs), outputs, "{source} as {extension}");
            let weights = path(extension);
            jobs.push(serde_json::json!({
                "architecture": architecture, "weights": weights, "npz": npz, "tolerance": tolerance,
            }));
        }
    }
    check(&folder, &jobs);
}

/// Every array of a tree, with its path.
fn walk(group: &Group, path: &str, to: &mut impl FnMut(String, &Array)) {
    group.arrays.iter().for_each(|(name, array)| to(format!("{path}/{name}"), array));
    for (name, group) in &group.groups {
        walk(group, &format!("{path}/{name}"), to);
    }
}

/// Policies of 16 bits are computed in 32; what is saved has the policy again, and variables in the type that it says.
#[test]
fn policies_of_16_bits_are_kept() {
    let folder = folder("policies");
    let policies = |config: &serde_json::Value| -> Vec<serde_json::Value> {
        let layers = config["config"]["layers"].as_array().expect("layers").iter();
        let layers = layers.filter(|layer| layer["class_name"] != "InputLayer");
        layers.map(|layer| layer["config"]["dtype"]["config"]["name"].clone()).collect()
    };
    let stored = |path: &Path| -> Vec<(String, Stored, Vec<f64>)> {
        let weights = saving::read(path).unwrap_or_else(|e| panic!("{e}")).weights;
        let Weights::Tree(tree) = weights else { panic!("{} has no tree", path.display()) };
        let mut arrays = Vec::new();
        walk(&tree, "", &mut |name, array| arrays.push((name, array.stored, array.to_f64())));
        arrays
    };
    let table = [("float16", Stored::F16), ("bfloat16", Stored::BF16), ("mixed_float16", Stored::F32)];
    for (policy, expected) in table {
        let source = files().join(format!("{policy}.keras"));
        let model = load_model(&source).unwrap_or_else(|e| panic!("{e}"));
        let (saved, network) =
            (folder.join(format!("{policy}.keras")), folder.join(format!("{policy}_n.keras")));
        model.save(&saved).unwrap_or_else(|e| panic!("{e}"));
        saving::save_network(model.network().expect("is bound"), &network).unwrap_or_else(|e| panic!("{e}"));
        let theirs = stored(&source);
        assert!(theirs.iter().any(|(_, stored, _)| *stored == expected), "{policy}: {theirs:?}");
        for path in [&saved, &network] {
            assert_eq!(stored(path), theirs, "{}", path.display());
            let again = load_model(path).unwrap_or_else(|e| panic!("{e}"));
            let found = policies(again.config());
            assert_eq!(found, policies(model.config()));
            assert!(found.iter().any(|name| name == policy), "{policy}: {found:?}");
        }
    }
}

#[test]
fn quantized_policies_are_refused() {
    let layers = serde_json::json!([
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 3]}},
        {"class_name": "Dense", "config": {"name": "small", "units": 2, "dtype": {
            "module": "keras.dtype_policies", "class_name": "QuantizedDTypePolicy",
            "config": {"mode": "int8", "source_name": "float32"}, "registered_name": null,
        }}},
    ]);
    let model = serde_json::json!({"class_name": "Sequential", "config": {"name": "m", "layers": layers}});
    let error = model_from_json(&model.to_string()).err().expect("refused").to_string();
    for part in ["layer `small` (Dense)", "`dtype`", "QuantizedDTypePolicy", "int8", "is not supported"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn typed_models_in_every_format() {
    let folder = folder("typed");
    let model = Model::<Plain>::with_seed(Device::default(), 3);
    let weights = |model: &Model<Plain>| {
        let network = model.network();
        network.variables().iter().map(|v| network.read(v)).collect::<Vec<_>>()
    };
    for extension in MODELS.into_iter().chain(WEIGHTS) {
        let path = folder.join(format!("model{extension}"));
        if MODELS.contains(&extension) {
            model.save(&path).unwrap_or_else(|e| panic!("{e}"));
        } else {
            model.save_weights(&path).unwrap_or_else(|e| panic!("{e}"));
        }
        let again = Model::<Plain>::load(&path, Device::default()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(weights(&again), weights(&model), "{extension}");
    }
    // What Keras wrote fits a model in source, whatever the format.
    let from = |name: &str| {
        let model =
            Model::<Plain>::load(files().join(name), Device::default()).unwrap_or_else(|e| panic!("{e}"));
        weights(&model)
    };
    let expected = from("plain.keras");
    for name in ["plain.h5", "plain.weights.h5", "plain.weights.json", "plain_folder"] {
        assert_eq!(from(name), expected, "{name}");
    }
    let json = model.to_json().expect("can be described");
    assert_eq!(model_from_json(&json).expect("can be read").to_json(), json);
    let yaml = model.to_yaml().expect("can be described");
    assert_eq!(model_from_yaml(&yaml).expect("can be read").to_json(), json);
}

/// A model of one input with Dense layers of these names and sizes.
fn dense(layers: &[(&str, usize)]) -> LoadedModel {
    let input =
        serde_json::json!({"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 3]}});
    let layers = layers.iter().map(|(name, units)| {
        serde_json::json!({"class_name": "Dense", "config": {"name": name, "units": units, "bias_initializer": "ones"}})
    });
    let layers: Vec<_> = std::iter::once(input).chain(layers).collect();
    let json = serde_json::json!({"class_name": "Sequential", "config": {"name": "net", "layers": layers}});
    model_from_json(&json.to_string()).expect("well formed")
}

fn kernel(model: &LoadedModel, layer: &str) -> Vec<f64> {
    let network = model.network().expect("its shapes are known");
    let variable = network.variables().iter().find(|v| v.path() == format!("{layer}/kernel"));
    network.read(variable.expect("has a kernel"))
}

#[test]
fn by_name_and_skipping_what_does_not_fit() {
    let folder = folder("by_name");
    let source = dense(&[("a", 4), ("b", 4), ("c", 2)]);
    for extension in [".weights.h5", ".weights.json", ".safetensors", ".h5", ".keras"] {
        let path = folder.join(format!("source{extension}"));
        if extension == ".keras" { source.save(&path) } else { source.save_weights(&path) }.expect("saves");
        let fresh = || dense(&[("b", 4), ("new", 4), ("c", 3)]);

        // By position they do not fit, and nothing changes.
        let mut model = fresh();
        let before = kernel(&model, "b");
        let error = model.load_weights(&path).expect_err("shapes differ").to_string();
        assert!(error.contains("shape") || error.contains("variable"), "{error}");
        assert_eq!(kernel(&model, "b"), before);

        // By name `c` does not fit.
        let mut model = dense(&[("c", 3)]);
        assert!(model.load_weights_with(&path, Loading::new().by_name()).is_err());

        // By name, skipping `c`: `b` has other inputs here, so it is skipped, too.
        let mut model = fresh();
        let loading = Loading::new().by_name().skip_mismatch();
        let skipped = model.load_weights_with(&path, loading).expect("skips");
        assert!(skipped.iter().any(|s| s.contains('c') && s.contains("shape")), "{skipped:?}");
        let mut model = dense(&[("other", 4), ("b", 4), ("c", 2)]);
        let other = kernel(&model, "other");
        let skipped = model.load_weights_with(&path, Loading::new().by_name()).expect("fits");
        assert!(skipped.is_empty());
        assert_eq!(kernel(&model, "b"), kernel(&source, "b"));
        assert_eq!(kernel(&model, "c"), kernel(&source, "c"));
        assert_eq!(kernel(&model, "other"), other);

        // By position, skipping what does not fit.
        if extension != ".safetensors" {
            let mut model = dense(&[("x", 4), ("y", 4), ("z", 3)]);
            let skipped = model.load_weights_with(&path, Loading::new().skip_mismatch()).expect("skips");
            assert_eq!(kernel(&model, "y"), kernel(&source, "b"), "{skipped:?}");
            assert!(!skipped.is_empty());
        }
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let folder = folder("refused");
    let model = dense(&[("a", 4)]);
    let refused = |result: keras::Result<()>, part: &str| {
        let error = result.expect_err("is refused").to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(model.save(folder.join("a.onnx")), ".safetensors");
    refused(model.save(folder.join("a.weights.h5")), "save_weights");
    refused(model.save(folder.join("a.json")), "save_architecture");
    refused(model.save_weights(folder.join("a.keras")), ".weights.h5");
    refused(model.save_architecture(folder.join("a.keras")), ".json");
    refused(model.save_sharded_weights(folder.join("a.weights.json"), 8), "more than a shard");
    model.save_weights(folder.join("a.weights.h5")).expect("saves");
    refused(load_model(folder.join("a.weights.h5")).map(drop), "without an architecture");
    model.save_weights(folder.join("a.h5")).expect("saves");
    refused(load_model(folder.join("a.h5")).map(drop), "weights alone");
    // A folder of something else is not replaced.
    let other = folder.join("other");
    std::fs::create_dir(&other).expect("can be made");
    std::fs::write(other.join("diary.txt"), "mine").expect("can be written");
    refused(model.save(&other), "left as it is");
    assert!(other.join("diary.txt").exists());
    assert_eq!(Format::of(&other).expect("a folder"), Format::Folder);
    let leftovers = std::fs::read_dir(&folder).expect("is there").filter_map(Result::ok);
    assert!(leftovers.map(|e| e.file_name()).all(|n| !n.to_string_lossy().ends_with(".tmp")));
}

#[test]
fn saving_again_leaves_no_shards_behind() {
    let folder = folder("shards");
    let path = folder.join("w.weights.json");
    let names = || {
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .expect("is there")
            .map(|e| e.expect("is there").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    for round in 0..4 {
        let model = dense(&[("a", 4), ("b", 4), ("c", 2 + round)]);
        model.save_sharded_weights(&path, 120).expect("saves");
        let mut again = dense(&[("a", 4), ("b", 4), ("c", 2 + round)]);
        again.load_weights(&path).expect("loads");
        assert_eq!(kernel(&again, "c"), kernel(&model, "c"));
        assert!(names().contains(&"w_00000.weights.h5".to_string()), "Keras opens it first");
        // Index, shards (a kernel each, biases with what has room), and at most the empty first one.
        assert!(names().len() <= 7, "{:?}", names());
    }
    let array = Array::of(vec![1, 3], DType::F32, &[1.0, 2.0, 3.0]);
    let mut last = dense(&[("a", 4), ("b", 4), ("c", 5)]);
    saving::read_weights(&path).expect("is whole");
    last.load_weights(&path).expect("loads");
    assert_eq!(last.predict(&[array]).expect("predicts")[0].shape, [1, 5]);
}

/// Not a test: the child that [`killed_saves_leave_whole_files`] kills.
#[test]
fn save_until_killed() {
    let Some(path) = std::env::var_os("KERAS_TEST_SAVE_UNTIL_KILLED") else { return };
    for round in 0.. {
        save_all_equal(Path::new(&path), f64::from(round));
    }
}

/// Saves a model every number of which is the same.
fn save_all_equal(path: &Path, value: f64) {
    let mut model = Model::<Plain>::new(Device::default());
    for at in 0..model.network().variables().len() {
        let size = model.network().variables()[at].size();
        model.network_mut().write(at, &vec![value; size]).expect("sizes agree");
    }
    if path.extension().is_some_and(|e| e == "json") {
        model.save_sharded_weights(path, 60).expect("can be saved");
    } else {
        model.save(path).expect("can be saved");
    }
}

#[test]
fn killed_saves_leave_whole_files() {
    for name in ["folder", "shards.weights.json", "legacy.h5"] {
        let path = folder("killed").join(name);
        save_all_equal(&path, -1.0);
        for round in 0..8 {
            let mut child = Command::new(std::env::current_exe().expect("this test"))
                .args(["--exact", "save_until_killed", "--nocapture"])
                .env("KERAS_TEST_SAVE_UNTIL_KILLED", &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("the test starts");
            std::thread::sleep(std::time::Duration::from_millis(40 + 7 * round));
            child.kill().expect("the child runs until it is killed");
            child.wait().expect("the child ends");
            let model =
                Model::<Plain>::load(&path, Device::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let network = model.network();
            let numbers: Vec<f64> = network.variables().iter().flat_map(|v| network.read(v)).collect();
            assert!(numbers.iter().all(|n| *n == numbers[0]), "{name}: weights are of one save");
        }
    }
}
