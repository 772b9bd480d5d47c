use keras::prelude::*;

model! {
    Ranker(user: [32], item: [16]) -> (score: [1], aux: [10]) {
        let x = concat(user, item);
        (Dense(1, activation = sigmoid)(x), Dense(10)(x))
    }
}

fn main() {
    let mut model = Model::<Ranker>::new(Device::default()).compile(
        Adam::new(1e-3),
        (BinaryCrossentropy::new(), SparseCategoricalCrossentropy::new()),
        (metrics![], metrics![Accuracy]),
    );
    let x = (Batch::<D1<32>>::zeros(8), Batch::<D1<16>>::zeros(8));
    let y = (Batch::<D0, u8>::zeros(8), Batch::<D1<1>>::zeros(8));
    model.fit(&x, &y).run().unwrap();
}
