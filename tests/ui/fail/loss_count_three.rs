use keras::prelude::*;

model! {
    Ranker(user: [32], item: [16]) -> (score: [1], aux: [10]) {
        let x = concat(user, item);
        (Dense(1, activation = sigmoid)(x), Dense(10)(x))
    }
}

fn main() {
    let model = Model::<Ranker>::new(Device::default()).compile(
        Adam::new(1e-3),
        (MeanSquaredError::new(), MeanSquaredError::new(), MeanSquaredError::new()),
        (metrics![], metrics![]),
    );
}
