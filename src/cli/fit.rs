//! `keras fit`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{ArgAction, Args};
use keras::graph::{LoadedModel, TrainingBatch, load_model};
use keras::saving::Array;
use keras::training::Logs;
use keras::{Error, Result};
use serde_json::{Map, Value, json};

use super::data;

/// Train a compiled model on, with its own optimizer, losses and metrics.
#[derive(Args)]
pub struct Fit {
    /// The model, a compiled .keras file
    model: PathBuf,
    /// Inputs by name: .npz, .npy or .json
    #[arg(long)]
    x: PathBuf,
    /// Labels by the names of the outputs
    #[arg(long)]
    y: PathBuf,
    /// Weights of samples by the names of the outputs
    #[arg(long)]
    sample_weight: Option<PathBuf>,
    /// Weights of classes: a JSON object {"0": 1.0, "1": 2.5}
    #[arg(long)]
    class_weight: Option<PathBuf>,
    /// Samples of a step
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Passes over the data
    #[arg(long, default_value_t = 1)]
    epochs: usize,
    /// Whether samples come in another order in each epoch
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    shuffle: bool,
    /// Where each step's own loss and metrics go, one JSON object a line
    #[arg(long)]
    batch_log: Option<PathBuf>,
    /// Where the trained model goes
    #[arg(long)]
    save: Option<PathBuf>,
    /// Where the weights go, with the optimizer's
    #[arg(long)]
    save_weights: Option<PathBuf>,
}

impl Fit {
    pub fn run(&self) -> Result<()> {
        if self.batch_size == 0 {
            return Err(Error::Argument("--batch-size must be at least 1".into()));
        }
        let mut model = load_model(&self.model)?;
        let x = model.arrange(data::read(&self.x)?)?;
        let y = by_output(&model, data::read(&self.y)?)?;
        let weights =
            self.sample_weight.as_deref().map(|path| weights(&model, data::read(path)?)).transpose()?;
        let classes =
            self.class_weight.as_deref().map(|path| class_weights(&data::json(path)?)).transpose()?;
        let mut log = self.batch_log.as_deref().map(Log::new).transpose()?;
        let samples = x.first().and_then(|array| array.shape.first()).copied().unwrap_or(0);
        if let Some(wrong) =
            y.iter().chain(&x).chain(weights.as_ref()).find(|a| a.shape.first() != Some(&samples))
        {
            let message =
                format!("the first input has {samples} samples, another array the shape {:?}", wrong.shape);
            return Err(Error::Data(message));
        }
        for epoch in 0..self.epochs {
            let order = order(samples, epoch, self.shuffle);
            let (mut sum, mut steps) = (0.0, 0);
            for picked in order.chunks(self.batch_size) {
                let pick =
                    |arrays: &[Array]| arrays.iter().map(|array| array.pick(picked)).collect::<Vec<_>>();
                let sample_weight: Option<Vec<f32>> =
                    weights.as_ref().map(|w| w.pick(picked).to_f64().into_iter().map(|v| v as f32).collect());
                let logs = model.train_on_batch(&TrainingBatch {
                    x: &pick(&x),
                    y: &pick(&y),
                    sample_weight: sample_weight.as_deref(),
                    class_weight: classes.as_deref().unwrap_or(&[]),
                })?;
                if let Some(log) = &mut log {
                    log.line(&logs)?;
                }
                sum += logs.get("loss").unwrap_or(f64::NAN);
                steps += 1;
            }
            println!(
                "Epoch {}/{}: {steps} steps, mean loss {:.4}",
                epoch + 1,
                self.epochs,
                sum / f64::from(steps)
            );
        }
        if let Some(log) = log {
            log.finish()?;
        }
        if let Some(path) = &self.save {
            model.save(path)?;
        }
        if let Some(path) = &self.save_weights {
            model.save_weights(path)?;
        }
        Ok(())
    }
}

/// The samples in the order of an epoch: a permutation that depends on nothing but its number.
fn order(samples: usize, epoch: usize, shuffle: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples).collect();
    if shuffle {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        let mut state = epoch as u64;
        for last in (1..samples).rev() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            order.swap(last, ((z ^ (z >> 31)) % (last as u64 + 1)) as usize);
        }
    }
    order
}

/// Labels in the order of the outputs; a single array may have any name.
fn by_output(model: &LoadedModel, mut arrays: Vec<(String, Array)>) -> Result<Vec<Array>> {
    let names = model.output_names();
    if arrays.len() == 1 && names.len() == 1 {
        return Ok(arrays.into_iter().map(|(_, array)| array).collect());
    }
    let mut take = |name: &String| {
        let at = arrays.iter().position(|(found, _)| found == name);
        at.map(|at| arrays.swap_remove(at).1)
            .ok_or_else(|| Error::Data(format!("no labels for output `{name}`")))
    };
    names.iter().map(&mut take).collect()
}

/// Weights of samples: those of the only output.
fn weights(model: &LoadedModel, arrays: Vec<(String, Array)>) -> Result<Array> {
    let outputs = model.output_names().len();
    match <[(String, Array); 1]>::try_from(arrays) {
        Ok([(_, array)]) if outputs == 1 => Ok(array),
        _ => Err(Error::Argument("--sample-weight is for models with one output".into())),
    }
}

fn class_weights(json: &Value) -> Result<Vec<(usize, f32)>> {
    let wrong = || Error::Argument("--class-weight: expected an object of numbers by class".into());
    let pair = |(class, weight): (&String, &Value)| {
        Ok((class.parse().map_err(|_| wrong())?, weight.as_f64().ok_or_else(wrong)? as f32))
    };
    json.as_object().ok_or_else(wrong)?.iter().map(pair).collect()
}

/// The file of each step's numbers.
struct Log {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Log {
    fn new(path: &std::path::Path) -> Result<Log> {
        let file = File::create(path).map_err(|e| Error::io(path, e))?;
        Ok(Log { path: path.into(), file: BufWriter::new(file) })
    }

    fn line(&mut self, logs: &Logs) -> Result<()> {
        let entries: Map<String, Value> =
            logs.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        writeln!(self.file, "{}", Value::Object(entries)).map_err(|e| Error::io(&self.path, e))
    }

    fn finish(mut self) -> Result<()> {
        self.file.flush().map_err(|e| Error::io(&self.path, e))
    }
}
