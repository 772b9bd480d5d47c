//! What a training run reported, epoch by epoch.

use super::Logs;

/// What a training run reported: one number for each name and epoch.
///
/// ```
/// use keras_runtime::training::{History, Logs};
/// let mut history = History::default();
/// for loss in [0.5, 0.25] {
///     let mut logs = Logs::new();
///     logs.set("loss", loss);
///     history.push(history.epochs().len(), &logs);
/// }
/// assert_eq!(history["loss"], [0.5, 0.25]);
/// assert_eq!(history.last("loss"), Some(0.25));
/// assert_eq!(history.smallest("loss"), Some((1, 0.25)));
/// assert_eq!(history.largest("loss"), Some((0, 0.5)));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    series: Vec<(String, Vec<f64>)>,
}

impl History {
    /// Adds an epoch's numbers. A name that was not there in earlier epochs has NaN for them.
    pub fn push(&mut self, epoch: usize, logs: &Logs) {
        let before = self.epochs.len();
        self.epochs.push(epoch);
        for (name, value) in logs.iter() {
            match self.series.iter_mut().find(|(n, _)| n == name) {
                Some((_, values)) => {
                    values.resize(before, f64::NAN);
                    values.push(value);
                }
                None => {
                    let mut values = vec![f64::NAN; before];
                    values.push(value);
                    self.series.push((name.into(), values));
                }
            }
        }
        // A name that is missing now (validation that did not run) keeps its place.
        for (_, values) in &mut self.series {
            values.resize(before + 1, f64::NAN);
        }
    }

    /// Numbers of the epochs, counted from 0.
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The numbers of a name.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.series.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    /// The last epoch's number.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name)?.last().copied()
    }

    /// The names in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The epoch, counted from 0, with the smallest number of a name, and that number: the first of equal ones. What is not a
    /// number does not count.
    pub fn smallest(&self, name: &str) -> Option<(usize, f64)> {
        self.best(name, |value, best| value < best)
    }

    /// The epoch with the largest number of a name; see [`History::smallest`].
    pub fn largest(&self, name: &str) -> Option<(usize, f64)> {
        self.best(name, |value, best| value > best)
    }

    fn best(&self, name: &str, better: impl Fn(f64, f64) -> bool) -> Option<(usize, f64)> {
        let all = self.epochs.iter().copied().zip(self.get(name)?.iter().copied());
        let numbers = all.filter(|(_, value)| !value.is_nan());
        numbers.reduce(|best, now| if better(now.1, best.1) { now } else { best })
    }

    /// Names and numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f64])> {
        self.series.iter().map(|(n, v)| (n.as_str(), v.as_slice()))
    }
}

impl std::ops::Index<&str> for History {
    type Output = [f64];

    /// # Panics
    /// If nothing of this name was reported.
    fn index(&self, name: &str) -> &[f64] {
        match self.get(name) {
            Some(values) => values,
            None => {
                let names: Vec<&str> = self.series.iter().map(|(n, _)| n.as_str()).collect();
                panic!("the history has no `{name}`, only {}", names.join(", "))
            }
        }
    }
}
