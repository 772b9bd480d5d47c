//! Loading a file of 100 MB, against what must be done at least: reading its bytes and copying its weights once.
//!
//! `cargo bench --bench loading`. The rounds of all are interleaved; the ratio is that of the medians.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use keras::graph::{load_model, model_from_json};
use keras::model::Model;
use keras::prelude::*;

model! {
    Large([1024]) -> [1024] = [Dense(4096), Dense(4096), Dense(1024)]
}

const ROUNDS: usize = 21;

/// Reads the bytes, and copies as many as there are weights into new memory.
fn least(path: &Path, weights: usize) {
    let bytes =
        if path.is_dir() { std::fs::read(path.join("model.weights.h5")) } else { std::fs::read(path) };
    let bytes = bytes.expect("is there");
    let copy = bytes[bytes.len() - weights..].to_vec();
    black_box((&bytes, &copy));
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loading");
    std::fs::create_dir_all(&folder).expect("a folder for the files");
    let model = Model::<Large>::with_seed(Device::default(), 1);
    let weights = model.network().params() * 4;
    let json = model.to_json().expect("can be described");
    println!("{:.1} MB of weights; median of {ROUNDS} rounds, files in the page cache", weights as f64 / 1e6);
    println!("{:<16} {:>10} {:>10} {:>10} {:>7}", "format", "least", "run time", "typed", "ratio");
    for extension in [".keras", "_folder", ".weights.h5", ".h5", ".safetensors"] {
        let path = folder.join(format!("large{extension}"));
        let whole = !matches!(extension, ".weights.h5" | ".safetensors");
        if whole { model.save(&path) } else { model.save_weights(&path) }.expect("saves");
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        let mut blank = model_from_json(&json).expect("well formed");
        for _ in 0..ROUNDS {
            times[0].push(time(|| least(&path, weights)));
            times[1].push(time(|| {
                if whole {
                    black_box(load_model(&path).expect("loads"));
                } else {
                    blank.load_weights(&path).expect("loads");
                }
            }));
            times[2].push(time(|| {
                black_box(Model::<Large>::load(&path, Device::default()).expect("loads"));
            }));
        }
        let [least, loaded, typed] = times.map(median);
        let ratio = loaded.max(typed).as_secs_f64() / least.as_secs_f64();
        println!("{extension:<16} {least:>10.1?} {loaded:>10.1?} {typed:>10.1?} {ratio:>7.2}");
    }
}
