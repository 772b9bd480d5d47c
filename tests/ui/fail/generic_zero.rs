use keras::prelude::*;

model! {
    Wide<const HIDDEN: usize = 64, const OUT: usize = 10>([784]) -> [OUT] =
        [Dense(HIDDEN, activation = relu), Dense(OUT)]
}
keras::check!(Wide<0, 10>);

fn main() {}
