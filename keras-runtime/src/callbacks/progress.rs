//! The progress bar.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use super::{Callback, Training};
use crate::Result;

/// What Keras prints while a model trains: a bar that moves, or a line for each epoch.
pub struct Progress {
    moving: bool,
    epoch: Instant,
    drawn: Option<Instant>,
    /// Steps that the drawn epoch has so far.
    steps: usize,
    line: String,
    width: usize,
}

/// Length of the bar.
const WIDTH: usize = 20;
/// How often the bar moves.
const EVERY: Duration = Duration::from_millis(100);

impl Progress {
    /// A bar that moves, or a line for each epoch.
    pub fn new(moving: bool) -> Progress {
        Progress {
            moving,
            epoch: Instant::now(),
            drawn: None,
            steps: 0,
            line: String::with_capacity(256),
            width: 0,
        }
    }

    /// Writes the line as it is now.
    fn draw(&mut self, at: &Training<'_>, last: bool) {
        self.line.clear();
        let done = self.steps;
        let line = &mut self.line;
        match at.steps {
            Some(steps) => {
                let digits = steps.to_string().len();
                let filled = if last { WIDTH } else { done * WIDTH / steps.max(1) };
                let bar = |n: usize| "━".repeat(n);
                let _ = write!(line, "{done:>digits$}/{steps} ");
                if self.moving && !last {
                    let _ = write!(line, "\x1b[32m{}\x1b[37m{}\x1b[0m ", bar(filled), bar(WIDTH - filled));
                } else if self.moving {
                    let _ = write!(line, "\x1b[32m{}\x1b[0m ", bar(WIDTH));
                } else {
                    let _ = write!(line, "- ");
                }
            }
            None => {
                let _ = write!(line, "{done}/Unknown ");
            }
        }
        let spent = self.epoch.elapsed().as_secs_f64();
        let step = spent / done.max(1) as f64;
        match at.steps.filter(|_| !last) {
            Some(steps) => {
                let left = step * steps.saturating_sub(done) as f64;
                let _ = write!(line, "{} {}/step", clock(left), unit(step));
            }
            None => {
                let _ = write!(line, "{} {}/step", whole(spent), unit(step));
            }
        }
        for (name, value) in at.logs.iter() {
            let _ = write!(line, " - {name}: {}", crate::training::Number(value));
        }
        let mut out = std::io::stdout().lock();
        // Standard output may be closed: training goes on.
        let width = self.line.chars().count();
        let blank = self.width.saturating_sub(width);
        let _ = if self.moving {
            write!(out, "\r{}{:blank$}", self.line, "").and_then(|()| out.flush())
        } else {
            writeln!(out, "{}", self.line)
        };
        self.width = width;
    }
}

/// `2s`: seconds without a fraction.
fn whole(seconds: f64) -> String {
    if seconds >= 60.0 { clock(seconds) } else { format!("{seconds:.0}s") }
}

/// `1:05`: minutes and seconds, or seconds alone.
fn clock(seconds: f64) -> String {
    let all = seconds as u64;
    match all {
        3600.. => format!("{}:{:02}:{:02}", all / 3600, all % 3600 / 60, all % 60),
        60.. => format!("{}:{:02}", all / 60, all % 60),
        _ => format!("{all}s"),
    }
}

/// `6ms`: a short time.
fn unit(seconds: f64) -> String {
    if seconds >= 1.0 {
        format!("{seconds:.0}s")
    } else if seconds >= 1e-3 {
        format!("{:.0}ms", seconds * 1e3)
    } else {
        format!("{:.0}us", seconds * 1e6)
    }
}

impl Callback for Progress {
    fn on_epoch_begin(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "Epoch {}/{}", epoch + 1, at.epochs);
        self.epoch = Instant::now();
        self.drawn = None;
        self.steps = 0;
        self.width = 0;
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        self.steps = batch + 1;
        if self.moving && self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.draw(at, false);
            self.drawn = Some(Instant::now());
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, _: usize, at: &mut Training<'_>) -> Result<()> {
        self.draw(at, true);
        if self.moving {
            let _ = writeln!(std::io::stdout().lock());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_keras_writes_them() {
        assert_eq!([clock(5.2), clock(65.0), clock(3725.0)], ["5s", "1:05", "1:02:05"]);
        assert_eq!([unit(2.0), unit(0.0061), unit(0.00005)], ["2s", "6ms", "50us"]);
    }
}
