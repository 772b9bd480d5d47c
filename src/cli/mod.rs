//! Commands and their arguments. One file each; an error is one line and an exit status.

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

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let Arguments { common, command } = Arguments::parse();
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
