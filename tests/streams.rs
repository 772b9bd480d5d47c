//! Batches from iterators: training, validating, evaluating and predicting on data that is not in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use keras::callbacks::{Predicting, Training};
use keras::model::Compiled;
use keras::prelude::*;
use keras::training::{BatchWeights, EvaluateOptions, PredictOptions};

model! {
    Net([6]) -> [3] = [Dense(16, activation = relu), Dropout(0.1), Dense(3, activation = softmax)]
}

type X = Batch<D1<6>>;
type Y = Batch<D0, u8>;

/// Points in six dimensions, labelled by the largest of the first three.
fn data(n: usize) -> (X, Y) {
    let number = |i: usize| ((i as f32 * 12.9898).sin() * 43758.547).fract();
    let x: Vec<f32> = (0..n * 6).map(number).collect();
    let largest = |row: &[f32]| (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u8;
    let y = x.chunks(6).map(largest).collect();
    (Batch::new(x).unwrap(), Batch::new(y).unwrap())
}

/// The same samples in batches; the last may be smaller.
fn batches<'a>(x: &'a X, y: &'a Y, size: usize) -> impl Iterator<Item = (X, Y)> + Clone + Send + 'a {
    let starts = (0..x.len()).step_by(size);
    starts.map(move |from| {
        let to = (from + size).min(x.len());
        (x.slice(from, to), y.slice(from, to))
    })
}

fn compiled() -> Compiled<Net, SparseCategoricalCrossentropy> {
    Model::<Net>::with_seed(Device::default(), 3).compile(
        Adam::new(0.01),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    )
}

#[test]
fn training_on_a_stream_is_training_in_memory() -> keras::Result<()> {
    let ((x, y), (val_x, val_y)) = (data(90), data(50));
    let mut memory = compiled();
    let fit = memory.fit(&x, &y).epochs(3).batch_size(16).shuffle(false).validation_batch_size(20);
    let expected = fit.validation_data(&val_x, &val_y).verbose(Verbose::Silent).run()?;
    // One iterator for all epochs; each epoch has six batches, the last of them ten samples.
    let mut stream = compiled();
    let fit = stream.fit_batches(batches(&x, &y, 16).cycle()).epochs(3).steps_per_epoch(6);
    let fit = fit.validation_batches(|_| batches(&val_x, &val_y, 20)).verbose(Verbose::Silent);
    assert_eq!(fit.run()?, expected);
    // One for each epoch.
    let mut anew = compiled();
    let epochs = AtomicUsize::new(0);
    let fit = anew.fit_epochs(|epoch| {
        assert_eq!(epochs.fetch_add(1, Ordering::SeqCst), epoch);
        batches(&x, &y, 16)
    });
    let fit = fit.epochs(3).validation_batches(|_| batches(&val_x, &val_y, 20)).verbose(Verbose::Silent);
    assert_eq!(fit.run()?, expected);
    let (a, b) = (memory.predict(&val_x)?, anew.predict(&val_x)?);
    assert_eq!(a, b);
    Ok(())
}

#[test]
fn evaluating_and_predicting_a_stream_is_doing_so_in_memory() -> keras::Result<()> {
    let (x, y) = data(70);
    let mut net = compiled();
    let expected = net.evaluate(&x, &y)?;
    assert_eq!(net.evaluate_batches(batches(&x, &y, 32), EvaluateOptions::default())?, expected);
    let first = EvaluateOptions { steps: Some(1), ..Default::default() };
    assert_eq!(
        net.evaluate_batches(batches(&x, &y, 32), first)?,
        net.evaluate(&x.slice(0, 32), &y.slice(0, 32))?
    );

    let all = net.predict(&x)?;
    let inputs = || batches(&x, &y, 32).map(|(x, _)| x);
    assert_eq!(net.predict_batches(inputs(), PredictOptions::default())?, all);
    let two = PredictOptions { steps: Some(2), ..Default::default() };
    assert_eq!(net.predict_batches(inputs(), two)?, all.slice(0, 64));
    let few = PredictOptions { steps: Some(3), batch_size: Some(10), ..Default::default() };
    assert_eq!(net.predict_with(&x, few)?, all.slice(0, 30));
    assert_eq!(net.predict_on_batch(&x)?, all);
    // Nothing in, nothing out.
    assert_eq!(net.predict_batches(std::iter::empty::<X>(), PredictOptions::default())?.len(), 0);
    assert_eq!(net.predict_with(&X::zeros(0), PredictOptions::default())?.len(), 0);
    assert_eq!(net.predict_on_batch(&X::zeros(0))?.len(), 0);
    Ok(())
}

#[test]
fn weights_of_samples_come_with_their_batches() -> keras::Result<()> {
    let (x, y) = data(48);
    let weights: Vec<f32> = (0..48).map(|i| 0.5 + (i % 5) as f32).collect();
    let mut memory = compiled();
    let fit = memory.fit(&x, &y).batch_size(16).shuffle(false).sample_weight(&weights);
    let expected = fit.validation_data_weighted(&x, &y, &weights).verbose(Verbose::Silent).run()?;
    let weighted = || {
        let parts = batches(&x, &y, 16).zip(weights.chunks(16));
        parts.map(|((x, y), w)| (x, y, w.to_vec()))
    };
    let mut stream = compiled();
    // Batches may be results.
    let fit = stream.fit_batches(weighted().map(Ok::<_, keras::Error>));
    let found = fit.validation_batches(|_| weighted()).validation_steps(3).verbose(Verbose::Silent).run()?;
    assert_eq!(found["loss"], expected["loss"]);
    // In memory validation takes 16 at a time too.
    assert_eq!(found["val_loss"], expected["val_loss"]);

    // Classes in streams, and in single steps.
    let classes = [(0, 0.5), (1, 1.5), (2, 2.5)];
    let by_sample: Vec<f32> = (0..48).map(|i| f32::from(y.sample(i)[0]) + 0.5).collect();
    let (mut one, mut other, mut third, mut fourth) = (compiled(), compiled(), compiled(), compiled());
    let streamed =
        one.fit_batches([(x.clone(), y.clone())]).class_weight(&classes).verbose(Verbose::Silent).run()?;
    let in_memory = other.fit(&x, &y).batch_size(48).shuffle(false).sample_weight(&by_sample);
    assert_eq!(streamed["loss"], in_memory.verbose(Verbose::Silent).run()?["loss"]);
    let by_class =
        third.train_on_batch_with(&x, &y, BatchWeights { class_weight: &classes, ..Default::default() })?;
    let by_sample = BatchWeights { sample_weight: vec![Some(&by_sample)], ..Default::default() };
    let tested = fourth.test_on_batch_with(&x, &y, by_sample.clone())?;
    let trained = fourth.train_on_batch_with(&x, &y, by_sample)?;
    assert_eq!(by_class, trained);
    assert_eq!(by_class["loss"], streamed["loss"][0]);
    // Dropout is off in tests: another loss.
    assert_ne!(tested["loss"], trained["loss"]);
    Ok(())
}

#[test]
fn iterators_that_end_fail_or_panic() -> keras::Result<()> {
    let (x, y) = data(64);
    let mut net = compiled();
    let quiet = |fit: keras::model::Fit<'_, Net, _>| fit.verbose(Verbose::Silent).run();
    // One that ends in the second epoch: that epoch stands, and training ends.
    let fit = net.fit_batches(batches(&x, &y, 16).chain(batches(&x, &y, 32))).epochs(9).steps_per_epoch(4);
    assert_eq!(quiet(fit)?.epochs(), [0, 1]);
    // Without a number of steps all batches are one epoch.
    assert_eq!(quiet(net.fit_batches(batches(&x, &y, 16)).epochs(3))?.epochs(), [0]);
    let error = |result: keras::Result<History>| result.expect_err("fails").to_string();
    assert_eq!(error(quiet(net.fit_batches(std::iter::empty::<(X, Y)>()))), "the iterator gave no batches");
    // An error of the iterator's own.
    let failing = || batches(&x, &y, 16).map(Ok).chain([Err(keras::Error::Data("row 65 is torn".into()))]);
    assert_eq!(error(quiet(net.fit_batches(failing()))), "row 65 is torn");
    let found = net.evaluate_batches(failing(), EvaluateOptions::default()).expect_err("fails");
    assert_eq!(found.to_string(), "row 65 is torn");
    // A panic.
    let torn = || batches(&x, &y, 16).enumerate().map(|(i, b)| if i == 2 { panic!("row {i}") } else { b });
    let panicked = "the iterator of batches panicked: row 2";
    assert_eq!(error(quiet(net.fit_batches(torn()))), panicked);
    assert_eq!(error(quiet(net.fit_epochs(|_| torn()))), panicked);
    assert_eq!(error(quiet(net.fit(&x, &y).validation_batches(|_| torn()))), panicked);
    let found = net.predict_batches(torn().map(|(x, _)| x), PredictOptions::default()).expect_err("fails");
    assert_eq!(found.to_string(), panicked);
    // The model is as usable as before.
    assert!(net.evaluate(&x, &y)?["loss"].is_finite());
    Ok(())
}

#[test]
fn batches_that_do_not_fit_are_errors() {
    let (x, y) = data(32);
    let mut net = compiled();
    let mut error = |batch: (X, Y, Vec<f32>)| {
        let fit = net.fit_batches([(x.slice(0, 4), y.slice(0, 4), vec![1.0; 4]), batch]);
        fit.verbose(Verbose::Silent).run().expect_err("does not fit").to_string()
    };
    assert!(
        error((x.slice(0, 4), y.slice(0, 3), vec![1.0; 4]))
            .contains("the first input has 4, one of the labels has 3")
    );
    assert!(
        error((x.slice(0, 4), y.slice(0, 4), vec![1.0; 3]))
            .contains("`sample_weight` has 3 numbers for 4 samples")
    );
    assert!(
        error((x.slice(0, 0), y.slice(0, 0), vec![]))
            .contains("batch 1 of the iterator (counted from 0) has no samples")
    );
}

#[test]
fn options_that_a_stream_cannot_honour_are_errors() {
    let (x, y) = data(32);
    let weights = [1.0; 32];
    let mut net = compiled();
    let mut error = |option: &dyn Fn(
        keras::model::Fit<'_, Net, SparseCategoricalCrossentropy>,
    ) -> keras::Result<History>| {
        option(net.fit_batches([(x.clone(), y.clone())]).verbose(Verbose::Silent))
            .expect_err("refused")
            .to_string()
    };
    assert!(error(&|fit| fit.batch_size(8).run()).starts_with("`batch_size` is for samples in memory"));
    assert!(error(&|fit| fit.shuffle(true).run()).starts_with("`shuffle` is for samples in memory"));
    assert!(
        error(&|fit| fit.validation_split(0.5).run())
            .starts_with("`validation_split` is for samples in memory")
    );
    assert!(error(&|fit| fit.validation_steps(2).run()).contains("need samples for validation"));
    let fit = net.fit_batches([(x.clone(), y.clone())]).verbose(Verbose::Silent).sample_weight(&weights);
    assert!(
        fit.run().expect_err("refused").to_string().starts_with("`sample_weight` is for samples in memory")
    );
}

#[test]
fn early_stopping_frees_an_endless_iterator() -> keras::Result<()> {
    let (x, y) = data(32);
    let mut net = compiled();
    let made = AtomicUsize::new(0);
    let endless = std::iter::repeat_with(|| {
        made.fetch_add(1, Ordering::SeqCst);
        (x.clone(), y.clone())
    });
    let stop = LambdaCallback::new().on_train_batch_end(|batch, at: &mut Training<'_>| {
        if batch == 4 {
            at.stop_training();
        }
        Ok(())
    });
    let history = net.fit_batches(endless).callback(stop).verbose(Verbose::Silent).run()?;
    assert_eq!(history.epochs(), [0]);
    // Five were used; two waited, one was in the maker's hands.
    assert!((5..=8).contains(&made.load(Ordering::SeqCst)), "{made:?}");
    Ok(())
}

#[test]
fn an_iterator_may_use_the_same_device() -> keras::Result<()> {
    // It waits for the pool while training waits for it.
    for threads in [1, 2, 3] {
        let device = Device::cpu_with_threads(threads);
        let (x, y) = data(32);
        let mut helper = Model::<Net>::new(device.clone());
        let batches = (0..6).map(|_| helper.predict(&x).map(|_| (x.clone(), y.clone())));
        let loss = SparseCategoricalCrossentropy::new();
        let mut net = Model::<Net>::new(device).compile(SGD::new(0.1), loss, metrics![]);
        let history = net.fit_batches(batches).verbose(Verbose::Silent).run()?;
        assert!(history["loss"][0].is_finite());
    }
    Ok(())
}

/// Notes its hooks, and what they see.
#[derive(Default)]
struct Notes(Vec<String>);

impl Callback for Notes {
    fn on_predict_begin(&mut self, at: &mut Predicting<'_>) -> keras::Result<()> {
        self.0.push(format!("begin {:?}", at.steps));
        Ok(())
    }
    fn on_predict_batch_begin(&mut self, batch: usize, at: &mut Predicting<'_>) -> keras::Result<()> {
        assert!(at.output(0).is_none());
        self.0.push(format!("batch {batch}"));
        Ok(())
    }
    fn on_predict_batch_end(&mut self, batch: usize, at: &mut Predicting<'_>) -> keras::Result<()> {
        let shape = at.output(0).map(|output| output.shape);
        self.0.push(format!("end {batch} {shape:?}"));
        *at.stop = batch == 1;
        Ok(())
    }
    fn on_predict_end(&mut self, _: &mut Predicting<'_>) -> keras::Result<()> {
        self.0.push("end".into());
        Ok(())
    }
    fn on_test_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> keras::Result<()> {
        self.0.push(format!("test {batch} {}", at.logs.get("loss").is_some()));
        Ok(())
    }
}

#[test]
fn callbacks_watch_predictions_and_evaluations() -> keras::Result<()> {
    let (x, y) = data(40);
    let mut net = compiled();
    let mut notes = Notes::default();
    let options =
        PredictOptions { batch_size: Some(12), callbacks: vec![Box::new(&mut notes)], ..Default::default() };
    let found = net.predict_with(&x, options)?;
    // It was ended after the second of four batches.
    assert_eq!(found, net.predict(&x.slice(0, 24))?);
    let shape = "Some([12, 3])";
    let expected =
        ["begin Some(4)", "batch 0", &format!("end 0 {shape}"), "batch 1", &format!("end 1 {shape}"), "end"];
    assert_eq!(notes.0, expected);

    let mut notes = Notes::default();
    let options = EvaluateOptions { callbacks: vec![Box::new(&mut notes)], ..Default::default() };
    net.evaluate_with(&x, &y, options)?;
    assert_eq!(notes.0, ["test 0 true", "test 1 true"]);
    Ok(())
}
