//! The command-line tool, as a shell runs it.
#![cfg(feature = "cli")]

mod convert;
mod describe;
mod errors;
mod train;
mod use_data;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keras::graph::{Functional, Input, LoadedModel, On, Sequential, Shared};
use keras::layers::{BatchNormalization, Dense, Dropout, Embedding, Flatten, GlobalAveragePooling1D};
use keras::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use keras::metrics;
use keras::optimizers::Adam;
use keras::prelude::Accuracy;
use keras::saving::{Array, npz};
use keras::{Activation, DType, Device};
use serde_json::Value;

/// What a command yields.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    /// What it printed, if it succeeded and complained about nothing.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "printed: {}", self.out);
        self.out
    }

    /// What it printed, as JSON.
    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("it prints JSON")
    }
}

/// A folder of a test's own.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Place {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(test);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("make a folder");
        Place(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("write a file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("read a file")
    }

    fn arrays(&self, name: &str) -> Vec<(String, Array)> {
        npz::read(self.path(name)).expect("read arrays")
    }

    /// Runs `keras` in the folder; arguments are separated by blanks.
    fn keras(&self, arguments: &str) -> Ran {
        let done = Command::new(env!("CARGO_BIN_EXE_keras"))
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .output()
            .expect("run the tool");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
        Ran { status: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
    }
}

/// Numbers between -1 and 1.
fn waves(shape: &[usize], seed: f64) -> Array {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37 + seed).sin()).collect();
    Array::of(shape.to_vec(), DType::F32, &values)
}

/// Numbers of classes.
fn classes(n: usize, end: usize) -> Array {
    let values: Vec<f64> = (0..n).map(|i| ((i * 7 + i / 3) % end) as f64).collect();
    Array::of(vec![n], DType::I64, &values)
}

/// A compiled classifier that took some steps: `net.keras`, with `x.npz` and `y.npz` of 40 samples.
fn classifier(place: &Place) -> keras::Result<LoadedModel> {
    let mut model = Sequential::new([4, 3])
        .name("classifier")
        .add(Flatten::new())
        .add(Dense::new(16).activation(Activation::RELU))
        .add(BatchNormalization::new())
        .add(Dropout::new(0.2))
        .add(Dense::new(5).activation(Activation::SOFTMAX))
        .build_with(Device::default(), 3)?;
    model.compile(Adam::new(0.01), SparseCategoricalCrossentropy::new(), [metrics![Accuracy]])?;
    let (x, y) = (waves(&[40, 4, 3], 0.0), classes(40, 5));
    model.fit(std::slice::from_ref(&x), std::slice::from_ref(&y), quiet(2))?;
    model.save(place.path("net.keras"))?;
    npz::write(place.path("x.npz"), [("x", &x)])?;
    npz::write(place.path("y.npz"), [("y", &y)])?;
    Ok(model)
}

/// Two inputs, a shared layer, two outputs: `ranker.keras`.
fn ranker(place: &Place) -> keras::Result<LoadedModel> {
    let (user, item) = (Input::new([6]).name("user").tensor(), Input::new([6]).name("item").tensor());
    let shared = Shared::new(Dense::new(8).activation(Activation::RELU)).name("shared");
    let (a, b) = (shared.on(&user)?, shared.on(&item)?);
    let both = keras::layers::Concatenate::new().on([&a, &b])?;
    let score = Shared::new(Dense::new(1)).name("score").on(&both)?;
    let aux = Shared::new(Dense::new(3)).name("aux").on(&both)?;
    let mut model =
        Functional::new("ranker", [&user, &item], [&score, &aux]).build_with(Device::default(), 4)?;
    model.compile(Adam::new(0.01), MeanSquaredError::new(), [])?;
    model.save(place.path("ranker.keras"))?;
    Ok(model)
}

/// Whole numbers of any length below 50: `text.keras`.
fn text(place: &Place) -> keras::Result<LoadedModel> {
    let mut model = Sequential::of(Input::new([None::<usize>]).name("tokens").dtype(DType::I32))
        .name("text")
        .add(Embedding::new(50, 8))
        .add(GlobalAveragePooling1D::new())
        .add(Dense::new(2))
        .build_with(Device::default(), 5)?;
    model.compile(Adam::new(0.01), MeanSquaredError::new(), [])?;
    model.save(place.path("text.keras"))?;
    Ok(model)
}

fn quiet<'a>(epochs: usize) -> keras::training::FitOptions<'a> {
    keras::training::FitOptions { epochs, verbose: keras::training::Verbose::Silent, ..Default::default() }
}

/// A Python with Keras, if there is one.
fn python() -> Option<PathBuf> {
    std::env::var_os("KERAS_PYTHON").map(PathBuf::from)
}
