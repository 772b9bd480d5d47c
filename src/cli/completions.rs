//! `keras completions`.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell as Known;

use super::common::print;
use super::failure::Outcome;

/// Print a script that completes commands and options in a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  keras completions bash > ~/.local/share/bash-completion/completions/keras
  keras completions zsh > ~/.zfunc/_keras
  keras completions fish > ~/.config/fish/completions/keras.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl Completions {
    pub fn run(&self) -> Outcome {
        let shell = match self.shell {
            Shell::Bash => Known::Bash,
            Shell::Zsh => Known::Zsh,
            Shell::Fish => Known::Fish,
            Shell::Powershell => Known::PowerShell,
            Shell::Elvish => Known::Elvish,
        };
        // Into memory first: the generator panics when a pipe is closed.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut super::Arguments::command(), "keras", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
