//! `fit`.

use keras::graph::load_model;
use keras::training::FitOptions;

use super::*;

fn data(place: &Place) -> (Vec<Array>, Vec<Array>) {
    let one = |name: &str| vec![place.arrays(name)[0].1.clone()];
    (one("x.npz"), one("y.npz"))
}

/// The tool trains as the library does from the same file, to the bit.
#[test]
fn training_is_that_of_the_library() -> keras::Result<()> {
    let place = Place::new("fit");
    classifier(&place)?;
    let (x, y) = data(&place);
    let arguments = "fit net.keras --x x.npz --y y.npz --epochs 3 --batch-size 8 --validation-split 0.25";
    let out = place.keras(&format!("{arguments} --csv-log log.csv --save trained.keras")).ok();
    assert!(
        out.contains("Epoch 3/3") && out.contains("val_loss") && out.contains("Saved the model"),
        "{out}"
    );
    let mut model = load_model(place.path("net.keras"))?;
    let options = FitOptions { batch_size: Some(8), validation_split: Some(0.25), ..quiet(3) };
    let history = model.fit(&x, &y, options)?;
    assert_eq!(load_model(place.path("trained.keras"))?.predict(&x)?, model.predict(&x)?);
    let log = place.read("log.csv");
    let lines: Vec<Vec<&str>> = log.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 4);
    let column = lines[0].iter().position(|name| *name == "val_loss").expect("a column");
    for (line, expected) in lines[1..].iter().zip(&history["val_loss"]) {
        assert_eq!(line[column].parse::<f64>().ok(), Some(*expected));
    }
    Ok(())
}

#[test]
fn validation_data_and_weights() -> keras::Result<()> {
    let place = Place::new("validation");
    classifier(&place)?;
    let (x, y) = data(&place);
    let weights: Vec<f64> = (0..40).map(|i| f64::from(i % 3)).collect();
    npz::write_npy(place.path("w.npy"), &Array::of(vec![40], DType::F32, &weights))?;
    place.write("classes.json", r#"{"0": 2.5, "3": 0.5}"#);
    let arguments = "fit net.keras --x x.npz --y y.npz --validation-x x.npz --validation-y y.npz --quiet";
    for (options, sample, class) in [
        ("--sample-weight w.npy", Some(weights), vec![]),
        ("--class-weight classes.json", None, vec![(0, 2.5f32), (3, 0.5)]),
    ] {
        assert_eq!(place.keras(&format!("{arguments} {options} --save trained.keras")).ok(), "");
        let mut model = load_model(place.path("net.keras"))?;
        let floats = sample.map(|s| s.iter().map(|v| *v as f32).collect::<Vec<_>>());
        let sample_weight = floats.iter().map(|f| Some(&f[..])).collect();
        model.fit(&x, &y, FitOptions { sample_weight, class_weight: class, ..quiet(1) })?;
        assert_eq!(load_model(place.path("trained.keras"))?.predict(&x)?, model.predict(&x)?, "{options}");
    }
    Ok(())
}

#[test]
fn each_steps_own_numbers() -> keras::Result<()> {
    let place = Place::new("batch_log");
    classifier(&place)?;
    let arguments = "fit net.keras --x x.npz --y y.npz --batch-size 16 --epochs 2 --shuffle false";
    place.keras(&format!("{arguments} --batch-log log.jsonl --save-weights out.weights.h5")).ok();
    let lines: Vec<Value> =
        place.read("log.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    // Batches of 16, 16 and 8, twice.
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().all(|line| line["loss"].is_f64() && line["accuracy"].is_f64()));
    let (x, y) = data(&place);
    let mut model = load_model(place.path("net.keras"))?;
    let first: Vec<usize> = (0..16).collect();
    let logs = model.train_on_batch(&keras::graph::TrainingBatch {
        x: &[x[0].pick(&first)],
        y: &[y[0].pick(&first)],
        sample_weight: None,
        class_weight: &[],
    })?;
    assert_eq!(lines[0]["loss"].as_f64(), logs.get("loss"));
    Ok(())
}

#[test]
fn callbacks_watch() -> keras::Result<()> {
    let place = Place::new("callbacks");
    classifier(&place)?;
    // Nothing improves without steps of any length, so training stops after the first epoch and its patience.
    let arguments =
        "fit net.keras --x x.npz --y y.npz --epochs 20 --learning-rate 0 --validation-split 0.2 --seed 1";
    let options = "--early-stopping 2 --reduce-lr 1 --checkpoint best-{epoch}.keras --csv-log log.csv --terminate-on-nan";
    let out = place.keras(&format!("{arguments} {options}")).ok();
    // Moving statistics move all the same, so the loss of validation may improve a few times.
    let epochs = place.read("log.csv").lines().count() - 1;
    assert!((3..20).contains(&epochs) && out.contains("Epoch 1/20"), "{epochs} epochs\n{out}");
    assert!(place.path("best-01.keras").exists() || place.path("best-1.keras").exists());
    assert!(place.read("log.csv").contains("learning_rate"));
    // A backup is there while training runs, and gone at its end.
    place.keras("fit net.keras --x x.npz --y y.npz --epochs 2 --backup backup --quiet").ok();
    assert!(!place.path("backup").join("latest.weights.h5").exists());
    Ok(())
}

#[test]
fn compiling_anew() -> keras::Result<()> {
    let place = Place::new("compile");
    let model = classifier(&place)?;
    let steps = |name: &str| -> keras::Result<f64> {
        let saved = keras::saving::read(place.path(name))?;
        Ok(saved.weights.optimizer().map_or(f64::NAN, |all| all[0].to_f64()[0]))
    };
    let fit = |options: &str| {
        place.keras(&format!("fit net.keras --x x.npz --y y.npz --quiet --save out.keras {options}")).ok();
    };
    // Two epochs of two steps were taken; an epoch more goes on, also with another learning rate.
    fit("");
    assert_eq!(steps("out.keras")?, 6.0);
    fit("--learning-rate 0.5");
    assert_eq!(steps("out.keras")?, 6.0);
    let config = load_model(place.path("out.keras"))?.config()["compile_config"].clone();
    assert_eq!(config["optimizer"]["config"]["learning_rate"], 0.5);
    // Another optimizer starts anew.
    fit("--optimizer sgd --loss sparse_categorical_crossentropy --metrics sparse_top_k_categorical_accuracy");
    assert_eq!(steps("out.keras")?, 2.0);
    let config = load_model(place.path("out.keras"))?.config()["compile_config"].clone();
    assert_eq!(config["optimizer"]["class_name"], "SGD");
    assert_eq!(config["loss"], "sparse_categorical_crossentropy");
    // From an architecture alone.
    model.save_architecture(place.path("net.json"))?;
    let arguments =
        "fit net.json --x x.npz --y y.npz --optimizer adam --loss sparse_categorical_crossentropy";
    let out = place.keras(&format!("{arguments} --metrics accuracy --epochs 2 --save fresh.keras")).ok();
    assert!(out.contains("accuracy"), "{out}");
    // By the names of the outputs.
    ranker(&place)?;
    for (name, shape) in
        [("user", vec![8, 6]), ("item", vec![8, 6]), ("score", vec![8, 1]), ("aux", vec![8, 3])]
    {
        npz::write_npy(place.path(&format!("{name}.npy")), &waves(&shape, 1.0))?;
    }
    let files = "--x user=user.npy --x item=item.npy --y score=score.npy --y aux=aux.npy";
    let out =
        place.keras(&format!("fit ranker.keras {files} --loss score=mae,aux=mse --metrics aux=mae")).ok();
    assert!(out.contains("aux_mae") && out.contains("score_loss"), "{out}");
    Ok(())
}
