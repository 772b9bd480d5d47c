use keras::prelude::*;

model! {
    Wide<const OUT: usize = 10>([784]) -> [OUT] = [Dense(10)]
}
keras::check!(Wide<10>, Wide<31>);

fn main() {}
