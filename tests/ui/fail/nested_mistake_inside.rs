use keras::prelude::*;

model! { Tower(x: [6, 8]) -> [6, 8] { Dense(8)(x + y) } }

model! {
    Net(x: [6, 8]) -> [6, 8] { let t = Tower(); t(x) + t(x) }
}

fn main() {}
