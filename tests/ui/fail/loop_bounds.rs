use keras::prelude::*;

const N: usize = 3;
model! {
    Net(x: [32]) -> [32] { let mut y = x; for _ in 0..N { y = Dense(32)(y); } y }
}

fn main() {}
