//! The command-line tool: predicts with, trains and describes Keras files.

use std::process::ExitCode;

fn main() -> ExitCode {
    keras::cli::main()
}
