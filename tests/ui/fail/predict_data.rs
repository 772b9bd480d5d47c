use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let mut model = Model::<Mlp>::new(Device::default());
    let x: Batch<D3<32, 32, 1>> = Batch::zeros(4);
    let y = model.predict(&x).unwrap();
}
