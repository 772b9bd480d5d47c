//! `keras convert`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use keras::Error;
use keras::graph::LoadedModel;
use keras::saving::{Format, Stored, Writing};

use super::common::{Common, ModelArgs};
use super::failure::{Failure, Outcome};

/// Convert a model, its weights or its architecture to another format
///
/// Formats are told by extensions: .keras (a model), a path without an extension (the same as a folder), .h5 or .hdf5 (a model in
/// the legacy format), .weights.h5, .weights.json (in several files), .safetensors (weights), .json, .yaml (an architecture). A
/// model that goes to a format of weights leaves its architecture behind, and the other way round. Weights alone go with an
/// architecture: `keras convert architecture.json net.keras --weights net.weights.h5`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keras convert old.h5 net.keras
  keras convert net.keras net.safetensors --dtype bfloat16
  keras convert net.keras net.json
  keras convert net.keras net.weights.json --max-shard-size 500MB
  keras convert net.json net.keras --weights net.safetensors")]
pub struct Convert {
    #[command(flatten)]
    model: ModelArgs,
    /// Where it goes
    output: PathBuf,
    /// Write weights alone; only needed for .h5, which can hold either
    #[arg(long, conflicts_with = "architecture_only")]
    weights_only: bool,
    /// Write the architecture alone: .json or .yaml
    #[arg(long)]
    architecture_only: bool,
    /// Store floats of the weights in this type; the architecture stays, so whoever loads the file computes as before
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<Float>,
    /// Most bytes of a shard of .weights.json: 500MB, 2GB [default: 5GB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_shard_size: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Float {
    /// 16 bits, IEEE 754
    Float16,
    /// 16 bits with the range of 32
    Bfloat16,
    /// 32 bits
    Float32,
}

impl Convert {
    pub fn run(&self, common: &Common) -> Outcome {
        let format = Format::of(&self.output).map_err(|e| Failure::usage(e.to_string()))?;
        self.check(format)?;
        if !Format::of(&self.model.model)?.has_architecture() {
            let message = "holds weights alone: give the architecture (.json, .yaml, .keras), and this file as --weights";
            return Err(Error::file(&self.model.model, message).into());
        }
        let model = self.model.open(common)?;
        let mut writing = Writing::new();
        if let Some(float) = self.dtype {
            writing = writing.float(match float {
                Float::Float16 => Stored::F16,
                Float::Bfloat16 => Stored::BF16,
                Float::Float32 => Stored::F32,
            });
        }
        if let Some(bytes) = self.max_shard_size {
            writing = writing.shard(bytes);
        }
        self.write(&model, format, writing)?;
        let left = self.left_behind(&model, format).join(", ");
        let without = if left.is_empty() { left } else { format!(", without {left}") };
        common.note(format!("Wrote {}{without}", self.output.display()))
    }

    /// What the model has and the format has no place for.
    fn left_behind(&self, model: &LoadedModel, format: Format) -> Vec<&'static str> {
        let weights = model.weights().ok();
        let state = weights.as_ref().and_then(|weights| weights.find(["optimizer", "vars"]));
        let has_state = state.is_some_and(|state| !state.arrays.is_empty());
        let compiled = model.config()["compile_config"]["optimizer"].is_object();
        let read =
            self.model.weights.is_some() || Format::of(&self.model.model).is_ok_and(Format::has_weights);
        let alone = !format.has_architecture() || (format == Format::LegacyH5 && self.weights_only);
        let stateless = alone && !matches!(format, Format::WeightsH5 | Format::Sharded);
        let parts = [
            (alone, "its architecture"),
            (alone && compiled, "what it was compiled with"),
            (!format.has_weights() && read, "its weights"),
            ((stateless || !format.has_weights()) && has_state, "the state of its optimizer"),
        ];
        parts.into_iter().filter_map(|(left, what)| left.then_some(what)).collect()
    }

    fn write(&self, model: &LoadedModel, format: Format, writing: Writing) -> Outcome {
        let path: &Path = &self.output;
        match format {
            Format::Json | Format::Yaml => model.save_architecture(path)?,
            Format::WeightsH5 | Format::Sharded | Format::Safetensors => {
                model.save_weights_with(path, writing)?
            }
            Format::LegacyH5 if self.weights_only => model.save_weights_with(path, writing)?,
            Format::LegacyH5 | Format::Keras | Format::Folder => model.save_with(path, writing)?,
        }
        Ok(())
    }

    /// Refuses options that the format cannot honour.
    fn check(&self, format: Format) -> Outcome {
        let path = self.output.display();
        let refuse = |message: String| Err(Failure::Usage(message));
        let architecture = !format.has_weights();
        if self.architecture_only && !architecture {
            return refuse(format!("{path}: --architecture-only writes .json or .yaml"));
        }
        let only_weights = !format.has_architecture() || format == Format::LegacyH5;
        if self.weights_only && !only_weights {
            return refuse(format!(
                "{path}: --weights-only writes .weights.h5, .weights.json, .safetensors or .h5"
            ));
        }
        if architecture && self.dtype.is_some() {
            return refuse(format!("{path}: --dtype is for weights, and this format holds none"));
        }
        if self.max_shard_size.is_some() && format != Format::Sharded {
            return refuse(format!("{path}: --max-shard-size is for .weights.json"));
        }
        Ok(())
    }
}

/// `500MB`: bytes, in units of 1000 as Keras counts them.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as 500MB or 2GB".to_string();
    let lower = text.trim().to_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = match lower[digits.len()..].trim() {
        "" | "b" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    let bytes = number * f64::from(unit);
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!([size("500MB"), size("1.5 gb"), size("12")], [Ok(500_000_000), Ok(1_500_000_000), Ok(12)]);
        assert!(["", "MB", "-1", "0", "5TBs", "1e"].iter().all(|text| size(text).is_err()));
    }
}
