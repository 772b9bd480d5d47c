use keras::prelude::*;

model! {
    Words([i32; 20]) -> [20, 4] = [Embedding(100, 4)]
}

fn main() {
    let mut model = Model::<Words>::new(Device::default());
    let x: Batch<D1<20>> = Batch::zeros(4);
    let y = model.predict(&x).unwrap();
}
