use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] {
        let y = mean(x, axis = 5);
        let z = x[.., 9];
        exp(y) + Dense(8)(z)
    }
}

fn main() {}
