//! The classes that a classifier finds most likely.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use keras::Error;
use keras::saving::Array;
use serde_json::{Value, json};

use super::common::{extension, is_stdout, write_text};
use super::data::Outputs;
use super::failure::{Failure, Outcome};
use super::table::table;

/// Options for classifiers.
#[derive(Args, Clone, Debug)]
pub struct Top {
    /// Write the K likeliest classes of each sample: a table for -, or .csv or .json
    #[arg(long, value_name = "K", value_parser = super::predict::at_least_one())]
    top: Option<usize>,
    /// Names of the classes, one a line
    #[arg(long, value_name = "FILE", requires = "top")]
    labels: Option<PathBuf>,
}

/// A class of a sample.
struct Found {
    sample: usize,
    rank: usize,
    class: usize,
    label: Option<String>,
    score: f32,
}

impl Top {
    /// Whether likeliest classes are asked for.
    pub fn asked(&self) -> bool {
        self.top.is_some()
    }

    /// The format of the outputs, if arrays are written.
    pub fn format(&self, output: &Path) -> Outcome<Option<Outputs>> {
        if self.top.is_none() {
            return Outputs::of(output).map(Some);
        }
        if is_stdout(output) || ["csv", "json"].contains(&extension(output).as_str()) {
            return Ok(None);
        }
        let message =
            format!("{}: --top writes .csv, .json, or a table to - (standard output)", output.display());
        Err(Failure::usage(message))
    }

    /// Writes the likeliest classes.
    pub fn write(&self, path: &Path, outputs: &[(&str, &Array)]) -> Outcome {
        let all = self.find(outputs)?;
        let label = |found: &Found| found.label.clone().unwrap_or_default();
        let text = match extension(path).as_str() {
            "csv" => {
                let line = |f: &Found| {
                    let label = label(f).replace('"', "\"\"");
                    format!("{},{},{},\"{label}\",{}\n", f.sample, f.rank, f.class, f.score)
                };
                format!("sample,rank,class,label,score\n{}", all.iter().map(line).collect::<String>())
            }
            "json" => {
                let one = |f: &Found| json!({"sample": f.sample, "rank": f.rank, "class": f.class, "label": f.label, "score": f.score});
                format!("{}\n", all.iter().map(one).collect::<Value>())
            }
            _ => {
                let row = |f: &Found| {
                    let start = if f.rank == 1 { f.sample.to_string() } else { String::new() };
                    vec![start, f.class.to_string(), label(f), format!("{:.4}", f.score)]
                };
                table(&["sample", "class", "label", "score"], &all.iter().map(row).collect::<Vec<_>>())
            }
        };
        write_text(path, &text)
    }

    fn find(&self, outputs: &[(&str, &Array)]) -> Outcome<Vec<Found>> {
        let [(_, scores)] = outputs else {
            return Err(Failure::usage(format!(
                "--top is for models with one output, this one has {}",
                outputs.len()
            )));
        };
        let &[samples, classes] = &scores.shape[..] else {
            let message = format!(
                "--top is for outputs of a number for each class, this one has the shape {:?}",
                scores.shape
            );
            return Err(Failure::usage(message));
        };
        let labels = self.labels.as_deref().map(|path| read_labels(path, classes)).transpose()?;
        let values = scores.to_f64();
        let mut all = Vec::new();
        for sample in 0..samples {
            let row = &values[sample * classes..(sample + 1) * classes];
            let mut order: Vec<usize> = (0..classes).collect();
            order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
            for (at, class) in order.into_iter().take(self.top.unwrap_or(1)).enumerate() {
                let label = labels.as_ref().map(|labels| labels[class].clone());
                all.push(Found { sample, rank: at + 1, class, label, score: row[class] as f32 });
            }
        }
        Ok(all)
    }
}

fn read_labels(path: &Path, classes: usize) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    let labels: Vec<String> = text.lines().map(|line| line.trim().to_string()).collect();
    match labels.len() == classes {
        true => Ok(labels),
        false => {
            let message = format!(
                "has {} lines, the model {classes} classes: one name a line is expected",
                labels.len()
            );
            Err(Error::file(path, message).into())
        }
    }
}
