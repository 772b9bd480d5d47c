use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let model = Model::<Mlp>::new(Device::default()).compile(
        Adam::new(1e-3),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracyy],
    );
}
