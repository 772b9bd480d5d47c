//! Commands and their arguments. One file each; an error is one line and an exit status.

mod data;
mod fit;
mod predict;
mod summary;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Status for files and data that cannot be used; 2 is for the command line itself.
const FAILURE: u8 = 1;

/// Predict with, train and describe Keras files.
#[derive(Parser)]
#[command(name = "keras", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Predict with a model: keras predict net.keras inputs.npz outputs.npz
    Predict(predict::Predict),
    /// Train a compiled model on: keras fit net.keras --x x.npz --y y.npz --save trained.keras
    Fit(fit::Fit),
    /// Describe a model: its layers, their outputs and parameters
    Summary(summary::Summary),
}

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Predict(command) => command.run(),
        Command::Fit(command) => command.run(),
        Command::Summary(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever a file put into a name.
            let line = error.to_string().replace(['\n', '\r'], " ");
            eprintln!("keras: {line}");
            ExitCode::from(FAILURE)
        }
    }
}
