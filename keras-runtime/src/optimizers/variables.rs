//! An optimizer's numbers, as a file holds them.

use super::built::Built;
use super::{LearningRate, OptimizerState};
use crate::engine::{Network, Variable};
use crate::initializers::download;
use crate::saving::Array;
use crate::{Error, Result};

/// One variable of an optimizer, as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerVariable {
    /// Keras' name: `dense_kernel_momentum`.
    pub name: String,
    /// Its shape (empty for a number).
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f64>,
    /// Whether it is a whole number (the iterations).
    pub integer: bool,
}

impl OptimizerState {
    /// Everything that a file holds, in Keras' order: iterations, learning rate (unless it follows a schedule), slots.
    pub fn variables(&self, network: &Network) -> Vec<OptimizerVariable> {
        let number = |name: &str, value: f64, integer| OptimizerVariable {
            name: name.into(),
            shape: vec![],
            values: vec![value],
            integer,
        };
        let mut all = vec![number("iteration", self.iterations as f64, true)];
        if matches!(self.optimizer.settings().learning_rate, LearningRate::Constant(_)) {
            all.push(number("learning_rate", self.learning_rate, false));
        }
        let Some(built) = &self.built else { return all };
        for (at, variable) in built.in_file_order(&self.groups()) {
            let view = built.slot(at.0, variable.offset, variable.size());
            all.push(OptimizerVariable {
                name: format!("{}_{}", variable.path().replace('/', "_"), at.1),
                shape: variable.shape().to_vec(),
                values: download(network.device(), view),
                integer: false,
            });
        }
        let extras = self.optimizer.extras();
        all.extend(extras.iter().zip(&self.extras).map(|((name, _), value)| number(name, *value, false)));
        all
    }

    /// Takes what a file holds, as [`OptimizerState::variables`] gives it. Returns whether it fitted: Keras goes on with a
    /// fresh optimizer where the number of variables differs. It was built before.
    ///
    /// # Errors
    /// If a variable has the wrong size.
    pub fn set_variables(&mut self, network: &Network, values: &[Array]) -> Result<bool> {
        let groups = self.groups();
        let constant = matches!(self.optimizer.settings().learning_rate, LearningRate::Constant(_));
        let Some(built) = &self.built else { return Ok(false) };
        let slots = built.in_file_order(&groups);
        let first = 1 + usize::from(constant);
        if values.len() != first + slots.len() + self.extras.len() {
            return Ok(false);
        }
        let single = |at: usize| match values[at].to_f64()[..] {
            [value] => Ok(value),
            _ => Err(Error::Data(format!("variable {at} of the optimizer is not one number"))),
        };
        let (iterations, learning_rate) = (single(0)?, if constant { single(1)? } else { f64::NAN });
        let extras = (first + slots.len()..values.len()).map(single).collect::<Result<Vec<f64>>>()?;
        // Nothing is written unless everything fits.
        for ((at, variable), array) in slots.iter().zip(&values[first..]) {
            if array.len() != variable.size() {
                let (name, path, expected) = (at.1, variable.path(), variable.size());
                let found = array.len();
                return Err(Error::Data(format!(
                    "`{name}` of `{path}` has {expected} numbers, {found} were given"
                )));
            }
        }
        for ((at, variable), array) in slots.iter().zip(&values[first..]) {
            array.upload(network.device(), built.slot(at.0, variable.offset, variable.size()))?;
        }
        self.extras = extras;
        self.iterations = iterations.max(0.0) as u64;
        if constant {
            self.set_learning_rate(learning_rate)?;
        }
        Ok(true)
    }
}

impl Built {
    /// Slots with their number and name, interleaved as in a file.
    fn in_file_order(&self, groups: &[Vec<&'static str>]) -> Vec<((usize, &'static str), &Variable)> {
        let mut all = Vec::new();
        let mut first = 0;
        for group in groups {
            for variable in &self.trainable {
                all.extend(group.iter().enumerate().map(|(i, name)| ((first + i, *name), variable)));
            }
            first += group.len();
        }
        all
    }
}
