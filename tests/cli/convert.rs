//! `convert`.

use keras::graph::load_model;

use super::*;

fn predictions(place: &Place, arguments: &str) -> Array {
    place.keras(&format!("predict {arguments} x.npz predictions.npy")).ok();
    place.arrays("predictions.npy").remove(0).1
}

#[test]
fn every_format_holds_the_same_model() -> keras::Result<()> {
    let place = Place::new("convert");
    classifier(&place)?;
    let expected = predictions(&place, "net.keras");
    for (from, to) in [
        ("net.keras", "net.h5"),
        ("net.h5", "folder"),
        ("folder", "again.keras"),
        ("again.keras", "last.hdf5"),
    ] {
        assert_eq!(place.keras(&format!("convert {from} {to}")).ok(), format!("Wrote {to}\n"));
        assert_eq!(predictions(&place, to), expected, "{to}");
    }
    for architecture in ["net.json", "net.yaml"] {
        let wrote = place.keras(&format!("convert net.keras {architecture} --architecture-only")).ok();
        let without = "without its weights, the state of its optimizer";
        assert_eq!(wrote, format!("Wrote {architecture}, {without}\n"));
        for weights in ["net.weights.h5", "net.weights.json", "net.safetensors", "alone.h5"] {
            let option = if weights == "alone.h5" { "--weights-only" } else { "" };
            let wrote = place.keras(&format!("convert net.keras {weights} {option}")).ok();
            let state = match weights {
                "net.weights.h5" | "net.weights.json" => "",
                _ => ", the state of its optimizer",
            };
            let without = "without its architecture, what it was compiled with";
            assert_eq!(wrote, format!("Wrote {weights}, {without}{state}\n"));
            let arguments = format!("{architecture} --weights {weights}");
            assert_eq!(predictions(&place, &arguments), expected, "{arguments}");
            place.keras(&format!("convert {arguments} whole.keras")).ok();
            assert_eq!(predictions(&place, "whole.keras"), expected, "{arguments}");
        }
    }
    // Training goes on from where the optimizer stopped.
    let saved = keras::saving::read(place.path("again.keras"))?;
    assert_eq!(saved.weights.optimizer().map(|all| all[0].to_f64()), Some(vec![4.0]));
    Ok(())
}

#[test]
fn floats_of_16_bits() -> keras::Result<()> {
    let place = Place::new("dtype");
    // Large enough that weights outweigh the rest of a file.
    let model = Sequential::new([4, 3]).add(Flatten::new()).add(Dense::new(2000)).add(Dense::new(5));
    let mut model = model.build(Device::default())?;
    let x = waves(&[7, 4, 3], 0.0);
    npz::write(place.path("x.npz"), [("x", &x)])?;
    model.save(place.path("net.keras"))?;
    let exact = model.predict(std::slice::from_ref(&x))?.remove(0);
    place.keras("convert net.keras net.json").ok();
    let size = |name: &str| std::fs::metadata(place.path(name)).expect("it is there").len() as f64;
    // Relative errors of a rounding: 2^-11, 2^-8. A prediction sums 2000 products of two layers' weights, with an error of each.
    for (dtype, bound) in [("float16", 2f64.powi(-10)), ("bfloat16", 2f64.powi(-7))] {
        for file in ["half.keras", "half.safetensors", "half.weights.h5", "half.h5"] {
            place.keras(&format!("convert net.keras {file} --dtype {dtype}")).ok();
            let arguments = match file {
                "half.keras" | "half.h5" => file.to_string(),
                weights => format!("net.json --weights {weights}"),
            };
            let half = predictions(&place, &arguments);
            let scale = exact.to_f64().iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            let errors = exact.to_f64().into_iter().zip(half.to_f64()).map(|(a, b)| (a - b).abs());
            let error = errors.fold(0.0, f64::max) / scale;
            assert!(error > 0.0 && error < bound, "{file} {dtype}: {error}");
        }
        assert!(size("half.keras") < 0.6 * size("net.keras"));
        // Computed with and saved again as it is: 32 bits.
        place.keras("convert half.keras back.keras --dtype float32").ok();
        assert_eq!(predictions(&place, "back.keras"), predictions(&place, "half.keras"));
    }
    Ok(())
}

#[test]
fn shards() -> keras::Result<()> {
    let place = Place::new("shards");
    classifier(&place)?;
    place.keras("convert net.keras net.weights.json --max-shard-size 1kB").ok();
    let shards = std::fs::read_dir(&place.0).expect("a folder").flatten();
    let shards = shards.filter(|f| f.file_name().to_string_lossy().starts_with("net_0")).count();
    assert!(shards > 1, "{shards} shards");
    place.keras("convert net.keras net.json").ok();
    assert_eq!(predictions(&place, "net.json --weights net.weights.json"), predictions(&place, "net.keras"));
    Ok(())
}

/// Real Keras opens what was converted, and predicts the same.
#[test]
fn real_keras_opens_what_was_converted() -> keras::Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let place = Place::new("python");
    classifier(&place)?;
    place.keras("convert net.keras legacy.h5").ok();
    place.keras("convert legacy.h5 back.keras").ok();
    place.keras("convert net.keras half.keras --dtype float16").ok();
    place.keras("convert net.keras brain.keras --dtype bfloat16").ok();
    place.keras("fit net.keras --x x.npz --y y.npz --optimizer sgd --quiet --save fitted.keras").ok();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/open_saved.py");
    for (name, train) in [
        ("legacy.h5", ""),
        ("back.keras", "train"),
        ("half.keras", "train"),
        ("brain.keras", "train"),
        ("fitted.keras", "train"),
    ] {
        place.keras(&format!("predict {name} x.npz out.npz")).ok();
        let mut command = Command::new(&python);
        command.arg(&script).args([name, "x.npz", "out.npz"]).args(Some(train).filter(|t| !t.is_empty()));
        let done = command.current_dir(&place.0).output().expect("run Python");
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    }
    assert!(load_model(place.path("fitted.keras")).is_ok());
    Ok(())
}
