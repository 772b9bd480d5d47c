//! Data of several shapes in one model: what depends on shapes is planned once and kept, all else stays where it is.

use keras::graph::{LoadedModel, Prepared, Sequential, load_model};
use keras::layers::{BatchNormalization, Conv1D, Dense, Flatten, GlobalAveragePooling1D, LSTM};
use keras::prelude::*;
use keras::saving::Array;
use keras::training::{EvaluateOptions, FitOptions, Validation};
use keras::{DType, Regularizer};

fn waves(shape: &[usize], seed: f64) -> Array {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37 + seed).sin()).collect();
    Array::of(shape.to_vec(), DType::F32, &values)
}

/// Sequences of this length: 12 of them, so that a batch of 8 leaves a smaller one.
fn x(steps: usize) -> Array {
    waves(&[12, steps, 3], steps as f64)
}

fn y() -> Array {
    waves(&[12, 2], 0.5)
}

/// The fourth power of the error: no file can bring it back.
#[loss]
fn quartic(y_true: Tensor, y_pred: Tensor) -> Tensor {
    mean(square(square(y_true - y_pred)), -1)
}

/// Weights, state, slots, dropout's counter, packed forms: everything that shapes must leave alone. Of one step the LSTM packs nothing.
fn network() -> keras::Result<LoadedModel> {
    Sequential::new([None, Some(3)])
        .add(Conv1D::new(4, 1).kernel_regularizer(Regularizer::L2 { l2: 0.01 }))
        .add(BatchNormalization::new())
        .add(LSTM::new(5).return_sequences(true).dropout(0.2))
        .add(GlobalAveragePooling1D::new())
        .add(Dense::new(2))
        .build_with(Device::default(), 3)
}

fn compiled() -> keras::Result<LoadedModel> {
    let mut model = network()?;
    model.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![MeanAbsoluteError::new()]])?;
    Ok(model)
}

fn fit(model: &mut LoadedModel, steps: usize) -> keras::Result<Vec<f64>> {
    let options = FitOptions {
        batch_size: Some(8),
        shuffle: Some(false),
        verbose: Verbose::Silent,
        ..FitOptions::default()
    };
    Ok(model.fit(&[x(steps)], &[y()], options)?["loss"].to_vec())
}

fn evaluate(model: &mut LoadedModel, steps: usize) -> keras::Result<f64> {
    let options =
        EvaluateOptions { batch_size: Some(8), verbose: Verbose::Silent, ..EvaluateOptions::default() };
    Ok(model.evaluate(&[x(steps)], &[y()], options)?["loss"])
}

fn predict(model: &mut LoadedModel, steps: usize) -> keras::Result<Array> {
    Ok(model.predict_in_batches(&[x(steps)], 8)?.remove(0))
}

/// All that training changes, bit for bit.
fn variables(model: &LoadedModel) -> Vec<Vec<u64>> {
    let network = model.network().expect("it is bound");
    network.variables().iter().map(|v| network.read(v).into_iter().map(f64::to_bits).collect()).collect()
}

const LENGTHS: [usize; 3] = [7, 1, 4];

#[test]
fn other_shapes_in_between_change_no_bit() -> keras::Result<()> {
    for steps in LENGTHS {
        let (mut one, mut several) = (compiled()?, compiled()?);
        for _ in 0..3 {
            for other in LENGTHS {
                predict(&mut several, other)?;
                evaluate(&mut several, other)?;
            }
            assert_eq!(fit(&mut several, steps)?, fit(&mut one, steps)?);
            assert_eq!(evaluate(&mut several, steps)?, evaluate(&mut one, steps)?);
            assert_eq!(predict(&mut several, steps)?, predict(&mut one, steps)?);
            assert_eq!(variables(&several), variables(&one));
        }
    }
    Ok(())
}

/// A model that trains on one length after the other, and one that is saved and opened before each, so that it never sees two.
#[test]
fn training_goes_from_one_shape_to_the_next_as_if_from_a_file() -> keras::Result<()> {
    let mut several = compiled()?;
    let path = std::env::temp_dir().join(format!("shapes_{}.keras", std::process::id()));
    several.save(&path)?;
    for steps in [7, 4, 7, 1, 4, 7] {
        let mut one = load_model(&path)?;
        // Numbers that dropout draws follow a model's seed, which files do not hold.
        if one.network().is_none() {
            assert_eq!(fit(&mut one, steps)?.len(), 1);
        }
        let mut one = LoadedModel::from_saved_with(
            keras::saving::read(&path)?,
            &Default::default(),
            Device::default(),
            3,
        )?;
        assert_eq!(fit(&mut one, steps)?, fit(&mut several, steps)?);
        assert_eq!(variables(&one), variables(&several));
        assert_eq!(one.weights()?, several.weights()?, "slots of the optimizer");
        one.save(&path)?;
    }
    std::fs::remove_file(&path).expect("it was written");
    Ok(())
}

#[test]
fn a_plan_is_made_once_and_weights_stay_where_they_are() -> keras::Result<()> {
    let mut model = network()?;
    // A loss that is a value of the program's own goes on, too.
    model.compile(Adam::new(0.01), quartic, [metrics![]])?;
    let round = |model: &mut LoadedModel| -> keras::Result<(u64, Vec<usize>)> {
        for steps in LENGTHS {
            predict(model, steps)?;
            fit(model, steps)?;
            evaluate(model, steps)?;
        }
        let network = model.network().expect("it is bound");
        let places = network.variables().iter().map(|v| network.view(v).address() as usize);
        Ok((network.plans_made(), places.collect()))
    };
    let first = round(&mut model)?;
    // Batches of 8 and of 4, to train and to predict; evaluating uses the plan of predicting.
    assert_eq!(first.0, 4 * LENGTHS.len() as u64);
    let updates = |model: &LoadedModel| {
        model.weights().map(|tree| tree.find(["optimizer", "vars"]).unwrap().arrays["0"].to_f64()[0])
    };
    assert_eq!(updates(&model)?, 6.0);
    for _ in 0..3 {
        assert_eq!(round(&mut model)?, first);
    }
    assert_eq!(updates(&model)?, 24.0);
    assert_eq!(model.config()["compile_config"]["loss"]["config"], "quartic");
    Ok(())
}

#[test]
fn no_more_plans_are_kept_than_asked_for() -> keras::Result<()> {
    let (mut few, mut many) = (compiled()?, compiled()?);
    few.keep_plans(0);
    for steps in (1..8).chain(1..8) {
        assert_eq!(fit(&mut few, steps)?, fit(&mut many, steps)?);
        assert_eq!(predict(&mut few, steps)?, predict(&mut many, steps)?);
        assert!(few.network().expect("it is bound").plans_kept() <= 4);
    }
    let made = |model: &LoadedModel| model.network().expect("it is bound").plans_made();
    assert_eq!((made(&few), made(&many)), (2 * 4 * 7, 4 * 7));
    // Those that are there stay where fewer are kept.
    many.keep_plans(4);
    assert_eq!(many.network().expect("it is bound").plans_kept(), 4);
    predict(&mut many, 7)?;
    assert_eq!(made(&many), 4 * 7);
    assert_eq!(variables(&few), variables(&many));
    Ok(())
}

#[test]
fn validation_may_have_other_shapes() -> keras::Result<()> {
    let (mut one, mut two) = (compiled()?, compiled()?);
    let held_out = Prepared::new(&mut one, &[x(4)], &[y()])?;
    let options = FitOptions {
        batch_size: Some(8),
        shuffle: Some(false),
        epochs: 2,
        validation: Some(Validation::Memory(held_out.samples()?, 0)),
        verbose: Verbose::Silent,
        ..FitOptions::default()
    };
    let history = one.fit(&[x(7)], &[y()], options)?;
    for epoch in 0..2 {
        assert_eq!(history["loss"][epoch], fit(&mut two, 7)?[0]);
        assert_eq!(history["val_loss"][epoch], evaluate(&mut two, 4)?);
    }
    Ok(())
}

#[test]
fn weights_do_not_depend_on_shapes() -> keras::Result<()> {
    let mut model =
        Sequential::new([None, Some(3)]).add(Flatten::new()).add(Dense::new(2)).build(Device::default())?;
    let first = predict(&mut model, 4)?;
    let error = predict(&mut model, 5).expect_err("another kernel").to_string();
    assert!(error.contains("`dense/kernel` would have shape [15, 2] instead of [12, 2]"), "{error}");
    assert_eq!(predict(&mut model, 4)?, first);
    // Dimensions that are given do not change.
    let mut fixed = Sequential::new([4, 3]).add(LSTM::new(2)).build(Device::default())?;
    let error = fixed.bind(&[keras::plan::Spec::of(&[5, 3])]).expect_err("4 steps").to_string();
    assert!(error.contains("takes samples of shape [4, 3], found [5, 3]"), "{error}");
    Ok(())
}

/// What is prepared first must not decide what training does.
#[test]
fn evaluating_first_changes_no_training() -> keras::Result<()> {
    let (mut first, mut later) = (compiled()?, compiled()?);
    let before = evaluate(&mut first, 4)?;
    assert_eq!(fit(&mut first, 4)?, fit(&mut later, 4)?);
    assert_eq!(variables(&first), variables(&later));
    // The penalty on the kernel is part of the loss.
    let mut plain = Sequential::new([None, Some(3)])
        .add(Conv1D::new(4, 1))
        .add(BatchNormalization::new())
        .add(LSTM::new(5).return_sequences(true).dropout(0.2))
        .add(GlobalAveragePooling1D::new())
        .add(Dense::new(2))
        .build_with(Device::default(), 3)?;
    plain.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![]])?;
    assert!(evaluate(&mut plain, 4)? < before);
    Ok(())
}

/// An optimizer's variables wait in the file until there are shapes, whatever is asked of the model before.
#[test]
fn an_optimizer_waits_for_shapes() -> keras::Result<()> {
    let mut model = compiled()?;
    fit(&mut model, 4)?;
    let path = std::env::temp_dir().join(format!("waits_{}.keras", std::process::id()));
    model.save(&path)?;
    let open = || {
        LoadedModel::from_saved_with(keras::saving::read(&path)?, &Default::default(), Device::default(), 3)
    };
    let mut weighted = open()?;
    weighted.set_loss_weights(&[1.0])?;
    weighted.save(&path)?;
    let mut again = open()?;
    std::fs::remove_file(&path).expect("it was written");
    let expected = fit(&mut model, 4)?;
    assert_eq!(fit(&mut weighted, 4)?, expected);
    assert_eq!(fit(&mut again, 4)?, expected);
    assert_eq!(again.weights()?, model.weights()?);
    Ok(())
}

/// What a callback saves has the dimensions open that the model has open.
#[test]
fn a_checkpoint_takes_other_shapes() -> keras::Result<()> {
    let mut model = compiled()?;
    let path = std::env::temp_dir().join(format!("checkpoint_{}.keras", std::process::id()));
    let options = FitOptions {
        batch_size: Some(8),
        shuffle: Some(false),
        verbose: Verbose::Silent,
        callbacks: vec![Box::new(ModelCheckpoint::new(path.to_str().expect("a name")))],
        ..FitOptions::default()
    };
    model.fit(&[x(7)], &[y()], options)?;
    let saved = keras::saving::read(&path)?;
    std::fs::remove_file(&path).expect("it was written");
    assert_eq!(&saved.config, model.config());
    let mut again = LoadedModel::from_saved_with(saved, &Default::default(), Device::default(), 3)?;
    assert_eq!(predict(&mut again, 4)?, predict(&mut model, 4)?);
    assert_eq!(fit(&mut again, 1)?, fit(&mut model, 1)?);
    Ok(())
}
