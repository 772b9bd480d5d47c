//! Times and memory.

use std::time::{Duration, Instant};

use keras::Result;
use keras::callbacks::{Callback, Predicting, Training};
use serde_json::{Value, json};

/// A callback that times batches.
#[derive(Default)]
pub struct Stopwatch {
    start: Option<Instant>,
    /// A time for each batch.
    pub times: Vec<Duration>,
}

impl Stopwatch {
    fn stop(&mut self) {
        self.times.extend(self.start.take().map(|start| start.elapsed()));
    }
}

impl Callback for Stopwatch {
    fn on_train_batch_begin(&mut self, _: usize, _: &mut Training<'_>) -> Result<()> {
        self.start = Some(Instant::now());
        Ok(())
    }
    fn on_train_batch_end(&mut self, _: usize, _: &mut Training<'_>) -> Result<()> {
        self.stop();
        Ok(())
    }
    fn on_predict_batch_begin(&mut self, _: usize, _: &mut Predicting<'_>) -> Result<()> {
        self.start = Some(Instant::now());
        Ok(())
    }
    fn on_predict_batch_end(&mut self, _: usize, _: &mut Predicting<'_>) -> Result<()> {
        self.stop();
        Ok(())
    }
}

/// The spread of times, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The shortest.
    pub least: f64,
    /// A quarter is shorter.
    pub lower: f64,
    /// Half is shorter.
    pub median: f64,
    /// Three quarters are shorter.
    pub upper: f64,
    /// How many.
    pub count: usize,
}

impl Spread {
    /// Of times, which are at least one. Quartiles lie between two times in proportion, as NumPy's.
    pub fn of(times: &[Duration]) -> Spread {
        let mut all: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (all.len().max(1) - 1) as f64;
            let (low, high) = (all.get(place.floor() as usize), all.get(place.ceil() as usize));
            let (low, high) = (low.copied().unwrap_or(f64::NAN), high.copied().unwrap_or(f64::NAN));
            low + (high - low) * place.fract()
        };
        Spread { least: at(0.0), lower: at(0.25), median: at(0.5), upper: at(0.75), count: all.len() }
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({"median": self.median, "lower_quartile": self.lower, "upper_quartile": self.upper, "min": self.least, "count": self.count})
    }
}

/// The most memory that the process had, in bytes, where the system tells.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// `1.25 ms`.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.3} s"),
        s if s >= 1e-3 => format!("{:.3} ms", s * 1e3),
        s => format!("{:.1} us", s * 1e6),
    }
}

/// `1.5 MB`, in units of 1024.
pub fn memory(bytes: u64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let unit = (bytes.max(1).ilog2() / 10).min(4) as usize;
    match unit {
        0 => format!("{bytes} B"),
        unit => format!("{:.1} {}", bytes as f64 / 1024f64.powi(unit as i32), units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        // np.percentile([1, 2, 3, 10], [0, 25, 50, 75]).
        let times: Vec<Duration> = [3, 1, 10, 2].map(Duration::from_secs).into();
        let spread = Spread { least: 1.0, lower: 1.75, median: 2.5, upper: 4.75, count: 4 };
        assert_eq!(Spread::of(&times), spread);
    }

    #[test]
    fn units() {
        assert_eq!([time(2.5), time(0.00125), time(3.2e-6)], ["2.500 s", "1.250 ms", "3.2 us"]);
        assert_eq!(
            [memory(0), memory(1023), memory(1 << 20), memory(3 << 29)],
            ["0 B", "1023 B", "1.0 MB", "1.5 GB"]
        );
    }
}
