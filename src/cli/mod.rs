//! The command-line tool `keras`, to be made anew with layers of one's own.
//!
//! A file names the layers, losses and metrics of its author. A program of three lines is the tool with them:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use keras::prelude::*;
//!
//! #[derive(Layer, Clone)]
//! struct Scaled {
//!     by: f64,
//! }
//!
//! #[call]
//! impl Scaled {
//!     fn call(&self, x: Tensor) -> Tensor {
//!         x * self.by
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     keras::cli::main_with(keras::Registry::new().register::<Scaled>())
//! }
//! ```

// One file for each command and its arguments; an error is one line and an exit status.

mod bench;
mod common;
mod compiling;
mod completions;
mod convert;
mod data;
mod evaluate;
mod failure;
mod fit;
mod import;
mod labels;
mod plot;
mod predict;
mod shapes;
mod summary;
mod table;
mod top;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::Registry;

/// Keras models from the shell: describe them, predict, train, convert, draw, measure
///
/// Models are files of Keras 3 (.keras, folders), whole-model .h5 files of Keras 2 and 3, and architectures (.json, .yaml) with
/// weights in files of their own. Real Keras opens what is written.
#[derive(Parser)]
#[command(
    name = "keras",
    version,
    arg_required_else_help = true,
    after_help = "\
Status: 0 success; 1 the work failed (a file, data, a model), with one line on standard error; 2 the command line is wrong.
`keras help COMMAND` shows a command's options with examples."
)]
struct Arguments {
    #[command(flatten)]
    common: common::Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Summary(summary::Summary),
    Predict(predict::Predict),
    Evaluate(evaluate::Evaluate),
    Fit(Box<fit::Fit>),
    Convert(convert::Convert),
    Import(import::Import),
    Plot(plot::Plot),
    Bench(Box<bench::Bench>),
    Completions(completions::Completions),
}

/// The tool with what Keras has: runs the command that the program's arguments ask for.
pub fn main() -> ExitCode {
    main_with(Registry::new())
}

/// As [`main`], with what is registered.
pub fn main_with(registry: Registry) -> ExitCode {
    run(std::env::args_os(), registry)
}

/// As [`main_with`], with arguments that come from somewhere else; the first one is the program's name. Where they are wrong, or ask
/// for help, the program ends here.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>, registry: Registry) -> ExitCode {
    let Arguments { mut common, command } = Arguments::parse_from(arguments);
    common.registry = registry;
    let done = match command {
        Command::Summary(command) => command.run(&common),
        Command::Predict(command) => command.run(&common),
        Command::Evaluate(command) => command.run(&common),
        Command::Fit(command) => command.run(&common),
        Command::Convert(command) => command.run(&common),
        Command::Import(command) => command.run(&common),
        Command::Plot(command) => command.run(&common),
        Command::Bench(command) => command.run(&common),
        Command::Completions(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
