//! Objects of one's own in files: layers (also inside wrappers and models), activations, losses, metrics, optimizers, schedules.
//!
//! `tests/own/files` was written by `tests/own/make.py` with the same objects in Python. With `KERAS_PYTHON` set, real Keras opens
//! what is saved here.

mod goes_on;

use std::path::{Path, PathBuf};

use goes_on::{Case, near, numbers};

use keras::graph::{LoadedModel, TrainingBatch};
use keras::losses::{Common, Loss};
use keras::optimizers::{LearningRateSchedule, Optimizer, Settings, Symbols, Update};
use keras::prelude::*;
use keras::saving::{Array, Assets, Saved, Weights};
use keras::training::formula::Expr;
use keras::{Config, DType, FromConfig, Registry};
use serde_json::{Value, json};

#[derive(Layer, Clone, Copy, Debug)]
struct Gated {
    units: usize,
    #[config(default = true)]
    residual: bool,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
    #[weight([input.last(), units], init = GlorotUniform)]
    value: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        let y = sigmoid(matmul(x, self.gate)) * matmul(x, self.value);
        if self.residual { y + x } else { y }
    }
}

#[derive(Layer, Clone, Copy, Debug)]
struct Scaled {
    by: f64,
}

#[call]
impl Scaled {
    fn call(&self, x: Tensor) -> Tensor {
        x * self.by
    }
}

#[derive(Layer, Clone, Copy, Debug)]
struct Shifted {
    #[config(default = 1.0)]
    by: f64,
    #[weight([input.last()], init = Ones)]
    shift: Weight,
}

#[call]
impl Shifted {
    fn call(&self, x: Tensor) -> Tensor {
        x + self.by * self.shift
    }
}

#[activation]
fn swoosh(x: Tensor) -> Tensor {
    x * sigmoid(2.0 * x - 1.0)
}

#[activation]
fn bent(x: Tensor) -> Tensor {
    x + 0.5 * tanh(x)
}

#[loss]
fn quartic(y_true: Tensor, y_pred: Tensor) -> Tensor {
    mean(square(square(y_true - y_pred)), -1)
}

#[loss]
fn scaled(y_true: Tensor, y_pred: Tensor, by: f64) -> Tensor {
    mean(by * square(y_true - y_pred), -1)
}

#[metric]
fn within(y_true: Tensor, y_pred: Tensor) -> Tensor {
    less(abs(y_true - y_pred), 0.5)
}

#[metric]
fn beyond(y_true: Tensor, y_pred: Tensor, distance: f64) -> Tensor {
    greater(abs(y_true - y_pred), distance)
}

/// A loss that is written by hand.
#[derive(Clone)]
struct Pinball {
    common: Common,
    tau: f64,
}

impl Loss for Pinball {
    fn class_name(&self) -> &'static str {
        "Pinball"
    }
    fn common(&self) -> &Common {
        &self.common
    }
    fn options(&self) -> Config {
        Config::from_iter([("tau".to_string(), json!(self.tau))])
    }
    fn rows<'t>(&self, labels: Expr<'t>, predictions: Expr<'t>) -> Expr<'t> {
        let error = labels - predictions;
        (error * self.tau).max(error * (self.tau - 1.0)).mean()
    }
    fn boxed(&self) -> Box<dyn Loss> {
        Box::new(self.clone())
    }
}

impl FromConfig for Pinball {
    const CLASS_NAME: &'static str = "Pinball";
    fn from_config(config: &Config, _: &Registry) -> keras::Result<Pinball> {
        let tau = config.get("tau").and_then(Value::as_f64).unwrap_or(0.5);
        Ok(Pinball { common: Common::named("pinball").read(config)?, tau })
    }
}

#[derive(Clone)]
struct SignSGD {
    settings: Settings,
    sharpness: f64,
}

impl Optimizer for SignSGD {
    fn class_name(&self) -> &'static str {
        "SignSGD"
    }
    fn settings(&self) -> &Settings {
        &self.settings
    }
    fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }
    fn options(&self) -> Config {
        Config::from_iter([("sharpness".to_string(), json!(self.sharpness))])
    }
    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        let sharp = at.gradient * self.sharpness;
        let step = sharp / (sharp.abs() + 1.0);
        Update { weight: at.weight - at.learning_rate() * step, slots: vec![] }
    }
    fn boxed(&self) -> Box<dyn Optimizer> {
        Box::new(self.clone())
    }
}

impl FromConfig for SignSGD {
    const CLASS_NAME: &'static str = "SignSGD";
    fn from_config(config: &Config, registry: &Registry) -> keras::Result<SignSGD> {
        let mut settings = Settings::new("sign_sgd", 0.01.into());
        settings.read("SignSGD", config, registry)?;
        let sharpness = config.get("sharpness").and_then(Value::as_f64).unwrap_or(1.0);
        Ok(SignSGD { settings, sharpness })
    }
}

#[derive(Clone, Debug)]
struct Halving {
    first: f64,
    every: f64,
}

impl LearningRateSchedule for Halving {
    fn at(&self, step: u64) -> f64 {
        self.first * 0.5f64.powf(step as f64 / self.every)
    }
    fn class_name(&self) -> &'static str {
        "Halving"
    }
    fn config(&self) -> Config {
        Config::from_iter([
            ("first".to_string(), json!(self.first)),
            ("every".to_string(), json!(self.every)),
        ])
    }
    fn boxed(&self) -> Box<dyn LearningRateSchedule> {
        Box::new(self.clone())
    }
}

impl FromConfig for Halving {
    const CLASS_NAME: &'static str = "Halving";
    fn from_config(config: &Config, _: &Registry) -> keras::Result<Halving> {
        let number = |key: &str| {
            let found = config.get(key).and_then(Value::as_f64);
            found.ok_or_else(|| keras::Error::Argument(format!("Halving: lacks `{key}`")))
        };
        Ok(Halving { first: number("first")?, every: number("every")? })
    }
}

fn registry() -> Registry {
    Registry::new()
        .register::<Gated>()
        .register::<Scaled>()
        .register::<Shifted>()
        .register_activation(swoosh)
        .register_activation(bent)
        .register_loss::<quartic>()
        .register_loss::<scaled>()
        .register_loss::<Pinball>()
        .register_metric::<within>()
        .register_metric::<beyond>()
        .register_optimizer::<SignSGD>()
        .register_schedule::<Halving>()
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/own/files")
}

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-objects").join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// The case of this name, with the model as `registry()` reads it.
fn case(name: &str) -> Case {
    Case::open(&files(), name, &registry())
}

/// A file of real Keras goes on where it stopped: predictions, losses, metrics, weights after three steps; and Keras goes on with
/// what is saved then.
#[test]
fn files_of_keras_go_on() {
    for name in ["plain", "functional"] {
        let mut case = case(name);
        case.goes_on();
        let path = case.survives(&folder("go-on").join(format!("{name}.keras")), &registry());
        let predictions = case.predict();
        open_in_keras(&path, &case.x[0], &case.y, &predictions);
    }
}

fn open_in_keras(path: &Path, x: &Array, y: &[Array], predictions: &[Vec<f64>]) {
    let Some(python) = std::env::var_os("KERAS_PYTHON") else {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
        return;
    };
    let y: Vec<Vec<f64>> = y.iter().map(Array::to_f64).collect();
    let expected = path.with_extension("json");
    let json = json!({"x": x.to_f64(), "y": y, "predictions": predictions});
    std::fs::write(&expected, json.to_string()).expect("a file");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/open_own_objects.py");
    let done =
        std::process::Command::new(python).args([&script, path, &expected]).output().expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

model! { Inner([5, 4]) -> [5, 4] = [TimeDistributed(Gated(4)), Shifted(by = 0.5)] }
model! {
    Net([5, 4]) -> [2] = [
        TimeDistributed(Gated(3, residual = false)),
        Dense(4, activation = swoosh),
        Inner,
        Scaled(1.5),
        Flatten,
        Dense(2, activation = bent),
    ]
}

/// A model in source is the same one when its file is loaded at run time: predictions, and the steps that follow.
#[test]
fn models_in_source_go_on_at_run_time() -> keras::Result<()> {
    let waves =
        |n: usize, seed: f64| (0..n).map(|i| (i as f32 * 0.37 + seed as f32).sin()).collect::<Vec<_>>();
    let (x, y) = (Batch::<D2<5, 4>>::new(waves(160, 0.0))?, Batch::<D1<2>>::new(waves(16, 1.0))?);
    let loss = || scaled(2.0).reduction(keras::losses::Reduction::Sum).name("twice");
    let metrics = || metrics![within, beyond(0.25), quartic];
    let mut typed = Model::<Net>::with_seed(Device::default(), 5).compile(Adam::new(0.01), loss(), metrics());
    typed.train_on_batch(&x, &y)?;
    let path = folder("typed").join("net.keras");
    typed.save(&path)?;

    let mut loaded = LoadedModel::open(&path, &registry(), Device::default())?;
    let array = |shape: Vec<usize>, values: &[f32]| {
        Array::of(shape, DType::F32, &values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>())
    };
    let (ax, ay) = (array(vec![8, 5, 4], x.as_slice()), array(vec![8, 2], y.as_slice()));
    for _ in 0..3 {
        let batch = TrainingBatch {
            x: std::slice::from_ref(&ax),
            y: std::slice::from_ref(&ay),
            sample_weight: None,
            class_weight: &[],
        };
        assert_eq!(loaded.train_on_batch(&batch)?, typed.train_on_batch(&x, &y)?);
    }
    let predictions = loaded.predict(std::slice::from_ref(&ax))?[0].to_f64();
    let expected: Vec<f64> = typed.predict(&x)?.as_slice().iter().map(|v| f64::from(*v)).collect();
    assert_eq!(predictions, expected);

    // Keras has no loss `scaled`: without compile options it opens the file.
    let path = path.with_file_name("uncompiled.keras");
    Model::<Net>::load(folder("typed").join("net.keras"), Device::default())?.save(&path)?;
    let before = Model::<Net>::load(&path, Device::default())?.predict(&x)?;
    let before = before.as_slice().iter().map(|v| f64::from(*v)).collect();
    open_in_keras(&path, &ax, &[ay], &[before]);
    Ok(())
}

// With the types and functions of the file's names in scope, a file is a model in source.
model! { Plain([5, 4]) -> [2] = "tests/own/files/plain.keras" }
model! { Forked(x: [4]) -> (a: [2], b: [3]) = "tests/own/files/functional.keras" }

/// By name, in any order, with defaults left out; whole numbers are numbers.
#[test]
fn fields_are_given_by_name() {
    model! { ByName([5, 4]) -> [5, 4] = [
        TimeDistributed(Gated { residual: false, units: 4 }),
        #[name = "shift"] Shifted { trainable: false },
        Scaled { by: 2 },
    ] }
    model! { Positional([5, 4]) -> [5, 4] = [
        TimeDistributed(Gated(4, residual = false)),
        Shifted(trainable = false, name = "shift"),
        Scaled(2.0),
    ] }
    model! { Called(x: [4]) -> [4] { let by = 0.5; let scaled = Scaled { by: by }; scaled(x) + Gated { units: 4 }(x) } }
    let config = |path: &Path| -> Value {
        let saved = keras::saving::read(path).expect("what was saved");
        saved.config["config"]["layers"].clone()
    };
    let (one, other) = (folder("by-name").join("one.keras"), folder("by-name").join("other.keras"));
    Model::<ByName>::new(Device::default()).save(&one).expect("can be saved");
    Model::<Positional>::new(Device::default()).save(&other).expect("can be saved");
    assert_eq!(config(&one), config(&other));
    assert_eq!(Called::PARAMS, 2 * 16);
}

/// A file in place of a body: the same predictions as Keras'.
#[test]
fn files_are_models_in_source() -> keras::Result<()> {
    let floats = |array: &Array| array.to_f64().iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let plain = case("plain");
    let x = Batch::<D2<5, 4>>::new(floats(&plain.x[0]))?;
    let found = Plain::pretrained(Device::default())?.predict(&x)?;
    near(&wide(found.as_slice()), &numbers(&plain.json["before"][0]), "plain");
    let forked = case("functional");
    let x = Batch::<D1<4>>::new(floats(&forked.x[0]))?;
    let (a, b) = Forked::pretrained(Device::default())?.predict(&x)?;
    near(&wide(a.as_slice()), &numbers(&forked.json["before"][0]), "a");
    near(&wide(b.as_slice()), &numbers(&forked.json["before"][1]), "b");
    Ok(())
}

/// What is not registered is named, with its module and what to do.
#[test]
fn what_is_not_known_says_what_to_register() {
    let says = |name: &str, registry: Registry, expected: &[&str]| {
        let path = files().join(format!("{name}.keras"));
        let error = LoadedModel::open(&path, &registry, Device::default()).and_then(|mut model| {
            let dims: Vec<usize> =
                model.blueprint().inputs[0].dims.iter().map(|d| d.expect("known")).collect();
            let shape: Vec<usize> = std::iter::once(8).chain(dims).collect();
            let x = Array::of(shape.clone(), DType::F32, &vec![0.5; shape.iter().product()]);
            let y: Vec<Array> = model
                .predict(std::slice::from_ref(&x))?
                .iter()
                .map(|y| Array::of(y.shape.clone(), DType::F32, &y.to_f64()))
                .collect();
            let batch = TrainingBatch { x: &[x], y: &y, sample_weight: None, class_weight: &[] };
            model.train_on_batch(&batch)
        });
        let message = error.expect_err("something in it is not known").to_string();
        for part in expected {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    };
    let gated = "class `Gated` of module `objects` (registered as `mine>Gated`)";
    let register = "Registry::new().register::<Gated>()";
    says("plain", Registry::new(), &["layer `wrapped` (TimeDistributed)", gated, register]);
    let layers = || Registry::new().register::<Gated>().register::<Shifted>().register::<Scaled>();
    says("plain", layers(), &["layer `dense", "`activation`", "the function `bent`", "register_activation"]);
    let activations = || layers().register_activation(bent).register_activation(swoosh);
    says("plain", activations(), &["loss: `quartic` is a function", "register_loss"]);
    says("plain", activations().register_loss::<quartic>(), &["metric: `mine>within`", "register_metric"]);
    let optimizer = "class `SignSGD` of module `objects` (registered as `mine>SignSGD`)";
    says("functional", activations(), &[optimizer, "register_optimizer"]);
    let optimizers = || activations().register_optimizer::<SignSGD>();
    says("functional", optimizers(), &["class `Halving` of module `objects`", "register_schedule"]);
    let schedules = || optimizers().register_schedule::<Halving>();
    says("functional", schedules(), &["class `Pinball` of module `objects`", "register_loss"]);
    for (name, class) in [("initializer", "Twos"), ("regularizer", "Quarter"), ("constraint", "Small")] {
        let option = format!("`kernel_{name}`: expected ");
        let class = format!("class `{class}` of module `objects` (registered as `mine>{class}`)");
        says(&format!("refused-{name}"), registry(), &[&option, &format!("{name} of Keras"), &class]);
    }
}

/// An option that the registered one does not have is refused: nothing in a file is passed over in silence.
#[test]
fn options_that_are_not_there_are_refused() {
    let refused = |config: Value| {
        let saved = Saved { config, weights: Weights::Fresh, assets: Assets::default() };
        let model = LoadedModel::from_saved(saved, &registry(), Device::default());
        let trained = model.and_then(|mut model| {
            let array = Array::of(vec![1, 2], DType::F32, &[0.5, 1.0]);
            let (x, y) = ([array.clone()], [array]);
            model.train_on_batch(&TrainingBatch { x: &x, y: &y, sample_weight: None, class_weight: &[] })
        });
        trained.expect_err("an option too many").to_string()
    };
    let layer = |config: Value| json!({"module": "mine", "class_name": "Scaled", "registered_name": "mine>Scaled", "config": config});
    let model = |layer: Value, compile: Value| {
        let input = json!({"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 2]}});
        let layers = json!([input, layer]);
        json!({"class_name": "Sequential", "config": {"name": "m", "layers": layers}, "compile_config": compile})
    };
    let fine = || layer(json!({"name": "scaled", "by": 2.0}));
    let config = json!({"name": "scaled", "by": 2.0, "beyond": 1});
    let message = refused(model(layer(config), Value::Null));
    assert!(
        message.contains("Scaled: `beyond`: the layer that is registered has no such option"),
        "{message}"
    );
    let function = |name: &str| json!({"module": "builtins", "class_name": "function", "config": name});
    let wrapper =
        |config: Value| json!({"module": "keras", "class_name": "LossFunctionWrapper", "config": config});
    let compile = |loss: Value| json!({"optimizer": "sgd", "loss": loss});
    let loss = wrapper(json!({"name": "scaled", "fn": function("scaled"), "by": 1.0, "power": 3}));
    let message = refused(model(fine(), compile(loss)));
    assert!(
        message.contains("scaled: `power`: what is registered under this name has no such option"),
        "{message}"
    );
    let message = refused(model(fine(), compile(wrapper(json!({"fn": function("scaled")})))));
    assert!(message.contains("scaled: its configuration lacks `by`"), "{message}");
    let optimizer = json!({"class_name": "SignSGD", "config": {"bluntness": 1.0}});
    let message = refused(model(fine(), json!({"optimizer": optimizer, "loss": "mse"})));
    assert!(message.contains("SignSGD: `bluntness`"), "{message}");
}

/// The command-line tool with objects of one's own.
#[cfg(feature = "cli")]
#[test]
fn the_tool_has_them_too() {
    let folder = folder("tool");
    let path = |name: &str| folder.join(name).display().to_string();
    let case = case("plain");
    keras::saving::npz::write(folder.join("x.npz"), [("x", &case.x[0])]).expect("a file");
    keras::saving::npz::write(folder.join("y.npz"), [("y", &case.y[0])]).expect("a file");
    let model = files().join("plain.keras").display().to_string();
    let run = |arguments: &[&str], registry: Registry| {
        let status = keras::cli::run(["keras"].iter().chain(arguments).copied(), registry);
        format!("{status:?}") == format!("{:?}", std::process::ExitCode::SUCCESS)
    };
    let (x, y, out, saved) = (path("x.npz"), path("y.npz"), path("out.json"), path("trained.keras"));
    assert!(run(&["predict", &model, &x, &out, "--quiet"], registry()));
    let found: Value = serde_json::from_str(&std::fs::read_to_string(&out).expect("written")).expect("JSON");
    let found: Vec<f64> = found["y"].as_array().expect("a list").iter().flat_map(numbers).collect();
    near(&found, &numbers(&case.json["before"][0]), "what the tool predicts");
    let fit = ["fit", &model, "--x", &x, "--y", &y, "--epochs", "1", "--save", &saved, "--quiet"];
    assert!(run(&fit, registry()));
    assert!(run(&["evaluate", &saved, "--x", &x, "--y", &y, "--loss", "quartic", "--quiet"], registry()));
    assert!(!run(&["predict", &model, &x, &out, "--quiet"], Registry::new()));
}
