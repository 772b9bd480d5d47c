use keras::prelude::*;

model! {
    Wide<const HIDDEN: usize = 64, const OUT: usize = 10>([784]) -> [OUT] =
        [Dense(HIDDEN, activation = relu), Dense(OUT)]
}

fn main() {
    let model = Model::<Wide<8, 2>>::new(Device::default());
    let y: Batch<D1<3>> = model.predict(&Batch::zeros(1)).unwrap();
}
