//! Files: what real Keras makes of them, what a crash leaves of them, what damage does to them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keras::graph::LoadedModel;
use keras::layers::Registry;
use keras::losses::SparseCategoricalCrossentropy;
use keras::model::{Architecture, Model};
use keras::optimizers::Optimizer;
use keras::prelude::*;
use keras::saving::{self, Array, Assets, Saved, Weights, npz};
use keras::training::{FitOptions, Verbose};
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
model! { Step([4]) -> [3] = [Dense(6, activation = tanh), BatchNormalization, Dense(3)] }
model! { Steps(x: [5, 4]) -> [2] { let x = Dense(4)(x); let y = TimeDistributed(Step)(x); LSTM(2)(y) } }
model! {
    Ways([5, 4]) -> [5, 7] = [
        Bidirectional(LSTM(4, return_sequences = true), backward_layer = GRU(3, return_sequences = true, go_backwards = true)),
    ]
}

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
fn layers_of_their_own_in_both_directions_survive() {
    survives::<Ways>("ways");
}

#[test]
fn models_at_each_step_survive() {
    survives::<Steps>("steps");
}

/// Four epochs are two epochs, a file, and two epochs more, bit for bit: with dropout, another order in each epoch, and the
/// optimizer's own numbers. `steps` cuts epochs in the middle of the data.
fn goes_on<O: Optimizer + 'static>(name: &str, steps: Option<usize>, optimizer: impl Fn() -> O) -> PathBuf {
    type Labels = Batch<D0, u8>;
    let x: Batch<D2<4, 3>> =
        Batch::new(numbers(40 * 12).iter().map(|v| *v as f32).collect()).expect("whole samples");
    let y = Labels::new((0..40).map(|i| i as u8 % 5).collect()).expect("whole samples");
    let compiled = || {
        let model = Model::<Mlp>::with_seed(Device::default(), 3);
        model.compile(optimizer(), SparseCategoricalCrossentropy::new(), metrics![])
    };
    let path = folder("resume").join(format!("{name}.keras"));
    let fit = |model: &mut keras::model::Compiled<Mlp, _>, from: usize, to: usize| {
        let fit = model.fit(&x, &y).initial_epoch(from).epochs(to).batch_size(16).verbose(Verbose::Silent);
        let fit = if let Some(steps) = steps { fit.steps_per_epoch(steps) } else { fit };
        fit.run().expect("trains");
    };
    let mut whole = compiled();
    fit(&mut whole, 0, 4);
    let mut first = compiled();
    fit(&mut first, 0, 2);
    let weights = path.with_extension("weights.h5");
    first.save(&path).expect("can be saved");
    first.save_weights(&weights).expect("can be saved");
    let bits = |model: &keras::model::Compiled<Mlp, _>| {
        let network = model.network();
        network.variables().iter().map(|v| network.read(v)).collect::<Vec<_>>()
    };
    assert_ne!(bits(&whole), bits(&first), "{name}");
    for file in [&path, &weights] {
        let mut second = compiled();
        second.load_weights(file).expect("can be loaded");
        fit(&mut second, 2, 4);
        assert_eq!(bits(&whole), bits(&second), "{name} from {}", file.display());
    }
    path
}

#[test]
fn training_goes_on_bit_for_bit() {
    use keras::optimizers::schedules::{CosineDecay, ExponentialDecay};
    let path = goes_on("adam", None, || Adam::new(0.01));
    goes_on("sgd", None, || SGD::new(0.1));
    goes_on("momentum", None, || SGD::new(ExponentialDecay::new(0.1, 5.0, 0.7)).momentum(0.9).nesterov(true));
    goes_on("adamw", None, || AdamW::new(CosineDecay::new(0.02, 12.0)));
    goes_on("rmsprop", None, || RMSprop::new(0.01));
    goes_on("adagrad", None, || Adagrad::new(0.05));
    goes_on("adadelta", None, || Adadelta::new(1.0));
    // Three batches make the data: epochs of two and of five end within it.
    goes_on("short_epochs", Some(2), || Adam::new(0.01));
    goes_on("long_epochs", Some(5), || Adam::new(0.01));

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
        save(&path, &all_equal(f64::from(round))).expect("can be saved");
    }
}

/// A file of 1 MB, every number of which is the same.
fn all_equal(value: f64) -> Saved {
    let mut weights = saving::Group::default();
    let array = Array::of(vec![512, 512], DType::F32, &vec![value; 512 * 512]);
    weights.make(["layers", "dense", "vars"]).set_numbered([array]);
    Saved { config: serde_json::json!({"round": value}), weights: weights.into(), assets: Assets::default() }
}

/// A `.keras` file with these members more.
fn with_members(source: &Path, path: &Path, members: &[(&str, &[u8])]) {
    std::fs::copy(source, path).expect("can be copied");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).expect("is there");
    let mut zip = zip::ZipWriter::new_append(file).expect("an archive");
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("can be written");
        std::io::Write::write_all(&mut zip, bytes).expect("can be written");
    }
    zip.finish().expect("can be written");
}

#[test]
fn files_of_layers_are_kept_or_saving_is_refused() {
    let folder = folder("assets");
    let (plain, path) = (folder.join("plain.keras"), folder.join("model.keras"));
    Model::<Mlp>::with_seed(Device::default(), 5).save(&plain).expect("can be saved");
    let members = [
        ("assets/layers/text_vectorization/vocabulary.txt", &b"\n[UNK]\nrust"[..]),
        ("assets/layers/text_vectorization/_lookup_layer/vocabulary.txt", b"\n[UNK]\nrust"),
    ];
    with_members(&plain, &path, &members);
    let expected = saving::read(&path).expect("can be read").assets;
    let mut found: Vec<_> = expected.files().map(|(path, bytes)| (format!("assets/{path}"), bytes)).collect();
    found.reverse();
    assert_eq!(found, members.map(|(name, bytes)| (name.to_string(), bytes)));
    let mut model = LoadedModel::open(&path, &Registry::new(), Device::default()).expect("opens");
    // As it was read, and with variables of its own.
    for round in 0..2 {
        for name in ["again.keras", "again"] {
            let again = folder.join(name);
            model.save(&again).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(saving::read(&again).expect("can be read").assets, expected, "{name}, {round}");
        }
        let error = model.save(folder.join("again.h5")).expect_err("no place").to_string();
        assert!(error.contains("vocabulary.txt") && error.contains("`.keras`"), "{error}");
        model.predict(&inputs_of::<Mlp>(1)).expect("predicts");
    }
    // What a callback saves has them, too.
    let x = inputs_of::<Mlp>(4);
    let y = model.predict(&x).expect("predicts");
    let metrics: [keras::metrics::Metrics; 1] = [metrics![]];
    model.compile(Adam::new(0.01), keras::losses::MeanSquaredError::new(), metrics).expect("compiles");
    let checkpoint = folder.join("checkpoint.keras");
    let options = FitOptions {
        verbose: Verbose::Silent,
        callbacks: vec![Box::new(keras::callbacks::ModelCheckpoint::new(checkpoint.to_string_lossy()))],
        ..FitOptions::default()
    };
    model.fit(&x, &y, options).expect("trains");
    assert_eq!(saving::read(&checkpoint).expect("can be read").assets, expected);
    // Weights alone never had them.
    model.save_weights(folder.join("again.weights.h5")).expect("can be saved");
    for name in ["assets/../../etc/passwd", "assets//x", "assets/a\\b"] {
        with_members(&plain, &path, &[(name, b"x")]);
        let error = saving::read(&path).expect_err(name).to_string();
        assert!(error.contains("not a path inside"), "{name}: {error}");
    }
}

fn save(path: impl AsRef<Path>, saved: &Saved) -> keras::Result<()> {
    match &saved.weights {
        Weights::Tree(weights) => saving::write_tree(path, &saved.config, weights, &saved.assets),
        _ => unreachable!("made as a tree"),
    }
}

#[test]
fn a_killed_save_leaves_a_whole_file() {
    let path = folder("killed").join("model.keras");
    save(&path, &all_equal(-1.0)).expect("can be saved");
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

/// Not a test: the child of [`a_save_that_finds_no_room_leaves_the_old_file`], which may not write large files.
#[test]
fn save_without_room() {
    let Some(path) = std::env::var_os("KERAS_TEST_SAVE_WITHOUT_ROOM") else { return };
    let error = save(&path, &all_equal(1.0)).expect_err("there is no room").to_string();
    assert!(error.starts_with(&*path.to_string_lossy()), "{error}");
}

#[cfg(unix)]
#[test]
fn a_save_that_finds_no_room_leaves_the_old_file() {
    let path = folder("no_room").join("model.keras");
    save(&path, &all_equal(-1.0)).expect("can be saved");
    // A limit on the size of files stands for a full disk: writing fails half-way. 128 blocks are at most 128 kB.
    let done = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" --exact save_without_room"])
        .arg(std::env::current_exe().expect("this test"))
        .env("KERAS_TEST_SAVE_WITHOUT_ROOM", &path)
        .output()
        .expect("a shell runs");
    let printed = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && printed.contains("1 passed"), "{printed}");
    assert_eq!(saving::read(&path).expect("the file is whole"), all_equal(-1.0));
    let left = std::fs::read_dir(folder("no_room")).expect("there").count();
    assert_eq!(left, 1, "no temporary file is left");
}

#[test]
fn places_that_cannot_be_written_are_errors() {
    let file = folder("unwritable").join("file");
    std::fs::write(&file, "not a folder").expect("can be written");
    let model = Model::<Tower>::new(Device::default());
    for path in
        [file.join("model.keras"), folder("unwritable").join("missing/model.keras"), folder("unwritable")]
    {
        let error = model.save(&path).expect_err("cannot be written").to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
    assert!(folder("unwritable").is_dir());
    let error = Model::<Tower>::load(file.join("model.keras"), Device::default()).map(|_| ());
    assert!(error.expect_err("not there").to_string().starts_with(&file.display().to_string()));
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
