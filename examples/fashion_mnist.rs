//! Trains a small convolutional network on Fashion-MNIST to more than 0.90 test accuracy.
//!
//! `cargo run --release --example fashion_mnist` (`EPOCHS=1` for a shorter run, which is not held to the accuracy)

use keras::prelude::*;

model! {
    /// Tells clothes apart.
    pub Clothes([28, 28, 1]) -> [10] = [
        Conv2D(32, 3, padding = same, activation = relu),
        MaxPooling2D(2),
        Conv2D(64, 3, padding = same, activation = relu),
        MaxPooling2D(2),
        Flatten,
        Dropout(0.3),
        Dense(128, activation = relu),
        Dropout(0.3),
        Dense(10, activation = softmax),
    ]
}

const EPOCHS: usize = 8;

fn main() -> keras::Result<()> {
    let epochs = std::env::var("EPOCHS").ok().and_then(|n| n.parse().ok()).unwrap_or(EPOCHS);
    let (train, test) = datasets::fashion_mnist::load()?;

    let mut model = Model::<Clothes>::new(Device::default()).compile(
        Adam::new(1e-3),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    );
    println!("{}", model.summary());
    model.fit(&train.x, &train.y).epochs(epochs).batch_size(128).validation_data(&test.x, &test.y).run()?;

    let result = model.evaluate(&test.x, &test.y)?;
    println!("{result}");
    let (accuracy, expected) = (result["accuracy"], if epochs >= EPOCHS { 0.90 } else { 0.80 });
    assert!(accuracy >= expected, "the test accuracy is {accuracy}, expected at least {expected}");
    Ok(())
}
