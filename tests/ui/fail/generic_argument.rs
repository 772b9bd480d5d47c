use keras::prelude::*;

model! {
    Wide<const HIDDEN: usize = 64, const OUT: usize = 10>([784]) -> [OUT] =
        [Dense(HIDDEN, activation = relu), Dense(OUT)]
}

fn main() {
    let _ = Model::<Wide<8, 2, 3>>::new(Device::default());
}
