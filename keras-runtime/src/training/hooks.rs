//! The callbacks of a run, in order.

use super::{Logs, Session};
use crate::Result;
use crate::callbacks::{Callback, Training};

/// The callbacks of a run and what they see.
pub(super) struct Hooks<'c> {
    pub callbacks: Vec<Box<dyn Callback + 'c>>,
    /// Numbers of the batch or epoch.
    pub logs: Logs,
    /// Numbers of the evaluation that runs.
    pub test_logs: Logs,
    /// Whether a callback ended the run.
    pub stop: bool,
    pub epochs: usize,
    pub initial_epoch: usize,
    pub steps: Option<usize>,
    /// Whether validation ran in this epoch.
    pub validated: Option<bool>,
}

macro_rules! hooks {
    ($($name:ident($($arg:ident)?)),*) => { $(
        pub fn $name(&mut self, session: &mut Session<'_>, $($arg: usize)?) -> Result<()> {
            self.each(session, |callback, at| callback.$name($($arg,)? at))
        }
    )* };
}

impl<'c> Hooks<'c> {
    pub fn new(callbacks: Vec<Box<dyn Callback + 'c>>, steps: Option<usize>) -> Self {
        Hooks {
            callbacks,
            logs: Logs::new(),
            test_logs: Logs::new(),
            stop: false,
            epochs: 0,
            initial_epoch: 0,
            steps,
            validated: None,
        }
    }

    /// Whether a callback ended an evaluation that is not part of training.
    pub fn ends_evaluation(&self) -> bool {
        self.stop && self.epochs == 0
    }

    pub fn each(
        &mut self,
        session: &mut Session<'_>,
        mut hook: impl FnMut(&mut dyn Callback, &mut Training<'_>) -> Result<()>,
    ) -> Result<()> {
        let Hooks { callbacks, logs, stop, epochs, initial_epoch, steps, validated, .. } = self;
        let (epochs, initial_epoch, steps, validated) = (*epochs, *initial_epoch, *steps, *validated);
        for callback in callbacks {
            let mut at = Training { model: session, logs, stop, epochs, initial_epoch, steps, validated };
            hook(&mut **callback, &mut at)?;
        }
        Ok(())
    }

    hooks!(
        on_train_end(),
        on_epoch_begin(epoch),
        on_epoch_end(epoch),
        on_train_batch_begin(batch),
        on_train_batch_end(batch),
        on_test_begin(),
        on_test_end(),
        on_test_batch_begin(batch),
        on_test_batch_end(batch)
    );
}
