use keras::prelude::*;

model! {
    Tower([6, 8]) -> [6, 8] = [Dense(8)]
}
model! {
    Net(x: [6, 9]) -> [6, 4] { Dense(4)(Tower()(x)) }
}

fn main() {}
