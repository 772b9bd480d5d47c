//! `keras bench`.

mod flops;
mod measure;
mod random;

use clap::Args;
use keras::engine::Network;
use keras::graph::LoadedModel;
use keras::saving::Array;
use keras::training::{FitOptions, PredictOptions, Verbose};
use serde_json::{Value, json};

use super::common::{Common, ModelArgs, print, print_json};
use super::compiling::{Compiling, Optimizing};
use super::failure::Outcome;
use super::predict::at_least_one;
use super::shapes::{InputShapes, network};
use super::table::table;
use measure::{Spread, Stopwatch, memory, time};

/// Measure a model: time of training steps and of predictions, memory, GFLOP/s
///
/// Runs on random data that suit the model: numbers between -1 and 1, whole numbers below an Embedding's input_dim. A model that
/// was saved uncompiled is trained with the mean squared error and Keras' default optimizer. Times are those of whole steps:
/// a batch goes in, losses, metrics, gradients and the optimizer's step are computed; a prediction ends with its numbers in memory.
/// Nothing is saved.
#[derive(Args)]
#[command(after_help = "\
FLOPs are counted from the plan: two for each pair of numbers that matrix products and convolutions multiply and add (a Dense
layer: 2 rows inputs units; a convolution: 2 positions window channels filters / groups; recurrent layers: 2 steps times the
numbers in both kernels; attention: its projections, scores, and weighing of values). A training step counts each product once
forward, once more if its weights are trained, and once more if anything before it is. Elementwise work is not counted.

Examples:
  keras bench net.keras
  keras bench net.keras --batch-size 256 --steps 100 --threads 1
  keras bench unet.json --input-shape 256x256x3 --no-training --json")]
pub struct Bench {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    shapes: InputShapes,
    /// Samples of a batch
    #[arg(long, default_value_t = 32, value_parser = at_least_one(), value_name = "N")]
    batch_size: usize,
    /// How many steps and predictions are timed
    #[arg(long, default_value_t = 30, value_parser = at_least_one(), value_name = "N")]
    steps: usize,
    /// How many come before that
    #[arg(long, default_value_t = 3, value_name = "N")]
    warmup: usize,
    /// Measure predictions alone
    #[arg(long)]
    no_training: bool,
    /// Measure training alone
    #[arg(long, conflicts_with = "no_training")]
    no_prediction: bool,
    #[command(flatten)]
    optimizing: Optimizing,
    #[command(flatten)]
    compiling: Compiling,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was measured.
struct Measured {
    what: &'static str,
    spread: Spread,
    /// Operations of a batch.
    flops: f64,
}

impl Bench {
    pub fn run(&self, common: &Common) -> Outcome {
        let mut saved = self.model.read()?;
        self.optimizing.apply(&mut saved, &common.registry)?;
        self.compiling.apply(&mut saved, &common.registry)?;
        self.compiling.apply_default(&mut saved, &common.registry)?;
        let sparse = |outputs: &[String]| sparse(&saved.config["compile_config"]["loss"], outputs);
        let names = |model: &LoadedModel| match &model.blueprint().output_keys {
            Some(keys) => keys.clone(),
            None => model.blueprint().outputs.iter().map(|(name, _)| name.clone()).collect(),
        };
        let mut model = self.model.build(saved.clone(), common)?;
        self.shapes.bind(&mut model)?;
        let sparse = sparse(&names(&model));

        let mut numbers = random::Random::new(common.seed);
        let x = random::inputs(network(&model)?, self.batch_size, &mut numbers);
        let y = random::labels(network(&model)?, &sparse, self.batch_size, &mut numbers);
        let per_sample = flops::count(network(&model)?);
        let mut measured = Vec::new();
        let batch = self.batch_size as f64;
        if !self.no_prediction {
            let spread = self.predictions(&mut model, &x)?;
            measured.push(Measured { what: "prediction", spread, flops: per_sample.forward * batch });
        }
        if !self.no_training {
            let spread = self.training(&mut model, &x, &y)?;
            measured.push(Measured { what: "training step", spread, flops: per_sample.training * batch });
        }
        self.report(common, network(&model)?, &measured)
    }

    fn predictions(&self, model: &mut LoadedModel, x: &[Array]) -> Outcome<Spread> {
        let mut watch = Stopwatch::default();
        for _ in 0..self.warmup + self.steps {
            model.predict_with(
                x,
                PredictOptions {
                    batch_size: Some(self.batch_size),
                    callbacks: vec![Box::new(&mut watch)],
                    ..PredictOptions::default()
                },
            )?;
        }
        Ok(Spread::of(&watch.times[self.warmup..]))
    }

    fn training(&self, model: &mut LoadedModel, x: &[Array], y: &[Array]) -> Outcome<Spread> {
        let mut watch = Stopwatch::default();
        let options = FitOptions {
            batch_size: Some(self.batch_size),
            shuffle: Some(false),
            steps_per_epoch: Some(self.warmup + self.steps),
            verbose: Verbose::Silent,
            callbacks: vec![Box::new(&mut watch)],
            ..FitOptions::default()
        };
        model.fit(x, y, options)?;
        Ok(Spread::of(&watch.times[self.warmup..]))
    }

    fn report(&self, common: &Common, network: &Network, measured: &[Measured]) -> Outcome {
        let float = network.float().size() as u64;
        let variables: usize = network.variables().iter().map(|v| v.size()).sum();
        let arena = |training| network.arena_bytes(self.batch_size, training) as u64;
        let sizes = [
            ("weights", Some(variables as u64 * float)),
            ("values, to predict", Some(arena(false))),
            ("values, to train", (!self.no_training).then(|| arena(true))),
            ("process, at most", measure::peak_memory()),
        ];
        let threads = common.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            std::num::NonZeroUsize::get,
        );
        let batch = self.batch_size;
        if self.json {
            let one = |m: &Measured| {
                let (seconds, rate) = (m.spread.json(), m.flops / m.spread.median / 1e9);
                json!({"what": m.what, "seconds": seconds, "samples_per_second": batch as f64 / m.spread.median,
                    "flop": m.flops, "gflop_per_second": rate})
            };
            let sizes = sizes.iter().map(|(what, bytes)| ((*what).to_string(), json!(bytes)));
            return print_json(&json!({
                "model": network.definition().name, "batch_size": batch, "threads": threads, "params": variables,
                "measured": measured.iter().map(one).collect::<Vec<_>>(),
                "bytes": sizes.collect::<serde_json::Map<_, _>>(),
            }));
        }
        let row = |m: &Measured| {
            let spread = &m.spread;
            vec![
                m.what.to_string(),
                time(spread.median),
                format!("{} to {}", time(spread.lower), time(spread.upper)),
                format!("{:.0}", batch as f64 / spread.median),
                format!("{:.2}", m.flops / 1e9),
                format!("{:.2}", m.flops / spread.median / 1e9),
            ]
        };
        let header = ["", "median", "quartiles", "samples/s", "GFLOP", "GFLOP/s"];
        let times = table(&header, &measured.iter().map(row).collect::<Vec<_>>());
        let sizes =
            sizes.iter().filter_map(|(what, bytes)| bytes.map(|bytes| vec![what.to_string(), memory(bytes)]));
        let sizes = table(&["memory", ""], &sizes.collect::<Vec<_>>());
        print(&format!(
            "{}: batches of {batch}, {threads} {}, {} steps after {} to warm up\n\n{times}\n{sizes}",
            network.definition().name,
            if threads == 1 { "thread" } else { "threads" },
            self.steps,
            self.warmup
        ))
    }
}

/// Whether the loss of each output takes numbers of classes.
fn sparse(loss: &Value, outputs: &[String]) -> Vec<bool> {
    let is = |json: &Value| {
        let name = [&json["class_name"], &json["config"], json].into_iter().filter_map(Value::as_str);
        name.map(str::to_lowercase).any(|name| name.contains("sparse"))
    };
    let one = |(at, name): (usize, &String)| match loss {
        Value::Array(all) => all.get(at).is_some_and(is),
        Value::Object(all) if !all.contains_key("class_name") => all.get(name).is_some_and(is),
        one => is(one),
    };
    outputs.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_losses() {
        let outputs = ["a".to_string(), "b".to_string()];
        let scce = "sparse_categorical_crossentropy";
        for (loss, expected) in [
            (json!(scce), [true, true]),
            (json!(["mse", {"class_name": "SparseCategoricalCrossentropy", "config": {}}]), [false, true]),
            (json!({"a": {"class_name": "function", "config": scce}, "b": null}), [true, false]),
            (Value::Null, [false, false]),
        ] {
            assert_eq!(sparse(&loss, &outputs), expected, "{loss}");
        }
    }
}
