//! Models written at run time: the same engine as models in source.

use keras::graph::{Functional, Input, KerasTensor, On, Sequential, Shared, load_model};
use keras::layers::{
    Activation as ActivationLayer, BatchNormalization, Concatenate, Conv2D, Dense, Dropout, Embedding,
    Flatten, GlobalAveragePooling1D, LSTM, Padding, TimeDistributed,
};
use keras::prelude::*;
use keras::saving::Array;
use keras::training::{EvaluateOptions, FitOptions};
use keras::{Activation, DType};

fn waves(shape: &[usize], seed: f64) -> Array {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37 + seed).sin()).collect();
    Array::of(shape.to_vec(), DType::F32, &values)
}

model! {
    Net([6, 6, 1]) -> [3] = [
        Conv2D(4, 3, padding = same, activation = relu),
        BatchNormalization,
        Flatten,
        Dropout(0.3),
        Dense(3, activation = softmax),
    ]
}

/// What `model!` expands to and what the builder makes are trained to the same bits.
#[test]
fn a_sequential_model_is_the_same_in_source_and_at_run_time() -> keras::Result<()> {
    let mut built = Sequential::new([6, 6, 1])
        .add(Conv2D::new(4, 3).padding(Padding::Same).activation(Activation::RELU))
        .add(BatchNormalization::new())
        .add(Flatten::new())
        .add(Dropout::new(0.3))
        .add(Dense::new(3).activation(Activation::SOFTMAX))
        .build_with(Device::default(), 5)?;
    built.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![]])?;
    let (x, y) = (waves(&[20, 6, 6, 1], 0.0), waves(&[20, 3], 1.0));
    let options =
        || FitOptions { epochs: 3, batch_size: Some(8), verbose: Verbose::Silent, ..FitOptions::default() };
    let built_history = built.fit(std::slice::from_ref(&x), std::slice::from_ref(&y), options())?;

    let mut typed = Model::<Net>::with_seed(Device::default(), 5).compile(
        Adam::new(0.01),
        MeanSquaredError::new(),
        metrics![],
    );
    let floats = |array: &Array| array.to_f64().iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let (tx, ty) = (Batch::<D3<6, 6, 1>>::new(floats(&x))?, Batch::<D1<3>>::new(floats(&y))?);
    let typed_history = typed.fit(&tx, &ty).epochs(3).batch_size(8).verbose(Verbose::Silent).run()?;
    assert_eq!(built_history["loss"], typed_history["loss"]);
    assert_eq!(floats(&built.predict(&[x])?[0]), typed.predict(&tx)?.as_slice());
    Ok(())
}

/// Two inputs, a shared layer, operators, several results of one call, two outputs.
fn ranker() -> keras::Result<Functional> {
    let user = Input::new([6]).name("user").tensor();
    let words = Input::new([5]).dtype(DType::I32).name("words").tensor();
    let encoder = Shared::new(Dense::new(4).activation(Activation::Tanh)).name("encoder");
    let embedded = Embedding::new(10, 6).on(&words)?;
    let states = Shared::new(LSTM::new(4).return_state(true)).all_on(&embedded)?;
    assert_eq!(states.len(), 3);
    let pooled = GlobalAveragePooling1D::new().on(&embedded)?;
    let (a, b) = (encoder.on(&user)?, encoder.on(&pooled)?);
    let mixed = (&a * &b - &states[1] / 2.0 + 1.0) * -&a;
    let both = Concatenate::new().on([&mixed, &a])?;
    let frozen = Shared::new(Dense::new(3)).name("frozen").trainable(false);
    let score = ActivationLayer::new(Activation::Sigmoid).on(&frozen.on(&both)?)?;
    Ok(Functional::new("ranker", [&user, &words], [&score, &both]))
}

fn ranker_inputs() -> [Array; 2] {
    let words: Vec<f64> = (0..30).map(|i| f64::from(i * 7 % 10)).collect();
    [waves(&[6, 6], 0.2), Array::of(vec![6, 5], DType::I32, &words)]
}

#[test]
fn a_functional_model_is_saved_and_read_again() -> keras::Result<()> {
    let mut model = ranker()?.build(Device::default())?;
    model.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![], metrics![]])?;
    let (x, y) = (ranker_inputs(), [waves(&[6, 3], 2.0), waves(&[6, 8], 3.0)]);
    let options =
        || FitOptions { epochs: 2, shuffle: Some(false), verbose: Verbose::Silent, ..FitOptions::default() };
    model.fit(&x, &y, options())?;
    let path = std::env::temp_dir().join(format!("run_time_{}.keras", std::process::id()));
    model.save(&path)?;
    let mut loaded = load_model(&path)?;
    std::fs::remove_file(&path).expect("it was written");
    assert_eq!(loaded.predict(&x)?, model.predict(&x)?);
    // Training goes on with the optimizer's state.
    assert_eq!(loaded.fit(&x, &y, options())?["loss"], model.fit(&x, &y, options())?["loss"]);
    let silent = || EvaluateOptions { verbose: Verbose::Silent, ..EvaluateOptions::default() };
    assert_eq!(loaded.evaluate(&x, &y, silent())?["loss"], model.evaluate(&x, &y, silent())?["loss"]);
    Ok(())
}

#[test]
fn a_predict_function_is_checked_once() -> keras::Result<()> {
    let mut model = ranker()?.build(Device::default())?;
    let inputs = ranker_inputs();
    let expected = model.predict(&inputs)?;
    let numbers = |array: &Array| array.to_f64().iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let shapes = inputs.each_ref().map(|array| &array.shape[..]);
    let message = |error: keras::Error| error.to_string();
    let mut function = model.make_predict_function(&shapes)?;
    let words: Vec<i32> = inputs[1].to_f64().iter().map(|word| *word as i32).collect();
    function.set_input(0, &numbers(&inputs[0]))?;
    function.set_input(1, &words)?;
    function.run()?;
    for (at, expected) in expected.iter().enumerate() {
        let mut found = vec![0f32; expected.len()];
        function.output(at, &mut found)?;
        assert_eq!(found, numbers(expected));
    }
    let short = message(function.set_input(0, &[1f32]).unwrap_err());
    assert!(short.starts_with("input 0 has ") && short.ends_with(", 1 of float32 were given"), "{short}");
    let wide = message(function.set_input(1, &vec![0f64; inputs[1].len()]).unwrap_err());
    assert!(wide.contains("of int32") && wide.ends_with("of float64 were given"), "{wide}");
    let missing = message(function.output(9, &mut [0f32]).unwrap_err());
    assert!(missing.starts_with("there is no output 9: the model has "), "{missing}");
    for shapes in [&[] as &[&[usize]], &[&[2, 6], &[3, 5]], &[&[0, 6], &[0, 5]], &[&[2, 7], &[2, 5]]] {
        assert!(model.make_predict_function(shapes).is_err(), "{shapes:?}");
    }
    Ok(())
}

/// A layer with packed weights has them inside a wrapper too.
#[test]
fn convolutions_in_tiles_run_at_each_step() -> keras::Result<()> {
    let conv = || Conv2D::new(32, 3).padding(Padding::Same);
    let mut alone = Sequential::new([6, 6, 16]).add(conv()).build_with(Device::default(), 5)?;
    let mut each =
        Sequential::new([2, 6, 6, 16]).add(TimeDistributed::new(conv())).build_with(Device::default(), 5)?;
    let x = waves(&[6, 6, 6, 16], 0.3);
    let steps = Array::of(vec![3, 2, 6, 6, 16], DType::F32, &x.to_f64());
    assert_eq!(each.predict(&[steps])?[0].to_f64(), alone.predict(&[x])?[0].to_f64());
    Ok(())
}

/// A model in source is a layer of one that is made at run time: its own layers are trained, and saved.
#[test]
fn a_model_in_source_is_part_of_one_at_run_time() -> keras::Result<()> {
    let mut model =
        Sequential::new([6, 6, 1]).add(Net::new()).add(Dense::new(2)).build_with(Device::default(), 5)?;
    model.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![]])?;
    let (x, y) = (waves(&[20, 6, 6, 1], 0.0), waves(&[20, 2], 1.0));
    let options = FitOptions { epochs: 3, verbose: Verbose::Silent, ..FitOptions::default() };
    let losses = model.fit(std::slice::from_ref(&x), std::slice::from_ref(&y), options)?["loss"].to_vec();
    assert!(losses[2] < losses[0], "{losses:?}");
    let path = std::env::temp_dir().join(format!("model_in_source_{}.keras", std::process::id()));
    model.save(&path)?;
    let read = load_model(&path).and_then(|mut read| read.predict(std::slice::from_ref(&x)));
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(read?, model.predict(&[x])?);
    Ok(())
}

#[test]
fn frozen_layers_keep_their_weights() -> keras::Result<()> {
    let mut model = ranker()?.build(Device::default())?;
    model.compile(SGD::new(0.5), MeanSquaredError::new(), [metrics![]])?;
    let weights = |model: &keras::graph::LoadedModel, layer: &str| {
        let network = model.network().expect("it is built");
        let of_it = network.variables().iter().filter(|v| v.path().starts_with(layer));
        of_it.map(|v| network.read(v)).collect::<Vec<_>>()
    };
    let before = (weights(&model, "frozen"), weights(&model, "encoder"));
    let options = FitOptions { verbose: Verbose::Silent, ..FitOptions::default() };
    model.fit(&ranker_inputs(), &[waves(&[6, 3], 2.0), waves(&[6, 8], 3.0)], options)?;
    assert_eq!(weights(&model, "frozen"), before.0);
    assert_ne!(weights(&model, "encoder"), before.1);
    Ok(())
}

#[test]
fn open_dimensions_are_decided_by_data() -> keras::Result<()> {
    let mut model =
        Sequential::new([None, Some(3)]).add(LSTM::new(4)).add(Dense::new(2)).build(Device::default())?;
    assert_eq!(model.predict(&[waves(&[2, 5, 3], 0.0)])?[0].shape, [2, 2]);
    let short = model.predict(&[waves(&[2, 4, 3], 0.0)])?;
    assert_eq!(model.predict(&[waves(&[2, 4, 3], 0.0)])?, short);
    let json = model.to_json();
    assert!(json.contains("\"batch_shape\": [null, null, 3]"), "{json}");
    // A model without an input takes what its layers take.
    let mut unbuilt = Sequential::unbuilt().add(Dense::new(2)).build(Device::default())?;
    assert_eq!(unbuilt.count_params(), None);
    assert_eq!(unbuilt.predict(&[waves(&[2, 7], 0.0)])?[0].shape, [2, 2]);
    assert_eq!(unbuilt.count_params(), Some(16));
    Ok(())
}

#[test]
fn a_model_is_compiled_before_its_shapes_are_known() -> keras::Result<()> {
    let (x, y) = (waves(&[6, 5, 3], 0.0), waves(&[6, 2], 1.0));
    let open = Sequential::new([None, Some(3)]).add(LSTM::new(4)).add(Dense::new(2));
    for model in [open, Sequential::unbuilt().add(Flatten::new()).add(Dense::new(2))] {
        let mut model = model.build(Device::default())?;
        model.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![]])?;
        let options = FitOptions { verbose: Verbose::Silent, ..FitOptions::default() };
        model.fit(std::slice::from_ref(&x), std::slice::from_ref(&y), options)?;
        assert_eq!(model.config()["compile_config"]["optimizer"]["class_name"], "Adam");
    }
    Ok(())
}

#[test]
fn mistakes_are_told_where_they_are_made() {
    let (a, b) = (Input::new([4]).name("a").tensor(), Input::new([3]).name("b").tensor());
    let text = |result: keras::Result<KerasTensor>| result.map(drop).expect_err("a mistake").to_string();
    assert_eq!(
        text(Concatenate::new().axis(2).on([&a, &b])),
        "layer `concatenate` (Concatenate): axis 2 is out of range for `[4]`"
    );
    let image = Shared::new(Conv2D::new(8, 3)).name("stem").on(&a);
    assert!(text(image).starts_with("layer `stem` (Conv2D): expects an input `[height, width, channels]`"));
    // An operator's mistake is told by the next call.
    let sum = &a + &b;
    assert!(text(Dense::new(2).on(&sum)).contains("do not broadcast"));
    let build =
        |model: Functional| model.build(Device::default()).map(drop).expect_err("a mistake").to_string();
    assert!(build(Functional::new("net", [&a], [&sum])).contains("do not broadcast"));
    let c = &b * 2.0;
    assert_eq!(
        build(Functional::new("net", [&a], [&c])),
        "model `net`: depends on `b`, which is not among its inputs"
    );
    assert_eq!(build(Functional::new("net", [&a, &a], [&a])), "model `net`: `a` is an input twice");
    let twice = |x: &KerasTensor| Shared::new(Dense::new(4)).name("one").on(x);
    let deep = twice(&a).and_then(|x| twice(&x)).expect("layers");
    assert_eq!(build(Functional::new("net", [&a], [&deep])), "model `net`: two layers are called `one`");
    let mut model = Sequential::new([4]).add(Dense::new(2)).build(Device::default()).expect("a model");
    let x = waves(&[3, 4], 0.0);
    let error = model
        .fit(std::slice::from_ref(&x), std::slice::from_ref(&x), FitOptions::default())
        .expect_err("not compiled")
        .to_string();
    assert!(error.contains("without an optimizer"), "{error}");
}
