use keras::prelude::*;

model! { Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)] }

model! {
    Ranker(user: [32], item: [16]) -> (score: [1], aux: [10]) {
        let x = concat(user, item);
        (Dense(1, activation = sigmoid)(x), Dense(10)(x))
    }
}

fn main() {
    let model: Model<Ranker> = Model::<Mlp>::new(Device::default());
}
