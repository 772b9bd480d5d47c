use keras::prelude::*;

model! {
    Ranker(user: [32], item: [16]) -> (score: [1], aux: [10]) {
        let x = concat(user, item);
        (Dense(1, activation = sigmoid)(x), Dense(10)(x))
    }
}

fn main() {
    let mut model = Model::<Ranker>::new(Device::default());
    let (user, item) = (Batch::<D1<32>>::zeros(4), Batch::<D1<16>>::zeros(4));
    let y = model.predict(&(item, user)).unwrap();
}
