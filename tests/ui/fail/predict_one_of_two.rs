use keras::prelude::*;

model! {
    Ranker(user: [32], item: [16]) -> (score: [1], aux: [10]) {
        let x = concat(user, item);
        (Dense(1, activation = sigmoid)(x), Dense(10)(x))
    }
}

fn main() {
    let mut model = Model::<Ranker>::new(Device::default());
    let user: Batch<D1<32>> = Batch::zeros(4);
    let y = model.predict(&user).unwrap();
}
