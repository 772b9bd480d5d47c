//! What all commands share: options, opening models, printing.

use std::io::{ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use keras::graph::LoadedModel;
use keras::saving::{self, Saved, atomic};
use keras::training::Verbose;
use keras::{Device, Error, Registry};
use serde_json::Value;

use super::failure::{Failure, Outcome};

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Threads to compute with [default: all cores]; results do not depend on them
    #[arg(long, global = true, value_name = "N", help_heading = "General options")]
    pub threads: Option<NonZeroUsize>,
    /// Random numbers (fresh weights, the order of samples, dropout) are a function of it
    #[arg(long, global = true, value_name = "N", default_value_t = 0, help_heading = "General options")]
    pub seed: u64,
    /// Print results and errors alone
    #[arg(long, short, global = true, help_heading = "General options")]
    pub quiet: bool,
    /// What files may name beside what Keras has.
    #[arg(skip)]
    pub registry: Registry,
}

impl Common {
    /// What to compute with.
    pub fn device(&self) -> Device {
        self.threads.map_or_else(Device::default, |n| Device::cpu_with_threads(n.get()))
    }

    /// What is printed while a model works.
    pub fn verbose(&self) -> Verbose {
        if self.quiet { Verbose::Silent } else { Verbose::Auto }
    }

    /// A remark, unless the command is to be quiet.
    pub fn note(&self, text: impl AsRef<str>) -> Outcome {
        if self.quiet { Ok(()) } else { print(&format!("{}\n", text.as_ref())) }
    }
}

/// The model that a command works on.
#[derive(Args, Clone, Debug)]
pub struct ModelArgs {
    /// The model: .keras, a folder, a whole-model .h5, or an architecture (.json, .yaml)
    pub model: PathBuf,
    /// Weights to load into it: .weights.h5, .weights.json, .h5, .safetensors, .keras
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

impl ModelArgs {
    /// What the file holds.
    pub fn read(&self) -> Outcome<Saved> {
        exists(&self.model)?;
        Ok(saving::read(&self.model)?)
    }

    /// The model.
    pub fn open(&self, common: &Common) -> Outcome<LoadedModel> {
        self.build(self.read()?, common)
    }

    /// The model of what the file holds, perhaps changed.
    pub fn build(&self, saved: Saved, common: &Common) -> Outcome<LoadedModel> {
        let model = LoadedModel::from_saved_with(saved, &common.registry, common.device(), common.seed);
        let mut model = model.map_err(|e| Error::file(&self.model, e.to_string()))?;
        if let Some(weights) = &self.weights {
            exists(weights)?;
            model.load_weights(weights)?;
        }
        Ok(model)
    }
}

/// Refuses a path at which nothing is.
pub fn exists(path: &Path) -> Outcome {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::file(path, "there is no such file or folder: check the path").into()),
        Err(error) => Err(Error::io(path, error).into()),
    }
}

/// Prints to standard output.
pub fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => Error::io("standard output", error).into(),
    })
}

/// Prints JSON, readable.
pub fn print_json(value: &Value) -> Outcome {
    print(&format!("{value:#}\n"))
}

/// Whether a path stands for standard output.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a text to a file, or to standard output for `-`.
pub fn write_text(path: &Path, text: &str) -> Outcome {
    if is_stdout(path) { print(text) } else { Ok(atomic::write(path, text.as_bytes())?) }
}

/// The extension of a path in lower case.
pub fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}
