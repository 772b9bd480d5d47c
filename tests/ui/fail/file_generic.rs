use keras::prelude::*;

model! {
    Net<const N: usize = 10>([28, 28, 1]) -> [N] = "../../../../keras-macros/core/tests/imports/perceptron.json"
}

fn main() {}
