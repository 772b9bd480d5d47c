//! The protocol of the programs (see README.md), for those in Rust. Each includes this file.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

/// The data are so many batches, taken in turn.
pub const BATCHES: usize = 4;

/// What a program is told on its command line: `PROGRAM WORKLOAD TASK BATCH THREADS [FOLDER]`.
pub struct Task {
    pub name: String,
    /// Else it predicts.
    pub trains: bool,
    pub batch: usize,
    #[allow(dead_code)] // Some libraries are told by the environment.
    pub threads: usize,
    /// Where model and data are; without it they are made up.
    pub folder: Option<PathBuf>,
}

/// A failure, in words.
pub type Failure = Box<dyn std::error::Error>;

impl Task {
    /// Reads the command line; options (`cargo bench` gives some) are not for us.
    pub fn read() -> Result<Task, Failure> {
        let all: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
        let [name, kind, batch, threads, folder @ ..] = all.as_slice() else {
            return Err("usage: PROGRAM WORKLOAD train|infer BATCH THREADS [FOLDER]".into());
        };
        Ok(Task {
            name: name.clone(),
            trains: kind == "train",
            batch: batch.parse()?,
            threads: threads.parse()?,
            folder: folder.first().map(PathBuf::from),
        })
    }

    /// The numbers of a file of the folder, of samples with `size` of them; without a folder, what `make` makes of their places.
    pub fn numbers<T>(
        &self,
        file: &str,
        size: usize,
        from: fn([u8; 4]) -> T,
        make: fn(usize) -> T,
    ) -> Result<Vec<Vec<T>>, Failure> {
        let (one, all) = (self.batch * size, self.batch * size * BATCHES);
        let Some(folder) = &self.folder else {
            return Ok((0..BATCHES).map(|b| (0..one).map(|i| make(b * one + i)).collect()).collect());
        };
        let bytes = std::fs::read(folder.join(file))?;
        if bytes.len() < all * 4 {
            return Err(format!("{file} has {} bytes, expected {} or more", bytes.len(), all * 4).into());
        }
        let batches = bytes.chunks_exact(one * 4).take(BATCHES);
        Ok(batches.map(|b| b.chunks_exact(4).map(|b| from(b.try_into().expect("four"))).collect()).collect())
    }
}

/// What steps yield.
pub enum Outcome {
    /// The mean loss of the steps.
    Loss(f64),
    /// Some numbers of the last prediction.
    Output(Vec<f32>),
}

impl Outcome {
    /// The first numbers of an output.
    pub fn output(all: &[f32]) -> Outcome {
        Outcome::Output(all[..all.len().min(16)].to_vec())
    }

    fn json(&self) -> String {
        // JSON has no infinities and no NaN; null is reported as a loss that differs.
        let number = |x: f64| if x.is_finite() { format!("{x:e}") } else { "null".into() };
        match self {
            Outcome::Loss(loss) => format!(r#""loss": {}"#, number(*loss)),
            Outcome::Output(all) => {
                let all: Vec<String> = all.iter().map(|x| number(f64::from(*x))).collect();
                format!(r#""output": [{}]"#, all.join(", "))
            }
        }
    }
}

/// Runs `steps(n)` when it is asked for. `version` is what the program says of itself.
pub fn serve(version: &str, mut steps: impl FnMut(usize) -> Result<Outcome, Failure>) -> Result<(), Failure> {
    let say = |line: String| {
        println!("{{{line}}}");
        std::io::stdout().flush()
    };
    say(format!(r#""version": "{version}", {}"#, steps(1)?.json()))?;
    for line in std::io::stdin().lock().lines() {
        let n = line?.trim().parse()?;
        let start = Instant::now();
        let outcome = steps(n)?;
        say(format!(r#""seconds": {:e}, {}"#, start.elapsed().as_secs_f64(), outcome.json()))?;
    }
    Ok(())
}
