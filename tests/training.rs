//! Training of a model in source: learning, reproducibility, options, callbacks.

use keras::callbacks::Training;
use keras::prelude::*;

model! {
    /// A perceptron with everything that draws random numbers or keeps state.
    Net([6]) -> [3] = [Dense(16, activation = relu), Dropout(0.1), Dense(3, activation = softmax)]
}

model! {
    Two(x: [6]) -> (a: [1], b: [3]) {
        let h = Dense(8, activation = tanh)(x);
        (Dense(1)(h), Dense(3, activation = softmax)(h))
    }
}

/// Points in six dimensions, labelled by the largest of the first three.
fn data(n: usize) -> (Batch<D1<6>>, Batch<D0, u8>) {
    let number = |i: usize| ((i as f32 * 12.9898).sin() * 43758.547).fract();
    let x: Vec<f32> = (0..n * 6).map(number).collect();
    let largest = |row: &[f32]| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u8;
    let y = x.chunks(6).map(largest).collect();
    (Batch::new(x).unwrap(), Batch::new(y).unwrap())
}

fn compiled(device: Device) -> keras::model::Compiled<Net, SparseCategoricalCrossentropy> {
    Model::<Net>::with_seed(device, 3).compile(
        Adam::new(0.01),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    )
}

#[test]
fn it_learns_and_reports() -> keras::Result<()> {
    let (x, y) = data(400);
    let mut net = compiled(Device::default());
    let history =
        net.fit(&x, &y).epochs(20).batch_size(30).validation_split(0.25).verbose(Verbose::Silent).run()?;
    let names: Vec<&str> = history.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["accuracy", "loss", "val_accuracy", "val_loss"]);
    assert_eq!(history.epochs().len(), 20);
    let (first, last) = (history["loss"][0], history.last("loss").unwrap());
    assert!(last < 0.5 * first, "{first} to {last}");
    let logs = net.evaluate(&x, &y)?;
    assert!(logs["accuracy"] > 0.9, "{logs}");
    // Predicting agrees with evaluating.
    let p = net.predict(&x)?;
    let right = (0..400).filter(|i| {
        let row = p.sample(*i);
        (0..3).all(|k| row[k] <= row[y.sample(*i)[0] as usize])
    });
    assert!((right.count() as f64 / 400.0 - logs["accuracy"]).abs() < 1e-9);
    Ok(())
}

#[test]
fn threads_do_not_change_a_bit() -> keras::Result<()> {
    let (x, y) = data(257);
    let run = |threads| -> keras::Result<(Vec<f32>, Vec<f64>)> {
        let mut net = compiled(Device::cpu_with_threads(threads));
        let history = net.fit(&x, &y).epochs(3).batch_size(64).verbose(Verbose::Silent).run()?;
        Ok((net.predict(&x)?.into_vec(), history["loss"].to_vec()))
    };
    let one = run(1)?;
    assert_eq!(one, run(2)?);
    assert_eq!(one, run(8)?);
    Ok(())
}

#[test]
fn several_outputs_have_losses_and_names() -> keras::Result<()> {
    let (x, y) = data(64);
    let sums: Vec<f32> = (0..64).map(|i| x.sample(i).iter().sum()).collect();
    let a: Batch<D0> = Batch::new(sums)?;
    let labels = (a, y);
    let losses = (MeanSquaredError::new(), SparseCategoricalCrossentropy::new());
    let mut two = Model::<Two>::new(Device::default())
        .compile(SGD::new(0.05), losses, (metrics![MeanAbsoluteError::new()], metrics![Accuracy]))
        .loss_weights([0.5, 2.0]);
    let logs = two.train_on_batch(&x, &labels)?;
    let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a_loss", "a_mean_absolute_error", "b_accuracy", "b_loss", "loss"]);
    assert!((logs["loss"] - 0.5 * logs["a_loss"] - 2.0 * logs["b_loss"]).abs() < 1e-6, "{logs}");
    let before = logs["loss"];
    two.fit(&x, &labels).epochs(20).verbose(Verbose::Silent).run()?;
    assert!(two.evaluate(&x, &labels)?["loss"] < 0.7 * before);
    Ok(())
}

model! {
    /// The model of the history below.
    Rated(x: [6]) -> (score: [1], aux: [3]) {
        let h = Dense(8, activation = tanh)(x);
        (Dense(1)(h), Dense(3, activation = softmax)(h))
    }
}

#[test]
fn a_history_has_the_keys_that_keras_gives_it() -> keras::Result<()> {
    let (x, y) = data(40);
    let scores: Batch<D0> = Batch::new((0..40).map(|i| x.sample(i)[3]).collect())?;
    let labels = (scores, y);
    let compiled = || {
        let losses = (MeanSquaredError::new(), SparseCategoricalCrossentropy::new());
        let weighted = metrics![MeanAbsoluteError::new()].weighted(MeanSquaredError::new());
        Model::<Rated>::with_seed(Device::default(), 1).compile(
            SGD::new(0.05),
            losses,
            (weighted, metrics![Accuracy]),
        )
    };
    let history =
        compiled().fit(&x, &labels).validation_split(0.25).epochs(2).verbose(Verbose::Silent).run()?;
    // list(history.history) in Keras 3.15 for outputs `score` and `aux`, two losses and these metrics.
    let expected = [
        "aux_accuracy",
        "aux_loss",
        "loss",
        "score_loss",
        "score_mean_absolute_error",
        "score_mean_squared_error",
        "val_aux_accuracy",
        "val_aux_loss",
        "val_loss",
        "val_score_loss",
        "val_score_mean_absolute_error",
        "val_score_mean_squared_error",
    ];
    assert_eq!(history.keys().collect::<Vec<_>>(), expected);

    // Weights for one output: its loss and its weighted metric change, nothing else does.
    let twos = [2.0; 40];
    let options = |weights| keras::training::EvaluateOptions { sample_weight: weights, ..Default::default() };
    let mut rated = compiled();
    let plain = rated.evaluate(&x, &labels)?;
    let one = rated.evaluate_with(&x, &labels, options(vec![Some(&twos), None]))?;
    assert!((one["score_loss"] - 2.0 * plain["score_loss"]).abs() < 1e-5);
    assert_eq!(
        (one["aux_loss"], one["score_mean_absolute_error"]),
        (plain["aux_loss"], plain["score_mean_absolute_error"])
    );
    assert!((one["loss"] - one["score_loss"] - one["aux_loss"]).abs() < 1e-5);
    // One list is for all outputs, as in Keras.
    let all = rated.evaluate_with(&x, &labels, options(vec![Some(&twos)]))?;
    assert!((all["loss"] - 2.0 * plain["loss"]).abs() < 1e-5);
    let fit =
        rated.fit(&x, &labels).sample_weights([Some(&twos), None]).batch_size(40).verbose(Verbose::Silent);
    // One batch of 40 here, 32 and 8 there: sums of 32-bit floats.
    assert!((fit.run()?["loss"][0] - one["loss"]).abs() < 1e-6);
    // Keras refuses weights of classes here, too.
    let error = rated.fit(&x, &labels).class_weight(&[(0, 2.0)]).run().expect_err("refused").to_string();
    assert_eq!(error, "`class_weight` is for models with one output");
    let three = options(vec![Some(&twos), None, None]);
    let error = rated.evaluate_with(&x, &labels, three).expect_err("refused").to_string();
    assert!(error.contains("3 lists of sample weights for 2 outputs"), "{error}");
    Ok(())
}

#[test]
fn weights_of_samples_and_classes() -> keras::Result<()> {
    let (x, y) = data(40);
    let mut net = compiled(Device::default());
    // A weight of 2 everywhere doubles the loss; classes say the same as samples.
    let plain = net.evaluate(&x, &y)?["loss"];
    let twice =
        keras::training::EvaluateOptions { sample_weight: vec![Some(&[2.0; 40])], ..Default::default() };
    let doubled = net.evaluate_with(&x, &y, twice)?["loss"];
    assert!((doubled - 2.0 * plain).abs() < 1e-5, "{doubled} {plain}");
    let by_sample: Vec<f32> = (0..40).map(|i| f32::from(y.sample(i)[0]) + 0.5).collect();
    let run = |net: &mut keras::model::Compiled<Net, SparseCategoricalCrossentropy>, classes: bool| {
        let fit = net.fit(&x, &y).verbose(Verbose::Silent);
        let fit = if classes {
            fit.class_weight(&[(0, 0.5), (1, 1.5), (2, 2.5)])
        } else {
            fit.sample_weight(&by_sample)
        };
        fit.run().map(|h| h["loss"][0])
    };
    let (mut one, mut other) = (compiled(Device::default()), compiled(Device::default()));
    assert_eq!(run(&mut one, true)?, run(&mut other, false)?);
    assert!(net.fit(&x, &y).sample_weight(&by_sample).class_weight(&[(0, 1.0)]).run().is_err());
    assert!(net.fit(&x, &y).sample_weight(&by_sample[1..]).run().is_err());
    Ok(())
}

#[test]
fn odd_data_is_defined() -> keras::Result<()> {
    let (x, y) = data(5);
    let mut net = compiled(Device::default());
    // A batch that is larger than the data.
    let history = net.fit(&x, &y).batch_size(100).verbose(Verbose::Silent).run()?;
    assert!(history["loss"][0].is_finite());
    // Nothing.
    let (nothing, none) = (Batch::<D1<6>>::zeros(0), Batch::<D0, u8>::zeros(0));
    assert_eq!(net.predict(&nothing)?.len(), 0);
    assert!(net.fit(&nothing, &none).run().is_err());
    assert!(net.evaluate(&nothing, &none).is_err());
    // Sizes that do not go together.
    assert!(net.fit(&x, &none).run().is_err());
    for fit in [net.fit(&x, &y).batch_size(0).run(), net.fit(&x, &y).validation_split(1.5).run()] {
        assert!(fit.is_err());
    }
    // Integers are converted.
    let whole: Batch<D1<6>, u8> = Batch::new(vec![1; 12])?;
    let float: Batch<D1<6>> = Batch::new(vec![1.0; 12])?;
    assert_eq!(net.predict(&whole)?, net.predict(&float)?);
    // NaN goes through, and `TerminateOnNaN` ends it.
    let nan: Batch<D1<6>> = Batch::new(vec![f32::NAN; 30])?;
    let history =
        net.fit(&nan, &y).epochs(5).callback(TerminateOnNaN::new()).verbose(Verbose::Silent).run()?;
    assert_eq!(history.epochs(), [0]);
    assert!(history["loss"][0].is_nan());
    Ok(())
}

#[test]
fn batches_stream() -> keras::Result<()> {
    let (x, y) = data(96);
    let batches = (0..6).map(|i| (x.slice(i * 16, i * 16 + 16), y.slice(i * 16, i * 16 + 16)));
    let batches: Vec<_> = batches.collect();
    let mut net = compiled(Device::default());
    let fit = net.fit_batches(batches.clone().into_iter().cycle()).epochs(3).steps_per_epoch(6);
    let streamed = fit.verbose(Verbose::Silent).run()?;
    let mut other = compiled(Device::default());
    let fit = other.fit(&x, &y).epochs(3).batch_size(16).shuffle(false);
    let in_memory = fit.verbose(Verbose::Silent).run()?;
    assert_eq!(streamed["loss"], in_memory["loss"]);
    // An iterator that runs out ends training.
    let short = net.fit_batches(batches).epochs(3).steps_per_epoch(6).verbose(Verbose::Silent).run()?;
    assert_eq!(short.epochs(), [0]);
    Ok(())
}

#[test]
fn callbacks_stop_restore_and_change_rates() -> keras::Result<()> {
    let (x, y) = data(60);
    let mut net = compiled(Device::default());
    // A learning rate that explodes: the best weights are those of the first epochs.
    let mut stopping = EarlyStopping::new("loss").patience(2).restore_best_weights(true);
    let explode = LearningRateScheduler::new(|epoch, rate| if epoch >= 3 { 10.0 } else { rate });
    let fit = net.fit(&x, &y).epochs(50).callback(explode).callback(&mut stopping);
    let history = fit.verbose(Verbose::Silent).run()?;
    assert!(stopping.stopped_epoch().is_some() && history.epochs().len() < 50);
    assert_eq!(history["learning_rate"][3], 10.0);
    let best = history["loss"].iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(history["loss"][stopping.best_epoch()], best);
    assert!(net.evaluate(&x, &y)?["loss"] < 2.0 * best);

    let mut net = compiled(Device::default());
    let plateau = ReduceLROnPlateau::new("loss").min_delta(1e9).patience(2).factor(0.5).min_lr(0.004);
    let history = net.fit(&x, &y).epochs(6).callback(plateau).verbose(Verbose::Silent).run()?;
    // The rate of an epoch is reported before it falls. Epoch 0 is the best; 1 and 2 use the patience up.
    let rates: Vec<f64> = history["learning_rate"].to_vec();
    assert_eq!(rates, [0.01, 0.01, 0.01, 0.005, 0.005, 0.004]);
    Ok(())
}

#[test]
fn hooks_come_in_order() -> keras::Result<()> {
    let (x, y) = data(50);
    let calls = std::sync::Mutex::new(Vec::new());
    let note = |what: &'static str| {
        let calls = &calls;
        move |at: usize, _: &mut Training<'_>| {
            calls.lock().unwrap().push((what, at));
            Ok(())
        }
    };
    let lambda = LambdaCallback::new()
        .on_train_begin(note("train"))
        .on_epoch_begin(note("epoch"))
        .on_train_batch_begin(note("batch"))
        .on_train_batch_end(note("end"))
        .on_epoch_end(note("epoch end"))
        .on_train_end(note("train end"));
    let mut net = compiled(Device::default());
    net.fit(&x, &y).initial_epoch(2).epochs(3).callback(lambda).verbose(Verbose::Silent).run()?;
    let expected = [
        ("train", 0),
        ("epoch", 2),
        ("batch", 0),
        ("end", 0),
        ("batch", 1),
        ("end", 1),
        ("epoch end", 2),
        ("train end", 0),
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
    Ok(())
}

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(128, activation = relu), Dropout(0.2), Dense(10)]
}

#[test]
fn a_summary_is_what_keras_prints() {
    let text = Model::<Mlp>::new(Device::default()).summary().to_string();
    let table = text.split_once('\n').unwrap().1;
    let expected = "\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 128)            │       100,480 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 128)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 101,770 (397.54 KB)
 Trainable params: 101,770 (397.54 KB)
 Non-trainable params: 0 (0.00 B)
 Memory per sample: ";
    assert!(table.starts_with(expected), "{text}");
}
