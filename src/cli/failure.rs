//! How commands fail: one line on standard error, and an exit status.

use std::process::ExitCode;

use keras::Error;

/// What a command yields.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// The work failed: a file, data, a model. Status 1.
    Work(Box<Error>),
    /// The command line asks for something that does not fit together. Status 2, as for what the parser refuses.
    Usage(String),
    /// Whoever read the output has enough of it. Status 0, nothing is said.
    Closed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Work(Box::new(error))
    }
}

impl Failure {
    /// A [`Failure::Usage`].
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::Usage(message.into())
    }

    /// Says what is wrong and tells the status.
    pub fn report(self) -> ExitCode {
        let (message, status) = match self {
            Failure::Work(error) => (error.to_string(), 1),
            Failure::Usage(message) => (message, 2),
            Failure::Closed => return ExitCode::SUCCESS,
        };
        // One line, whatever a file put into a name.
        let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Standard error may be closed, too; the status still tells.
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("keras: {line}\n"));
        ExitCode::from(status)
    }
}
