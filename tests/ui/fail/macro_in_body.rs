use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { println!("{x}"); Dense(10)(x) }
}

fn main() {}
