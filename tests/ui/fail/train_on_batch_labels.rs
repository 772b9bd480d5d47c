use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let mut model = Model::<Mlp>::new(Device::default()).compile(
        Adam::new(1e-3),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    );
    let x: Batch<D3<28, 28, 1>> = Batch::zeros(8);
    let y: Batch<D0, f64> = Batch::zeros(8);
    model.train_on_batch(&x, &y).unwrap();
}
