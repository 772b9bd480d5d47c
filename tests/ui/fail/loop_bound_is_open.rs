use keras::prelude::*;

model! {
    Net(x: [32]) -> [32] { let mut y = x; for i in 0.. { y = Dense(32)(y); } y }
}

fn main() {}
