use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] {
        let block = |x, units| x + Dense(units)(x);
        let a = block(x, 32);
        let b = block(a, 48);
        Dense(10)(b)
    }
}

fn main() {}
