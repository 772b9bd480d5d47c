use keras::prelude::*;

model! {
    Net([28, 28, 1]) -> [11] = "../../../../keras-macros/core/tests/imports/perceptron.json"
}

fn main() {}
