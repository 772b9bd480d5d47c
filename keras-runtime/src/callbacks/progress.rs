//! The progress bar.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

use super::{Callback, Predicting, Training};
use crate::Result;
use crate::training::{Logs, Verbose};

/// What Keras prints while a model trains, is evaluated or predicts: a bar that moves, or a line for each epoch.
///
/// A line that is longer than the terminal is wide is cut while it moves, and whole when it is done.
pub struct Progress {
    style: Style,
    /// Whether it reports training: the evaluations of training are silent.
    training: bool,
    bar: Bar,
    start: Instant,
    drawn: Option<Instant>,
    line: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// A bar that moves: for a terminal.
    Moving,
    /// A bar when all is done.
    Still,
    /// A line without a bar.
    Line,
}

/// How often the bar moves, as in Keras: more often would slow small models down.
const EVERY: Duration = Duration::from_millis(50);

impl Progress {
    /// What `verbose` asks for while a model trains.
    pub(crate) fn of(verbose: Verbose) -> Option<Box<dyn Callback>> {
        Progress::styled(verbose, true)
    }

    /// What `verbose` asks for while a model is evaluated or predicts.
    pub(crate) fn of_evaluation(verbose: Verbose) -> Option<Box<dyn Callback>> {
        Progress::styled(verbose, false)
    }

    fn styled(verbose: Verbose, training: bool) -> Option<Box<dyn Callback>> {
        let style = match (verbose, std::io::stdout().is_terminal()) {
            (Verbose::Silent, _) => return None,
            (Verbose::Auto, false) if !training => return None,
            (Verbose::Auto | Verbose::Bar, true) => Style::Moving,
            (Verbose::Bar, false) => Style::Still,
            (Verbose::Auto | Verbose::Line, _) => Style::Line,
        };
        let (bar, start, line) = (Bar::default(), Instant::now(), String::with_capacity(256));
        Some(Box::new(Progress { style, training, bar, start, drawn: None, line }))
    }

    fn begin(&mut self) {
        self.start = Instant::now();
        self.drawn = None;
        self.bar = Bar::default();
    }

    /// After a batch, counted from 0.
    fn moves(&mut self, batch: usize, target: Option<usize>, logs: &Logs) {
        let (target, now) = (target.or(self.bar.target), Instant::now());
        self.bar.after(batch + 1, target, (now - self.start).as_secs_f64());
        if self.style == Style::Moving && self.drawn.is_none_or(|drawn| now - drawn >= EVERY) {
            self.line.clear();
            self.bar.write(&mut self.line, true, true, logs);
            // Back to the first column; no wrapping at the right margin; nothing of the line before.
            print(format_args!("\r\x1b[?7l{}\x1b[K\x1b[?7h", self.line));
            self.drawn = Some(now);
        }
    }

    fn end(&mut self, logs: &Logs) {
        self.bar.finish(self.start.elapsed().as_secs_f64());
        self.line.clear();
        self.bar.write(&mut self.line, self.style != Style::Line, self.style == Style::Moving, logs);
        match self.style {
            Style::Moving => print(format_args!("\r\x1b[K{}\n", self.line)),
            Style::Still | Style::Line => print(format_args!("{}\n", self.line)),
        }
    }
}

fn print(text: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    // Standard output may be closed: the work goes on.
    let _ = out.write_fmt(text).and_then(|()| out.flush());
}

/// A bar's numbers and its text.
#[derive(Default)]
struct Bar {
    /// Steps in all, where known.
    target: Option<usize>,
    done: usize,
    finished: bool,
    /// Seconds since the start.
    now: f64,
    /// When the first step was done: it takes longer than the others, and does not count for their mean.
    first: Option<f64>,
}

/// Length of the bar.
const WIDTH: usize = 20;

impl Bar {
    fn after(&mut self, done: usize, target: Option<usize>, now: f64) {
        (self.done, self.target, self.now) = (done, target, now);
        if done == 1 {
            self.first = Some(now);
        }
    }

    fn finish(&mut self, now: f64) {
        (self.finished, self.now) = (true, now);
        self.target.get_or_insert(self.done);
    }

    /// Seconds of a step.
    fn step(&self) -> f64 {
        match (self.done, self.first) {
            (0, _) => 0.0,
            (2.., Some(first)) => (self.now - first) / (self.done - 1) as f64,
            (done, _) => self.now / done as f64,
        }
    }

    /// Writes the line as Keras' `Progbar` does, with its colours or without.
    fn write(&self, line: &mut String, bar: bool, colours: bool, logs: &Logs) {
        let paint = |code: &'static str| if colours { code } else { "" };
        let (bold, green, white, plain) =
            (paint("\x1b[1m"), paint("\x1b[32m"), paint("\x1b[37m"), paint("\x1b[0m"));
        // Writing to a string cannot fail.
        match self.target {
            Some(target) => {
                let (done, digits) = (self.done, target.max(1).ilog10() as usize + 1);
                let _ = write!(line, "{bold}{done:>digits$}/{target}{plain} ");
                let filled = (WIDTH * done / target.max(1)).min(WIDTH);
                if bar && filled > 0 {
                    let _ = write!(line, "{green}{}{plain}", "━".repeat(filled));
                }
                if bar {
                    let _ = write!(line, "{white}{}{plain}", "━".repeat(WIDTH - filled));
                }
            }
            None => {
                let _ = write!(line, "{:>7}/Unknown", self.done);
            }
        }
        let step = self.step();
        match self.target.filter(|_| !self.finished) {
            Some(target) => {
                let left = Clock(step * target.saturating_sub(self.done) as f64);
                let _ = write!(line, " {bold}{left}{plain} {}", PerStep(step));
            }
            None if bar => {
                let _ = write!(line, " {bold}{:.0}s{plain} {}", self.now, PerStep(step));
            }
            None => {
                let _ = write!(line, "- {:.0}s - {}", self.now, PerStep(step));
            }
        }
        for (name, value) in logs.iter() {
            let _ = write!(line, " - {name}: {}", crate::training::Number(value));
        }
    }
}

/// The time that is left: `5s`, `1:05`, `1:02:05`.
struct Clock(f64);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = self.0 as u64;
        match self.0 {
            left if left > 3600.0 => write!(f, "{}:{:02}:{:02}", all / 3600, all % 3600 / 60, all % 60),
            left if left > 60.0 => write!(f, "{}:{:02}", all / 60, all % 60),
            _ => write!(f, "{all}s"),
        }
    }
}

/// The time of a step: `6ms/step`.
struct PerStep(f64);

impl std::fmt::Display for PerStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            step if step >= 1.0 || step == 0.0 => write!(f, "{step:.0}s/step"),
            step if step >= 1e-3 => write!(f, "{:.0}ms/step", step * 1e3),
            step => write!(f, "{:.0}us/step", step * 1e6),
        }
    }
}

impl Callback for Progress {
    fn on_epoch_begin(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        if at.epochs > 1 {
            print(format_args!("Epoch {}/{}\n", epoch + 1, at.epochs));
        }
        self.begin();
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        self.moves(batch, at.steps, at.logs);
        Ok(())
    }

    fn on_epoch_end(&mut self, _: usize, at: &mut Training<'_>) -> Result<()> {
        self.end(at.logs);
        Ok(())
    }

    fn on_test_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        if !self.training {
            self.begin();
        }
        Ok(())
    }

    fn on_test_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        if !self.training {
            self.moves(batch, at.steps, at.logs);
        }
        Ok(())
    }

    fn on_test_end(&mut self, at: &mut Training<'_>) -> Result<()> {
        if !self.training {
            self.end(at.logs);
        }
        Ok(())
    }

    fn on_predict_begin(&mut self, _: &mut Predicting<'_>) -> Result<()> {
        self.begin();
        Ok(())
    }

    fn on_predict_batch_end(&mut self, batch: usize, at: &mut Predicting<'_>) -> Result<()> {
        self.moves(batch, at.steps, &Logs::new());
        Ok(())
    }

    fn on_predict_end(&mut self, _: &mut Predicting<'_>) -> Result<()> {
        self.end(&Logs::new());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Lines of real Keras' `Progbar` at given times: `tests/fixtures/callbacks.py`.
    #[test]
    fn lines_are_those_of_keras() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/callbacks.json");
        let text = std::fs::read_to_string(path).expect("the fixture is there");
        let all: Value = serde_json::from_str(&text).expect("it is JSON");
        let mut compared = 0;
        for case in all["bars"].as_array().expect("cases") {
            let target = case["target"].as_u64().map(|target| target as usize);
            let moving = case["verbose"] == 1;
            let mut bar = Bar::default();
            for line in case["lines"].as_array().expect("lines") {
                let seconds = line["seconds"].as_f64().expect("a number");
                bar.after(line["step"].as_u64().expect("a number") as usize, target, seconds);
                if line["last"] == true {
                    bar.finish(seconds);
                }
                let mut logs = Logs::new();
                for (name, value) in line["logs"].as_object().expect("numbers") {
                    logs.set(name, value.as_f64().expect("a number"));
                }
                let mut found = String::new();
                bar.write(&mut found, moving, moving, &logs);
                if let Some(expected) = line["text"].as_str() {
                    assert_eq!(found, expected);
                    compared += 1;
                }
            }
        }
        assert!(compared > 15, "{compared} lines");
    }
}
