//! Trains a convolutional network on handwritten digits, saves it, and loads it again.
//!
//! `cargo run --release --example quickstart`

use keras::prelude::*;

model! {
    /// Reads a digit of 8x8 pixels.
    pub Digits([8, 8, 1]) -> [10] = [
        Conv2D(32, 3, padding = same, activation = relu),
        Conv2D(64, 3, padding = same, activation = relu),
        MaxPooling2D(2),
        Dropout(0.25),
        Flatten,
        Dense(128, activation = relu),
        Dropout(0.5),
        Dense(10, activation = softmax),
    ]
}

fn main() -> keras::Result<()> {
    let (train, test) = datasets::digits::load()?;

    let mut model = Model::<Digits>::new(Device::default()).compile(
        Adam::new(1e-3),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    );
    println!("{}", model.summary());

    let history = model
        .fit(&train.x, &train.y)
        .epochs(40)
        .batch_size(32)
        .validation_split(0.1)
        .callback(EarlyStopping::new("val_loss").patience(8).restore_best_weights(true))
        .run()?;
    println!("\nTrained for {} epochs; validation accuracy by epoch:", history.epochs().len());
    println!("{:.3?}", &history["val_accuracy"]);

    let result = model.evaluate(&test.x, &test.y)?;
    println!("On {} images that it has not seen: {result}", test.len());

    let path = std::env::temp_dir().join("digits.keras");
    model.save(&path)?;
    let mut loaded = Model::<Digits>::load(&path, Device::default())?;
    let (before, after) = (model.predict(&test.x)?, loaded.predict(&test.x)?);
    assert_eq!(before.as_slice(), after.as_slice(), "a loaded model predicts the same");
    println!("Saved to {} and loaded again: the same predictions, bit for bit.", path.display());

    let accuracy = result["accuracy"];
    assert!(accuracy >= 0.97, "the test accuracy is {accuracy}, expected at least 0.97");
    Ok(())
}
