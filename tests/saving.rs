//! Files: what real Keras makes of them, what a crash leaves of them, what damage does to them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keras::graph::LoadedModel;
use keras::layers::Registry;
use keras::losses::SparseCategoricalCrossentropy;
use keras::model::{Architecture, Model};
use keras::optimizers::Adam;
use keras::prelude::*;
use keras::saving::{self, Array, Saved, npz};
use keras::training::Verbose;
use keras::{DType, metrics};

model! {
    Mlp([4, 3]) -> [5] = [
        Flatten,
        Dense(16, activation = relu),
        Dropout(0.3),
        Dense(5, activation = softmax),
    ]
}

model! {
    Ranker(user: [6], item: [6]) -> (score: [1], aux: [3]) {
        let shared = Dense(8, activation = relu);
        let x = concat(shared(user), shared(item));
        let y = x + Dense(16)(x);
        (Dense(1, activation = sigmoid)(y), Dense(3)(x))
    }
}

model! { Tower([6]) -> [6] = [Dense(8, activation = tanh), Dense(6)] }
model! { Twin(x: [6]) -> [2] { let t = Tower(); Dense(2)(t(x) + t(x)) } }

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// Numbers between -1 and 1 that look random.
fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 7919 + 13) % 1000) as f64 / 500.0 - 1.0).collect()
}

fn inputs_of<M: Architecture>(samples: usize) -> Vec<Array> {
    let inputs = M::GRAPH.inputs.iter().map(|input| {
        let shape: Vec<usize> = std::iter::once(samples).chain(input.spec.shape().dims()).collect();
        let values = numbers(shape.iter().product());
        Array::of(shape, DType::F32, &values)
    });
    inputs.collect()
}

/// Saves a typed model; the same file loaded at run time predicts what the typed model does, and so does real Keras.
fn survives<M: Architecture>(name: &str) {
    let path = folder(name).join("model.keras");
    let model = Model::<M>::with_seed(Device::default(), 5);
    model.save(&path).expect("can be saved");
    let mut loaded = LoadedModel::open(&path, &Registry::new(), Device::default()).expect("can be loaded");
    for (a, b) in model.network().variables().iter().zip(loaded.network().expect("bound").variables()) {
        assert_eq!(a.path(), b.path());
    }
    let inputs = inputs_of::<M>(7);
    let outputs = loaded.predict(&inputs).expect("predicts");
    assert_eq!(outputs, predict(model, &inputs), "typed and loaded model predict the same bits");
    open_in_keras(&path, &inputs, &outputs, "");
}

/// Predictions of a typed model through its generated code.
fn predict<M: Architecture>(mut model: Model<M>, inputs: &[Array]) -> Vec<Array> {
    let network = model.network_mut();
    let program = network.prepare(inputs[0].shape[0], false).expect("fits into memory");
    for (input, view) in inputs.iter().zip(&network.program(program).inputs) {
        input.upload(network.device(), *view).expect("shapes agree");
    }
    network.forward(program, false, |run| {
        M::forward(run, 0);
    });
    network.program(program).outputs.iter().map(|view| Array::download(network.device(), *view)).collect()
}

/// Real Keras opens the file and predicts the same. Needs the environment variable `KERAS_PYTHON`.
fn open_in_keras(path: &Path, inputs: &[Array], outputs: &[Array], mode: &str) {
    let Some(python) = std::env::var_os("KERAS_PYTHON") else {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
        return;
    };
    let write = |name: &str, arrays: &[Array]| {
        let path = path.with_file_name(name);
        // Padded numbers keep their order.
        let names: Vec<String> = (0..arrays.len()).map(|i| format!("{i:03}")).collect();
        npz::write(&path, names.iter().map(String::as_str).zip(arrays)).expect("can be written");
        path
    };
    let (inputs, outputs) = (write("inputs.npz", inputs), write("outputs.npz", outputs));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/open_saved.py");
    let done = Command::new(python)
        .args([script.as_path(), path, &inputs, &outputs])
        .args(Some(mode).filter(|m| !m.is_empty()))
        .output()
        .expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn sequential_models_survive() {
    survives::<Mlp>("mlp");
}

#[test]
fn shared_layers_and_several_inputs_survive() {
    survives::<Ranker>("ranker");
}

#[test]
fn models_in_models_survive() {
    survives::<Twin>("twin");
}

#[test]
fn training_goes_on_bit_for_bit() {
    type Labels = Batch<D0, u8>;
    let x: Batch<D2<4, 3>> =
        Batch::new(numbers(40 * 12).iter().map(|v| *v as f32).collect()).expect("whole samples");
    let y = Labels::new((0..40).map(|i| i as u8 % 5).collect()).expect("whole samples");
    let compiled = || {
        let model = Model::<Mlp>::with_seed(Device::default(), 3);
        model.compile(Adam::new(0.01), SparseCategoricalCrossentropy::new(), metrics![])
    };
    let path = folder("resume").join("half.keras");
    let fit = |model: &mut keras::model::Compiled<Mlp, _>, from: usize, to: usize| {
        let fit = model.fit(&x, &y).initial_epoch(from).epochs(to).batch_size(16).verbose(Verbose::Silent);
        fit.run().expect("trains");
    };
    let mut whole = compiled();
    fit(&mut whole, 0, 4);
    let mut first = compiled();
    fit(&mut first, 0, 2);
    first.save(&path).expect("can be saved");
    let mut second = compiled();
    second.load_weights(&path).expect("can be loaded");
    fit(&mut second, 2, 4);
    let bits = |model: &keras::model::Compiled<Mlp, _>| {
        let network = model.network();
        network.variables().iter().map(|v| network.read(v)).collect::<Vec<_>>()
    };
    assert_eq!(bits(&whole), bits(&second));

    let array = Array::of(vec![40, 4, 3], DType::F32, &numbers(40 * 12));
    let mut loaded = LoadedModel::open(&path, &Registry::new(), Device::default()).expect("can be loaded");
    let outputs = loaded.predict(std::slice::from_ref(&array)).expect("predicts");
    open_in_keras(&path, &[array], &outputs, "train");
}

/// Not a test: the child that [`a_killed_save_leaves_a_whole_file`] kills.
#[test]
fn save_until_killed() {
    let Some(path) = std::env::var_os("KERAS_TEST_SAVE_UNTIL_KILLED") else { return };
    for round in 0.. {
        saving::write(&path, &all_equal(f64::from(round))).expect("can be saved");
    }
}

/// A file of 1 MB, every number of which is the same.
fn all_equal(value: f64) -> Saved {
    let mut weights = saving::Group::default();
    let array = Array::of(vec![512, 512], DType::F32, &vec![value; 512 * 512]);
    weights.make(["layers", "dense", "vars"]).set_numbered([array]);
    Saved { config: serde_json::json!({"round": value}), weights }
}

#[test]
fn a_killed_save_leaves_a_whole_file() {
    let path = folder("killed").join("model.keras");
    saving::write(&path, &all_equal(-1.0)).expect("can be saved");
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "save_until_killed", "--nocapture"])
            .env("KERAS_TEST_SAVE_UNTIL_KILLED", &path)
            .stdout(Stdio::null())
            .spawn()
            .expect("the test starts");
        std::thread::sleep(Duration::from_millis(60 + 7 * round));
        child.kill().expect("the child runs until it is killed");
        child.wait().expect("the child ends");
        let saved = saving::read(&path).expect("the file is whole");
        let value = saved.config["round"].as_f64().expect("a number");
        assert_eq!(saved, all_equal(value), "configuration and weights are of one save");
    }
}

#[test]
fn damaged_files_are_errors() {
    let whole =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/shared_layer_chain.keras"));
    let whole = whole.expect("the fixture is there");
    let open = |bytes: &[u8]| {
        let saved = saving::from_bytes(bytes).map_err(keras::Error::Data)?;
        let mut model = LoadedModel::from_saved(saved, &Registry::new(), Device::default())?;
        let dims: Vec<usize> = model.blueprint().inputs[0].dims.iter().map(|d| d.unwrap_or(3)).collect();
        let shape: Vec<usize> = std::iter::once(2).chain(dims).collect();
        let count = shape.iter().product::<usize>().min(1 << 16);
        model.predict(&[Array::of(shape, DType::F32, &numbers(count))])
    };
    open(&whole).expect("the fixture itself opens");
    for cut in (0..whole.len()).step_by(61) {
        assert!(open(&whole[..cut]).is_err(), "cut at {cut}");
    }
    // Flipped bits give an error or another model; a panic or unbounded memory fails the test.
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for _ in 0..1500 {
        let mut damaged = whole.clone();
        for _ in 0..=random() % 4 {
            let at = random() % damaged.len();
            damaged[at] ^= 1 << (random() % 8);
        }
        let _ = open(&damaged);
    }
}
