use keras::prelude::*;

model! {
    Net([32]) -> [10] = "../../../../keras-macros/core/tests/imports/perceptron.json"
}

fn main() {}
