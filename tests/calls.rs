//! Calls and types in files: what real Keras wrote is read, and real Keras opens what is written here, with the same predictions. Both need
//! `KERAS_PYTHON`.

use std::path::{Path, PathBuf};
use std::process::Command;

use keras::DType;
use keras::graph::{Functional, Input, LoadedModel, On, Shared, load_model};
use keras::layers::{
    AdditiveAttention, Attention, Bidirectional, Dense, Embedding, GRU, GlobalAveragePooling1D,
    GroupQueryAttention, LSTM, Masking, MultiHeadAttention, SimpleRNN, Softmax,
};
use keras::model::{Architecture, Model};
use keras::prelude::*;
use keras::saving::{self, Array, npz};

fn python() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("KERAS_PYTHON");
    if python.is_none() {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
    }
    python
}

fn run(script: &str, folder: &Path) {
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras").join(script);
    let done = Command::new(python).arg(script).arg(folder).output().expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calls").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn waves(shape: &[usize], seed: f64) -> Array {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37 + seed).sin()).collect();
    Array::of(shape.to_vec(), DType::F32, &values)
}

fn bools(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::of(shape.to_vec(), DType::Bool, &(0..n).map(|i| f64::from(i * 7 % 3 > 0)).collect::<Vec<_>>())
}

/// Inputs and expected outputs beside a model.
fn write_arrays(path: &Path, inputs: &[Array], outputs: &[Array]) {
    let name = |letter: char| move |(i, array)| (format!("{letter}{i}"), array);
    let all: Vec<(String, &Array)> =
        inputs.iter().enumerate().map(name('x')).chain(outputs.iter().enumerate().map(name('y'))).collect();
    npz::write(path.with_extension("npz"), all.iter().map(|(name, array)| (name.as_str(), *array)))
        .expect("can be written");
}

/// Saves a model that was made here; the file predicts the same bits here.
fn saved(folder: &Path, name: &str, model: Functional, inputs: &[Array]) -> keras::Result<()> {
    let mut model = model.build_with(Device::default(), 5)?;
    let outputs = model.predict(inputs)?;
    let path = folder.join(format!("{name}.keras"));
    model.save(&path)?;
    let text = model.to_json();
    for option in ["mask_input", "state_inputs"] {
        assert!(!text.contains(option), "{name}: `{option}` is not Keras': {text}");
    }
    assert_eq!(load_model(&path)?.predict(inputs)?, outputs, "{name}");
    write_arrays(&path, inputs, &outputs);
    Ok(())
}

model! {
    Attends(x: [5, 4], y: [6, 4], h: [4]) -> (attended: [5, 4], states: [4]) {
        let heads = MultiHeadAttention(2, 3)(x, y, use_causal_mask = true);
        let same = Attention()(heads, y);
        (same, GRU(4)(y, initial_state = h))
    }
}

fn typed<M: Architecture>(folder: &Path, inputs: &[Array]) -> keras::Result<()> {
    let path = folder.join("typed.keras");
    Model::<M>::with_seed(Device::default(), 5).save(&path)?;
    let outputs = load_model(&path)?.predict(inputs)?;
    write_arrays(&path, inputs, &outputs);
    Ok(())
}

#[test]
fn models_that_are_called_in_many_ways_open_in_keras() -> keras::Result<()> {
    let folder = folder("ours");
    let input = |dims: &[usize]| Input::of(dims.iter().map(|d| Some(*d)).collect());
    let (q, k) = (input(&[5, 4]).name("q").tensor(), input(&[6, 4]).name("k").tensor());
    let mask = input(&[5, 6]).dtype(DType::Bool).name("mask").tensor();
    let (h, c) = (input(&[3]).name("h").tensor(), input(&[3]).name("c").tensor());
    let words = input(&[5]).dtype(DType::I32).name("words").tensor();
    let (xq, xk, xm) = (waves(&[4, 5, 4], 0.1), waves(&[4, 6, 4], 0.2), bools(&[4, 5, 6]));
    let (xh, xc) = (waves(&[4, 3], 0.3), waves(&[4, 3], 0.4));
    let ids: Vec<f64> = (0..20).map(|i| f64::from(i * 5 % 7)).collect();
    let xw = Array::of(vec![4, 5], DType::I32, &ids);

    let heads = MultiHeadAttention::new(2, 3);
    let all = Shared::new(heads.attention_mask_input(true).return_attention_scores(true));
    let all = all.all_on([&q, &k, &k, &mask])?;
    let model = Functional::new("masked", [&q, &k, &mask], [&all[0], &all[1]]);
    saved(&folder, "attention_mask", model, &[xq.clone(), xk.clone(), xm.clone()])?;

    let groups = GroupQueryAttention::new(2, 4, 2).attention_mask_input(true).use_causal_mask(true);
    let model = Functional::new("groups", [&q, &k, &mask], [&groups.on([&q, &k, &mask])?]);
    saved(&folder, "groups", model, &[xq.clone(), xk.clone(), xm])?;

    let scores = Shared::new(Attention::new().return_attention_scores(true).use_causal_mask(true));
    let scores = scores.all_on([&q, &k])?;
    let added = AdditiveAttention::new().use_causal_mask(true).on([&q, &k])?;
    let model = Functional::new("scores", [&q, &k], [&scores[0], &scores[1], &added]);
    saved(&folder, "scores", model, &[xq.clone(), xk])?;

    let lstm = LSTM::new(3).initial_state_inputs(2).on([&q, &h, &c])?;
    let gru = GRU::new(3).initial_state_inputs(1).on([&q, &h])?;
    let both = Bidirectional::new(SimpleRNN::new(3).initial_state_inputs(1)).on([&q, &h, &c])?;
    let model = Functional::new("states", [&q, &h, &c], [&lstm, &gru, &both]);
    saved(&folder, "states", model, &[xq.clone(), xh, xc])?;

    let bit = input(&[5, 4]).dtype(DType::Bool).name("bit").tensor();
    let model = Functional::new("softmax", [&q, &bit], [&Softmax::new().mask_input(true).on([&q, &bit])?]);
    saved(&folder, "softmax", model, &[xq.clone(), bools(&[4, 5, 4])])?;

    // Masks that travel beside the values, to layers that use them, and to losses.
    let embedded = Embedding::new(7, 4).mask_zero(true).on(&words)?;
    let steps = LSTM::new(3).return_sequences(true).on(&embedded)?;
    let pooled = GlobalAveragePooling1D::new().on(&steps)?;
    let attended = MultiHeadAttention::new(1, 2).on([&embedded, &embedded])?;
    let last = Bidirectional::new(GRU::new(2)).on(&Masking::new().mask_value(0.5).on(&q)?)?;
    let outputs = [&pooled, &attended, &last, &Dense::new(2).on(&pooled)?];
    saved(&folder, "masks", Functional::new("masks", [&words, &q], outputs), &[xw, xq.clone()])?;

    typed::<Attends>(&folder, &[xq, waves(&[4, 6, 4], 0.6), waves(&[4, 4], 0.7)])?;
    run("open_all.py", &folder);
    Ok(())
}

/// Keras computes policies of 16 bits in 11 or 8 of them, and rounds inputs of 16 bits.
fn tolerance(name: &str) -> f64 {
    match name {
        n if n.contains("bfloat16") => 3e-2,
        n if n.contains("float16") || n == "type_of_each_layer" => 4e-3,
        _ => 1e-5,
    }
}

fn check(model: &mut LoadedModel, name: &str, arrays: &Path) -> Result<(), String> {
    let all = npz::read(arrays).expect("the arrays are there");
    let of = |letter: char| -> Vec<Array> {
        all.iter().filter(|(n, _)| n.starts_with(letter)).map(|(_, a)| a.clone()).collect()
    };
    let found = model.predict(&of('x')).map_err(|error| error.to_string())?;
    let expected = of('y');
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.shape, expected.shape, "{name}");
        for (a, b) in found.to_f64().iter().zip(expected.to_f64()) {
            // Not a number is not close.
            let near = (a - b).abs() <= tolerance(name) * b.abs().max(1.0);
            if !near {
                return Err(format!("{a} instead of {b}"));
            }
        }
    }
    Ok(())
}

/// Whatever Keras writes is read; saved again, as the file had it and from the network alone, it opens in Keras with the types that
/// it had.
#[test]
fn models_of_keras_with_odd_calls_and_types_are_read() {
    if python().is_none() {
        return;
    }
    let theirs = folder("theirs");
    run("make_models.py", &theirs);
    let (again, network) = (folder("again"), folder("network"));
    let mut names = Vec::new();
    let mut failed = Vec::new();
    for entry in std::fs::read_dir(&theirs).expect("a folder").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "keras") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let arrays = path.with_extension("npz");
        let once = || -> keras::Result<()> {
            let mut model = load_model(&path)?;
            check(&mut model, &name, &arrays).map_err(keras::Error::Data)?;
            model.save(again.join(format!("{name}.keras")))?;
            // A network has inputs of the types that it computes with.
            if name.starts_with("type_input") {
                return Ok(());
            }
            saving::save_network(model.network().expect("it is bound"), network.join(format!("{name}.keras")))
        };
        if let Err(error) = once() {
            failed.push(format!("{name}: {error}"));
        }
        for folder in [&again, &network] {
            let original = folder.join("original");
            std::fs::create_dir_all(&original).expect("a folder");
            std::fs::copy(&arrays, folder.join(format!("{name}.npz"))).expect("can be copied");
            std::fs::copy(&path, original.join(format!("{name}.keras"))).expect("can be copied");
        }
        names.push(name);
    }
    assert!(names.len() > 25, "{names:?}");
    assert!(failed.is_empty(), "{failed:#?}");
    run("open_all.py", &again);
    run("open_all.py", &network);
}
