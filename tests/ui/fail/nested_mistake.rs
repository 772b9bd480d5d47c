use keras::prelude::*;

model! { Tower([6, 8]) -> [6, 8] = [Dense(9)] }

model! {
    Net(x: [6, 8]) -> [6, 8] { let t = Tower(); t(x) + t(x) }
}

fn main() {}
