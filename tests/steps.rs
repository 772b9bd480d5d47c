//! `TimeDistributed` around models, and around layers with state, and masks that a file names, in files of real Keras (`tests/steps/make.py` writes them).

mod goes_on;

use std::path::Path;

use goes_on::Case;
use keras::Registry;
use keras::losses::MeanSquaredError;
use keras::prelude::*;
use keras::training::Verbose;

/// Predictions, training, and what is saved then: statistics of each step alone, masks outside and inside, a frozen layer, penalties,
/// operations, a model in the model, two calls, any number of steps; masks that are tensors of the graph.
#[test]
fn files_of_keras_go_on() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/steps/files");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("steps");
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let names =
        ["statistics", "masked_statistics", "frozen", "one_layer", "penalties", "images", "sequences"];
    for name in names.into_iter().chain(["masks"]) {
        let mut case = Case::open(&files, name, &Registry::new());
        case.goes_on();
        case.survives(&folder.join(format!("{name}.keras")), &Registry::new());
    }
}

model! { Word([3]) -> [2] = [Dense(4, activation = tanh), BatchNormalization, Dense(2)] }
model! { Sentence([4, 3]) -> [2] = [TimeDistributed(Word), Dense(2), GlobalAveragePooling1D] }
model! { Text(x: [5, 4, 3]) -> [1] { let y = Flatten()(TimeDistributed(Sentence)(x * 2)); Dense(1)(y) } }
model! {
    Unfolded(x: [5, 4, 3]) -> [1] {
        let x = TimeDistributed(TimeDistributed(Dense(4, activation = tanh)))(x * 2);
        let x = TimeDistributed(TimeDistributed(BatchNormalization()))(x);
        let x = TimeDistributed(TimeDistributed(Dense(2)))(x);
        let x = TimeDistributed(Dense(2))(x);
        let x = Flatten()(TimeDistributed(GlobalAveragePooling1D())(x));
        Dense(1)(x)
    }
}

/// A model in source at each step is its layers at each step, when it predicts and when it learns.
#[test]
fn models_in_source_are_unfolded() -> keras::Result<()> {
    let x: Batch<D3<5, 4, 3>> =
        Batch::new((0..6 * 60).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect())?;
    let y: Batch<D1<1>> = Batch::new(vec![0.5, -1.0, 0.0, 1.5, 0.25, -0.5])?;
    let text = Model::<Text>::with_seed(Device::default(), 3);
    let mut unfolded = Model::<Unfolded>::with_seed(Device::default(), 3);
    unfolded.set_weights(&text.get_weights())?;
    let mut text = text.compile(SGD::new(0.1), MeanSquaredError::new(), metrics![]);
    let mut unfolded = unfolded.compile(SGD::new(0.1), MeanSquaredError::new(), metrics![]);
    assert_eq!(text.predict(&x)?.as_slice(), unfolded.predict(&x)?.as_slice());
    let before = text.get_weights();
    text.fit(&x, &y).epochs(3).batch_size(4).verbose(Verbose::Silent).run()?;
    unfolded.fit(&x, &y).epochs(3).batch_size(4).verbose(Verbose::Silent).run()?;
    assert!(
        before.iter().zip(text.get_weights()).all(|(before, after)| *before != after),
        "everything learns"
    );
    assert_eq!(text.get_weights(), unfolded.get_weights());
    assert_eq!(text.predict(&x)?.as_slice(), unfolded.predict(&x)?.as_slice());
    assert_eq!(Text::PARAMS, Unfolded::PARAMS);
    const { assert!(Text::TRAIN_PEAK >= Unfolded::TRAIN_PEAK && Text::PEAK >= Unfolded::PEAK) };
    Ok(())
}
