use keras::prelude::*;

model! {
    Net(a: [8, 8, 3], b: [8, 6, 3]) -> [10] {
        let x = concat(a, b);
        Dense(10)(Flatten()(x))
    }
}

fn main() {}
